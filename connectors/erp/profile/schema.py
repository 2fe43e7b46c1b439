"""The JSON Schema of a profile, made from the model: what editors read, and what a profile is checked with.

`make docs` writes it to `connectors/erp/profile.schema.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import msgspec

from connectors.erp.profile.model.base import NO_VARIABLE, ProfilePart
from connectors.erp.profile.model.connection import Auth
from connectors.erp.profile.model.datatype import Document
from connectors.erp.profile.model.reading import Deletion, Paginator, Stop
from connectors.erp.profile.model.webhooks import CallerAuth
from connectors.erp.profile.model.writing import Lock

Schema = dict[str, Any]
UNIONS = {
    "Auth": Auth,
    "Paginator": Paginator,
    "Stop": Stop,
    "Deletion": Deletion,
    "Lock": Lock,
    "CallerAuth": CallerAuth,
}
"""Objects of one of several kinds, told apart by `type` or `strategy`, by the names that they get."""

_PREFIX = "#/$defs/"
_VARIABLE = {
    "type": "string",
    "pattern": r"^\$\{[A-Z][A-Z0-9_]*\}$",
    "description": "An environment variable, ${NAME}. Secrets are never written literally.",
}
_OWN: Schema = {
    "variable": _VARIABLE,
    "login": {
        "anyOf": [
            {"$ref": f"{_PREFIX}variable"},
            {"type": "string", **NO_VARIABLE},
            {"type": ["null", "boolean", "number"]},
            {"type": "array", "items": {"$ref": f"{_PREFIX}login"}},
            {"type": "object", "additionalProperties": {"$ref": f"{_PREFIX}login"}},
        ],
    },
    "json": {
        "description": "Any JSON; no environment variables in it.",
        "anyOf": [
            {"type": ["null", "boolean", "number"]},
            {"type": "string", **NO_VARIABLE},
            {"type": "array", "items": {"$ref": f"{_PREFIX}json"}},
            {"type": "object", "additionalProperties": {"$ref": f"{_PREFIX}json"}},
        ],
    },
}
"""What JSON Schema can say of a text or a value, and Python's types can not."""


@cache
def profile_schema() -> Schema:
    """JSON Schema 2020-12 of a whole profile; everybody gets the same object, which nobody changes."""
    _, made = msgspec.json.schema_components([Document], ref_template=f"{_PREFIX}{{name}}")
    classes = {kind.__name__: kind for kind in _subclasses(ProfilePart)}
    defs = {name: _object(_tidy(schema), classes[name]) for name, schema in made.items()}
    for name, union in UNIONS.items():
        defs[name] = _union(defs, [kind.__name__ for kind in _members(union)])
    defs["DatatypeProfile"].pop("required")  # what is missing may stand in the defaults
    root = defs.pop("Document")
    alone = {kind.__name__ for union in UNIONS.values() for kind in _members(union)}
    kept = {name: schema for name, schema in defs.items() if name not in alone}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ERP profile", **root}
    return {**schema, "$defs": {**_OWN, **kept}}


def _subclasses(kind: type[ProfilePart]) -> list[type[ProfilePart]]:
    found = kind.__subclasses__()
    return [*found, *(below for each in found for below in _subclasses(each))]


def _members(union: object) -> tuple[type[ProfilePart], ...]:
    """Return the classes of a union, annotated or not."""
    parts = get_args(union)
    return parts if all(isinstance(part, type) for part in parts) else _members(parts[0])


def _object(schema: Schema, kind: type[ProfilePart]) -> Schema:
    """Return the schema of one class with what its class variables say."""
    schema.pop("title", None)
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    if not schema.get("required"):
        schema.pop("required", None)
    if kind.one_of:
        schema["oneOf"] = [{"required": [name]} for name in kind.one_of]
    if kind.at_least:
        schema["minProperties"] = kind.at_least
    for name, short in kind.short.items():
        whole = schema["properties"][name]
        said = {"description": whole.pop("description")} if "description" in whole else {}
        schema["properties"][name] = {**said, "anyOf": [dict(short), whole]}
    if kind.needs:
        schema["dependentRequired"] = {name: list(others) for name, others in kind.needs.items()}
    return schema


def _tidy(node: object) -> Any:
    """Without the nulls and empty defaults that stand for members which are not there."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "discriminator" in node:
        kept = {key: value for key, value in node.items() if key in ("description",)}
        return {"$ref": f"{_PREFIX}{_union_of(node['discriminator']['mapping'])}", **kept}
    if "properties" in node:
        members = {name: _tidy(value) for name, value in node["properties"].items()}
        return {**node, "properties": members}
    node = {name: _tidy(value) for name, value in node.items()}
    alternatives = [one for one in node.get("anyOf", []) if one != {"type": "null"}]
    if "anyOf" in node and len(alternatives) < len(node["anyOf"]):
        node.pop("anyOf")
        node = {**alternatives[0], **node} if len(alternatives) == 1 else {**node, "anyOf": alternatives}
    if isinstance(node.get("default"), dict | list | None) or node.get("default") == "":
        node.pop("default", None)
    return node


def _union_of(mapping: Mapping[str, str]) -> str:
    """Return the name of the union with these members."""
    members = {place.removeprefix(_PREFIX) for place in mapping.values()}
    return next(
        name for name, union in UNIONS.items() if {kind.__name__ for kind in _members(union)} == members
    )


def _union(defs: Mapping[str, Schema], members: list[str]) -> Schema:
    """One of several objects, each with its own word for `type` or `strategy`."""
    alternatives = []
    for name in members:
        properties = {
            key: {"const": value["enum"][0]} if key in ("type", "strategy") else value
            for key, value in defs[name]["properties"].items()
        }
        alternatives.append({**defs[name], "properties": properties})
    return {"oneOf": alternatives}
