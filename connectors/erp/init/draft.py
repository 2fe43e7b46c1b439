"""The profile that comes of addresses of lists: asked, guessed, and said what is guessed."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from connectors.common.errors import InvalidResponse, SettingsError
from connectors.common.metrics import Metrics
from connectors.common.upstream import UpstreamClient
from connectors.erp.http.client import make_client
from connectors.erp.init import answer, words
from connectors.erp.init.answer import plain
from connectors.erp.init.fields import FieldGuesses
from connectors.erp.init.probing import Found, Probe
from connectors.erp.schema import DATATYPES, load_schema
from connectors.erp.settings import read_settings
from core.dotted import get_path
from core.suggestions import advice

Document = dict[str, Any]
AUTHS: Mapping[str, Document] = {
    "none": {"type": "none"},
    "bearer": {"type": "bearer", "token": "${ERP_TOKEN}"},
    "basic": {"type": "basic", "username": "${ERP_USERNAME}", "password": "${ERP_PASSWORD}"},
}
"""Ways to show credentials that can be asked for by name; another is written into the profile by hand."""

_SHARED = (
    "id",
    "modified",
    "modified_format",
    "timezone",
    "paginator",
    "incremental",
    "list",
    "get",
    "create",
    "null_values",
    "values",
)
_VARIABLE = re.compile("[A-Z][A-Z0-9_]*")
_PAGING = frozenset(map(plain, [*words.SIZES, *words.PAGES, *words.OFFSETS]))


def draft(
    lists: Sequence[str], auth: str | None, environ: Mapping[str, str], headers: Sequence[str] = ()
) -> tuple[Document, list[str]]:
    """Return a profile for lists given as `URL` or `DATATYPE=URL`, and what a person has to look at.

    `auth` is one of `AUTHS` or `header:NAME` for a key in that header; by default what the environment has.
    `headers` are sent besides, each as `NAME=VARIABLE`, the environment variable that holds its value.
    Asks each list some dozens of times. `SettingsError` for an address that cannot be used; any other
    `ServiceError` is what the ERP said.
    """
    named = [_named(one) for one in lists]
    base = _base([url for _, url in named])
    rest: Document = {"base_url": "${ERP_BASE_URL}", "auth": _auth(auth, environ)}
    if headers:
        rest["headers"] = dict(_header(one) for one in headers)
    client = _client(rest, {**environ, "ERP_BASE_URL": base})
    entities: dict[str, Document] = {}
    notes: list[str] = []
    for name, url in named:
        parts = urlsplit(url)
        query = {key: value for key, value in parse_qsl(parts.query) if plain(key) not in _PAGING}
        datatype = name or _datatype(parts.path)
        entity, doubts = _entity(datatype, client, parts.path[len(urlsplit(base).path) :], query)
        entities[datatype] = entity
        notes += [f"entities.{datatype}: {doubt}" for doubt in doubts]
    document: Document = {
        "profile_version": 1,
        "name": (urlsplit(base).hostname or "erp").replace(".", "-"),
        "$comment": [f"Made from what {base} answered: run with ERP_BASE_URL={base}", "To look at:", *notes],
        "connection": {"rest": rest},
        **_with_defaults(entities),
    }
    return document, notes


def _named(one: str) -> tuple[str | None, str]:
    name, equals, url = one.partition("=")
    if not equals or "/" in name or "?" in name:
        return None, _checked(one)
    if name not in DATATYPES:
        raise SettingsError("--init", f"there is no datatype {name}; {advice(name, DATATYPES)}")
    return name, _checked(url)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.strip("/"):
        raise SettingsError(
            "--init", f"{url} is not the address of a list, such as https://erp.example/api/customers"
        )
    return url


def _base(urls: Sequence[str]) -> str:
    """Return what all addresses have in common before their last part."""
    first = urlsplit(urls[0])
    folders = [urlsplit(url).path.rstrip("/").rpartition("/")[0].split("/") for url in urls]
    common = [parts[0] for parts in zip(*folders, strict=False) if len(set(parts)) == 1]
    if any(urlsplit(url)[:2] != first[:2] for url in urls):
        raise SettingsError("--init", "the lists are on several hosts; a profile is about one")
    return f"{first.scheme}://{first.netloc}{'/'.join(common)}"


def _datatype(path: str) -> str:
    last = plain(path.rstrip("/").rpartition("/")[2].split(".")[0])
    for datatype, known in words.DATATYPES.items():
        if last in known:
            return datatype
    for datatype, known in words.DATATYPES.items():
        if last.endswith(tuple(known)):
            return datatype
    asked = f"{DATATYPES[0]}=URL"
    raise SettingsError("--init", f"{path} may be any of {', '.join(DATATYPES)}: name it, as in {asked}")


def _auth(auth: str | None, environ: Mapping[str, str]) -> Document:
    if auth is not None and auth.startswith("header:"):
        return {
            "type": "api_key",
            "in": "header",
            "name": auth.removeprefix("header:"),
            "key": "${ERP_TOKEN}",
        }
    if auth is not None:
        if auth not in AUTHS:
            raise SettingsError("--auth", f"{auth} is none of {', '.join(AUTHS)}, header:NAME")
        return AUTHS[auth]
    if environ.get("ERP_USERNAME"):
        return AUTHS["basic"]
    return AUTHS["bearer" if environ.get("ERP_TOKEN") else "none"]


def _header(one: str) -> tuple[str, str]:
    name, _, variable = one.partition("=")
    if not name or not _VARIABLE.fullmatch(variable):
        said = "is not NAME=VARIABLE, such as X-Tenant=ERP_TENANT with the value in that environment variable"
        raise SettingsError("--header", said)
    return name, f"${{{variable}}}"


def _client(rest: Document, environ: Mapping[str, str]) -> UpstreamClient:
    """Return a client that shows credentials as the profile will; the smallest profile there is gives it."""
    entity = {
        "path": "/x",
        "modified": ["x"],
        "paginator": {"type": "single"},
        "incremental": {"order": "none"},
    }
    seed = {"profile_version": 1, "name": "draft", "connection": {"rest": rest}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "draft.json"
        file.write_text(json.dumps({**seed, "entities": {DATATYPES[0]: {**entity, "read_only": True}}}))
        return make_client(read_settings({**environ, "ERP_PROFILE": str(file)}), Metrics())


def _entity(
    datatype: str, client: UpstreamClient, path: str, query: Mapping[str, str]
) -> tuple[Document, list[str]]:
    first = client.call("GET", path, operation="init", params=query)
    probe = Probe(client, path, query, first)
    if not probe.records:
        raise InvalidResponse(f"{path} has no list of records; name a list that has some")
    notes: list[str] = []
    entity: Document = {"path": path}
    found = probe.settle(answer.keys_of(probe.records, path.rpartition("/")[2]))
    if probe.key is None:
        notes.append("id: no field tells all records apart")
    elif probe.key != "id":
        entity["id"] = probe.key
    listing: Document = {"records": probe.place} if probe.place else {}
    if query:
        listing["query"] = dict(query)
    records = _singly(entity, listing, probe, found, notes)
    shown: list[str] = []
    stamp = _stamps(entity, probe.records, shown)
    if stamp is None:
        # Then only the record itself may show it.
        _stamps(entity, records, notes)
    else:
        notes += shown
    entity["paginator"], doubt = probe.paginator()
    total = entity["paginator"].get("stop", {})
    if total.get("type") == "total":
        listing["count"] = {"path": total["path"]}
    if doubt is not None:
        entity["paginator"]["$comment"] = f"GUESSED: {doubt}"
        notes.append(f"paginator: {doubt}")
    entity["incremental"] = (probe.filter(stamp) if stamp is not None else None) or {"order": "none"}
    if stamp is not None and "param" in entity["incremental"]:
        if unit := answer.unit_of([get_path(one, stamp) for one in probe.records]):
            entity["incremental"]["overlap_seconds"] = unit
    else:
        notes.append(
            "incremental: no filter for changed records was found, so each read reads the whole list"
        )
    if listing:
        entity["list"] = listing
    entity["deleted"] = answer.deletion_of(probe.records) or {"strategy": "none"}
    if entity["deleted"]["strategy"] == "none":
        notes.append("deleted: nothing shows which records are deleted")
    _map(datatype, entity, probe, records, notes)
    return entity, notes


def _stamps(entity: Document, records: Sequence[answer.Record], notes: list[str]) -> str | None:
    """Note where records say when they changed, and give the field to filter by."""
    stamps = answer.stamps_of(records)
    form = answer.form_of_stamps([get_path(one, stamps[0]) for one in records]) if stamps else None
    if not stamps or form is None:
        notes.append("modified: no field looks like a change timestamp")
        return None
    alike = [
        one for one in stamps if answer.form_of_stamps([get_path(record, one) for record in records]) == form
    ]
    entity["modified"] = alike
    if form != "iso":
        entity["modified_format"] = form
    if form == "iso_naive" or (form.startswith("%") and "%z" not in form):
        entity["timezone"] = "UTC"
        notes.append("timezone: the timestamps have no offset; set the ERP's time zone, such as Europe/Oslo")
    return alike[0]


def _singly(
    entity: Document, listing: Document, probe: Probe, found: Found | None, notes: list[str]
) -> list[answer.Record]:
    """Note how one record is read; gives the records to map fields from."""
    if found is None:
        notes.append("get: no address of one record was found")
        return probe.records
    if probe.common:
        entity["query"] = listing.pop("query")
    get = {"path": found.path} if found.path != "{path}/{id}" else {}
    if found.at:
        get["record"] = found.at
        entity["create"] = {"record": found.at}
    if get:
        entity["get"] = get
    update: Document = {}
    if "ETag" in found.headers:
        update["lock"] = {"type": "if_match", "header": "ETag"}
    elif "@odata.etag" in found.record:
        update["lock"] = {"type": "if_match", "path": "@odata.etag"}
    if found.path != "{path}/{id}":
        update["path"] = found.path
        entity["delete"] = {"path": found.path}
    if update:
        entity["update"] = update
    if not probe.tells_of_none(found.path):
        notes.append("get: a missing record is not answered 404; add a rule to connection.rest.errors")
    shown = {name for name, value in answer.leaves(probe.records[0]) if value is not None}
    more = [name for name, value in answer.leaves(found.record) if value is not None and name not in shown]
    if more:
        listing["detail"] = True
        notes.append(
            f"list.detail: the list shows a summary; only the record itself has {', '.join(more[:6])}"
        )
        return [found.record, *probe.more(found)]
    return probe.records


def _map(
    datatype: str, entity: Document, probe: Probe, records: Sequence[answer.Record], notes: list[str]
) -> None:
    deletion = entity["deleted"].get("field")
    taken = [name for name in (probe.key, *entity.get("modified", [])[:1], deletion) if name is not None]
    if any(value == "" for record in records for _, value in answer.leaves(record)):
        entity["null_values"] = [""]
    guesses = FieldGuesses(load_schema(datatype), records, taken)
    fields = {"modified_at": {"from": "@modified"}, **guesses.fields}
    values = {
        form: {
            **made,
            **({"timezone": entity["timezone"]} if form == "datetime" and "timezone" in entity else {}),
        }
        for form, made in guesses.values.items()
    }
    if values:
        entity["values"] = values
    if guesses.line_key is not None:
        entity["line_keys"] = {"lines": guesses.line_key}
    notes += guesses.notes
    wanted = [name for name in load_schema(datatype).get("required", []) if name not in fields]
    notes += [f"fields.{name}: nothing looks like it, and every {datatype} has one" for name in wanted]
    origin = next((path for path in guesses.left if any(word in plain(path) for word in words.ORIGIN)), None)
    lookup = probe.looks_up(origin) if origin is not None else None
    if lookup is None:
        entity["read_only"] = True
        said = "no field looks like it" if origin is None else f"the ERP does not find records by {origin}"
        notes.append(f"read_only: writing needs an origin, where the counterpart's key is kept: {said}")
    else:
        entity["origin"] = {"field": words.LINK, "query": lookup}
        fields[words.LINK] = origin
        notes.append(f"origin: GUESSED that {origin} may keep the counterpart's key")
    entity["fields"] = fields
    if guesses.without_place:
        entity["ignore"] = guesses.without_place
        notes.append("ignore: these fields are lost when the sync writes them; map them, if the ERP has them")
    left = [path for path in guesses.left if path != origin]
    if left:
        entity["$comment"] = f"Not mapped: {', '.join(left)}"


def _with_defaults(entities: Mapping[str, Document]) -> Document:
    """Take what all entities have alike into `defaults`."""
    first = next(iter(entities.values()))
    alike = {
        name: first[name]
        for name in _SHARED
        if name in first
        and len(entities) > 1
        and all(one.get(name) == first[name] for one in entities.values())
    }
    own = {
        name: {key: value for key, value in one.items() if key not in alike} for name, one in entities.items()
    }
    return {**({"defaults": alike} if alike else {}), "entities": own}
