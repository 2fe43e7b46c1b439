"""Whatever happens while Chargebee is read, nothing is lost: generated histories against a model.

Records change, are made and deleted between two pages, in the second of the token, in groups with one stamp, show up
late in lists, have no stamp at all; clocks are two minutes apart; the reader stops anywhere and the service restarts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.chargebee.backfill import Backfills
from connectors.chargebee.business_entities import BusinessEntities
from connectors.chargebee.catalogue import Items
from connectors.chargebee.clock import SiteClock
from connectors.chargebee.customers import Customers
from connectors.chargebee.datatype import ChargebeeDatatype
from connectors.chargebee.settings import read_settings
from connectors.chargebee.writes import Params
from connectors.common.metrics import Metrics

LAG, SIZE, KEYS = 300, 3, 9
SETTINGS = read_settings(
    {"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "k", "PAGE_SIZE": str(SIZE), "CHARGEBEE_LIST_LAG_SECONDS": str(LAG)}
)  # fmt: skip
KINDS: dict[str, type[ChargebeeDatatype]] = {
    "customer": Customers,
    "item": Items,
    "business_entity": BusinessEntities,
}
Event = tuple[str, int, float]


@dataclass
class Row:
    """One version of a record, or one event, and when lists begin to show it."""

    record: dict[str, Any]
    shown: float


@dataclass
class Site:
    """A site as the service's client sees it; `ahead` seconds is the service's clock."""

    kind: str
    ahead: int
    now: float = 1_790_000_000.0
    rows: dict[str, list[Row]] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    pending: list[Event] = field(default_factory=list)
    is_dry_run: bool = False
    calls: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The service forgets what it knew."""
        self.clock = SiteClock(lambda: self.now + self.ahead)
        self.backfills = Backfills(Metrics(), lambda: 120.0)

    def happen(self, event: Event) -> None:
        what, number, seconds = event
        if what == "wait":
            self.now += seconds
            return
        history = self.rows.setdefault(f"r{number}", [])
        gone = bool(history) and history[-1].record["deleted"]
        if what == "old" and not history:
            self._put(history, f"r{number}", "created", {}, 0)
        elif what != "old" and not gone:
            self._put(
                history,
                f"r{number}",
                "deleted" if what == "delete" else "updated",
                self._stamps(history),
                seconds,
            )

    def _stamps(self, history: list[Row]) -> dict[str, int]:
        last = history[-1].record.get("resource_version", 0) if history else 0
        version = max(int(self.now * 1000), last + 1)
        return {"resource_version": version, "updated_at": version // 1000}

    def _put(self, history: list[Row], key: str, what: str, stamps: dict[str, int], late: float) -> None:
        record = {"id": key, "n": len(history), "deleted": what == "deleted", **stamps}
        if self.kind == "item":
            record["status"] = "deleted" if what == "deleted" else "active"
        history.append(Row(record, self.now + late))
        event = {
            "id": f"ev_{len(self.events):06}",
            "occurred_at": int(self.now) + (late == 1),
            "event_type": f"{self.kind}_{what}",
            "content": {self.kind: record},
        }
        self.events.append(Row(event, self.now + late))

    def get(
        self, path: str, params: Params | None = None, *, operation: str, attempts: int | None = None
    ) -> dict[str, Any]:
        """One list call; afterwards one of the pending events happens."""
        self.calls += 1
        query = dict(params or [])
        field_name = "occurred_at" if path == "/events" else "updated_at"
        rows = [(int(one.get(field_name) or 0), one["id"], one) for one in self._shown(path, query)]
        between = query.get(f"{field_name}[between]")
        if between:
            first, last = (int(part) for part in between.strip("[]").split(","))
            rows = [row for row in rows if row[2].get(field_name) and first <= row[0] <= last]
        if "offset" in query:
            moment, _, key = query["offset"].partition(":")
            rows = [row for row in rows if row[:2] > (int(moment), key)]
        rows.sort(key=lambda row: row[:2])
        page = rows[: int(query["limit"])]
        name = "event" if path == "/events" else self.kind
        body: dict[str, Any] = {"list": [{name: dict(record)} for _, _, record in page]}
        if len(rows) > len(page):
            body["next_offset"] = f"{page[-1][0]}:{page[-1][1]}"
        self.clock.note(http_date(self.now))
        if self.pending:
            self.happen(self.pending.pop(0))
        return body

    def _shown(self, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        if path == "/events":
            return [row.record for row in self.events if row.shown <= self.now]
        visible = [
            [row.record for row in history if row.shown <= self.now][-1:] for history in self.rows.values()
        ]
        all_of_them = query.get("include_deleted") == "true" or "deleted" in query.get("status[in]", "")
        return [one[0] for one in visible if one and (all_of_them or not one[0]["deleted"])]


def http_date(now: float) -> str:
    return formatdate(int(now), usegmt=True)


class Node:
    """A reader that keeps the newest it was given, and the token to go on from."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.since: str | None = None
        self.known: dict[str, tuple[int, bool]] = {}

    def read(self, limit: int | None = None, stop_after: int | None = None) -> int:
        datatype = KINDS[self.site.kind](self.site, SETTINGS)  # type: ignore[arg-type]
        count = 0
        for page in datatype.pages(self.since, limit):
            for entity in page:
                count += 1
                self.known[entity["_id"]] = (entity["n"], entity["_deleted"])
                assert self.since is None or entity["_updated"] >= self.since, "tokens are in order"
                self.since = entity["_updated"]
                if count == stop_after:
                    return count
        return count


numbers = st.integers(0, KEYS - 1)
change = st.tuples(
    st.sampled_from(["change", "change", "change", "delete"]),
    numbers,
    st.sampled_from([0, 0, 0, 1, 60, 200, LAG]),
)
wait = st.tuples(st.just("wait"), st.just(0), st.sampled_from([0, 0.4, 1, 1, 2, 3, 60, 119, 299, 300, 301]))
event = st.one_of(change, change, wait)
step = st.tuples(
    st.sampled_from(["read", "read", "read", "stop", "restart"]),
    st.sampled_from([None, None, 1, 2, SIZE, 4, 7]),
    st.lists(event, max_size=6),
    st.lists(event, max_size=4),
)
skews = st.sampled_from([-120, -1, 0, 0, 1, 2, 120])
Step = tuple[str, int | None, list[Event], list[Event]]


def play(kind: str, ahead: int, unstamped: list[int], first: list[Event], steps: list[Step]) -> None:
    """Run a history and compare; AssertionError says what was lost."""
    site = Site(kind, ahead)
    node = Node(site)
    for number in unstamped:
        site.happen(("old", number, 0))
    for one in first:
        site.happen(one)
    for what, limit, before, during in steps:
        for one in before:
            site.happen(one)
        if what == "restart":
            site.restart()
        site.pending = list(during)
        node.read(limit, stop_after=limit if what == "stop" else None)
        for one in site.pending:
            site.happen(one)
        site.pending = []
    for _ in range(3):
        site.now += 2 * LAG
        while node.read() > len(site.rows) * 3:
            site.now += LAG
    truth = {
        key: (history[-1].record["n"], history[-1].record["deleted"]) for key, history in site.rows.items()
    }
    lost = {key: (node.known.get(key), now) for key, now in truth.items() if node.known.get(key) != now}
    lost = {key: both for key, both in lost.items() if both != (None, (both[1][0], True))}
    assert not lost, f"lost (known, true): {lost}"
    idle = site.calls
    node.read()
    assert site.calls - idle == 1, "an idle read is one call"


history = [
    st.sampled_from(sorted(KINDS)),
    skews,
    st.lists(numbers, max_size=4, unique=True),
    st.lists(event, max_size=12),
    st.lists(step, min_size=1, max_size=7),
]
QUIET = [HealthCheck.too_slow]


LONG_ANSWER = [
    ("read", None, [("change", 0, 0), ("change", 0, LAG), ("wait", 0, LAG - 1)], [("wait", 0, 60)])
]


@given(*history)
@example("business_entity", 120, [], [], LONG_ANSWER)
@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
def test_no_history_loses_a_change(
    kind: str, ahead: int, old: list[int], first: list[Event], steps: list[Step]
) -> None:
    play(kind, ahead, [] if kind == "business_entity" else old, first, steps)


@pytest.mark.slow
@given(*history)
@settings(max_examples=3000, deadline=None, suppress_health_check=QUIET)
def test_no_history_of_thousands_loses_a_change(
    kind: str, ahead: int, old: list[int], first: list[Event], steps: list[Step]
) -> None:
    play(kind, ahead, [] if kind == "business_entity" else old, first, steps)


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize("ahead", [-120, 0, 1, 2, 120])
def test_what_shows_as_late_as_it_may_is_found_whatever_the_clock(ahead: int, forgets: bool) -> None:
    """Others move the token on, second by second, while one change is not in the list yet."""
    for phase in (0.0, 0.4, 0.8):
        site = Site("customer", ahead)
        node = Node(site)
        node.read()
        site.now += 400 + phase
        site.happen(("change", 0, LAG))
        changed = site.now
        for number in range(1, 500):
            site.happen(("change", number, 0))
            site.now += 1.0
            seconds = int(site.now - changed)
            if seconds in range(LAG - ahead - 10, LAG - ahead + 10) or seconds in range(LAG - 10, LAG + 10):
                if forgets:
                    site.restart()
                node.read()
        node.read()
        assert node.known.get("r0") == (0, False), f"lost at phase {phase}"


def test_only_a_clock_that_is_behind_counts() -> None:
    now = [1000.0]
    clock = SiteClock(lambda: now[0])
    for behind, seen in ((0, 1000), (1.9, 1000), (-300, 1000), (120, 880), (0, 1000)):
        clock.note(http_date(now[0] - behind))
        assert clock.at(clock.local()) == pytest.approx(seen, abs=1)
    clock.note(http_date(now[0] - 120))
    clock.note(None)
    clock.note("nonsense")
    assert clock.at(1000) == 880
