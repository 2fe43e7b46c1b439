"""Lists: which filters, operators, sort keys and page sizes a request may use, and the page it gets."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from core.jsonio import Json
from sandbox.chargebee import specs
from sandbox.chargebee.errors import wrong_value
from sandbox.chargebee.facts import holds, imitates
from sandbox.chargebee.forms import Field

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
_TIMESTAMP = re.compile(r"^\d{10}$")
_SIX_DAYS_S = 6 * 86_400
_NUMBER = re.compile(r"^-?\d+$")
Match = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True)
class Condition:
    """One filter: the attribute's path, the operator and its typed values."""

    path: tuple[str, ...]
    operator: str
    values: tuple[Any, ...]

    def holds(self, record: Json) -> bool:
        """Return True when the record passes; a record without the attribute passes only negations."""
        value: Any = record
        for name in self.path:
            value = value.get(name) if isinstance(value, dict) else None
        return _OPERATORS[self.operator](value, self.values)


@imitates("between-is-inclusive")
def _between(value: Any, low: int, high: int) -> bool:
    if value is None:
        return False
    return bool(low <= value <= high if holds("between-is-inclusive") else low < value < high)


_OPERATORS: dict[str, Callable[[Any, tuple[Any, ...]], bool]] = {
    "is": lambda value, wanted: value == wanted[0],
    "is_not": lambda value, wanted: value != wanted[0],
    "in": lambda value, wanted: value in wanted,
    "not_in": lambda value, wanted: value not in wanted,
    "starts_with": lambda value, wanted: isinstance(value, str) and value.startswith(wanted[0]),
    "is_present": lambda value, wanted: (value is not None) == wanted[0],
    "after": lambda value, wanted: value is not None and value > wanted[0],
    "before": lambda value, wanted: value is not None and value < wanted[0],
    "on": lambda value, wanted: value is not None and value // 86_400 == wanted[0] // 86_400,
    "between": lambda value, wanted: _between(value, *wanted),
    "lt": lambda value, wanted: value is not None and value < wanted[0],
    "lte": lambda value, wanted: value is not None and value <= wanted[0],
    "gt": lambda value, wanted: value is not None and value > wanted[0],
    "gte": lambda value, wanted: value is not None and value >= wanted[0],
}


@dataclass
class ListQuery:
    """What a list request asks for, checked against what the list offers."""

    limit: int = DEFAULT_LIMIT
    offset: tuple[int | str, str] | None = None
    sort: str | None = None
    descending: bool = False
    conditions: list[Condition] = field(default_factory=list)
    plain: dict[str, str] = field(default_factory=dict)

    @property
    def include_deleted(self) -> bool:
        """Whether tombstones are wanted."""
        return self.plain.get("include_deleted") == "true"

    def matches(self, record: dict[str, object]) -> bool:
        """Return whether a record passes every condition."""
        return all(condition.holds(record) for condition in self.conditions)

    def asks_for(self, attribute: str) -> bool:
        """Return whether a condition is about `attribute`."""
        return any(condition.path == (attribute,) for condition in self.conditions)

    def values(self, attribute: str, *operators: str) -> tuple[Any, ...] | None:
        """Return the values of the first condition on `attribute` with one of `operators`, or None."""
        for condition in self.conditions:
            if condition.path == (attribute,) and condition.operator in operators:
                return condition.values
        return None


def parse(name: str, fields: list[Field]) -> ListQuery:
    """Return the query of a list such as `GET /customers`; ApiError for anything it does not offer."""
    spec = specs.listing(name)
    query = ListQuery()
    for sent in fields:
        head = sent.path[0]
        if sent.path == ("limit",):
            query.limit = _limit(sent.text)
        elif sent.path == ("offset",):
            query.offset = decode_offset(sent.text) if holds("next-offset-leads-on") else None
        elif head == "sort_by":
            _sort(spec["sort_by"], sent, query)
        elif len(sent.path) == 1 and head in spec["plain"]:
            query.plain[head] = _plain(sent)
        else:
            query.conditions.append(_condition(spec["filters"], sent))
    if query.asks_for("webhook_status") and not query.asks_for("occurred_at"):
        query.conditions += _of_six_days()
    return query


@imitates("webhook-status-looks-back-six-days")
def _of_six_days() -> list[Condition]:
    since = int(time.time()) - _SIX_DAYS_S
    held = holds("webhook-status-looks-back-six-days")
    return [Condition(("occurred_at",), "after", (since,))] if held else []


@imitates("pages-have-10-rows")
def _limit(text: str) -> int:
    if text.isdigit() and int(text) > MAX_LIMIT and not holds("pages-have-10-rows"):
        return MAX_LIMIT
    if not text.isdigit() or not 1 <= int(text) <= MAX_LIMIT:
        raise wrong_value("limit", f"should be between 1 and {MAX_LIMIT}")
    return int(text)


@imitates("filters-differ-per-list")
def _plain(sent: Field) -> str:
    if sent.name.endswith(("_time", "_after")):
        if not _TIMESTAMP.match(sent.text):
            raise wrong_value(sent.name, "should be a timestamp in seconds (10 digits)")
    elif sent.text not in ("true", "false"):
        raise wrong_value(sent.name, "should be true or false")
    return sent.text


@imitates("filters-differ-per-list")
def _sort(known: list[str], sent: Field, query: ListQuery) -> None:
    if not known and not holds("filters-differ-per-list"):
        return
    if len(sent.path) != 2 or sent.path[1] not in ("asc", "desc") or sent.text not in known:
        allowed = (
            f"should be sort_by[asc|desc] with one of {', '.join(known)}" if known else "cannot be sorted"
        )
        raise wrong_value(sent.name, allowed)
    query.sort, query.descending = sent.text, sent.path[1] == "desc"


@imitates("filters-differ-per-list", "events-filter-by-time-and-type")
def _condition(filters: dict[str, str], sent: Field) -> Condition:
    path, operator = sent.path[:-1], sent.path[-1]
    attribute = path[0] + "".join(f"[{part}]" for part in path[1:]) if path else sent.name
    described = filters.get(attribute)
    if described is None or (attribute == "event_type" and not holds("events-filter-by-time-and-type")):
        raise wrong_value(sent.name, "is not a parameter of this list")
    kind, _, rest = described.partition(": ")
    operators, _, allowed = rest.partition(" = ")
    if operator not in operators.split():
        raise wrong_value(sent.name, f"operator should be one of {', '.join(operators.split())}")
    return Condition(path, operator, _values(kind, operator, allowed.split(), sent))


@imitates("filters-differ-per-list")
def _values(kind: str, operator: str, allowed: list[str], sent: Field) -> tuple[object, ...]:
    if operator == "is_present" or kind == "boolean":
        if sent.text not in ("true", "false"):
            raise wrong_value(sent.name, "should be true or false")
        return (sent.text == "true",)
    many = operator in ("in", "not_in", "between")
    texts = _bracketed(sent) if many else [sent.text]
    if operator == "between" and len(texts) != 2:
        raise wrong_value(sent.name, "should be [from,to]")
    if not texts or "" in texts:
        raise wrong_value(sent.name, "cannot be blank")
    return tuple(_value(kind, allowed, text, sent.name) for text in texts)


@imitates("filters-differ-per-list")
def _value(kind: str, allowed: list[str], text: str, name: str) -> object:
    if kind == "timestamp":
        if not _TIMESTAMP.match(text):
            raise wrong_value(name, "should be a timestamp in seconds (10 digits)")
        return int(text)
    if kind == "number":
        if not _NUMBER.match(text):
            raise wrong_value(name, "should be a whole number")
        return int(text)
    if kind == "enum" and allowed and text not in allowed:
        raise wrong_value(name, f"should be one of {', '.join(allowed)}")
    return text


@imitates("lists-take-any-quotes")
def _bracketed(sent: Field) -> list[str]:
    """Return the texts of `["a","b"]`; official clients also send `['a', 'b']` and `[1,2]`."""
    text = sent.text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        raise wrong_value(sent.name, "should be a list in brackets")
    readers = (orjson.loads, ast.literal_eval) if holds("lists-take-any-quotes") else (orjson.loads,)
    for read in readers:
        try:
            return [str(one) for one in read(text)]
        except (ValueError, SyntaxError):
            continue
    return [part.strip() for part in text[1:-1].split(",")]


def encode_offset(value: int | str, record_id: str) -> str:
    """Return the opaque cursor of the row that a page ended with."""
    return orjson.dumps([str(value), record_id, "n" if isinstance(value, int) else "s"]).decode()


@imitates("next-offset-leads-on")
def decode_offset(text: str) -> tuple[int | str, str]:
    """Return the place a cursor stands for; ApiError for a text that this API did not hand out."""
    try:
        value, record_id, kind = orjson.loads(text)
        return (int(value) if kind == "n" else str(value)), str(record_id)
    except (ValueError, TypeError):
        raise wrong_value("offset", "is not an offset of this list") from None
