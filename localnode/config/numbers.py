"""Decimals as the vendor's JSON writes them, `"~f0.1"`, where a setting wants a number.

Configs that a hosted node has handed out have them (recorded in public projects): its numbers are decimals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localnode.config.schemas import Schema

_DECIMAL = re.compile(r"~f(-?\d{1,15}(\.\d{1,15})?)", re.ASCII)
_NUMBERS = ("number", "integer")


def with_numbers(value: object, schema: Schema) -> Any:
    """Copy a config value with numbers for tagged decimals, at the places where `schema` has numbers."""
    if not schema:
        return value
    if isinstance(value, str):
        return _number(value) if _wants_number(schema) else value
    if isinstance(value, Mapping):
        known, others = schema.get("properties") or {}, schema.get("additionalProperties")
        rest = others if isinstance(others, Mapping) else {}
        return {name: with_numbers(inner, dict(known.get(name, rest))) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_numbers(inner, schema.get("items") or {}) for inner in value]
    return value


def _wants_number(schema: Schema) -> bool:
    kinds = schema.get("type", [])
    wanted = kinds if isinstance(kinds, list) else [kinds]
    choices = [choice for name in ("anyOf", "oneOf") for choice in schema.get(name, ())]
    return any(kind in _NUMBERS for kind in wanted) or any(_wants_number(choice) for choice in choices)


def _number(text: str) -> object:
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return text
    return float(match[1]) if match[2] else int(match[1])
