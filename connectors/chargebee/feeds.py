"""Where changes are read from: a list with an `updated_at` filter, or the events of some types.

A feed turns a window of time into upstream pages. The first load has no window start and is unfiltered:
records that were never touched since 2016 have no `updated_at`, and every `updated_at` filter drops them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.chargebee.client import Chargebee
from connectors.chargebee.tokens import Window
from connectors.chargebee.writes import Params
from connectors.common.datatype import Record
from connectors.common.errors import InvalidResponse
from core.jsonio import Json

_LARGEST = 100
"""Rows of a page at most, https://apidocs.chargebee.com/docs/api/list-ops."""


@dataclass(frozen=True, slots=True)
class Page:
    """One upstream page: records with the second that each changed, and the next page's offset."""

    rows: list[tuple[int, Record]]
    next_offset: str | None


class Pages:
    """Pages of one list: smaller ones after an answer that broke off, cannot be read or is too large."""

    def __init__(self, client: Chargebee, path: str, operation: str) -> None:
        self._client = client
        self._path = path
        self._operation = operation
        self._most = _LARGEST

    def page(self, params: Params, offset: str | None, limit: int) -> Json:
        """Return the answer with up to `limit` rows from `offset` on.

        Where it is still no answer for a single row, the error is raised. What worked is doubled next time.
        """
        if offset:
            params = [*params, ("offset", offset)]
        limit = min(limit, self._most)
        while True:
            asked = [("limit", str(limit)), *params]
            try:
                attempts = 2 if limit > 1 else None
                body = self._client.get(self._path, asked, operation=self._operation, attempts=attempts)
            except InvalidResponse:
                if limit == 1:
                    raise
                limit = self._most = max(1, limit // 4)
            else:
                self._most = min(_LARGEST, 2 * self._most)
                return body

    def all(self, params: Params, limit: int) -> Iterator[Json]:
        """Yield the answers of all pages; `InvalidResponse` if the list would never end."""
        seen: set[str] = set()
        offset: str | None = None
        while True:
            body = self.page(params, offset, limit)
            yield body
            offset = next_offset(body)
            if offset is None:
                return
            if offset in seen:
                raise InvalidResponse("Chargebee gave the same next_offset twice; the list would never end")
            seen.add(offset)


class ListFeed:
    """A list that can be sorted by `updated_at`, such as `/customers`."""

    def __init__(self, client: Chargebee, resource: str, kind: str, deleted_too: Params) -> None:
        """`deleted_too`: the parameters that show deleted records too.

        The first load needs them too: what has a counterpart that was deleted is not shared again.
        """
        self._pages = Pages(client, f"/{resource}", f"list {kind}")
        self._kind = kind
        self._deleted_too = deleted_too

    def page(self, window: Window, offset: str | None, limit: int) -> Page:
        """One page of the window, in the order of `updated_at`."""
        params = [("sort_by[asc]", "updated_at"), *self._deleted_too]
        if window.start is not None:
            params.append(("updated_at[between]", between(window.start, window.end)))
        body = self._pages.page(params, offset, limit)
        rows = [(seconds(record.get("updated_at")), record) for record in records(body, self._kind)]
        return Page(rows, next_offset(body))


class EventFeed:
    """The snapshots in events of some types, such as `business_entity_created`."""

    def __init__(self, client: Chargebee, kind: str) -> None:
        self._pages = Pages(client, "/events", f"list {kind} events")
        self._kind = kind
        self._types = ",".join(f'"{kind}_{what}"' for what in ("created", "updated", "deleted"))

    def snapshots(self, window: Window, limit: int) -> list[tuple[int, Record]]:
        """Return the newest snapshot of each record with events in the window, by the time of its event.

        Events may come out of order and twice; `resource_version` tells which snapshot is newer.
        """
        newest: dict[str, tuple[int, Record]] = {}
        for occurred_at, record in self._events(window, limit):
            known = newest.get(record["id"])
            if known is None or version(record) >= version(known[1]):
                newest[record["id"]] = (occurred_at, record)
        return sorted(newest.values(), key=lambda row: (row[0], row[1]["id"]))

    def _events(self, window: Window, limit: int) -> Iterator[tuple[int, Record]]:
        params = [("event_type[in]", f"[{self._types}]"), ("sort_by[asc]", "occurred_at")]
        if window.start is not None:
            params.append(("occurred_at[between]", between(window.start, window.end)))
        for body in self._pages.all(params, limit):
            for event in records(body, "event"):
                record = event.get("content", {}).get(self._kind)
                if isinstance(record, dict) and "id" in record:
                    if str(event.get("event_type")).endswith("_deleted"):
                        record = {**record, "deleted": True}
                    yield seconds(event.get("occurred_at")), record


def between(start: int, end: int) -> str:
    """Return the value of a `between` filter: both ends inclusive."""
    return f"[{start:010d},{end:010d}]"


def records(body: Json, kind: str) -> list[Record]:
    """Return the records of a list response; `InvalidResponse` for anything else, never an empty page."""
    rows = body.get("list")
    if not isinstance(rows, list):
        raise InvalidResponse("the Chargebee answer has no list")
    found = [row.get(kind) for row in rows if isinstance(row, dict)]
    if len(found) != len(rows) or not all(isinstance(record, dict) and "id" in record for record in found):
        raise InvalidResponse(f"a row of the Chargebee list has no {kind}")
    return [record for record in found if isinstance(record, dict)]


def next_offset(body: dict[str, object]) -> str | None:
    """Return the offset of the next page, None on the last one."""
    offset = body.get("next_offset")
    return offset if isinstance(offset, str) and offset else None


def version(record: Record) -> int:
    """`resource_version`, the larger the newer; 0 where there is none."""
    return seconds(record.get("resource_version"))


def seconds(value: object) -> int:
    """Return a time as Chargebee writes it, a whole number; 0 for what is none."""
    return value if type(value) is int else 0
