"""One page of a list: from the query to `{"list": […], "next_offset": …}`."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from core.jsonio import Json
from sandbox.chargebee.facts import holds, imitates
from sandbox.chargebee.lists import ListQuery, encode_offset
from sandbox.chargebee.records import EVENTS_OF, in_context, public
from sandbox.common.state import Range, Record, Row, State

DEFAULT_SORT = {
    "customer": "created_at",
    "order": "created_at",
    "invoice": "date",
    "item": "name",
    "item_price": "name",
    "item_family": "id",
    "event": "occurred_at",
    "business_entity_transfer": "created_at",
    "webhook_endpoint": "id",
}
_KEPT_S = 90 * 86_400
"""How long events stay where they are not kept for ever."""

_NEWEST_FIRST = ("event",)
_SELECTIVE = {
    "customer": ("id", "email", "business_entity_id"),
    "item_family": ("id", "name"),
    "item": ("id", "name", "item_family_id"),
    "item_price": ("id", "name", "item_id"),
    "invoice": ("id", "customer_id"),
    "order": ("id", "invoice_id"),
    "event": ("id",),
}
"""Attributes whose `is` and `in` filters are answered from an index instead of a walk over the whole list."""


def page(state: State, kind: str, query: ListQuery, context: str | None = None) -> Json:
    """Return the answer to a list request; `context` is the business entity that it is limited to."""

    def wanted(record: Record) -> bool:
        return query.matches(record) and _is_listed(kind, record, query) and in_context(record, context)

    sort, descending = _order(kind, query)
    rows = list(islice(_rows(state, kind, query, sort, descending, wanted), query.limit + 1))
    answer: dict[str, Any] = {"list": [{kind: public(row.record)} for row in rows[: query.limit]]}
    if len(rows) > query.limit:
        answer["next_offset"] = encode_offset(*rows[query.limit - 1].place)
    return answer


@imitates("oldest-first")
def _order(kind: str, query: ListQuery) -> tuple[str, bool]:
    if query.sort is None:
        return DEFAULT_SORT[kind], kind in _NEWEST_FIRST or not holds("oldest-first")
    return query.sort, query.descending


@imitates("deleted-on-request", "deleted-catalogue-by-status")
def _is_listed(kind: str, record: Record, query: ListQuery) -> bool:
    """Tombstones show with `include_deleted` or, in the catalogue, when the filter names their status."""
    if kind == "event":
        return _is_kept(record)
    if not record.get("deleted"):
        return True
    if query.include_deleted and holds("deleted-on-request"):
        return True
    if kind in ("item", "item_price") and holds("deleted-catalogue-by-status"):
        return "deleted" in (query.values("status", "is", "in") or ())
    return False


@imitates("default-entity-has-no-event", "events-are-kept")
def _is_kept(event: Record) -> bool:
    if event.get("_of_default") and holds("default-entity-has-no-event"):
        return False
    return holds("events-are-kept") or event["occurred_at"] > time.time() - _KEPT_S


def _rows(
    state: State,
    kind: str,
    query: ListQuery,
    sort: str,
    descending: bool,
    wanted: Callable[[Record], bool],
) -> Iterator[Row]:
    for attribute in _SELECTIVE.get(kind, ()):
        values = query.values(attribute, "is", "in")
        if values is not None:
            return _selected(state, kind, attribute, values, query, sort, descending, wanted)
    first, last = query.values(sort, "between") or (None, None)
    part = Range(first=first, last=last, after=query.offset, descending=descending)
    types = query.values("event_type", "is", "in")
    if kind == "event" and types:
        streams = [state.scan(kind, EVENTS_OF + event_type, part) for event_type in dict.fromkeys(types)]
        merged = heapq.merge(*streams, key=lambda row: row.place, reverse=descending)
        return (row for row in merged if wanted(row.record))
    return (row for row in state.scan(kind, sort, part) if wanted(row.record))


def _selected(
    state: State,
    kind: str,
    attribute: str,
    values: tuple[Any, ...],
    query: ListQuery,
    sort: str,
    descending: bool,
    wanted: Callable[[Record], bool],
) -> Iterator[Row]:
    """Return the few records that an index finds, brought into the list's order."""
    rows = [
        Row(row.record, row.record.get(sort, 0), row.id)
        for value in dict.fromkeys(values)
        for row in state.scan(kind, attribute, Range(first=value, last=value))
        if wanted(row.record)
    ]
    rows.sort(key=lambda row: row.place, reverse=descending)
    if query.offset is None:
        return iter(rows)
    place = query.offset
    return (row for row in rows if (row.place < place if descending else row.place > place))
