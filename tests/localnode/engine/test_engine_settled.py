"""Pipes with nothing new: they only hand completeness on, and miss nothing that comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localnode.pipes import FAILED, SUCCESS, Pipe
from localnode.pipes import settled as settled_module
from localnode.pipes.run import Run, RunResult
from localnode.store import Store

Build = Callable[..., Pipe]
Fill = Callable[..., None]
Live = Callable[[str], dict[str, dict[str, Any]]]
FROM_A = {"type": "dataset", "dataset": "a"}
HOP = [
    ["copy", "*"],
    ["add", "found", ["hops", {"datasets": ["h h"], "where": ["eq", "_S.k", "h.k"], "return": "h.v"}]],
]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the pipes that went through a whole run."""
    found: list[str] = []
    execute = Run.execute

    def counted(run: Run) -> RunResult:
        found.append(run._pipe.id)
        return execute(run)

    monkeypatch.setattr(Run, "execute", counted)
    return found


def settled(built: Pipe, runs: list[str]) -> Pipe:
    """Run until there is nothing new."""
    for _ in range(3):
        assert built.run().status == SUCCESS
    assert built.is_settled()
    runs.clear()
    return built


def test_a_run_with_nothing_new_only_hands_completeness_on(
    pipe: Build, fill: Fill, store: Store, runs: list[str]
) -> None:
    fill("a", {"_id": "1"})
    store.dataset("a").set_completeness(5, {"x": 4})
    b = settled(pipe("b", FROM_A), runs)
    store.dataset("a").set_completeness(7, {"x": 6})
    result = b.run()
    info = store.dataset("b").info()
    assert (result.status, result.changed, runs) == (SUCCESS, 0, [])
    assert (info.completeness, info.inherited) == (7, {"a": 7, "x": 6})


@pytest.mark.parametrize(
    "news",
    [
        lambda b, fill, store: fill("a", {"_id": "2", "k": 1}),
        lambda b, fill, store: fill("h", {"_id": "x", "k": 1, "v": 9}),
        lambda b, fill, store: b.reset(),
        lambda b, fill, store: b.set_offset(0),
        lambda b, fill, store: store.delete_dataset("b"),
        lambda b, fill, store: (store.delete_dataset("a"), fill("a", {"_id": "1", "k": 1})),
        lambda b, fill, store: store.dataset("a").set_populated(False),
    ],
    ids=["source", "hop", "reset", "offset", "sink deleted", "source made again", "not populated"],
)
def test_whatever_is_new_is_found(
    news: Any, pipe: Build, fill: Fill, live: Live, store: Store, runs: list[str]
) -> None:
    fill("a", {"_id": "1", "k": 1}, {"_id": "0", "k": 2})
    fill("h", {"_id": "x", "k": 1, "v": 1})
    b = settled(pipe("b", FROM_A, HOP), runs)
    news(b, fill, store)
    assert b.run().status == SUCCESS and runs == ["b"]
    wanted = 9 if store.dataset("h").info().max_updated else 1
    assert all(entity["found"] == [wanted] for entity in live("b").values() if entity["k"] == 1)
    settled(b, runs)


def test_a_tripped_circuit_breaker_still_fails_the_run(pipe: Build, fill: Fill, store: Store) -> None:
    fill("a", {"_id": "1"})
    b = settled(pipe("b", FROM_A), [])
    store.dataset("b").trip("too many changes")
    assert b.run().status == FAILED


def test_what_comes_while_a_run_hands_completeness_on_is_read_first(
    pipe: Build, fill: Fill, store: Store, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("a", {"_id": "1"})
    store.dataset("a").set_completeness(5, {})
    b = settled(pipe("b", FROM_A), runs)
    take = Run.take_completeness

    def news_before(run: Run) -> None:
        monkeypatch.setattr(Run, "take_completeness", take)
        fill("a", {"_id": "2"})
        store.dataset("a").set_completeness(9, {})
        take(run)

    monkeypatch.setattr(Run, "take_completeness", news_before)
    assert b.run().changed == 1
    assert store.dataset("b").info().completeness == 9


@pytest.mark.parametrize(
    "more",
    [
        {"sink": {"type": "null"}},
        {"pump": {"log_events_noop_runs": True}},
        {"pump": {"notification_granularity": 60}},
        {"pump": {"partial_rescan_run_count": 2, "partial_rescan_delta": 1}},
        {"source": {**FROM_A, "completeness": ["x"]}},
    ],
    ids=["no dataset", "logs every run", "logs now and then", "partial rescans", "waits for completeness"],
)
def test_pipes_of_which_every_run_counts_run(more: Any, pipe: Build, fill: Fill, runs: list[str]) -> None:
    fill("a", {"_id": "1"})
    b = pipe("b", **{"source": FROM_A, **more})
    for _ in range(4):
        b.run()
    assert runs == ["b"] * 4


def test_completeness_that_holds_nothing_back_costs_no_run(
    pipe: Build, fill: Fill, store: Store, runs: list[str]
) -> None:
    fill("a", {"_id": "1"})
    store.dataset("a").set_completeness(1 << 60, {})
    settled(pipe("b", {**FROM_A, "completeness": True}), runs)


def test_now_and_then_it_runs_all_the_same(
    pipe: Build, fill: Fill, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("a", {"_id": "1"})
    b = settled(pipe("b", FROM_A), runs)
    later = settled_module.now_us() + settled_module.SETTLED_US
    monkeypatch.setattr(settled_module, "now_us", lambda: later)
    b.run()
    assert runs == ["b"]


EMBEDDED = {"type": "embedded", "entities": [{"_id": "1"}, {"_id": "2"}]}
FIRST_STAYS = {"type": "dataset", "prevent_multiple_versions": "ignore"}


def test_what_stands_in_the_config_and_is_kept_as_first_written_is_done_once(
    pipe: Build, live: Live, store: Store, runs: list[str]
) -> None:
    b = settled(pipe("b", EMBEDDED, [["add", "at", ["now"]]], sink=FIRST_STAYS), runs)
    before = live("b")
    assert b.run().status == SUCCESS and runs == [] and live("b") == before
    store.dataset("b").write([{"_id": "1", "_deleted": True}])
    assert b.run().status == SUCCESS and runs == ["b"]


def test_what_stands_in_the_config_is_written_again_where_that_may_change_it(
    pipe: Build, live: Live, runs: list[str]
) -> None:
    b = pipe("b", EMBEDDED, [["add", "at", ["now"]]])
    found = [live("b") for _ in range(3) if b.run().status == SUCCESS]
    assert len(found) == 3 and found[0] != found[1] != found[2]
    assert not b.is_settled() and runs == ["b"] * 3
