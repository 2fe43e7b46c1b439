"""Chargebee's form notation: `billing_address[city]=Oslo`, `line_items[description][0]=…`, `email[is]=…`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import parse_qsl

from sandbox.chargebee.errors import invalid_request, wrong_value
from sandbox.chargebee.facts import imitates

_NAME = re.compile(r"^([A-Za-z0-9_\-]+)((?:\[[^\[\]]*\])*)$")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
FORM = "application/x-www-form-urlencoded"


class Field(NamedTuple):
    """One parameter as sent: its name split at the brackets, the name as written and the text."""

    path: tuple[str, ...]
    name: str
    text: str


@imitates("bodies-are-forms")
def decode(raw: bytes | str) -> list[Field]:
    """Return the fields of a form body or query string, in the order sent.

    ApiError for names that are none.
    """
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=False, errors="strict")
    except UnicodeDecodeError:
        raise invalid_request("The parameters are not UTF-8") from None
    return [Field(_split(name), name, value) for name, value in pairs]


@imitates("bodies-are-forms")
def _split(name: str) -> tuple[str, ...]:
    match = _NAME.match(name)
    if not match:
        raise wrong_value(name, "is not a parameter name")
    return (match.group(1), *_BRACKET.findall(match.group(2)))


def canonical(fields: Iterable[Field]) -> str:
    """Return the fields as one text that is equal for equal payloads, whatever their order on the wire."""
    return "\n".join(sorted(f"{field.name}={field.text}" for field in fields))
