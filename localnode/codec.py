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


Unread = Callable[[str, str], object]
"""Gives what stands for an element that cannot be read, from its text and the reason."""


def iter_array(
    chunks: Iterable[bytes],
    parse_float: Callable[[str], object] | None = None,
    unread: Unread | None = None,
    exact: bool = False,
) -> Iterator[Any]:
    """Elements of one JSON array, read from byte chunks with memory for about one element and one chunk.

    A single object is taken as an array of one. Raises MalformedJson, also when the text ends before the
    array does: a cut answer must never look like a short one. With `unread`, an element that is no JSON, or
    that nests too deep, is what that gives, and the others are read. `exact`: one with half a surrogate pair
    is such an element, too.
    """
    source = _Text(chunks, parse_float, unread, exact)
    first = source.peek()
    if first == "{":
        yield source.element()
    elif first == "[":
        source.skip()
        if source.peek() == "]":
            source.skip()
        else:
            yield from _elements(source)
    else:
        raise MalformedJson(
            f"expected a JSON array, found {first!r}" if first else "expected a JSON array, found nothing"
        )
    if source.peek():
        raise MalformedJson("text after the end of the JSON array")


def _elements(source: _Text) -> Iterator[object]:
    while True:
        yield source.element()
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

    def __init__(
        self,
        chunks: Iterable[bytes],
        parse_float: Callable[[str], object] | None,
        unread: Unread | None,
        exact: bool,
    ) -> None:
        self._chunks = iter(chunks)
        self._decode = json.JSONDecoder(
            parse_float=parse_float or jsonio.finite,
            parse_int=jsonio.whole,
            parse_constant=jsonio.refuse_constant,
        ).raw_decode
        self._unread, self._exact = unread, exact
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._is_text = True
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

    def element(self) -> object:
        """Decode one value at the position; it is complete once something follows or the text has ended."""
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                final = isinstance(error, (jsonio.NotJson, RecursionError))
                if final and self._unread is None:
                    raise MalformedJson(_reason(error)) from error
                if not final and self._more(len(self._buffer) - self._at):
                    continue
                found = self._end() if self._unread else None
                if found is not None:
                    return self._instead(found, _reason(error))
                if final and self._more(len(self._buffer) - self._at):
                    continue
                raise MalformedJson(_reason(error)) from error
            if end == len(self._buffer) and self._more(_REFILL):
                continue
            if self._unread and (reason := self._objection(value, end)):
                return self._instead(end, reason)
            self._at = end
            return value

    def _instead(self, end: int, reason: str) -> object:
        """Go past the element that ends at `end`; returns what stands for it."""
        text, self._at = self._buffer[self._at : end], end
        return self._unread(text, reason) if self._unread else None

    def _objection(self, value: object, end: int) -> str | None:
        """Return why an element that could be decoded cannot be taken all the same."""
        if not jsonio.is_flat_text(self._buffer, self._at, end) and not jsonio.is_shallow(value):
            return f"nested more than {jsonio.MOST_LEVELS} levels deep"
        if self._is_text and not self._exact:
            return None
        text = self._buffer[self._at : end]
        try:
            jsonio.refuse_halves(text.encode())
        except UnicodeEncodeError:
            return "not UTF-8"
        except jsonio.NotJson as error:
            return str(error) if self._exact else None
        return None

    def _end(self) -> int | None:
        """Return where the element at the position ends by its brackets and quotes; None if that is not here.

        MalformedJson if one bracket is closed by another.
        """
        expected: list[str] = []
        for part in _MARKS.finditer(self._buffer, self._at):
            mark = part[0]
            if mark in "{[":
                expected.append("}" if mark == "{" else "]")
            elif mark in "]}" and expected:
                if expected.pop() != mark:
                    raise MalformedJson(f"unexpected {mark!r}")
            elif mark in ",]}" and not expected:
                if not self._buffer[self._at : part.start()].strip():
                    raise MalformedJson(f"unexpected {mark!r}")
                return part.start()
            elif mark[0] == '"' and not part["closed"]:
                return None
            if not expected and mark in "]}":
                return part.end()
        return None

    def _more(self, wanted: int) -> bool:
        """Append at least `wanted` further characters if there are any; False when nothing came."""
        if self._ended:
            return False
        parts, got = [self._buffer[self._at :]], 0
        while got < max(wanted, 1) and not self._ended:
            chunk = next(self._chunks, None)
            self._ended = chunk is None
            text = self._decoded(chunk or b"")
            got += len(text)
            parts.append(text)
        self._buffer, self._at = "".join(parts), 0
        return got > 0

    def _decoded(self, chunk: bytes) -> str:
        """Return the text of a chunk. With `unread`, a byte that is no UTF-8 is its own element's fault."""
        begun = self._decoder.getstate()[0] if self._unread and self._is_text else b""
        try:
            return self._decoder.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            if self._unread is None:
                raise MalformedJson(f"not UTF-8: {error.reason}") from error
        self._is_text = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        return self._decoder.decode(begun + chunk, final=self._ended)


_MARKS = re.compile(r'"(?:[^"\\]|\\.)*+(?P<closed>")?|[\[{\]},]', re.DOTALL)


def _reason(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)
