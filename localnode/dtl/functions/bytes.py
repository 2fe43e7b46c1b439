"""Bytes, shown as base64."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from localnode.dtl.decorators import mapped, plain
from localnode.dtl.kinds import INVALID
from localnode.dtl.values import BYTES, first, kind, to_bytes


def bytes_of(value: Any) -> bytes | None:
    """Return the bytes that a value is, or None."""
    return to_bytes(value[2:]) if kind(value) == BYTES else None


def bytes_value(content: bytes) -> str:
    """Bytes as a value."""
    return f"~b{b64encode(content).decode()}"


@mapped("bytes", over="texts")
def bytes_(value: str) -> str:
    """Map-style: the string as bytes, in utf-8."""
    return bytes_value(value.encode("utf-8", "surrogatepass"))


@mapped("base64-encode", over="any")
def base64_encode(value: Any) -> object:
    """Map-style over bytes: their base64 text."""
    return value[2:] if kind(value) == BYTES else INVALID


@mapped("base64-decode", over="texts")
def base64_decode(value: str) -> object:
    """Map-style: the bytes of a base64 text; other values are dropped."""
    content = to_bytes(value)
    return INVALID if content is None else bytes_value(content)


@plain("is-bytes", signature="VALUES")
def is_bytes(values: object) -> bool:
    """Return True if the value, or the first of a list, is bytes."""
    return kind(first(values)) == BYTES
