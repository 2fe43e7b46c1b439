"""The JSON Schemas that the services ship: what a record's properties are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.jsonio import Json
from stack.mappings.record import Record


def schema_of(root: Path, record: Record) -> Json:
    """Return the schema of a record's datatype."""
    path = root / record.system.schemas / f"{record.datatype}.schema.json"
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def node(schema: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """Return the part of a JSON Schema on the property at a path, through lists; None if there is none."""
    found: Any = schema
    for step in path.split("."):
        found = _target(schema, found)
        found = _target(schema, found.get("items", found))
        if "properties" not in found and found is not schema:
            return {}
        named = found.get("properties", {}).get(step)
        patterns = found.get("patternProperties", {}).items()
        found = named or next((each for pattern, each in patterns if re.search(pattern, step)), None)
        if found is None:
            return None
    described: Mapping[str, Any] = _target(schema, found)
    return described


def properties_of(schema: Mapping[str, Any], part: Mapping[str, Any]) -> list[str]:
    """Return the properties of an object, or of the items of a list, within a JSON Schema."""
    found: Mapping[str, Any] = _target(schema, part)
    items: Mapping[str, Any] = _target(schema, found.get("items", found))
    return list(items.get("properties", {}))


def emptying(root: Path, record: Record, path: str) -> str | None:
    """Return in words what becomes of the emptying of a property that its system does not let be emptied."""
    found = node(schema_of(root, record), path) or {}
    if not found.get("x-neverEmpty"):
        return None
    return "emptied in Chargebee only with `CHARGEBEE_SEND_EMPTY`; otherwise it is reported, both keep theirs"


def _target(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref")
    if reference is None:
        return part
    beside = {name: value for name, value in part.items() if name != "$ref"}
    return {**schema["$defs"][reference.rpartition("/")[2]], **beside}
