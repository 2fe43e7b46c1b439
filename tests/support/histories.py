"""Histories of an ERP whose records change while they are read, and a reader that must lose nothing of them.

`World` is the ERP: records, a clock of its own, and one way of listing them (`Kind`). It answers as a `requests`
adapter, so everything but the network is the service's own. Before each page that it gives, the next events of the
history happen. `Reader` does what a Sesam pipe does with `/entities`: it keeps the last version of every record and
the `_updated` of the last entity it got, also of a read that broke off.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from zoneinfo import ZoneInfo

import requests
from requests.adapters import BaseAdapter

from connectors.common.datatype import Entity
from connectors.erp.datatype import ErpDatatype

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
SIZE = 3
LATE_S = 20
"""How long after its stamp a change may become visible; profiles allow for it by `overlap_seconds`."""

Event = tuple[str, int, int]
"""What happens (`change`, `create`, `delete`, `late`), to which record, and how many seconds after the last event."""


@dataclass(frozen=True)
class Kind:
    """One way of listing: the profile's entity that describes it, and how the ERP does it.

    `order`: by `id`, by `modified` or with the `newest` first; `pages`: how it goes on (`keyset`, `cursor`, `next_url`, `link`, `page`, `offset`,
    `single`); `filter`: the query parameter's meaning; `hard`: deleted records vanish, else they are marked;
    `late`: changes may become visible after later ones; `fine`: no two changes share a stamp, but for those of the
    first moment. `stamp`: its form; `local` and `seconds` (a day and a time) are what a clock in `zone` shows, `late
    clock` is one that is put forward an hour late in spring. `begins`: when the history may begin. `summary`: lists show key and stamp only; `sparse`: what is null is not there. `logged`: what vanished stands in a log, under its key,
    or if `nameless`, only found when asked for it.
    """

    name: str
    entity: Mapping[str, Any]
    order: str = "id"
    pages: str = "cursor"
    stamp: str = "iso"
    hard: bool = False
    late: bool = False
    fine: bool = False
    zone: str | None = None
    begins: tuple[datetime, ...] = (START,)
    summary: bool = False
    sparse: bool = False
    logged: bool = False
    nameless: bool = False

    @property
    def by_position(self) -> bool:
        """Whether a page is so many records from the list's start on, whatever happened to those before it."""
        return self.pages in ("page", "offset", "link")


@dataclass
class Row:
    """A record: `seen_at` is when it becomes visible in this version."""

    key: str
    stamp: Any
    version: int
    deleted: bool = False
    at: datetime = START
    """When it was changed."""


@dataclass
class World:
    """The ERP. `ahead`: seconds that its clock is ahead of the service's. `pending`: what happens before each of
    the next pages. `vanished`: keys of records deleted for good, also where they were made again.
    """

    kind: Kind
    ahead: int
    rows: dict[str, Row] = field(default_factory=dict)
    pending: list[list[Event]] = field(default_factory=list)
    clock: datetime = START
    number: int = 0
    waiting: list[tuple[datetime, Row]] = field(default_factory=list)
    vanished: set[str] = field(default_factory=set)
    log: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        """The service's time."""
        return self.clock

    def happen(self, event: Event) -> None:
        """Carry out one event."""
        what, which, seconds = event
        self.clock += timedelta(seconds=seconds)
        self._surface()
        key = number_of(which) if self.kind.nameless else key_of(which)
        row = self.rows.get(key)
        if what == "create" and self.kind.nameless and any(gone["key"] == key for gone in self.log):
            return
        if what == "create" and row is None:
            self._put(self._row(key, 1))
        elif row is None or (row.deleted and what != "create"):
            return
        elif what == "delete" and self.kind.hard:
            del self.rows[key]
            self.vanished.add(key)
            self.log.append({"id": len(self.log), "key": key, "at": self._stamp()})
            self.waiting = [(at, late) for at, late in self.waiting if late.key != key]
        elif what == "delete":
            self._put(self._row(key, row.version + 1, True))
        elif what == "late" and self.kind.late:
            changed = self._row(key, row.version + 1)
            self.waiting.append((self.clock + timedelta(seconds=LATE_S - 1), changed))
        else:
            self._put(self._row(key, row.version + 1))

    def settle(self) -> None:
        """All is visible that was on its way, and time has passed."""
        self.clock += timedelta(seconds=LATE_S)
        self._surface()

    def _row(self, key: str, version: int, deleted: bool = False) -> Row:
        return Row(key, self._stamp(), version, deleted, self.clock)

    def _put(self, row: Row) -> None:
        self.waiting = [(at, late) for at, late in self.waiting if late.key != row.key]
        self.rows[row.key] = row

    def _surface(self) -> None:
        for at, row in list(self.waiting):
            if at <= self.clock and row.key in self.rows:
                self._put(row)

    def _stamp(self) -> Any:
        self.number += 1
        moment = self.clock + timedelta(seconds=self.ahead)
        if self.kind.fine and self.clock > self.kind.begins[0]:
            moment += timedelta(microseconds=self.number)
        if self.kind.zone is not None:
            return self._local(moment)
        if self.kind.stamp == "number":
            return self.number
        if self.kind.stamp == "epoch_ms":
            return int(moment.timestamp() * 1000)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _local(self, moment: datetime) -> str:
        """What the ERP's clock shows."""
        place = ZoneInfo(str(self.kind.zone))
        shown = moment.astimezone(place).replace(tzinfo=None)
        before = (moment - timedelta(hours=1)).astimezone(place).replace(tzinfo=None) + timedelta(hours=1)
        if self.kind.stamp == "late clock":
            shown = min(shown, before)
        return (
            shown.isoformat(" ", "seconds")
            if self.kind.stamp == "seconds"
            else shown.isoformat(timespec="microseconds")
        )

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """Answer one call of the service."""
        for event in self.pending.pop(0) if self.pending else []:
            self.happen(event)
        parts = urlsplit(str(request.url))
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        response = requests.Response()
        response.status_code = 200
        body: Any
        self.calls.append(parts.path)
        if parts.path == "/log":
            body, headers = self._logged(query), {}
        elif parts.path != "/list":
            row = self.rows.get(parts.path.rpartition("/")[2])
            body, headers = ({}, {}) if row is None else (self._shown(row, alone=True), {})
            response.status_code = 200 if row is not None else 404
        else:
            body, headers = self._list(query)
        response.headers.update({"Content-Type": "application/json", **headers})
        response.url = str(request.url)
        response.raw = _Raw(json.dumps(body).encode())
        return response

    def _list(self, query: Mapping[str, str]) -> tuple[Any, dict[str, str]]:
        rows = [row for row in self.rows.values() if _is_since(row.stamp, query)]
        rows.sort(
            key=(lambda row: row.key) if self.kind.order == "id" else (lambda row: (row.stamp, row.key)),
            reverse=self.kind.order == "newest",
        )
        count, after = len(rows), query.get("after", "")
        start, headers = 0, {"X-Total-Count": str(count)}
        if self.kind.by_position:
            start = (
                int(query.get("from", 0))
                if self.kind.pages == "offset"
                else (int(query.get("page", 1)) - 1) * SIZE
            )
        elif after:
            rows = [row for row in rows if self._position(row) > after]
        page = rows[start:] if self.kind.pages == "single" else rows[start : start + SIZE]
        body: dict[str, Any] = {"items": [self._shown(row) for row in page], "total": count}
        if start + len(page) < len(rows):
            self._link(query, page[-1], body, headers)
        return body, headers

    def _logged(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        found = [row for row in self.log if _is_since(row["at"], query)]
        if self.kind.nameless:
            asked = json.loads(query["ids"]) if "ids" in query else None
            found = [
                {"id": row["id"], "at": row["at"]}
                for row in found
                if asked is None or row["key"] in map(str, asked)
            ]
        return found

    def _shown(self, row: Row, alone: bool = False) -> dict[str, Any]:
        """A record as the list shows it, or as it is read alone."""
        shown = {"id": row.key, **_stamps(row)}
        if self.kind.summary and not alone:
            return shown
        note = None if row.version % 2 else f"note {row.version}"
        shown |= {"version": row.version, "gone": row.deleted, "note": note}
        return {name: value for name, value in shown.items() if value is not None or not self.kind.sparse}

    def _link(
        self, query: Mapping[str, str], last: Row, body: dict[str, Any], headers: dict[str, str]
    ) -> None:
        if self.kind.pages == "cursor":
            body["next"] = self._position(last)
        elif self.kind.pages == "next_url":
            kept = {**query, "after": self._position(last)}
            body["@odata.nextLink"] = "list?" + "&".join(
                f"{name}={quote(value)}" for name, value in kept.items()
            )
        elif self.kind.pages == "link":
            kept = {**query, "page": str(int(query.get("page", 1)) + 1)}
            url = "/list?" + "&".join(f"{name}={quote(value)}" for name, value in kept.items())
            headers["Link"] = f'<{url}>; rel="next"'

    def _position(self, row: Row) -> str:
        return row.key if self.kind.order == "id" else f"{row.stamp:020}|{row.key}" if isinstance(
            row.stamp, int
        ) else f"{row.stamp}|{row.key}"  # fmt: skip


def key_of(which: int) -> str:
    """The id of a record; not in the order in which they are made."""
    return f"R{(which * 7) % 31:02}"


def number_of(which: int) -> str:
    """The id of a record where ids are whole numbers given in sequence."""
    return str(which + 1)


def _is_since(stamp: Any, query: Mapping[str, str]) -> bool:
    """Whether the query's filter lets a stamp through."""
    since = query.get("since", query.get("$filter", "").removeprefix("changed ge "))
    if not since:
        return True
    if isinstance(stamp, int):
        return stamp >= int(since)
    return bool(stamp[: len(since.rstrip("Z"))] >= since.rstrip("Z"))


def _stamps(row: Row) -> dict[str, Any]:
    if " " in str(row.stamp):
        day, _, time = row.stamp.partition(" ")
        return {"day": day, "time": time}
    return {"changed": row.stamp}


class Wire(BaseAdapter):
    """Takes the service's calls to the world of the moment, so that one service serves many histories."""

    world: World

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Answer one call."""
        del options
        return self.world.answer(request)

    def close(self) -> None:
        """Nothing is open."""


class _Raw:
    """As much of a urllib3 response as the client reads."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int, decode_content: bool = True) -> bytes:
        """As much as is asked for."""
        del decode_content
        piece, self._content = self._content[:size], self._content[size:]
        return piece

    def release_conn(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Reader:
    """A pipe that collects one datatype."""

    datatype: ErpDatatype
    token: str | None = None
    records: dict[str, int] = field(default_factory=dict)
    on_entity: Callable[[Entity], None] = lambda entity: None

    def read(self, pages: int | None = None, on_page: Callable[[], None] | None = None) -> None:
        """An incremental read, broken off after so many pages if `pages` is given; the first one is of everything."""
        is_first, found = self.token is None, set[str]()
        for at, page in enumerate(self.datatype.pages(self.token, None)):
            for entity in page:
                self.on_entity(entity)
                self._keep(entity)
                found.add(entity["_id"])
                self.token = entity["_updated"]
            if pages is not None and at + 1 >= pages:
                return
            if on_page is not None:
                on_page()
        if is_first:
            self.records = {key: version for key, version in self.records.items() if key in found}

    def rescan(self) -> set[str]:
        """A full read, after which what was not in it counts as deleted; gives the keys that were in it."""
        found: set[str] = set()
        for page in self.datatype.pages(None, None):
            for entity in page:
                self._keep(entity)
                found.add(entity["_id"])
        self.records = {key: version for key, version in self.records.items() if key in found}
        return found

    def _keep(self, entity: Entity) -> None:
        if entity["_deleted"]:
            self.records.pop(entity["_id"], None)
        else:
            self.records[entity["_id"]] = entity["version"]
