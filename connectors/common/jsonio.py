"""JSON in and out: orjson for speed, the standard library where orjson would lose digits."""

from __future__ import annotations

import json
from typing import Any

import orjson

_SHAPE = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else 0 for byte in range(256))
_LONG_INTEGER = b"0" * 19
"""orjson turns integers beyond 64 bits into floats without a word, so texts with so many digits in a row go
to the standard library. Blanking all but digits and searching costs a fifteenth of a regular expression."""


def loads(text: bytes) -> Any:
    """Parse JSON text; ValueError (with the place) if it is none. Integers keep all their digits."""
    if _LONG_INTEGER not in text.translate(_SHAPE):
        return orjson.loads(text)
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def dumps(value: Any) -> bytes:
    """`value` as compact JSON in UTF-8."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def pointer(path: Any) -> str:
    """JSON Pointer (RFC 6901) of a sequence of keys and indexes; the root is the empty string."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def type_name(value: Any) -> str:
    """JSON's name for the type of a Python value: null boolean integer number string array object."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")
