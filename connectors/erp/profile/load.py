"""Load a profile: check it against its schema, fill in the environment, give every entity its defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from connectors.common.errors import SettingsError
from connectors.common.jsonio import pointer
from connectors.common.settings import Environment
from connectors.erp.mapping.templates import parameters
from connectors.erp.profile.schema_messages import schema_message
from connectors.erp.profile.secret_check import find_secrets
from connectors.erp.profile.semantic_checks import semantic_checks
from connectors.erp.profile.unknown_fields import unknown_fields
from connectors.erp.schema import DATATYPES, load_schema

HERE = Path(__file__).parents[1]
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_OPERATIONS = ("get", "update", "delete")


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile ready for use: `rest` and each of `entities` as in profile.schema.json, defaults filled in.

    `absent`: the datatypes that this ERP does not have, each with the reason. `file` is where it came
    from. `address_setting` and `credentials_setting` name the environment variables to look at when the ERP
    cannot be reached or refuses.
    """

    name: str
    file: Path
    rest: Mapping[str, Any]
    entities: Mapping[str, Mapping[str, Any]]
    absent: Mapping[str, str]
    address_setting: str
    credentials_setting: str


@dataclass(slots=True)
class _Filler:
    """Puts environment variables in the place of `${NAME}`; notes secrets."""

    env: Environment
    file: str
    used: dict[str, str] = field(default_factory=dict)

    def fill(self, value: Any, place: tuple[str, ...]) -> Any:
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
        if self.env.optional(found[1]) is None:
            raise SettingsError(found[1], f"is required by the profile {self.file} at {where}")
        return self.env.secret(found[1])


def load_profile(name: str, env: Environment) -> Profile:
    """The preset of that name, or the file at that path. `SettingsError` names file, JSON Pointer and
    advice.
    """
    path = _find(name)
    document = _read(path)
    _check(path, document)
    for place, advice in find_secrets(document):
        raise SettingsError("ERP_PROFILE", f"{path} at {pointer(place)}: {advice}")
    filler = _Filler(env, path.name)
    told = document["connection"]["rest"]
    told = {**told, "headers": dict(parameters(told.get("headers", {}), {}))}
    rest = filler.fill(told, ("connection", "rest"))
    defaults = document.get("defaults", {})
    entities = {
        datatype: _complete(
            path, datatype, {**_merge(defaults, spec), "lookups": document.get("lookups", {})}
        )
        for datatype, spec in document["entities"].items()
        if _merge(defaults, spec).get("enabled", True)
    }
    absent = {
        datatype: f"the profile {document['name']} "
        + ("says enabled: false" if datatype in document["entities"] else "has no entry for it")
        for datatype in DATATYPES
        if datatype not in entities
    }
    if not entities:
        raise SettingsError("ERP_PROFILE", f"{path} at /entities: every datatype is disabled; enable one")
    secrets = [variable for where, variable in filler.used.items() if not where.endswith("_url")]
    return Profile(
        name=document["name"],
        file=path,
        rest=rest,
        entities=entities,
        absent=absent,
        address_setting=filler.used.get(
            "/connection/rest/base_url", f"{path.name} /connection/rest/base_url"
        ),
        credentials_setting=", ".join(secrets) or f"{path.name} /connection/rest/auth",
    )


def presets() -> list[str]:
    """Names of the profiles that come with the service."""
    return sorted(file.stem for file in (HERE / "profiles").glob("*.json"))


def _find(name: str) -> Path:
    path = Path(name) if "/" in name or name.endswith(".json") else HERE / "profiles" / f"{name}.json"
    if not path.is_file():
        raise SettingsError("ERP_PROFILE", f"there is no file {path}; presets are {', '.join(presets())}")
    return path


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes(), object_pairs_hook=_object)
    except ValueError as error:
        raise SettingsError("ERP_PROFILE", f"{path} cannot be read as JSON: {error}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = next(name for name in members if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"the key {twice} stands twice in one object")
    return members


@cache
def _schema() -> Draft202012Validator:
    schema = json.loads((HERE / "profile.schema.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _check(path: Path, document: Any) -> None:
    found = schema_message(_schema().iter_errors(document))
    if found is not None:
        raise SettingsError("ERP_PROFILE", f"{path} at {found[0]}: {found[1]}")


def _merge(default: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Objects key by key; one that is of another type or strategy than the default stands alone."""
    merged = dict(default)
    for name, value in own.items():
        base = merged.get(name)
        if isinstance(base, dict) and isinstance(value, dict) and _same_kind(base, value):
            merged[name] = _merge(base, value)
        else:
            merged[name] = value
    return merged


def _same_kind(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(other.get(name, one.get(name)) == one.get(name) for name in ("type", "strategy"))


def _complete(path: Path, datatype: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Every operation with its method and path, and what an entity cannot do without."""
    for what in _missing(spec):
        raise SettingsError(
            "ERP_PROFILE", f"{path} at /entities/{datatype}: {what} is missing, here and in defaults"
        )
    spec["list"] = {"path": "{path}", **spec.get("list", {})}
    spec["create"] = {"path": "{path}", "method": "POST", **spec.get("create", {})}
    methods = {"get": "GET", "update": "PATCH", "delete": "DELETE"}
    for operation in _OPERATIONS:
        spec[operation] = {"path": "{path}/{id}", "method": methods[operation], **spec.get(operation, {})}
    spec.setdefault("id", "id")
    spec.setdefault("modified", [])
    spec.setdefault("modified_format", "iso")
    spec.setdefault("deleted", {"strategy": "none"})
    for place, advice in (*semantic_checks(spec), *unknown_fields(spec, load_schema(datatype))):
        where = pointer(("entities", datatype, *place))
        raise SettingsError("ERP_PROFILE", f"{path} at {where} (or in defaults): {advice}")
    return spec


def _missing(spec: Mapping[str, Any]) -> Iterator[str]:
    if "path" not in spec:
        yield "path"
    if "paginator" not in spec:
        yield "paginator"
    if "origin" not in spec and not spec.get("read_only"):
        yield "origin (without it a repeated create makes twins; or set read_only)"
    if "incremental" in spec and not spec.get("modified"):
        yield "modified"
