"""A profile's field names are those of this project: one that no schema has would be lost on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.erp.profile.semantic_checks import ProfileProblem
from core.suggestions import advice

Schema = Mapping[str, Any]


def unknown_fields(spec: Mapping[str, Any], schema: Schema) -> Iterator[ProfileProblem]:
    """Names in one entity, defaults filled in, that the datatype's JSON Schema does not have."""
    yield from _mapped(spec.get("fields", {}), schema, ("fields",))
    named = {
        ("keep",): spec.get("keep", []),
        ("ignore",): spec.get("ignore", []),
        ("actions",): spec.get("actions", {}),
        ("line_keys",): spec.get("line_keys", {}),
        ("origin", "field"): [spec["origin"]["field"]] if "origin" in spec else [],
    }
    for place, names in named.items():
        for name in names:
            yield from _unknown_field(name, schema, place)


def _mapped(fields: Mapping[str, Any], schema: Schema, place: tuple[str, ...]) -> Iterator[ProfileProblem]:
    for name, field in fields.items():
        yield from _unknown_field(name, schema, (*place, name))
        if isinstance(field, Mapping) and "fields" in field:
            lines = _node(name, schema) or {}
            yield from _mapped(field["fields"], lines.get("items", {}), (*place, name, "fields"))


def _unknown_field(name: str, schema: Schema, place: tuple[str, ...]) -> Iterator[ProfileProblem]:
    if _node(name, schema) is None:
        instead = advice(name.partition(".")[0], list(schema.get("properties", {})))
        yield place, f"this datatype has no field {name}; {instead}"


def _node(name: str, schema: Schema) -> Schema | None:
    """The schema of a dotted name; None if there is no such field."""
    node: Schema = schema
    for step in name.split("."):
        properties = node.get("properties", {})
        if step in properties:
            node = properties[step]
        elif node.get("additionalProperties") in (None, False):
            return None
        else:
            node = {"additionalProperties": True}
    return node
