"""JSON text of entities: exact for every integer, canonical for hashing, streamable for long arrays.

orjson does the work. It cannot hold integers beyond 64 bits or lone surrogates, so such values go through the
standard library and are marked with one leading blank (still valid JSON), which tells `loads` where to go.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any

import orjson

from core import jsonio

_MARK = b" "
_SPACE = re.compile(r"[ \t\r\n]*")
_REFILL = 1 << 16


class MalformedJson(ValueError):
    """The text is not JSON, or not a complete JSON array: fix the sender."""


def dumps(value: object) -> bytes:
    """Canonical JSON text (keys sorted by code point, no blanks). 1, 1.0 and true stay different."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return _MARK + text.encode("ascii")


def loads(data: bytes) -> Any:
    """Return the value written by `dumps`."""
    return json.loads(data) if data.startswith(_MARK) else orjson.loads(data)


def parse(text: bytes, parse_float: Callable[[str], object] | None = None) -> Any:
    """Foreign JSON text, read exactly.

    `parse_float` is given the text of every number with a point or exponent.

    Raises MalformedJson. NaN and Infinity are not JSON and are refused.
    """
    try:
        return jsonio.loads(text, parse_float)
    except ValueError as error:
        raise MalformedJson(str(error)) from error


def parse_exact(text: bytes, parse_float: Callable[[str], object] | None = None) -> object:
    """JSON text of a caller, as `parse`, and no text of it changed: half a surrogate pair is refused, too.

    Two ids, or a secret, would else be stored as something that nobody sent. Raises MalformedJson.
    """
    try:
        jsonio.refuse_halves(text)
    except ValueError as error:
        raise MalformedJson(str(error)) from error
    return parse(text, parse_float)


def digest(data: bytes) -> bytes:
    """16-byte content hash of canonical text."""
    return blake2b(data, digest_size=16).digest()


def stable_hash(value: object) -> str:
    """32 hex digits naming any JSON value; equal over restarts."""
    return digest(dumps(value)).hex()


def iter_array(chunks: Iterable[bytes], parse_float: Callable[[str], object] | None = None) -> Iterator[Any]:
    """Elements of one JSON array, read from byte chunks with memory for about one element and one chunk.

    A single object is taken as an array of one. Raises MalformedJson, also when the text ends before the
    array does: a cut answer must never look like a short one.
    """
    source = _Text(chunks)
    decode = json.JSONDecoder(
        parse_float=parse_float or jsonio.finite,
        parse_int=jsonio.whole,
        parse_constant=jsonio.refuse_constant,
    ).raw_decode
    first = source.peek()
    if first == "{":
        yield source.element(decode)
    elif first == "[":
        source.skip()
        if source.peek() == "]":
            source.skip()
        else:
            yield from _elements(source, decode)
    else:
        raise MalformedJson(
            f"expected a JSON array, found {first!r}" if first else "expected a JSON array, found nothing"
        )
    if source.peek():
        raise MalformedJson("text after the end of the JSON array")


def _elements(source: _Text, decode: Callable[[str, int], tuple[object, int]]) -> Iterator[object]:
    while True:
        yield source.element(decode)
        mark = source.peek()
        if mark not in (",", "]"):
            raise MalformedJson(
                "the JSON array ends before it is closed" if not mark else f"unexpected {mark!r} in array"
            )
        source.skip()
        if mark == "]":
            return
        source.peek()


class _Text:
    """Decoded text of a chunk stream, with a read position."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._buffer = ""
        self._at = 0
        self._ended = False

    def peek(self) -> str:
        """Return the next character that is not blank, "" at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more(_REFILL):
                return ""

    def skip(self) -> None:
        self._at += 1

    def element(self, decode: Callable[[str, int], tuple[object, int]]) -> object:
        """Decode one value at the position; it is complete once something follows or the text has ended."""
        while True:
            try:
                value, end = decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                if isinstance(error, jsonio.NotJson) or not self._more(len(self._buffer) - self._at):
                    raise MalformedJson(str(error)) from error
                continue
            if end == len(self._buffer) and self._more(_REFILL):
                continue
            self._at = end
            return value

    def _more(self, wanted: int) -> bool:
        """Append at least `wanted` further characters if there are any; False when nothing came."""
        if self._ended:
            return False
        parts, got = [self._buffer[self._at :]], 0
        try:
            while got < max(wanted, 1) and not self._ended:
                chunk = next(self._chunks, None)
                self._ended = chunk is None
                text = self._decoder.decode(chunk or b"", final=self._ended)
                got += len(text)
                parts.append(text)
        except UnicodeDecodeError as error:
            raise MalformedJson(f"not UTF-8: {error.reason}") from error
        self._buffer, self._at = "".join(parts), 0
        return got > 0
