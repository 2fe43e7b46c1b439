"""Whatever happens while the ERP is read, nothing is lost: generated histories against a model.

Records change, are made and deleted between two pages, in the same second as the token, in groups with one stamp,
with clocks two minutes apart, and become visible later than they are stamped. Whoever only ever reads what changed
has every living record in its last version once all is quiet; whoever reads the whole list finds every record in
it that lived through the read.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connectors.common.datatype import Entity
from connectors.common.errors import InvalidResponse
from connectors.common.metrics import Metrics
from connectors.erp.datatype import ErpDatatype
from connectors.erp.http.client import make_client
from connectors.erp.read.lookups import Lookups
from connectors.erp.settings import read_settings
from core.clock import to_text
from tests.support.erp import FAST, profile
from tests.support.histories import SIZE, Event, Kind, Reader, Wire, World

SOFT = {"deleted": {"strategy": "soft_flag", "field": "gone", "value": True}}
LISTED = {"list": {"records": "items"}}
SUMMARY = {"list": {"records": "items", "detail": {"concurrency": 2}}}
COUNTED = {"list": {"records": "items", "count": {"path": "total"}}}
BY_HEADER = {"list": {"records": "items", "count": {"header": "X-Total-Count"}}}
FILTER = {"incremental": {"param": "since", "order": "none", "overlap_seconds": 20}}
CURSOR = {"paginator": {"type": "cursor", "param": "after", "path": "next"}}
KEYSET = {"paginator": {"type": "keyset", "param": "after", "field": "id"}}
ODATA = {
    "paginator": {"type": "odata"},
    "incremental": {
        "param": "$filter",
        "template": "changed ge {since}",
        "order": "none",
        "overlap_seconds": 20,
    },
}


def filtered(order: str, **more: Any) -> dict[str, Any]:
    return {"incremental": {"param": "since", "order": order, **more}}


AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC)
SPRING = datetime(2026, 3, 29, 1, tzinfo=UTC)
TURNS = tuple(AUTUMN + timedelta(minutes=at) for at in (-75, -40, -2, 25, 61)) + (
    SPRING - timedelta(minutes=10),
)
"""Moments around which the clocks in Oslo are changed."""

LOCAL = {"modified_format": "iso_naive", "timezone": "Europe/Oslo"}
PAIR = {"modified": [{"date": "day", "time": "time"}], "timezone": "Europe/Oslo"}
BY_PAIR = {
    "incremental": {
        "param": "since",
        "template": "{since_date} {since_time}",
        "order": "none",
        "overlap_seconds": 20,
    }
}

NEWEST = {"incremental": {"order": "newest_first", "overlap_seconds": 20}}
LOG: Any = {
    "strategy": "log", "key": "key", "modified": "at", "paginator": {"type": "single"},
    "log": {"path": "/log", "records": "", "query": {"since": "{since}"}},
}  # fmt: skip
RARELY: Any = {"every_seconds": 60, "if_any": {"path": "/log", "records": "", "query": {"since": "{since}"}}}
NAMELESS: Any = {
    "strategy": "lookup", "modified": "at",
    "log": {"path": "/log", "records": "", "query": {"since": "{since}", "ids": {"json": {"$if": "ids", "$then": "{ids}"}}}},
}  # fmt: skip

KINDS = [
    Kind("cursor by change", {**CURSOR, **filtered("modified_then_id"), **SOFT, **LISTED}, "modified", fine=True),
    Kind("cursor by change, coarse", {**CURSOR, **filtered("modified_then_id", overlap_seconds=1), **SOFT, **LISTED}, "modified"),
    Kind("cursor by change, epoch", {**CURSOR, **filtered("modified", overlap_seconds=1), **SOFT, **LISTED, "modified_format": "epoch_ms"}, "modified", stamp="epoch_ms"),
    Kind("cursor by number", {**CURSOR, **filtered("modified"), **SOFT, **LISTED, "modified_format": "number"}, "modified", stamp="number"),
    Kind("cursor by id", {**CURSOR, **FILTER, **LISTED}, hard=True, late=True),
    Kind("cursor by id, number", {**CURSOR, **filtered("none"), **SOFT, **LISTED, "modified_format": "number"}, stamp="number"),
    Kind("cursor by id, whole seconds", {**CURSOR, **filtered("none", format="iso_seconds", overlap_seconds=20), **SOFT, **LISTED}, late=True),
    Kind("cursor by id, days", {**CURSOR, **filtered("none", format="date", overlap_seconds=20), **LISTED}, hard=True, late=True),
    Kind("cursor by id, no filter", {**CURSOR, "incremental": {"order": "none", "overlap_seconds": 20}, **LISTED}, hard=True, late=True),
    Kind("cursor by change, no filter", {**CURSOR, "incremental": {"order": "modified"}, **SOFT, **LISTED}, "modified", fine=True),
    Kind("keyset", {**KEYSET, **FILTER, **LISTED}, pages="keyset", hard=True, late=True),
    Kind("keyset, short pages end it", {**KEYSET, "paginator": {**KEYSET["paginator"], "limit_param": "size", "stop": {"type": "short"}}, **FILTER, **LISTED}, pages="keyset", hard=True),
    Kind("odata", {**ODATA, **LISTED}, pages="next_url", hard=True, late=True),
    Kind("next url by change", {"paginator": {"type": "next_url", "path": "@odata.nextLink"}, **filtered("modified", overlap_seconds=20), **SOFT, **LISTED}, "modified", "next_url", late=True),
    Kind("link header", {"paginator": {"type": "link_header"}, **FILTER, **BY_HEADER}, pages="link", hard=True),
    Kind("page numbers", {"paginator": {"type": "page", "param": "page"}, **FILTER, **COUNTED}, pages="page", hard=True),
    Kind("page numbers, soft", {"paginator": {"type": "page", "param": "page"}, **FILTER, **SOFT, **LISTED}, pages="page", late=True),
    Kind("offsets", {"paginator": {"type": "offset", "param": "from"}, **FILTER, **COUNTED}, pages="offset", hard=True),
    Kind("local time by change", {**CURSOR, **filtered("modified_then_id", overlap_seconds=1), **SOFT, **LISTED, **LOCAL}, "modified", stamp="local", zone="Europe/Oslo", begins=TURNS),
    Kind("local time by id", {**CURSOR, **FILTER, **LISTED, **LOCAL}, stamp="local", hard=True, late=True, zone="Europe/Oslo", begins=TURNS),
    Kind("local time, no filter", {**CURSOR, "incremental": {"order": "modified"}, **SOFT, **LISTED, **LOCAL}, "modified", stamp="local", fine=True, zone="Europe/Oslo", begins=TURNS),
    Kind("local time, put forward late", {**CURSOR, **FILTER, **SOFT, **LISTED, **LOCAL}, stamp="late clock", zone="Europe/Oslo", begins=(SPRING - timedelta(minutes=10), SPRING + timedelta(minutes=50))),
    Kind("local day and time", {**CURSOR, **BY_PAIR, **SOFT, **LISTED, **PAIR}, stamp="seconds", late=True, zone="Europe/Oslo", begins=TURNS),
    Kind("summaries by change", {**CURSOR, **filtered("modified_then_id", overlap_seconds=1), **SOFT, **SUMMARY}, "modified", summary=True),
    Kind("summaries by id", {**CURSOR, **FILTER, **SUMMARY}, hard=True, late=True, summary=True, sparse=True),
    Kind("summaries in local time", {**CURSOR, **BY_PAIR, **SOFT, **SUMMARY, **PAIR}, stamp="seconds", late=True, zone="Europe/Oslo", begins=TURNS, summary=True),
    Kind("newest first", {"paginator": {"type": "page", "param": "page"}, **NEWEST, **SOFT, **LISTED}, "newest", "page", late=True),
    Kind("newest first, offsets", {"paginator": {"type": "offset", "param": "from"}, **NEWEST, **SOFT, **COUNTED}, "newest", "offset", late=True),
    Kind("newest first, summaries", {"paginator": {"type": "page", "param": "page"}, **NEWEST, **SOFT, **SUMMARY}, "newest", "page", summary=True),
    Kind("newest first, local time", {"paginator": {"type": "page", "param": "page"}, **NEWEST, **SOFT, **LISTED, **LOCAL}, "newest", "page", stamp="local", zone="Europe/Oslo", begins=TURNS),
    Kind("absent fields", {**KEYSET, **FILTER, **SOFT, **LISTED}, pages="keyset", sparse=True),
    Kind("one page", {"paginator": {"type": "single"}, **FILTER, **LISTED}, pages="single", hard=True, late=True),
    Kind("a log of deletions", {**KEYSET, **FILTER, **LISTED, "deleted": LOG}, pages="keyset", hard=True, late=True, logged=True),
    Kind("a log of deletions, asked rarely", {**KEYSET, **FILTER, **LISTED, "deleted": {**LOG, **RARELY}}, pages="keyset", hard=True, late=True, logged=True),
    Kind("a log of deletions, asked rarely, by change", {**CURSOR, **filtered("modified_then_id"), **LISTED, "deleted": {**LOG, **RARELY}}, "modified", fine=True, hard=True, logged=True),
    Kind("a log of deletions, by number", {**CURSOR, **filtered("modified"), **LISTED, "modified_format": "number", "deleted": {**LOG, "every_seconds": 60}}, "modified", stamp="number", hard=True, logged=True),
    Kind("a log without names, asked rarely", {"paginator": {"type": "single"}, **FILTER, **LISTED, "deleted": {**NAMELESS, **RARELY}}, pages="single", hard=True, late=True, logged=True, nameless=True),
]  # fmt: skip
UNSOUND = [
    Kind("page numbers by change", {"paginator": {"type": "page", "param": "page"}, **filtered("none"), **SOFT, **LISTED}, "modified", "page"),
    Kind("deletes without a count", {"paginator": {"type": "page", "param": "page"}, **FILTER, **LISTED}, pages="page", hard=True),
    Kind("late without an overlap", {**CURSOR, **filtered("none"), **SOFT, **LISTED}, late=True),
]  # fmt: skip
"""What no service can read soundly, and the documentation advises against: here the search must find the loss."""

WHOLE_SECONDS = Kind(
    "whole seconds without an overlap", {**CURSOR, **filtered("modified"), **SOFT, **LISTED}, "modified"
)

BY_NAME = {kind.name: kind for kind in KINDS}

keys = st.integers(0, 7)
seconds = st.sampled_from([0, 0, 1, 30, 200, 1000])
event = st.tuples(st.sampled_from(["change", "change", "change", "create", "delete", "late"]), keys, seconds)
batch = st.lists(event, max_size=2)
steps = st.lists(
    st.tuples(
        st.sampled_from(["read", "read", "read", "broken", "rescan", "quiet"]), st.lists(batch, max_size=4)
    ),
    min_size=1,
    max_size=4,
)
skew = st.sampled_from([-120, 0, 120])
Steps = list[tuple[str, list[list[Event]]]]


SERVICES: dict[str, tuple[ErpDatatype, Wire]] = {}


@pytest.fixture(scope="module", autouse=True)
def services(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each kind's datatype, by a profile that is read and checked as at the service's start."""
    folder = tmp_path_factory.mktemp("profiles")
    for at, kind in enumerate([*KINDS, *UNSOUND, WHOLE_SECONDS]):
        file = folder / f"{at}.json"
        file.write_text(json.dumps(profile(path="/list", **kind.entity)))
        settings = read_settings({**FAST, "ERP_BASE_URL": "http://erp.test", "ERP_PROFILE": str(file)})
        client, wire = make_client(settings, Metrics()), Wire()
        client._session.mount("http://", wire)
        spec = settings.profile.entities["contact"]
        now = functools.partial(lambda wire: wire.world.now(), wire)
        lookups = Lookups(client, {})
        datatype = ErpDatatype("contact", spec, {"properties": {}}, client, lookups, SIZE, now)
        SERVICES[kind.name] = datatype, wire


def reader_of(world: World) -> Reader:
    """A reader of the service with the world for an ERP, and the world's clock."""
    datatype, wire = SERVICES[world.kind.name]
    wire.world = world
    if datatype._incremental._detail is not None:
        datatype._incremental._detail._known.clear()  # each history has an ERP of its own
    forget(datatype)

    def on_entity(entity: Entity) -> None:
        """A record's clock is never an hour early, however the clocks are changed."""
        row = world.rows.get(entity["_id"])
        if world.kind.zone is not None and row is not None and row.version == entity.get("version"):
            assert datatype._shape.stamp(entity) >= to_text(row.at - timedelta(minutes=3)), "a clock is early"

    return Reader(datatype, on_entity=on_entity)


def forget(datatype: ErpDatatype) -> None:
    """What was heard of deletions is gone, as after a restart of the service."""
    known = datatype._incremental._deletions
    if known is not None:
        known._answer = None
        if known._if_any is not None:
            known._if_any._begin = None


def allowed(kind: Kind, batches: list[list[Event]]) -> list[list[Event]]:
    """Of a list by position, hard deletes and other events do not happen between the same two pages: there the
    count tells nothing.
    """
    if not (kind.by_position and kind.hard):
        return batches
    return [[one for one in batch if (one[0] == "delete") == (batch[0][0] == "delete")] for batch in batches]


def play(kind: Kind, ahead: int, first: list[Event], history: Steps, begin: datetime | None = None) -> None:
    """Run a history and compare; AssertionError says what was lost."""
    world = World(kind, ahead, clock=begin or kind.begins[0])
    reader = reader_of(world)
    for number in range(7):
        world.happen(("create", number, 0))
    world.clock += timedelta(seconds=1)
    for one in first:
        world.happen(one)
    for what, batches in history:
        world.pending = allowed(kind, batches)
        before = {key: row.version for key, row in world.rows.items() if not row.deleted}
        world.vanished.clear()
        found = None
        # A read that the service itself breaks off, as the list moved too much under it, is read again later.
        with contextlib.suppress(InvalidResponse):
            if what in ("read", "broken"):
                reader.read(pages=2 if what == "broken" else None)
            elif what == "rescan":
                found = reader.rescan()
            elif kind.logged:
                forget(reader.datatype)
        if found is not None:
            lived = {key for key in before.keys() - world.vanished if not world.rows[key].deleted}
            assert lived <= found, f"a full read missed {lived - found}"
        for one in itertools.chain(*world.pending):
            world.happen(one)
        world.pending = []
    world.settle()
    world.clock += timedelta(seconds=60)  # for as long, an answer about deletions counts
    reader.read()
    reader.read()
    truth = {key: row.version for key, row in world.rows.items() if not row.deleted}
    living = {key: version for key, version in reader.records.items() if key in truth}
    assert living == truth
    if not kind.hard or kind.logged:
        assert reader.records == truth
    reader.rescan()
    assert reader.records == truth


def search(kind: Kind, examples: int, phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink)) -> None:
    """Generated histories of one kind; the same ones each time."""

    @settings(
        max_examples=examples,
        phases=phases,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(skew, st.lists(event, max_size=12), steps, st.sampled_from(kind.begins))
    def run(ahead: int, first: list[Event], history: Steps, begin: datetime) -> None:
        play(kind, ahead, first, history, begin)

    run()


def test_a_page_that_comes_again_because_the_list_moved_is_read_later() -> None:
    history: Steps = [("read", []), ("read", [[], [("change", 0, 0)]])]
    play(BY_NAME["offsets"], -120, [("change", 1, 30)], history)


@pytest.mark.parametrize("kind", BY_NAME)
def test_nothing_is_lost(kind: str) -> None:
    search(BY_NAME[kind], 30)


@pytest.mark.slow
@pytest.mark.parametrize("kind", BY_NAME)
def test_nothing_is_lost_in_a_thousand_histories(kind: str) -> None:
    search(BY_NAME[kind], 1000)


@pytest.mark.parametrize("kind", UNSOUND, ids=[kind.name for kind in UNSOUND])
def test_the_search_finds_a_loss_where_there_is_one(kind: Kind) -> None:
    with pytest.raises(AssertionError):
        search(kind, 1500, (Phase.generate,))


def test_a_record_that_changes_twice_in_one_second_needs_an_overlap() -> None:
    """It is read, changes again under the same stamp, and what is read after it has a later one."""
    first: list[Event] = [("change", number, 0) for number in range(7)]
    history: Steps = [("read", [[], [("change", 0, 0), ("change", 1, 1)]])]
    with pytest.raises(AssertionError):
        play(WHOLE_SECONDS, 0, first, history)
    play(BY_NAME["cursor by change, coarse"], 0, first, history)
