"""Dependency tracking: a change in a dataset that is hopped to brings exactly the affected source entities back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localnode.pipes import Engine, Pipe, Systems
from localnode.pipes import run as run_module
from localnode.store import Store

Build = Callable[..., Pipe]
Fill = Callable[..., None]
Live = Callable[[str], dict[str, dict[str, Any]]]
FROM_A = {"type": "dataset", "dataset": "a"}


def hop(where: Any, dataset: str = "h h", returned: str = "h.n", track: bool = True) -> list[Any]:
    spec = {"datasets": dataset.split(","), "where": where, "return": returned}
    return ["hops", spec if track else {**spec, "track-dependencies": False}]


BY_KEY = [["add", "n", ["sorted", hop([["eq", "_S.k", "h.k"]])]]]


def test_new_changed_and_deleted_targets(pipe: Build, fill: Fill, live: Live) -> None:
    fill("a", {"_id": "1", "k": "x"}, {"_id": "2", "k": "y"}, {"_id": "3", "k": ["x", "z"]})
    fill("h", {"_id": "h1", "k": "x", "n": 1})
    b = pipe("b", FROM_A, BY_KEY)
    b.run()
    offset = b.offset
    for change, expected, reprocessed in (
        ({"_id": "h2", "k": "y", "n": 2}, {"1": [1], "2": [2], "3": [1]}, 1),
        ({"_id": "h1", "k": "z", "n": 1}, {"1": [], "2": [2], "3": [1]}, 2),
        ({"_id": "h1", "k": "x", "n": 5}, {"1": [5], "2": [2], "3": [5]}, 2),
        ({"_id": "h1", "k": "x", "n": 5, "_deleted": True}, {"1": [], "2": [2], "3": []}, 2),
        ({"_id": "h9", "k": "other", "n": 9}, {"1": [], "2": [2], "3": []}, 0),
    ):
        fill("h", change)
        assert b.queues()["dependencies"] == {"h": 1}
        result = b.run()
        assert {name: e["n"] for name, e in live("b").items()} == expected
        assert (result.counts.reprocessed, result.sync_type, b.offset) == (reprocessed, "incremental", offset)
        assert b.queues()["dependencies"] == {"h": 0}
    assert b.run().counts.read == 0


def test_a_source_change_in_the_same_run_is_processed_once(pipe: Build, fill: Fill, live: Live) -> None:
    fill("a", {"_id": "1", "k": "x"})
    fill("h", {"_id": "h1", "k": "x", "n": 1})
    b = pipe("b", FROM_A, BY_KEY)
    b.run()
    fill("h", {"_id": "h1", "k": "x", "n": 2})
    fill("a", {"_id": "1", "k": "x", "more": 1})
    result = b.run()
    assert (result.counts.read, result.counts.reprocessed, live("b")["1"]["n"]) == (1, 0, [2])


def test_every_step_of_a_chain_of_hops_is_followed(pipe: Build, fill: Fill, live: Live) -> None:
    fill("a", {"_id": "1", "k": "x"})
    fill("h", {"_id": "h1", "k": "x", "next": "g1"}, {"_id": "h2", "k": "none", "next": "g2"})
    fill("g", {"_id": "g1", "n": 1}, {"_id": "g2", "n": 2})
    where = [["eq", "_S.k", "h.k"], ["eq", "h.next", "g._id"]]
    b = pipe("b", FROM_A, [["add", "n", hop(where, "h h,g g", "g.n")]])
    b.run()
    fill("g", {"_id": "g2", "n": 20})
    assert b.run().counts.reprocessed == 0
    fill("g", {"_id": "g1", "n": 10})
    assert b.run().counts.reprocessed == 1 and live("b")["1"]["n"] == [10]
    fill("h", {"_id": "h1", "k": "x", "next": "g2"})
    b.run()
    assert live("b")["1"]["n"] == [20]
    fill("g", {"_id": "g2", "n": 21})
    b.run()
    assert live("b")["1"]["n"] == [21]


def test_apply_hops_and_later_transforms_are_tracked(pipe: Build, fill: Fill, live: Live) -> None:
    fill("a", {"_id": "1", "k": "x"})
    fill("h", {"_id": "h1", "k": "x", "n": 1})
    first = {"default": [["add", "renamed", "_S.k"]]}
    spec = {"datasets": ["h h"], "where": [["eq", "_S.renamed", "h.k"]]}
    second = {
        "default": [
            ["add", "_id", ["concat", "p-", "_S._id"]],
            ["add", "parts", ["apply-hops", "part", spec]],
        ],
        "part": [["add", "n", "_S.n"]],
    }
    b = pipe("b", FROM_A, transform=[{"type": "dtl", "rules": first}, {"type": "dtl", "rules": second}])
    b.run()
    fill("h", {"_id": "h1", "k": "x", "n": 2})
    assert b.run().counts.reprocessed == 1 and live("b")["p-1"]["parts"] == [{"n": 2}]


def test_hops_that_switch_tracking_off_leave_no_record(pipe: Build, fill: Fill, store: Store) -> None:
    fill("a", {"_id": "1", "k": "x"})
    fill("h", {"_id": "h1", "k": "x", "n": 1})
    where = [["eq", "_S.k", "h.k"]]
    b = pipe("b", FROM_A, [["add", "n", hop(where, track=False)]])
    b.run()
    fill("h", {"_id": "h1", "k": "x", "n": 2})
    assert b.run().counts.read == 0 and b.tracker().datasets == []
    assert store.query("SELECT count(*) FROM probe") == [(0,)]


def test_stale_records_go_and_changed_joins_drop_theirs(pipe: Build, fill: Fill, store: Store) -> None:
    fill("a", {"_id": "1", "k": "x"})
    fill("h", {"_id": "h1", "k": "x", "n": 1})
    b = pipe("b", FROM_A, BY_KEY)
    b.run()
    fill("a", {"_id": "1", "k": "y"})
    b.run()
    assert store.query("SELECT count(*) FROM probe") == [(2,)]
    fill("h", {"_id": "h1", "k": "x", "n": 2})
    assert b.run().counts.reprocessed == 1, "looked up by the old value"
    assert [row[0] for row in store.query("SELECT source FROM probe")] == ["1"]
    fill("h", {"_id": "h1", "k": "x", "n": 3})
    assert b.run().counts.reprocessed == 0
    pipe("b", FROM_A, [["add", "n", hop([["eq", "_S.k", "h.other"]])]])
    assert store.query("SELECT count(*) FROM probe") == [(0,)]


def test_records_survive_a_restart(tmp_path: Path) -> None:
    config = {"_id": "b", "type": "pipe", "source": FROM_A}
    config["transform"] = {"type": "dtl", "rules": {"default": BY_KEY}}
    for n in (1, 2):
        store = Store.open(tmp_path / "n.db")
        for name, entity in (("a", {"_id": "1", "k": "x"}), ("h", {"_id": "h1", "k": "x", "n": n})):
            store.dataset(name, create=True).write([entity])
            store.dataset(name).set_populated()
        pipe = Pipe(config, Engine(store, Systems({})))
        pipe.on_load()
        assert pipe.run().counts.changed == 1
        assert [e["n"] for e in store.dataset("b").read()] == [[n]]
        store.close()


def test_very_many_affected_entities_are_read_in_one_go(
    pipe: Build, fill: Fill, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "MAX_REPROCESSED", 5)
    fill("a", *({"_id": str(n), "k": "x"} for n in range(20)))
    fill("h", {"_id": "h1", "k": "x", "n": 1})
    b = pipe("b", FROM_A, BY_KEY)
    b.run()
    fill("h", {"_id": "h1", "k": "x", "n": 2})
    fill("a", {"_id": "new", "k": "x"})
    result = b.run()
    assert result.counts.reprocessed == 20 and all(e["n"] == [2] for e in live("b").values())
    assert len(live("b")) == 21 and b.queues() == {"source": 0, "dependencies": {"h": 0}, "retries": 0}


steps = st.lists(
    st.tuples(
        st.sampled_from("ahg"), st.integers(0, 3), st.sampled_from("xyz"), st.booleans(), st.booleans()
    ),
    max_size=25,
)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_incremental_results_equal_those_of_a_full_run(changes: list[Any]) -> None:
    where = [["eq", "_S.k", "h.k"], ["eq", "h._id", "g.h"]]
    rules = [["add", "n", ["sorted", hop([["eq", "_S.k", "h.k"]], returned="h._id")]]]
    rules.append(["add", "m", ["sorted", hop(where, "h h,g g", "g._id")]])
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "n.db")
        for name in "ahg":
            store.dataset(name, create=True).set_populated()
        transform = {"type": "dtl", "rules": {"default": rules}}
        engine = Engine(store, Systems({}))
        b = Pipe(
            {"_id": "b", "type": "pipe", "source": FROM_A, "transform": transform, "batch_size": 2}, engine
        )
        for name, number, key, deleted, run in changes:
            entity = {"_id": f"{name}{number}", "k": key, "h": f"h{'xyz'.index(key)}", "_deleted": deleted}
            store.dataset(name).write([entity])
            if run:
                b.run()
        b.run()
        fresh = Pipe({"_id": "c", "type": "pipe", "source": FROM_A, "transform": transform}, engine)
        fresh.run()
        found = {e["_id"]: (e["n"], e["m"]) for e in store.dataset("b", create=True).read(deleted=False)}
        assert found == {e["_id"]: (e["n"], e["m"]) for e in store.dataset("c").read(deleted=False)}
        store.close()


def test_trace_of_hops(pipe: Build, fill: Fill, store: Store) -> None:
    """`trace` logs the most rows that each join has led to."""
    fill("a", {"_id": "1", "k": "x"}, {"_id": "2", "k": "y"})
    fill("h", *({"_id": f"h{n}", "k": "x" if n < 3 else "y", "l": n} for n in range(4)))
    fill("i", {"_id": "i1", "l": [0, 1]}, {"_id": "i2", "l": 1})
    joins = [["eq", "_S.k", "h.k"], ["eq", "h.l", "i.l"]]
    hop = ["hops", {"datasets": ["h h", "i i"], "where": joins, "trace": "mine"}]
    pipe("b", {"type": "dataset", "dataset": "a"}, [["add", "n", ["count", hop]]]).run()
    event = store.dataset("system:pump_execution:b").get("pump-completed")
    assert event is not None and event.entity()["hops_trace"] == {"mine": {"h h": 3, "i i": 3}}
