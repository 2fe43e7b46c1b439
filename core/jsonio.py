"""JSON in and out: orjson for speed, the standard library where orjson would lose digits."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from typing import Any

import orjson

Json = dict[str, Any]
"""A JSON object, such as an entity."""

_DIGITS_AS_ZERO = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else 0 for byte in range(256))
_LONG_INTEGER = b"0" * 19
"""orjson turns integers beyond 64 bits into floats without a word, so texts with so many digits in a row go
to the standard library. Blanking all but digits and searching costs a fifteenth of a regular expression."""


def loads(text: bytes, parse_float: Callable[[str], Any] | None = None) -> Any:
    """Parse JSON text; ValueError (with the place) if it is none. Integers keep all their digits.

    `parse_float` is given the text of every number with a point or an exponent.
    """
    if parse_float is None and _LONG_INTEGER not in text.translate(_DIGITS_AS_ZERO):
        return orjson.loads(text)
    try:
        return json.loads(text, parse_float=parse_float, parse_constant=refuse_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


def without_bom(text: bytes) -> bytes:
    """Return `text` without the byte order mark of UTF-8 that it may begin with."""
    return text.removeprefix(codecs.BOM_UTF8)


def loads_with_halves(text: bytes) -> tuple[Any, int]:
    """Parse JSON text with escapes of half surrogate pairs, such as a text that was cut within an emoji.

    U+FFFD stands for each half. Return the value and how many texts in it had one; ValueError if it is no
    JSON, or has no such escape.
    """
    try:
        value = json.loads(text.decode(), parse_constant=refuse_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None
    whole, halves = _without_halves(value)
    if not halves:
        raise ValueError("not JSON as orjson has it")
    return whole, halves


def _without_halves(value: Any) -> tuple[Any, int]:
    if isinstance(value, str):
        whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole, int(whole != value)
    if isinstance(value, dict):
        pairs = [(_without_halves(name), _without_halves(inner)) for name, inner in value.items()]
        return {name[0]: inner[0] for name, inner in pairs}, sum(name[1] + inner[1] for name, inner in pairs)
    if isinstance(value, list):
        items = [_without_halves(item) for item in value]
        return [item for item, _ in items], sum(halves for _, halves in items)
    return value, 0


class NotJson(ValueError):
    """A constant that JSON does not have: NaN, Infinity."""


def refuse_constant(name: str) -> Any:
    """Raise NotJson; for the `parse_constant` of the standard library."""
    raise NotJson(f"{name} is not JSON")


def dumps(value: Any) -> bytes:
    """Return `value` as compact JSON in UTF-8."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def pointer(path: Any) -> str:
    """Return the JSON Pointer (RFC 6901) of a sequence of keys and indexes; the root is the empty string."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def type_name(value: Any) -> str:
    """Return JSON's name for the type of a value: null boolean integer number string array object."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")
