"""Chargebee's form encoding: nested values in brackets, arrays column by column, metadata as JSON text.

https://apidocs.chargebee.com/docs/api#input_to_api. Example::

    fields({"email": None, "billing_address": {"city": "Oslo"}, "lines": [{"id": "a"}, {"id": "b"}]})
    -> [("email", ""), ("billing_address[city]", "Oslo"), ("lines[id][0]", "a"), ("lines[id][1]", "b")]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from core import jsonio

_JSON_VALUED = ("meta_data", "metadata", "exemption_details")
_NO_PART_OF_AN_ID = (
    *("", ".", "..", "delete", "void", "cancel", "reopen", "update_billing_info"),
    "record_payment",
)
"""What an id with slashes may not have between them: it would be the path of another call."""


def in_path(record_id: str) -> str:
    """Return an id as the official clients write it into a path: encoded, but for slashes.

    https://app.unpkg.com/chargebee@3.33.0/files/cjs/util.js. Where that would be the path of another call,
    the slashes are encoded as well.
    """
    is_plain = all(part not in _NO_PART_OF_AN_ID for part in record_id.split("/"))
    return quote(record_id, safe="/" if is_plain else "")


def fields(payload: Mapping[str, object]) -> list[tuple[str, str]]:
    """`payload` as form fields; None becomes an empty text or object, which clears the attribute."""
    return [pair for name, value in payload.items() for pair in _fields(name, value)]


def _fields(name: str, value: object) -> Iterator[tuple[str, str]]:
    if name in _JSON_VALUED:
        yield name, jsonio.dumps({} if value is None else value).decode()
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield f"{name}[{key}]", _text(part)
    elif isinstance(value, list):
        for index, row in enumerate(value):
            columns = row.items() if isinstance(row, Mapping) else (("", row),)
            for column, part in columns:
                yield (f"{name}[{column}][{index}]" if column else f"{name}[{index}]"), _text(part)
    else:
        yield name, _text(value)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def pointer_of(param: str) -> str:
    """Return the JSON Pointer of a parameter in Chargebee's notation: `lines[sku][1]` is `/lines/1/sku`."""
    head, *rest = param.replace("]", "").split("[")
    if rest and rest[-1].isdigit():
        rest = [rest[-1], *rest[:-1]]
    return jsonio.pointer([head, *rest])
