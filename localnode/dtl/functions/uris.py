"""URIs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from localnode.dtl.decorators import mapped, plain
from localnode.dtl.kinds import ABSENT
from localnode.dtl.values import URI, first, kind


@mapped("uri", over="texts")
def uri(value: str) -> str:
    """Map-style: the string as a URI, without any escaping."""
    return f"~r{value}"


@mapped("url-quote", signature="[SAFE:string] VALUES", over="strings")
def url_quote(safe: Any) -> Callable[[str], str]:
    """Map-style: the string percent-encoded as UTF-8.

    Letters, digits, `_.-~` and the SAFE characters stay as they are.

    Letters, digits, `_.-~` and the SAFE characters stay as they are.
    """
    kept = "" if safe is ABSENT else safe
    return lambda value: quote(value, safe=kept, errors="replace")


@mapped("url-unquote", over="strings")
def url_unquote(value: str) -> str:
    """Map-style: the string with percent-encoding undone; bytes that are not utf-8 become U+FFFD."""
    return unquote(value)


@plain("is-uri", signature="VALUES")
def is_uri(values: object) -> bool:
    """Return True if the value, or the first of a list, is a URI."""
    return kind(first(values)) == URI
