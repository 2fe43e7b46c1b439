"""The reference page of ERP profiles, made from the model: every key, what it holds and what it means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from connectors.erp.profile.schema import profile_schema

SCHEMA = Path(__file__).resolve().parent.parent / "connectors/erp/profile.schema.json"
SECTIONS = {
    "Rest": "connection.rest",
    "Auth": "connection.rest.auth",
    "DatatypeProfile": "entities.…, and defaults",
    "ListCall": "list, deleted.ids, deleted.log",
    "Paginator": "paginator",
    "Stop": "paginator.stop",
    "ChildSpec": "children.…",
    "Condition": "where, when: conditions",
    "FieldSpec": "fields.…",
    "ItemSpec": "items.…",
    "PartSpec": "parts.…",
    "TransitionStep": "actions.….….…: a step",
    "Get": "get",
    "Create": "create",
    "Update": "update",
    "Delete": "delete",
    "Lock": "update.lock",
    "Deletion": "deleted",
    "LookupSpec": "lookups.…",
    "Webhooks": "webhooks",
    "CallerAuth": "webhooks.auth",
    "EventValue": "webhooks.id, webhooks.datatype.from",
    "Values": "values",
}
"""The parts of a profile that have a table of their own, by their names in the schema; the others are shown
where they are used.
"""
Schema = Mapping[str, Any]


class Undescribed(Exception):
    """A key of the schema has no description."""


def schema_text() -> str:
    """Return the JSON Schema as it is in its file: a line for each key of each part."""
    return _lines(profile_schema(), 4) + "\n"


def _lines(node: Any, depth: int, above: str = "") -> str:
    if depth == 0 or not isinstance(node, Mapping) or not node:
        return json.dumps(node, ensure_ascii=False)
    inner = above + "  "
    members = [f"{inner}{json.dumps(key)}: {_lines(value, depth - 1, inner)}" for key, value in node.items()]
    return "{\n" + ",\n".join(members) + f"\n{above}}}"


def page() -> Iterator[str]:
    """Yield the lines of the page; `Undescribed` names a key that says nothing of itself."""
    schema = profile_schema()
    defs = schema["$defs"]
    yield from (
        "# ERP profiles",
        "",
        f"Every key of a profile, as `{SCHEMA.relative_to(SCHEMA.parents[2])}` has it. What to do with them:",
        "[Write a profile](../howto/write-a-profile.md).",
        "",
        schema["description"],
        "",
    )
    yield from _table("profile", schema, defs)
    for name, title in SECTIONS.items():
        yield from ("", f"## {title}", "")
        if defs[name].get("description"):
            yield from (defs[name]["description"], "")
        yield from _section(name, defs[name], defs)
    templates = defs["ListCall"]["properties"]["query"]["description"]
    yield from ("", "## Templates", "", templates)
    yield from ("", "## Stamps", "", defs["DatatypeProfile"]["properties"]["modified_format"]["description"])


def _section(name: str, node: Schema, defs: Schema) -> Iterator[str]:
    if "properties" in node:
        yield from _table(name, node, defs)
        return
    for alternative in node["oneOf"]:
        members = alternative["properties"]
        kind = members.get("type") or members["strategy"]
        yield from (f"### {SECTIONS[name].rpartition('.')[2]}: {kind['const']}", "")
        if "description" in alternative:
            yield from (alternative["description"], "")
        rest = {key: value for key, value in members.items() if key not in ("type", "strategy", "$comment")}
        if rest:
            yield from _table(f"{name} {kind['const']}", {**alternative, "properties": rest}, defs)
            yield ""


def _table(where: str, node: Schema, defs: Schema) -> Iterator[str]:
    yield from ("| key | holds | meaning |", "|---|---|---|")
    yield from _rows(where, node, defs, "")


def _rows(where: str, node: Schema, defs: Schema, above: str) -> Iterator[str]:
    for key, value in node["properties"].items():
        if key in ("$schema", "$comment"):
            continue
        needed = " (required)" if key in node.get("required", []) else ""
        meaning = _cell(_meaning(where, key, value, defs))
        yield f"| `{above}{key}`{needed} | {_holds(value, defs)} | {meaning} |"
        inner, mark = _inside(value)
        if inner and inner not in SECTIONS and "properties" in defs[inner]:
            yield from _rows(where, defs[inner], defs, f"{above}{key}{mark}.")


def _inside(value: Schema) -> tuple[str, str]:
    """Return the name of the object that a key holds, be it one of several; and how that is written."""
    for node, mark in (
        (value, ""),
        (value.get("items", {}), "[]"),
        (value.get("additionalProperties", {}), ".…"),
    ):
        for one in _alternatives(node) if isinstance(node, Mapping) else ():
            if "$ref" in one:
                return _name(one), mark
    return "", ""


def _alternatives(node: Schema) -> list[Schema]:
    return [node, *node.get("anyOf", [])]


def _name(node: Schema) -> str:
    return str(node["$ref"]).rpartition("/")[2]


def _meaning(where: str, key: str, value: Schema, defs: Schema) -> str:
    said = [value, *(defs[_name(node)] for node in _alternatives(value) if "$ref" in node)]
    found = next((node["description"] for node in said if "description" in node), None)
    if not found:
        raise Undescribed(f"{where}: {key} has no description in the model")
    default = value.get("default")
    return str(found) if default is None else f"{found} Default: `{json.dumps(default)}`."


def _holds(value: Schema, defs: Schema) -> str:
    if "enum" in value:
        return " ".join(f"`{word}`" for word in value["enum"])
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "$ref" in value:
        return _holds(defs[_name(value)], defs)
    if "type" in value:
        kinds = value["type"] if isinstance(value["type"], list) else [value["type"]]
        return " or ".join(kinds)
    alternatives = value.get("oneOf") or value.get("anyOf")
    if alternatives:
        return " or ".join(dict.fromkeys(_holds(each, defs) for each in alternatives))
    return "anything"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
