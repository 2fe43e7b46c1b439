"""Read and write JSON: orjson for speed, the standard library if orjson would lose digits or refuse a text.

`loads` is for requests: the whole text is valid JSON, or none of it is read. `salvage` is for answers of
other systems: an invalid value becomes `Unusable` in its place, so that one record does not harm the others.
`read` is for text that people and templates write. All three agree on what a number is.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Callable
from typing import Any

import orjson

Json = dict[str, Any]
"""A JSON object, such as an entity."""

Pairs = Callable[[list[tuple[str, Any]]], Json]
"""Makes an object of its keys and values."""

_DIGITS_AS_ZERO = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else 0 for byte in range(256))
_LONG_INTEGER = b"0" * 19
"""orjson turns integers beyond 64 bits into floats without a word, so texts with so many digits in a row go
to the standard library. Blanking all but digits and searching costs a fifteenth of a regular expression."""

_MOST_DIGITS = 1000
"""Digits of an integer that are read; the time that more would take grows with their square."""

MOST_LEVELS = 200
"""Levels that `salvage` keeps of what is nested without end; more than any limit that is checked later."""

_NESTING = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)

_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


class NotJson(ValueError):
    """The text has something that is not JSON, or more than is read: NaN, 1e999, endless digits."""


class Unusable:
    """Stands for a value that is not JSON; `text` is the original text.

    It is not a dataclass, because orjson would silently write that out.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def loads(text: bytes | bytearray, parse_float: Callable[[str], object] | None = None) -> Any:
    """Parse JSON text; ValueError (with the place) if it is invalid. Integers keep all their digits.

    U+FFFD replaces half a surrogate pair, as at the end of a text that was cut within an emoji. `parse_float`
    receives the text of every number with a point or an exponent.
    """
    if parse_float is None and _LONG_INTEGER not in text.translate(_DIGITS_AS_ZERO):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            # Refused is also half a surrogate pair, which as an escape is JSON (RFC 8259, section 8.2).
            if b"\\u" not in text:
                raise
    return _parse(_without_halves(text.decode()), parse_float or finite, refuse_constant, whole)


def read(text: str, pairs: Pairs | None = None) -> Any:
    """Parse JSON text like `loads`, but keep half a surrogate pair for the caller to judge.

    `pairs` builds the objects, and may refuse a repeated key. ValueError if the text is not JSON.
    """
    return _parse(text, finite, refuse_constant, whole, pairs)


def salvage(text: bytes | bytearray) -> object:
    """Parse the answer of another system; ValueError only if the structure itself is not JSON.

    NaN, numbers too large for a double and endless integers become `Unusable`; nesting is cut off at 200
    levels. A byte that is not UTF-8 becomes half a surrogate pair, because the intended character is unknown.
    A byte order mark is ignored (RFC 8259, section 8.1).
    """
    told = _without_halves(text.decode("utf-8", "surrogateescape").removeprefix("\ufeff"))
    return _parse(_without_depths(told), _or_unusable(finite), Unusable, _or_unusable(whole))


def is_flat_text(text: str | bytes | bytearray, start: int = 0, end: int | None = None) -> bool:
    """Return whether a JSON text has too few brackets to nest deeper than `MOST_LEVELS`."""
    square, curly = (b"[", b"{") if isinstance(text, bytes | bytearray) else ("[", "{")
    return text.count(square, start, end) + text.count(curly, start, end) <= MOST_LEVELS  # type: ignore[arg-type]


def values_in(text: bytes | bytearray) -> int:
    """Return how many values a JSON text has at most."""
    return text.count(b",") + text.count(b"[") + text.count(b"{") + 1


def is_shallow(value: object) -> bool:
    """Return whether a value has no more levels than `salvage` keeps; orjson reads 1,024 and writes 254."""
    try:
        orjson.dumps(value)
        return True
    except TypeError:  # too deep, or an integer beyond 64 bits
        level = [value]
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return not level


def without_bom(text: bytes | bytearray) -> bytes | bytearray:
    """Return `text` without a leading byte order mark of UTF-8."""
    return text.removeprefix(codecs.BOM_UTF8)


def _parse(
    text: str,
    parse_float: Callable[[str], object],
    parse_constant: Callable[[str], object],
    parse_int: Callable[[str], object],
    pairs: Pairs | None = None,
) -> object:
    try:
        return json.loads(
            text,
            parse_float=parse_float,
            parse_constant=parse_constant,
            parse_int=parse_int,
            object_pairs_hook=pairs,
        )
    except RecursionError:
        raise NotJson("nested too deep") from None


def refuse_halves(text: bytes | bytearray) -> None:
    """Raise NotJson for half a surrogate pair: such a text cannot be stored unchanged."""
    if b"\\u" in text:
        for found in _ESCAPE.finditer(text.decode(errors="replace")):
            if found["half"]:
                raise NotJson(f"{found['half']} is half of a surrogate pair and no character")


def _without_halves(text: str) -> str:
    """Return JSON text in which the escape of U+FFFD replaces every escape of half a surrogate pair."""
    return _ESCAPE.sub(lambda found: "\\ufffd" if found["half"] else found[0], text)


def _without_depths(text: str) -> str:
    """Return JSON text in which NaN replaces every value deeper than `MOST_LEVELS`."""
    kept, done, depth, begins = [], 0, 0, 0
    for match in _NESTING.finditer(text):
        mark = text[match.start()]
        if mark in "[{":
            depth += 1
            if depth == MOST_LEVELS + 1:
                begins = match.start()
        elif mark in "]}":
            if depth == MOST_LEVELS + 1:
                kept += [text[done:begins], "NaN"]
                done = match.end()
            depth -= 1
    return "".join([*kept, text[done:]])


def finite(text: str) -> float:
    """Return a number with a point or an exponent; NotJson if it is too large for a double."""
    value = float(text)
    if math.isinf(value):
        raise NotJson(f"{text[:40]} is too large a number")
    return value


def whole(text: str) -> int:
    """Return a number without point and exponent; NotJson if it has more digits than are read."""
    if len(text) > _MOST_DIGITS:
        raise NotJson(f"a number of {len(text)} digits; at most {_MOST_DIGITS} are read")
    return int(text)


def refuse_constant(name: str) -> object:
    """Raise NotJson; for the `parse_constant` of the standard library."""
    raise NotJson(f"{name} is not JSON")


def _or_unusable(parse: Callable[[str], object]) -> Callable[[str], object]:
    def parse_what_can_be(text: str) -> object:
        try:
            return parse(text)
        except NotJson:
            return Unusable(text[:40])

    return parse_what_can_be


def dumps(value: object) -> bytes:
    """Return `value` as compact JSON in UTF-8, including half surrogates and integers of any size."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def pointer(path: Any) -> str:
    """Return the JSON Pointer (RFC 6901) of a sequence of keys and indexes; the root is the empty string."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def type_name(value: object) -> str:
    """Return JSON's name for the type of a value: null boolean integer number string array object."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")
