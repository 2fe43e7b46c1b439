"""Compaction: what goes, what has to stay, and for whom."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from localnode.pipes import SUCCESS, Engine, Pipe, Systems
from localnode.store import Store
from localnode.store import writer as store_writer

Build = Callable[..., Pipe]
FROM_A = {"type": "dataset", "dataset": "a"}
HOUR = 3600


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`clock(hours)` moves what the store takes for now."""
    ahead = [0.0]
    real = time.time_ns

    def now() -> int:
        return real() + int(ahead[0] * HOUR * 1e9)

    monkeypatch.setattr(store_writer.time, "time_ns", now)

    def move(hours: float) -> None:
        ahead[0] += hours

    return move


def change(store: Store, *entities: dict[str, Any]) -> None:
    dataset = store.dataset("a", create=True)
    dataset.set_populated()
    for entity in entities:
        dataset.write([entity])


def versions(store: Store, name: str = "b") -> list[tuple[str, Any]]:
    return [(row.id, row.entity().get("v")) for row in store.dataset(name).rows(history=True)]


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_so_many_versions_stay(pipe: Build, store: Store, keep: int) -> None:
    b = pipe("b", FROM_A, compaction={"keep_versions": keep})
    for v in range(5):
        change(store, {"_id": "1", "v": v}, {"_id": "2"})
        assert b.run().status == SUCCESS
    assert [v for name, v in versions(store) if name == "1"] == list(range(5 - keep, 5))
    assert store.dataset("b").info().ids == 2 and store.dataset("b").max_updated == 5


def test_nothing_goes_unless_asked_for(pipe: Build, store: Store) -> None:
    b = pipe("b", FROM_A)
    for v in range(5):
        change(store, {"_id": "1", "v": v})
        b.run()
    assert len(versions(store)) == 5


def test_the_nodes_defaults(pipe: Build, store: Store) -> None:
    engine = Engine(store, Systems({}), {"global_defaults": {"compaction_keep_versions": 1}})
    b = pipe("b", FROM_A, engine=engine)
    for v in range(3):
        change(store, {"_id": "1", "v": v})
        b.run()
    assert versions(store) == [("1", 2)]


def test_versions_stay_until_who_follows_them_has_seen_them(pipe: Build, store: Store) -> None:
    """A pipe that hops to the dataset must still find the old join value."""
    b = pipe("b", FROM_A, [["copy", "*"]], compaction={"keep_versions": 1})
    change(store, {"_id": "1", "k": "x", "v": 0})
    b.run()
    hop = ["hops", {"datasets": ["b b"], "where": [["eq", "_S.k", "b.k"]], "return": "b._id"}]
    store.dataset("s", create=True).write([{"_id": "s1", "k": "x"}, {"_id": "s2", "k": "y"}])
    store.dataset("s").set_populated()
    c = pipe("c", {"type": "dataset", "dataset": "s"}, [["add", "found", hop]])
    assert c.run().status == SUCCESS
    for v in (1, 2):
        change(store, {"_id": "1", "k": "y", "v": v})
        b.run()
    assert [v for _, v in versions(store)] == [0, 1, 2]
    c.run()
    found = {e["_id"]: e["found"] for e in store.dataset("c").read()}
    assert found == {"s1": [], "s2": ["1"]}
    change(store, {"_id": "1", "k": "y", "v": 3})
    b.run()
    assert [v for _, v in versions(store)] == [2, 3]


def test_a_merge_holds_versions_too(pipe: Build, store: Store) -> None:
    b = pipe("b", FROM_A, compaction={"keep_versions": 1})
    merge = {
        "type": "merge",
        "datasets": ["b b", "o o"],
        "equality": [["eq", "b.k", "o.k"]],
        "identity": "first",
    }
    store.dataset("o", create=True).write([{"_id": "o1", "k": 1}, {"_id": "o2", "k": 2}])
    store.dataset("o").set_populated()
    m = pipe("m", merge)
    change(store, {"_id": "1", "k": 1, "v": 0})
    b.run()
    m.run()
    for v in (1, 2):
        change(store, {"_id": "1", "k": 2, "v": v})
        b.run()
    m.run()
    live = {e["_id"]: e["$ids"] for e in store.dataset("m").read(deleted=False)}
    assert live == {"1": ["1", "o2"], "o1": ["o1"]}


def test_only_old_versions_go(pipe: Build, store: Store, clock: Callable[[float], None]) -> None:
    b = pipe("b", FROM_A, compaction={"keep_versions": 1, "time_threshold_hours": 24})
    for v in range(3):
        change(store, {"_id": "1", "v": v})
        b.run()
    assert [v for _, v in versions(store)] == [0, 1, 2]
    clock(20)
    change(store, {"_id": "1", "v": 3})
    b.run()
    assert [v for _, v in versions(store)] == [0, 1, 2, 3]
    clock(20)
    b.run()
    assert [v for _, v in versions(store)] == [3]


def test_without_versions_to_keep_old_entities_go_altogether(
    pipe: Build, store: Store, clock: Callable[[float], None]
) -> None:
    b = pipe("b", FROM_A, compaction={"keep_versions": 0, "time_threshold_hours": 24})
    reader = pipe("c", {"type": "dataset", "dataset": "b"})
    change(store, {"_id": "1"}, {"_id": "2", "_deleted": True})
    b.run()
    reader.run()
    clock(50)
    change(store, {"_id": "3"})
    b.run()
    info = store.dataset("b").info()
    assert (info.ids, info.live) == (1, 1) and [name for name, _ in versions(store)] == ["3"]
    clock(50)
    b.run()
    assert [name for name, _ in versions(store)] == ["3"], "the reader has not seen it yet"
    reader.run()
    b.run()
    assert versions(store) == [] and store.dataset("c").info().ids == 3


def test_deletions_go_after_a_while(pipe: Build, store: Store, clock: Callable[[float], None]) -> None:
    b = pipe("b", FROM_A, compaction={"keep_versions": 2, "ttl_deletes_hours": 24})
    change(store, {"_id": "1", "v": 1}, {"_id": "2"})
    b.run()
    change(store, {"_id": "1", "v": 1, "_deleted": True})
    b.run()
    clock(23)
    b.run()
    assert [name for name, _ in versions(store)] == ["1", "2", "1"]
    clock(2)
    b.run()
    assert [name for name, _ in versions(store)] == ["2"] and store.dataset("b").info().ids == 1


def test_a_reader_sees_a_deletion_before_it_goes(
    pipe: Build, store: Store, clock: Callable[[float], None]
) -> None:
    b = pipe("b", FROM_A, compaction={"ttl_deletes_hours": 24})
    c = pipe("c", {"type": "dataset", "dataset": "b"})
    change(store, {"_id": "1"})
    b.run()
    c.run()
    change(store, {"_id": "1", "_deleted": True})
    b.run()
    clock(50)
    b.run()
    assert len(versions(store)) == 2
    c.run()
    assert [e["_deleted"] for e in store.dataset("c").read()] == [True]
    b.run()
    assert versions(store) == []


def test_retract(pipe: Build, store: Store) -> None:
    b = pipe("b", FROM_A, compaction={"retract": True, "keep_versions": 5})
    for v in range(3):
        change(store, {"_id": "1", "v": v}, {"_id": "2", "v": v})
        b.run()
    change(store, {"_id": "1", "v": 3, "$retract": True}, {"_id": "2", "v": 3, "n": {"$retract": True}})
    b.run()
    assert [v for name, v in versions(store) if name == "1"] == [3]
    assert [v for name, v in versions(store) if name == "2"] == [0, 1, 2, 3]


def test_the_interval_and_background_compaction(pipe: Build, store: Store) -> None:
    for name, setting in (("b", {"compaction_interval": 3600}), ("c", {"sink": False})):
        pumped = pipe(name, FROM_A, compaction={"keep_versions": 1, **setting})
        for v in range(4):
            change(store, {"_id": "1", "v": v})
            pumped.run()
        assert len(versions(store, name)) in (3, 4), name


def test_receivers_are_compacted(pipe: Build, store: Store) -> None:
    b = pipe("b", {"type": "http_endpoint"}, compaction={"keep_versions": 1})
    for v in range(3):
        b.receive(b'[{"_id": "1", "v": %d}]' % v)
    assert versions(store) == [("1", 2)]


def test_old_events_of_the_log_go(pipe: Build, store: Store, clock: Callable[[float], None]) -> None:
    b = pipe("b", FROM_A)
    for v in range(2):
        change(store, {"_id": "1", "v": v})
        b.run()
    log = store.dataset("system:pump_execution:b")
    assert len(list(log.rows(history=True))) == 4
    clock(31 * 24)
    store.pipe_state("b").put("compaction-log", None)
    change(store, {"_id": "2"})
    b.run()
    assert [row.id for row in log.rows(history=True)] == ["pump-started", "pump-completed"]


def test_indexes_follow(pipe: Build, store: Store, clock: Callable[[float], None]) -> None:
    compaction = {"keep_versions": 0, "time_threshold_hours": 24}
    b = pipe("b", FROM_A, sink={"indexes": ["_S.k"]}, compaction=compaction)
    change(store, {"_id": "1", "k": "x"})
    b.run()
    clock(50)
    b.run()
    (number,) = [row[0] for row in store.query("SELECT no FROM dataset_index")]
    assert store.query(f"SELECT count(*) FROM ix_{number}") == [(0,)]


def test_max_seconds_per_entity(pipe: Build, store: Store) -> None:
    change(store, {"_id": "1"}, {"_id": "2"})
    slow = [["copy", "*"], ["sleep!", 0.05]]
    result = pipe("b", FROM_A, slow, pump={"max_seconds_per_entity": 0.01}).run()
    assert result.status == "failed" and "max_seconds_per_entity" in result.reason
    event = store.dataset("system:pump_execution:b").get("pump-failed")
    assert event is not None and event.entity()["exception_entity"]["_id"] == "1"
    assert pipe("c", FROM_A, slow, pump={"max_seconds_per_entity": 1}).run().status == SUCCESS
