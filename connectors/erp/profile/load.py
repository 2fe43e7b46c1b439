"""Load a profile: check it against its schema, fill in the environment, give every entity its defaults."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from connectors.common.errors import SettingsError
from connectors.common.settings import Environment
from connectors.erp.mapping.templates import names, parameters
from connectors.erp.profile.checks import VALUES, Checked, problems, webhook_problems
from connectors.erp.profile.model.base import Template
from connectors.erp.profile.model.connection import Rest
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import LookupSpec
from connectors.erp.profile.model.webhooks import CallerAuth, Webhooks
from connectors.erp.profile.schema import profile_schema
from connectors.erp.profile.secret_check import find_secrets
from connectors.erp.schema import DATATYPES, load_schema
from core import jsonio
from core.jsonio import Json, pointer
from core.schema_messages import explain

HERE = Path(__file__).parents[1]
PROFILES = HERE / "profiles"
"""The profiles that come with the service."""
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LISTS_OF_DELETIONS = {"full_compare": ("ids",), "lookup": ("ids", "log"), "log": ("log",)}
_NO_SECRETS = ("_url", "/keep_in")
_CALLS = ("list", "get", "create", "update", "delete")


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile ready for use: typed, defaults filled in, the environment's values in their places.

    `absent`: the datatypes that this ERP does not have, each with the reason. `file` is where it came from.
    `webhooks`: how events of the ERP are taken, None for not at all; `no_webhooks` says then why.
    `address_setting` and `credentials_setting` name the environment variables to look at when the ERP cannot
    be reached or refuses.
    """

    name: str
    file: Path
    rest: Rest
    entities: Mapping[str, DatatypeProfile]
    lookups: Mapping[str, LookupSpec]
    absent: Mapping[str, str]
    webhooks: Webhooks | None
    no_webhooks: str
    address_setting: str
    credentials_setting: str


@dataclass(slots=True)
class _Filler:
    """Puts environment variables in the place of `${NAME}`; notes secrets."""

    env: Environment
    file: str
    used: dict[str, str] = field(default_factory=dict)

    def fill(self, value: object, place: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {name: self.fill(item, (*place, name)) for name, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*place, str(at))) for at, item in enumerate(value)]
        found = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            return value
        where = pointer(place)
        self.used[where] = found[1]
        if place[-1] in ("base_url", "token_url"):
            return self.env.url(found[1])
        if place[-1] == "keep_in":
            return self._file_to_write(found[1])
        if self.env.optional(found[1]) is None:
            raise SettingsError(found[1], f"is required by the profile {self.file} at {where}")
        return self.env.secret(found[1])

    def _file_to_write(self, name: str) -> str:
        """Return the path in a variable; `SettingsError` if no such file can be written."""
        path = Path(self.env.optional(name) or "")
        if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise SettingsError(name, "must be the path of a file in a folder that this service may write to")
        return str(path)


def load_profile(name: str, env: Environment) -> Profile:
    """Return the preset of that name, or the file at that path.

    `SettingsError` names file, JSON Pointer and advice.
    """
    path = _find(name)
    document = _read(path)
    _check(path, document)
    for place, advice in find_secrets(document):
        raise SettingsError("ERP_PROFILE", f"{path} at {pointer(place)}: {advice}")
    filler = _Filler(env, path.name)
    rest = filler.fill(_with_plain_headers(document["connection"]["rest"]), ("connection", "rest"))
    document = _with_variables(path, document, rest.get("variables", {}))
    lookups = msgspec.convert(document.get("lookups", {}), dict[str, LookupSpec])
    entities = _entities(path, document, lookups)
    webhooks, why = _webhooks(path, document, entities, filler)
    secrets = [variable for where, variable in filler.used.items() if not where.endswith(_NO_SECRETS)]
    return Profile(
        name=document["name"],
        file=path,
        rest=msgspec.convert(rest, Rest),
        entities=entities,
        lookups=lookups,
        absent=_absent(document, entities),
        webhooks=webhooks,
        no_webhooks=why,
        address_setting=filler.used.get(
            "/connection/rest/base_url", f"{path.name} /connection/rest/base_url"
        ),
        credentials_setting=", ".join(secrets) or f"{path.name} /connection/rest/auth",
    )


def presets() -> list[str]:
    """Return names of the profiles that come with the service."""
    return sorted(file.stem for file in PROFILES.glob("*.json"))


def _find(name: str) -> Path:
    path = Path(name) if "/" in name or name.endswith(".json") else PROFILES / f"{name}.json"
    if not path.is_file():
        raise SettingsError("ERP_PROFILE", f"there is no file {path}; presets are {', '.join(presets())}")
    return path


def _read(path: Path) -> Any:
    try:
        return jsonio.read(path.read_text(encoding="utf-8-sig"), _object)
    except ValueError as error:
        raise SettingsError("ERP_PROFILE", f"{path} cannot be read as JSON: {error}") from None


def _object(pairs: list[tuple[str, object]]) -> Json:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = next(name for name in members if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"the key {twice} appears twice in one object")
    return members


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(profile_schema())


def _check(path: Path, document: object) -> None:
    found = _schema_message(_validator().iter_errors(document))
    if found is not None:
        raise SettingsError("ERP_PROFILE", f"{path} at {found[0]}: {found[1]}")


def _with_plain_headers(rest: Mapping[str, object]) -> Json:
    """Return the connection with its headers written out.

    This comes before anything of the environment gets in there.
    """
    headers = msgspec.convert(rest.get("headers", {}), dict[str, Template])
    return {**rest, "headers": dict(parameters(headers, {}))}


def _with_variables(path: Path, document: Any, variables: Mapping[str, Any]) -> Any:
    """Return the document with the values of `connection.rest.variables` in the places of their names."""
    values: dict[str, Any] = {}
    for name, given in variables.items():
        place = f"{path} at /connection/rest/variables/{name}"
        if name in VALUES or not _NAME.fullmatch(name):
            raise SettingsError(
                "ERP_PROFILE", f"{place}: choose another name; {{{name}}} is taken or no name"
            )
        text, form = (
            (given["value"], given.get("type", "text")) if isinstance(given, dict) else (given, "text")
        )
        if "{" in text or (form == "integer" and not text.isdigit()):
            raise SettingsError("ERP_PROFILE", f"{place}: the value has a brace, or is not a whole number")
        values[name] = int(text) if form == "integer" else text
    return {
        key: _put_in(value, values) if key in ("defaults", "entities", "lookups") else value
        for key, value in document.items()
    }


def _put_in(node: object, values: Mapping[str, object], is_path: bool = False) -> object:
    if isinstance(node, dict):
        return {key: _put_in(value, values, key == "path") for key, value in node.items()}
    if isinstance(node, list):
        return [_put_in(value, values) for value in node]
    if not isinstance(node, str) or not values:
        return node
    if node[1:-1] in values and node == f"{{{node[1:-1]}}}":
        return values[node[1:-1]]
    for name, value in values.items():
        node = node.replace(f"{{{name}}}", quote(str(value), safe="") if is_path else str(value))
    return node


def _entities(
    path: Path, document: Mapping[str, Any], lookups: Mapping[str, LookupSpec]
) -> dict[str, DatatypeProfile]:
    """Return the datatypes that are there and enabled.

    `SettingsError` for what is wrong with one, or if none is.
    """
    merged = {
        datatype: _merge(document.get("defaults", {}), own) for datatype, own in document["entities"].items()
    }
    there = {
        datatype: _entity(path, datatype, spec, lookups)
        for datatype, spec in merged.items()
        if datatype in DATATYPES and spec.get("enabled", True)
    }
    if not there:
        raise SettingsError("ERP_PROFILE", f"{path} at /entities: every datatype is disabled; enable one")
    return there


def _webhooks(
    path: Path, document: Mapping[str, Any], entities: Mapping[str, DatatypeProfile], filler: _Filler
) -> tuple[Webhooks | None, str]:
    """Return how webhooks are taken, or why none are; `SettingsError` where only some variables are set."""
    given = document.get("webhooks")
    if given is None:
        return None, f"the profile {document['name']} has no webhooks"
    keys = [given["id"]] if isinstance(given["id"], dict) else given["id"]
    spec = msgspec.convert({**given, "id": keys}, Webhooks)
    for place, advice in webhook_problems(spec, entities):
        raise SettingsError("ERP_PROFILE", f"{path} at {pointer(place)}: {advice}")
    wanted = sorted(set(_VARIABLE.findall(json.dumps(given))))
    if all(filler.env.optional(name) is None for name in wanted):
        return None, f"set {', '.join(wanted)} and NODE_URL"
    auth = _Filler(filler.env, filler.file).fill(given["auth"], ("webhooks", "auth"))
    return msgspec.structs.replace(spec, auth=msgspec.convert(auth, CallerAuth)), ""


def _absent(document: Mapping[str, Any], entities: Mapping[str, DatatypeProfile]) -> dict[str, str]:
    said = {True: "says enabled: false", False: "has no entry for it"}
    return {
        datatype: f"the profile {document['name']} {said[datatype in document['entities']]}"
        for datatype in DATATYPES
        if datatype not in entities
    }


_MAPS = frozenset(
    {"fields", "items", "parts", "children", "query", "headers", "new", "map", "back", "actions"}
)
"""Members whose keys are names of the ERP or of this project, so that `type` there is no kind."""


def _merge(default: Mapping[str, object], own: Mapping[str, object]) -> Json:
    """Objects key by key; one that is of another type or strategy than the default stands alone."""
    merged = dict(default)
    for name, value in own.items():
        base = merged.get(name)
        merged[name] = value
        if isinstance(base, dict) and isinstance(value, dict) and (name in _MAPS or _same_kind(base, value)):
            merged[name] = _merge(base, value)
    return merged


def _same_kind(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    return all(other.get(name, one.get(name)) == one.get(name) for name in ("type", "strategy"))


def _entity(
    path: Path, datatype: str, spec: dict[str, object], lookups: Mapping[str, LookupSpec]
) -> DatatypeProfile:
    """Return the typed entity.

    `SettingsError` for what it cannot do without, and for what contradicts itself.
    """
    for need in ("path", "paginator"):
        if need not in spec:
            raise _wrong(path, datatype, (), f"{need} is missing")
    entity = msgspec.convert(_spread(spec), DatatypeProfile)
    for place, advice in problems(Checked(entity, lookups, load_schema(datatype))):
        raise _wrong(path, datatype, place, advice)
    return entity


def _wrong(path: Path, datatype: str, place: tuple[str, ...], advice: str) -> SettingsError:
    where = pointer(("entities", datatype, *place))
    return SettingsError("ERP_PROFILE", f"{path} at {where} (or in defaults): {advice}")


def _spread(spec: Mapping[str, Any]) -> Json:
    """Return the entity with what its calls have in common written into each of them.

    Query, list, paginator.
    """
    common = spec.get("query", {})
    spread = dict(spec)
    for call in _CALLS:
        own = spec.get(call, {})
        own = {"allowed": False} if own is False else own
        spread[call] = {**own, "query": {**common, **own.get("query", {})}}
    if isinstance(detail := spread["list"].get("detail"), bool):
        spread["list"] = {**spread["list"], "detail": {} if detail else None}
    create = spread["create"]
    if isinstance(create.get("body"), dict) and "record" not in names(create["body"]):
        rest = {name: value for name, value in create.items() if name != "body"}
        spread["create"] = {**rest, "new": {**create["body"], **create.get("new", {})}}
    if isinstance(spec.get("id"), str):
        spread["id"] = [spec["id"]]
    spread["children"] = {
        name: {"paginator": spec["paginator"], **child} for name, child in spec.get("children", {}).items()
    }
    deleted = spec.get("deleted", {"strategy": "none"})
    listed = _LISTS_OF_DELETIONS.get(deleted["strategy"], ())
    summary = {key: value for key, value in spread["list"].items() if key != "detail"}
    lists = {name: _like(summary, deleted.get(name, {})) for name in listed}
    if "if_any" in deleted:
        lists["if_any"] = _like(summary, deleted["if_any"])
    return {**spread, "deleted": {**deleted, **lists}}


def _like(listing: Mapping[str, Any], own: Mapping[str, Any]) -> Json:
    """Return a list like the datatype's own, but for what `own` says otherwise.

    One of another path has a query of its own, and no count that is not its own.
    """
    if "path" in own:
        kept = {key: value for key, value in listing.items() if key != "count"}
        return {**kept, "query": {}, **own}
    return {**listing, **own, "query": {**listing["query"], **own.get("query", {})}}


_SECRETS = "/connection/rest/auth/"
_ADVICE = "secrets are never written into a profile; put it in the environment and write ${NAME} here"


def _schema_message(errors: Iterable[ValidationError]) -> tuple[str, str] | None:
    """Return JSON Pointer and text of the error that is deepest in the document; None if there is none."""
    found = sorted(errors, key=lambda error: len(error.absolute_path), reverse=True)
    if not found:
        return None
    finding = next(explain(found[0]))
    where = pointer(finding.path) or "/"
    if where.startswith(_SECRETS) and finding.rule in ("pattern", "type") and "url" not in where:
        return where, _ADVICE
    return where, finding.text
