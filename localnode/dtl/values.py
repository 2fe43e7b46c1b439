"""What values mean.

The kinds of the data model, transit strings, equality, canonical keys and the mixed ordering.

Entities are plain JSON; an extension value is a transit string (`"~:ns:id"` is a namespaced identifier) and
is only looked into when a function needs to. Inside expressions every value is such a JSON value, with one
addition: `Text`, a string that looks like a transit string and is not one (`json-parse` of
`"\\"~rhttp://x/\\""`). It becomes an ordinary string when it is put on a target, since the data model has no
way of escaping it.

That integers, floats and decimals of the same value differ in `eq`, `in`, `distinct`, the set functions and
joins (or not: the reading `numbers`) is decided in `key_of` and `same`, and nowhere else.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode
from collections.abc import Callable, Hashable
from decimal import Context, Decimal
from typing import Any

from core.jsonio import Json
from localnode.dtl.budget import spend_items
from localnode.dtl.timestamps import parse_timestamp
from localnode.readings import reads

MAX_EXPONENT = 6144
"""Decimals beyond 10^±6144 (the range of IEEE decimal128) are not taken for numbers."""

_LONGEST_NUMBER = 2 * MAX_EXPONENT + 20

Kind = str
NULL, BOOLEAN, INTEGER, FLOAT, DECIMAL = "null", "boolean", "integer", "float", "decimal"
DATE, DATETIME, UUID, NI, URI, STRING = "date", "datetime", "uuid", "ni", "uri", "string"
DICT, LIST, BYTES = "dict", "list", "bytes"

RANK = {
    NULL: 0, BOOLEAN: 1, INTEGER: 2, FLOAT: 2, DECIMAL: 2, DATE: 3, DATETIME: 3, UUID: 4, NI: 5, URI: 6,
    STRING: 7,    DICT: 8, LIST: 9, BYTES: 10,
}  # fmt: skip

_PLAIN_KINDS = {type(None): NULL, bool: BOOLEAN, int: INTEGER, float: FLOAT, list: LIST, dict: DICT}
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,6})?", re.ASCII)
_ESCAPE = "\x01"
ESCAPED = ("~", _ESCAPE)
"""What plain strings do not begin with: those that do may have a key that is not the string itself."""

EXACT = Context(prec=2 * MAX_EXPONENT, Emax=999_999, Emin=-999_999)
"""Decimal arithmetic that does not round numbers of any length that can be written down."""


class Text(str):
    """A string that only looks like a transit string."""

    __slots__ = ()


def text(value: str) -> str:
    """`value` as a string, even if it looks like a transit string."""
    return Text(value) if value[:1] == "~" and tag_kind(value) != STRING else value


def tag_kind(value: str) -> Kind:
    """Return the kind of a string that starts with `~`.

    An unknown tag, or a tag before nonsense, makes a plain string.
    """
    tag, payload = value[1:2], value[2:]
    if not payload and tag != "b":
        return STRING
    if tag == ":":
        return NI
    if tag == "r":
        return URI
    if tag == "t" and (stamp := parse_timestamp(payload)):
        return DATE if stamp.is_date else DATETIME
    if tag == "u" and _UUID.fullmatch(payload):
        return UUID
    if tag == "f" and to_decimal(payload) is not None:
        return DECIMAL
    if tag == "b" and to_bytes(payload) is not None:
        return BYTES
    return STRING


def kind(value: object) -> Kind:
    """Return the kind of a value in the terms of the data model."""
    if type(value) is str:
        return tag_kind(value) if value[:1] == "~" else STRING
    return _PLAIN_KINDS.get(type(value), STRING)


def is_string(value: Any) -> bool:
    """Return whether a value is a string; namespaced identifiers, URIs and other tagged values are not."""
    if type(value) is str:
        return value[:1] != "~" or tag_kind(value) == STRING
    return type(value) is Text


def to_decimal(digits: str) -> Decimal | None:
    """Return the decimal that a text spells (`12`, `-1.5`, `1E2`), or None."""
    if len(digits) > _LONGEST_NUMBER or not _DECIMAL.fullmatch(digits):
        return None
    number = Decimal(digits)
    return number if not number or abs(number.adjusted()) <= MAX_EXPONENT else None


def to_bytes(payload: str) -> bytes | None:
    """Return the bytes that a base64 text stands for, or None."""
    try:
        return b64decode(payload, validate=True)
    except ValueError:
        return None


def decimal_value(number: Decimal) -> str:
    """Return a decimal as a value: always in plain digits, with the scale it has."""
    return f"~f{number:f}" if reads("decimal-scale", "kept") else _decimal_key(number)


def as_list(value: object) -> list[Any]:
    """Coercion to a list: a list as it is, null has no values, anything else is one value."""
    if type(value) is list:
        return value
    return [] if value is None else [value]


def with_one_id(entity: Json) -> bool:
    """Let the first string of several values be the `_id`; False if such an entity is to be left out."""
    if type(entity.get("_id")) is list:
        if not reads("id-list", "first"):
            return False
        entity["_id"] = next((one for one in entity["_id"] if type(one) is str), entity["_id"])
    return True


def first(value: Any) -> Any:
    """Return the first value of a list (null if empty), or the value itself."""
    if type(value) is list:
        return value[0] if value else None
    return value


def truthy(value: object) -> bool:
    """Return False for exactly `false`, `null` and `[]`."""
    return value is not False and value is not None and value != []


SHAREABLE = frozenset({str, int, float, bool, type(None)})
"""Types whose values cannot change and need no `own`."""


def own(value: Any) -> Any:
    """Return a copy that shares nothing that can change with `value`, fit for an output entity."""
    kind_of = type(value)
    if kind_of is dict:
        return _own_dict(value)
    if kind_of is list:
        return [item if type(item) in SHAREABLE else _own_part(item) for item in value]
    return str(value) if kind_of is Text else value


def _own_dict(value: Json) -> Json:
    made = value.copy()
    for key, item in value.items():
        if type(item) not in SHAREABLE:
            made[key] = _own_part(item)
    return made


def _own_part(value: Any) -> Any:
    """`own` of what is within a list or dict: only there can parts be the same ones again and again."""
    kind_of = type(value)
    if kind_of is Text:
        return str(value)
    spend_items(len(value))
    return _own_dict(value) if kind_of is dict else own(value)


def same(a: Any, b: Any) -> bool:
    """Exact equality of two values: same kind, same value (`1`, `1.0` and `true` differ.

    `~f1` and `~f1.0` do not).
    """
    kind_of = type(a)
    if kind_of is not type(b):
        return reads("numbers", "equal") and _is_number(a) and _is_number(b) and key_of(a) == key_of(b)
    if kind_of is str:
        return a == b or (a[:1] == "~" == b[:1] and key_of(a) == key_of(b))
    if kind_of is list:
        spend_items(len(a))
        return len(a) == len(b) and all(map(same, a, b))
    if kind_of is dict:
        spend_items(len(a))
        return a.keys() == b.keys() and all(same(item, b[key]) for key, item in a.items())
    return bool(a == b)


def key_of(value: Any) -> str:
    """Return a string that two values share exactly if they are the `same`.

    The key of a plain string is that string.
    """
    kind_of = type(value)
    if kind_of is str:
        lead = value[:1]
        if lead == "~":
            return _tagged_key(value)
        return f"{_ESCAPE}s{value}" if lead == _ESCAPE else value
    return _KEYS.get(kind_of, _text_key)(value)


def hashed(value: Any) -> Hashable:
    """Return what two values share exactly if they are the `same`, as `key_of`, to look up in memory.

    Lists and dicts need not be written as text for that, which is what takes `key_of` its time.
    """
    kind_of = type(value)
    if kind_of is list:
        spend_items(len(value))
        return _LIST_MARK, *[
            item if type(item) is str and item[:1] not in ESCAPED else hashed(item) for item in value
        ]
    if kind_of is dict:
        spend_items(len(value))
        return _DICT_MARK, *[(name, hashed(value[name])) for name in sorted(value)]
    return key_of(value)


_LIST_MARK, _DICT_MARK = True, False


def _tagged_key(value: str) -> str:
    """Return the normal form of a transit string: equal times, numbers and UUIDs are written alike."""
    tagged = tag_kind(value)
    if tagged == DECIMAL:
        return _decimal_key(Decimal(value[2:]))
    if tagged == DATETIME:
        return f"{_ESCAPE}t{_nanoseconds(value)}"
    return value.lower() if tagged == UUID else value


def _decimal_key(number: Decimal) -> str:
    return f"~f{number.normalize(EXACT) + 0:f}"


def _integer_key(value: int) -> str:
    return _decimal_key(Decimal(value)) if reads("numbers", "equal") else f"{_ESCAPE}i{value}"


def _float_key(value: float) -> str:
    if reads("numbers", "equal") and math.isfinite(value):
        return _decimal_key(Decimal(repr(value)))
    return f"{_ESCAPE}f{value + 0.0!r}"


def _is_number(value: object) -> bool:
    return kind(value) in (INTEGER, FLOAT, DECIMAL)


def _list_key(value: list[object]) -> str:
    return f"{_ESCAPE}l{json.dumps([_normal(item) for item in value])}"


def _dict_key(value: dict[str, object]) -> str:
    return f"{_ESCAPE}d{json.dumps([[key, _normal(value[key])] for key in sorted(value)])}"


def _normal(value: object) -> object:
    """Return a value within a list or dict: lists and dicts as such, all else as its key.

    Written once, at the end: a key within a key within a key would double its escapes at each level.
    """
    if type(value) is list:
        spend_items(len(value))
        return [_normal(item) for item in value]
    if type(value) is dict:
        spend_items(len(value))
        return {key: _normal(value[key]) for key in sorted(value)}
    return key_of(value)


def _text_key(value: str) -> str:
    return f"{_ESCAPE}s{value}"


_KEYS: dict[type, Callable[[Any], str]] = {
    int: _integer_key,
    bool: lambda value: f"{_ESCAPE}b{value:d}",
    float: _float_key,
    type(None): lambda value: f"{_ESCAPE}n",
    list: _list_key,
    dict: _dict_key,
}


def order_key(value: Any) -> tuple[int, Any]:
    """Sort key of the mixed type ordering.

    Null, booleans, numbers, times, UUIDs, NIs, URIs, strings, dicts, lists, bytes; numbers by value whatever
    their kind, strings by code point.
    """
    name = kind(value)
    rank = RANK[name]
    if name == DECIMAL:
        return rank, Decimal(value[2:])
    if name in (DATE, DATETIME):
        return rank, _nanoseconds(value)
    if name == UUID:
        return rank, value.lower()
    if name == DICT:
        spend_items(len(value))
        return rank, tuple((key, order_key(value[key])) for key in sorted(value))
    if name == LIST:
        spend_items(len(value))
        return rank, tuple(order_key(item) for item in value)
    if name == BYTES:
        return rank, to_bytes(value[2:])
    return rank, 0 if value is None else value


def _nanoseconds(value: str) -> int:
    stamp = parse_timestamp(value[2:])
    return stamp.nanoseconds if stamp else 0
