"""The reference page of ERP profiles, made from their JSON Schema: every key, what it holds and means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).resolve().parent.parent / "connectors/erp/profile.schema.json"
SECTIONS = (
    ("rest", "connection.rest"),
    ("auth", "connection.rest.auth"),
    ("entity", "An entity, and defaults"),
    ("list", "list, deleted.ids, deleted.log"),
    ("paginator", "paginator"),
    ("stop", "paginator.stop"),
    ("child", "children.…"),
    ("conditions", "where, when: conditions"),
    ("value", "fields.…: a value"),
    ("lines", "fields.…: a list of lines"),
    ("item", "items.…"),
    ("part", "parts.…"),
    ("step", "actions.….….…: a step"),
    ("operation", "get, parts.….update"),
    ("lock", "update.lock"),
    ("deletion", "deleted"),
    ("lookup", "lookups.…"),
    ("typed", "values"),
)
SchemaNode = Mapping[str, Any]


class Undescribed(Exception):
    """A key of the schema has no description."""


def page() -> Iterator[str]:
    """The lines of the page; `Undescribed` names a key that says nothing of itself."""
    schema = json.loads(SCHEMA.read_bytes())
    defs = schema["$defs"]
    yield from (
        "# ERP profiles",
        "",
        f"Every key of `{SCHEMA.relative_to(SCHEMA.parents[2])}`. What to do with them:",
    )
    yield from ("[Write a profile](../howto/write-a-profile.md).", "", schema["description"], "")
    yield from _table("profile", schema, defs)
    for name, title in SECTIONS:
        yield from ("", f"## {title}", "")
        if defs[name].get("description"):
            yield from (defs[name]["description"], "")
        yield from _section(name, defs[name], defs)
    yield from ("", "## Templates", "", defs["templates"]["description"])
    yield from ("", "## Stamps", "", defs["stamp"]["description"])


def _section(name: str, node: SchemaNode, defs: SchemaNode) -> Iterator[str]:
    if "properties" in node:
        yield from _table(name, node, defs)
    elif "items" in node:
        yield from _table(name, node["items"], defs)
    for alternative in node.get("oneOf", []) if "properties" not in node else []:
        kind = alternative["properties"].get("type") or alternative["properties"]["strategy"]
        said = " · ".join(kind.get("enum", [kind.get("const")]))
        yield from (f"### {name}: {said}", "")
        if "description" in alternative:
            yield from (alternative["description"], "")
        rest = {
            key: value for key, value in alternative["properties"].items() if key not in ("type", "strategy")
        }
        if rest:
            yield from _table(f"{name} {said}", {**alternative, "properties": rest}, defs)
            yield ""


def _table(where: str, node: SchemaNode, defs: SchemaNode) -> Iterator[str]:
    yield from ("| key | holds | meaning |", "|---|---|---|")
    yield from _rows(where, node, defs, "")


def _rows(where: str, node: SchemaNode, defs: SchemaNode, above: str) -> Iterator[str]:
    for key, value in node["properties"].items():
        if key == "$schema":
            continue
        needed = " (required)" if key in node.get("required", []) else ""
        meaning = _cell(_meaning(where, key, value, defs))
        yield f"| `{above}{key}`{needed} | {_holds(value, defs)} | {meaning} |"
        if "properties" in value:
            yield from _rows(where, value, defs, f"{above}{key}.")
        elif "properties" in value.get("items", {}):
            yield from _rows(where, value["items"], defs, f"{above}{key}[].")


def _meaning(where: str, key: str, value: SchemaNode, defs: SchemaNode) -> str:
    found = value.get("description") or _target(value, defs).get("description")
    if not found:
        raise Undescribed(f"{where}: {key} has no description in the schema")
    return str(found)


def _holds(value: SchemaNode, defs: SchemaNode) -> str:
    if "enum" in value:
        return " ".join(f"`{word}`" for word in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if "type" in value:
        kinds = value["type"] if isinstance(value["type"], list) else [value["type"]]
        return " or ".join(kinds)
    alternatives = value.get("oneOf") or value.get("anyOf")
    if alternatives:
        return " or ".join(dict.fromkeys(_holds(each, defs) for each in alternatives))
    target = _target(value, defs)
    return _holds(target, defs) if target else "anything"


def _target(value: SchemaNode, defs: SchemaNode) -> SchemaNode:
    reference = value.get("$ref", "")
    found: SchemaNode = defs[reference.rpartition("/")[2]] if reference else {}
    return found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
