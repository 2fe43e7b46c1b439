"""Pump runs: offsets, full runs, errors, retries, readiness, completeness, breakers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from localnode import readings
from localnode.pipes import FAILED, NOT_READY, STOPPED, SUCCESS, ConfigProblem, Engine, Pipe, Refused, Systems
from localnode.pipes.partial import moved_back
from localnode.store import Store

Build = Callable[..., Pipe]
Fill = Callable[..., None]
Live = Callable[[str], dict[str, dict[str, Any]]]
FROM_A = {"type": "dataset", "dataset": "a"}
FAIL_ON_BAD = [["copy", "*"], ["if", ["eq", "_S.bad", True], [["fail!", "bad entity"]]]]
RETRIES = {"max_write_errors_in_retry_dataset": 100, "max_consecutive_write_errors": 100}


def embedded(*entities: dict[str, Any]) -> dict[str, Any]:
    return {"type": "embedded", "entities": list(entities)}


def log(store: Store, pipe: Pipe) -> dict[str, dict[str, Any]]:
    dataset = store.find(pipe.log.dataset)
    return {e["_id"]: e for e in dataset.read()} if dataset else {}


def test_strategy_none_reads_all_and_deletes_what_is_gone(pipe: Build, live: Live, store: Store) -> None:
    assert pipe("a", embedded({"_id": "1"}, {"_id": "2"})).run().sync_type == "full"
    again = pipe("a", embedded({"_id": "1"}, {"_id": "3"}))
    result = again.run()
    assert (result.sync_type, result.counts.changed, result.counts.deleted) == ("full", 2, 1)
    assert set(live("a")) == {"1", "3"} and store.dataset("a").populated
    assert pipe("a", embedded(), sink={"deletion_tracking": False}).run().changed == 0
    marked = pipe("a", embedded(), sink={"mark_deletion_tracked": True})
    assert marked.run().counts.deleted == 2
    assert all(e.get("$deletion_tracked") for e in store.dataset("a").read() if e["_id"] != "2")


def test_an_empty_source_can_be_made_an_error(pipe: Build, live: Live) -> None:
    pipe("a", embedded({"_id": "1"})).run()
    result = pipe("a", {**embedded(), "if_source_empty": "fail"}).run()
    assert result.status == FAILED and "if_source_empty" in result.reason
    assert set(live("a")) == {"1"}


def test_chronological_runs_read_only_what_is_new(pipe: Build, fill: Fill, live: Live) -> None:
    fill("a", {"_id": "1"}, {"_id": "2"})
    b = pipe("b", FROM_A, batch_size=1)
    assert (b.run().counts.read, b.offset, b.run().counts.read) == (2, 1, 0)
    fill("a", {"_id": "1", "x": 1}, {"_id": "2", "_deleted": True})
    result = b.run()
    assert (result.sync_type, result.counts.read, live("b")) == ("incremental", 2, {"1": {"x": 1}})
    b.reset()
    assert b.offset is None and b.run().sync_type == "full"
    assert b.run(full=True).sync_type == "full"


def test_a_source_of_another_kind_is_read_from_the_start(pipe: Build, fill: Fill, live: Live) -> None:
    """An upload changes the source; where the old one was left means nothing to the new one."""
    fill("a", {"_id": "1"})
    fill("c", {"_id": "2"})
    both = {"type": "union_datasets", "datasets": ["a", "c"], "prefix_ids": False}
    for source, offset, found in (
        (FROM_A, 0, {"1"}),
        (both, "000000000001.000000000001", {"1", "2"}),
        (FROM_A, 0, {"1"}),
    ):
        changed = pipe("b", source, sink={"deletion_tracking": True})
        assert changed.run().status == SUCCESS
        assert (changed.offset, found <= set(live("b"))) == (offset, True)
        assert changed.run().counts.read == 0


def test_rows_that_nothing_transforms_keep_their_hash(pipe: Build, fill: Fill, store: Store) -> None:
    fill("a", {"_id": "1", "z": 1, "a": 10**30})
    pipe("b", FROM_A).run()
    one, two = store.dataset("a").get("1"), store.dataset("b").get("1")
    assert one and two and (one.hash, one.data) == (two.hash, two.data)


def test_a_failing_entity_ends_the_run_at_its_place(
    pipe: Build, fill: Fill, live: Live, store: Store
) -> None:
    fill("a", *({"_id": str(n), "bad": n == 5} for n in range(8)))
    b = pipe("b", FROM_A, FAIL_ON_BAD)
    result = b.run()
    assert result.status == FAILED and "bad entity" in result.reason and "'5'" in result.reason
    assert set(live("b")) == set("01234") and b.offset == 4
    assert not store.dataset("b").populated
    assert log(store, b)["pump-failed"]["entities_failed"] == 1
    fill("a", {"_id": "5", "bad": False})
    assert b.run().status == SUCCESS
    assert set(live("b")) == set("01234567") and store.dataset("b").populated


def test_an_unfinished_full_run_still_deletes_at_its_end(pipe: Build, fill: Fill, live: Live) -> None:
    fill("a", {"_id": "1"}, {"_id": "2"}, {"_id": "3"})
    fill("b", {"_id": "1"}, {"_id": "old"})
    b = pipe("b", FROM_A, [["copy", "*"], ["if", ["eq", "_S._id", "3"], [["fail!", "no"]]]], batch_size=1)
    assert b.run().status == FAILED and set(live("b")) == {"1", "2", "old"}
    b = pipe("b", FROM_A, [["copy", "*"]], batch_size=1)
    result = b.run()
    assert (result.sync_type, result.counts.read, set(live("b"))) == ("full", 1, {"1", "2", "3"})


def test_retry_queue_and_dead_letters(pipe: Build, fill: Fill, live: Live, store: Store) -> None:
    fill("a", *({"_id": str(n), "bad": n in (2, 5)} for n in range(8)))
    pump = {**RETRIES, "max_retries_per_entity": 2, "dead_letter_dataset": "dead", "track_dead_letters": True}
    b = pipe("b", FROM_A, FAIL_ON_BAD, pump=pump)
    result = b.run()
    assert (result.status, result.counts.failed, b.offset) == (SUCCESS, 2, 7)
    assert set(live("b")) == set("013467") and b.queues()["retries"] == 2
    assert log(store, b)["write-error:2"]["retryable"] is True
    fill("a", {"_id": "2", "bad": False})
    assert b.run().counts.failed == 1
    assert log(store, b)["write-error:2"]["resolved"] is True and "2" in live("b")
    assert b.run().counts.failed == 1 and b.queues()["retries"] == 0
    assert log(store, b)["write-error:5"]["dead"] is True
    assert live("dead")["5"]["$dead"]["attempts"] == 2
    assert b.run().counts.failed == 0
    fill("a", {"_id": "5", "bad": False})
    b.run()
    assert live("dead") == {} and "5" in live("b")


def test_a_full_retry_queue_ends_the_run(pipe: Build, fill: Fill) -> None:
    fill("a", *({"_id": str(n), "bad": True} for n in range(5)))
    b = pipe("b", FROM_A, FAIL_ON_BAD, pump={**RETRIES, "max_write_errors_in_retry_dataset": 3})
    assert b.run().status == FAILED and b.queues()["retries"] == 3 and b.offset == 2
    assert b.discard_retries() == 3


def test_consecutive_errors_end_the_run(pipe: Build, fill: Fill) -> None:
    fill("a", *({"_id": str(n), "bad": n > 2} for n in range(9)))
    b = pipe("b", FROM_A, FAIL_ON_BAD, pump={**RETRIES, "max_consecutive_write_errors": 2})
    result = b.run()
    assert result.status == FAILED and "2 write errors in a row" in result.reason and b.offset == 4


def test_failed_entities_keep_their_old_version_in_a_full_run(pipe: Build, fill: Fill, live: Live) -> None:
    fill("a", {"_id": "1", "bad": False})
    pump = RETRIES
    pipe("b", FROM_A, FAIL_ON_BAD, pump=pump).run()
    fill("a", {"_id": "1", "bad": True})
    pipe("b", FROM_A, FAIL_ON_BAD, pump=pump).run(full=True)
    assert live("b") == {"1": {"bad": False}}


def test_a_stopped_run_goes_on_where_it_was(pipe: Build, fill: Fill) -> None:
    fill("a", {"_id": "1"})
    stop = threading.Event()
    stop.set()
    b = pipe("b", FROM_A)
    assert b.run(stop=stop).status == STOPPED
    assert b.run().counts.read == 1


def test_hops_wait_for_populated_datasets(pipe: Build, fill: Fill, store: Store) -> None:
    fill("a", {"_id": "1", "k": "x"})
    hop = ["add", "h", ["hops", {"datasets": ["h h"], "where": [["eq", "_S.k", "h._id"]]}]]
    b = pipe("b", FROM_A, [hop])
    result = b.run()
    assert (result.status, result.waits_for) == (NOT_READY, ("h",)) and '"h"' in result.reason
    store.dataset("h", create=True).write([{"_id": "x"}])
    assert b.run().status == NOT_READY and log(store, b) == {}
    store.dataset("h").set_populated()
    assert b.run().status == SUCCESS


def test_own_sink_is_seen_after_every_batch(pipe: Build, fill: Fill, live: Live) -> None:
    fill("a", *({"_id": str(n)} for n in range(4)))
    own = {"datasets": ["b o"], "where": [["eq", "x", "o.k"]], "track-dependencies": False}
    own["where"] = [["eq", ["concat", "k", "_S.none"], "o.k"]]
    rules = [["add", "k", "k"], ["add", "n", ["count", ["hops", own]]]]
    b = pipe("b", FROM_A, rules, batch_size=1, sink={"set_initial_offset": "onload"})
    assert b.run().status == SUCCESS
    assert [live("b")[str(n)]["n"] for n in range(4)] in ([0, 1, 2, 3], [0, 0, 0, 0])


def test_populated_flag_follows_set_initial_offset(pipe: Build, fill: Fill, store: Store) -> None:
    store.dataset("a", create=True).write([{"_id": "1"}])
    assert pipe("b", FROM_A).run().status == SUCCESS and not store.dataset("b").populated
    assert pipe("c", FROM_A, sink={"set_initial_offset": "always"}).run() and store.dataset("c").populated
    pipe("d", FROM_A, sink={"set_initial_offset": "onload"})
    assert store.dataset("d").populated
    fill("a")
    assert pipe("b", FROM_A).run() and store.dataset("b").populated
    pipe("e", FROM_A, sink={"set_initial_offset": "never"}).run()
    assert not store.dataset("e").populated
    failing = pipe("f", FROM_A, [["fail!", "no"]], sink={"set_initial_offset": "initially"})
    assert failing.run().status == FAILED and store.dataset("f").populated, "populated when the run begins"


def test_require_populated_input(pipe: Build, store: Store, fill: Fill) -> None:
    store.dataset("a", create=True).write([{"_id": "1"}])
    b = pipe("b", {**FROM_A, "require_populated_input": True})
    assert b.run().status == NOT_READY
    fill("a")
    assert b.run().status == SUCCESS


def test_completeness_is_the_least_of_all_inputs(pipe: Build, fill: Fill, store: Store) -> None:
    fill("a", {"_id": "1", "k": "x"})
    fill("h", {"_id": "x"})
    hop = ["add", "h", ["hops", {"datasets": ["h h"], "where": [["eq", "_S.k", "h._id"]]}]]
    b = pipe("b", FROM_A, [hop])
    store.dataset("a").set_completeness(500, {"raw": 400})
    b.run()
    assert store.dataset("b").info().completeness is None, "h has none yet"
    store.dataset("h").set_completeness(300, {"raw": 600})
    b.run()
    info = store.dataset("b").info()
    assert (info.completeness, info.inherited) == (300, {"a": 500, "h": 300, "raw": 400})
    without = pipe("c", FROM_A, [hop], exclude_completeness=["h"])
    without.run()
    assert store.dataset("c").info().completeness == 500
    pipe("d", FROM_A, [hop], include_completeness=["h"]).run()
    assert store.dataset("d").info().completeness == 300
    pipe("e", embedded()).run()
    assert (store.dataset("e").info().completeness or 0) > 10**15


@pytest.mark.parametrize(("choice", "at"), [("start", 1), ("end", 2)])
def test_completeness_of_input(
    pipe: Build, store: Store, monkeypatch: pytest.MonkeyPatch, choice: str, at: int
) -> None:
    moments = count(1)
    monkeypatch.setattr("localnode.pipes.run.now_us", lambda: next(moments))
    with readings.chosen({"completeness-of-input": choice}):
        pipe("a", embedded({"_id": "1"})).run()
    assert store.dataset("a").info().completeness == at


def test_completeness_bounds_what_is_read(pipe: Build, fill: Fill, live: Live, store: Store) -> None:
    fill("a", {"_id": "1"})
    first = store.dataset("a").get("1")
    b = pipe("b", {**FROM_A, "completeness": True})
    assert b.run().counts.read == 0
    assert first
    store.dataset("a").set_completeness(first.ts, {})
    fill("a", {"_id": "2"})
    b.run()
    assert set(live("b")) == {"1"}
    gated = pipe("c", {**FROM_A, "initial_completeness": ["never"]})
    waiting = gated.run()
    assert waiting.status == NOT_READY and waiting.waits_for == ("never",)
    store.dataset("never", create=True).set_completeness(1, {})
    assert gated.run().status == SUCCESS
    bound = pipe("d", {**FROM_A, "completeness": {"expression": ["datetime-parse", "%Y", "1990"]}})
    assert bound.run().counts.read == 0


def test_breaker_trips_and_waits_for_a_decision(pipe: Build, live: Live, store: Store) -> None:
    sink = {"circuit_breaker_threshold_count": 2}
    assert pipe("a", embedded(*({"_id": str(n)} for n in range(5))), sink=sink).run().status == SUCCESS
    emptied = pipe("a", embedded({"_id": "0"}), sink=sink)
    result = emptied.run()
    assert result.status == FAILED and "more than 2 changes" in result.reason
    assert len(live("a")) == 5 and store.dataset("a").info().breaker
    assert "tripped" in emptied.run().reason
    store.dataset("a").rollback_breaker()
    assert emptied.run().status == FAILED
    assert store.dataset("a").commit_breaker() == 4
    assert set(live("a")) == {"0"} and emptied.run().status == SUCCESS


def test_trip_in_rules_trips_the_breaker(pipe: Build, fill: Fill, store: Store) -> None:
    fill("a", {"_id": "1"})
    b = pipe("b", FROM_A, [["trip!", "stop here"]])
    assert b.run().status == FAILED and store.dataset("b").info().breaker == "stop here"
    store.dataset("b").rollback_breaker()
    assert pipe("b", FROM_A).run().status == SUCCESS


def test_what_is_filtered_keeps_its_place_among_others(pipe: Build, fill: Fill, live: Live) -> None:
    """Several source entities lead to one: the last of them says whether it is there."""
    to_one = {"type": "dtl", "rules": {"default": [["add", "_id", "_S.to"], ["filter", "_S.stays"]]}}
    more = {"type": "dtl", "rules": {"default": [["add", "more", True]]}}
    fill(
        "a",
        {"_id": "1", "to": "left", "stays": True},
        {"_id": "2", "to": "left", "stays": False},
        {"_id": "3", "to": "came", "stays": False},
        {"_id": "4", "to": "came", "stays": True},
    )
    for name, transform in (
        ("one", to_one),
        ("first of two", [to_one, more]),
        ("last of two", [more, to_one]),
    ):
        if name == "last of two":
            transform[0]["rules"]["default"].append(["copy", "*"])
        built = pipe(name, {"type": "dataset", "dataset": "a"}, transform=transform)
        assert built.run().status == "success"
        assert set(live(name)) == {"came"}, name


def test_filter_deletes_and_discard_leaves_alone(pipe: Build, fill: Fill, live: Live) -> None:
    rules = [
        ["copy", "*"],
        ["filter", ["neq", "_S.x", "filtered"]],
        ["discard", ["neq", "_S.x", "discarded"]],
    ]
    fill("a", {"_id": "1"}, {"_id": "2"})
    b = pipe("b", FROM_A, rules)
    b.run()
    fill("a", {"_id": "1", "x": "filtered"}, {"_id": "2", "x": "discarded"}, {"_id": "3", "x": "filtered"})
    b.run()
    assert live("b") == {"2": {}}


def test_children_are_tracked_and_emitted(pipe: Build, fill: Fill, live: Live) -> None:
    rules = [["create-child", ["apply", "child", "_S.parts"]]]
    transform = {
        "type": "dtl",
        "rules": {"default": rules, "child": [["copy", "*"], ["add", "_id", "_S.id"]]},
    }
    fill("a", {"_id": "p", "parts": [{"id": "c1"}, {"id": "c2"}]})
    b = pipe("b", FROM_A, transform=transform)
    c = pipe("c", {"type": "dataset", "dataset": "b"}, transform={"type": "emit_children"})
    assert b.run().status == SUCCESS and c.run().status == SUCCESS and set(live("c")) == {"c1", "c2"}
    fill("a", {"_id": "p", "parts": [{"id": "c2"}]})
    b.run()
    c.run()
    assert set(live("c")) == {"c2"}


def test_namespaces_go_on_and_off(pipe: Build, live: Live, store: Store) -> None:
    config = {"namespaced_identifiers": True, "namespaces": {"identity": "i", "property": "p"}}
    a = pipe("a", embedded({"_id": "1", "x": {"y": [{"z": 1}]}, "$keep": {"me": 1}, "_gone": 1}), **config)
    a.run()
    assert live("a") == {"i:1": {"p:x": {"p:y": [{"p:z": 1}]}, "$keep": {"me": 1}}}
    out = pipe("o", FROM_A, sink={"type": "http_endpoint"}, **config)
    (entity,) = out.publish()
    assert (entity["_id"], entity["x"], entity["_updated"]) == ("1", {"y": [{"z": 1}]}, 0)


def test_no_op_runs_are_not_logged(pipe: Build, fill: Fill, store: Store) -> None:
    b = pipe("b", FROM_A)
    b.run()
    assert log(store, b) == {}
    fill("a", {"_id": "1"})
    b.run()
    events = log(store, b)
    assert (
        events["pump-completed"]["metrics"]["entities"]["changes_last_run"] == 1 and "pump-started" in events
    )
    before = store.dataset(b.log.dataset).max_updated
    b.run()
    assert store.dataset(b.log.dataset).max_updated == before


def test_reprocessing_policy(pipe: Build, fill: Fill, live: Live, store: Store) -> None:
    fill("a", {"_id": "1"}, {"_id": "2"})
    auto, keep = pipe("b", FROM_A, reprocessing_policy="automatic"), pipe("c", FROM_A)
    auto.run()
    keep.run()
    store.delete_dataset("a")
    fill("a", {"_id": "3"})
    auto.run()
    keep.run()
    assert set(live("b")) == {"3"} and set(live("c")) == {"1", "2"}
    assert keep.out_of_sync and "created again" in keep.out_of_sync
    again = pipe(
        "b", FROM_A, [["add", "x", 1]], reprocessing_policy="automatic", rescan_when_config_changes=True
    )
    again.run()
    assert live("b") == {"3": {"x": 1}}


def test_partial_rescans_start_a_little_earlier(pipe: Build, fill: Fill) -> None:
    fill("a", *({"_id": str(n)} for n in range(9)))
    b = pipe("b", FROM_A, pump={"partial_rescan_run_count": 2, "partial_rescan_delta": 3})
    found = [(r.sync_type, r.counts.read) for r in (b.run(), b.run(), b.run())]
    assert found == [("full", 9), ("partial", 3), ("incremental", 0)] and b.offset == 8
    assert moved_back("2024-01-01T00:00:01.500000Z", 2) == "2023-12-31T23:59:59.500000Z"
    assert (
        moved_back("2024-01-01T00:00:01Z", 1) == "2024-01-01T00:00:00Z"
        and moved_back("opaque", 1) == "opaque"
    )


def test_state_operations(pipe: Build, fill: Fill) -> None:
    fill("a", *({"_id": str(n)} for n in range(5)))
    b = pipe("b", FROM_A)
    assert b.queues() == {"source": 5, "dependencies": {}, "retries": 0}
    b.skip_to_end()
    assert b.run().counts.read == 0
    b.set_offset(2)
    assert b.queues()["source"] == 2 and b.run().counts.read == 2
    before = b.change_token()
    assert b.change_token() == before
    fill("a", {"_id": "new"})
    assert b.change_token() != before
    with pytest.raises(Refused):
        pipe("r", {"type": "http_endpoint"}).run()


@pytest.mark.parametrize(("choice", "n"), [("later", 2), ("earlier", 1)])
def test_of_two_of_the_same_time(
    pipe: Build, fill: Fill, live: Live, monkeypatch: pytest.MonkeyPatch, choice: str, n: int
) -> None:
    monkeypatch.setattr("localnode.store.writer.time.time_ns", lambda: 1_000_000)
    fill("x", {"_id": "1", "n": 1})
    fill("y", {"_id": "1", "n": 2})
    with readings.chosen({"latest-ties": choice}):
        pipe("b", {"type": "merge_datasets", "datasets": ["x", "y"]}).run()
    assert live("b")["1"]["n"] == n


def test_merge_datasets_takes_the_newest(pipe: Build, fill: Fill, live: Live, store: Store) -> None:
    fill("x", {"_id": "1", "v": "x"})
    fill("y", {"_id": "1", "v": "y"}, {"_id": "2", "v": "y"})
    b = pipe("b", {"type": "merge_datasets", "datasets": ["x", "y", "missing"]})
    assert b.run().status == SUCCESS and live("b") == {"1": {"v": "y"}, "2": {"v": "y"}}
    fill("x", {"_id": "1", "v": "new"})
    assert b.run().counts.read == 1 and live("b")["1"] == {"v": "new"} and store.dataset("b").populated
    every = pipe("c", {"type": "merge_datasets", "datasets": ["x", "y"], "strategy": "all"})
    every.run()
    assert live("c")["1"]["x"]["v"] == "new" and live("c")["1"]["y"]["v"] == "y" and "x" not in live("c")["2"]


@pytest.mark.parametrize(
    "source", [{"type": "merge_datasets"}, {"type": "merge_datasets", "strategy": "all"}, {"type": "diff_datasets"}]
)  # fmt: skip
def test_what_is_written_again_during_a_run_is_not_left_out_of_it(
    pipe: Build, fill: Fill, source: dict[str, Any]
) -> None:
    """An event about a record that was just read, say: what runs next would find the record missing."""
    fill("x", {"_id": "1", "v": "x"}, {"_id": "2", "v": "x"})
    read = pipe("b", {**source, "datasets": ["x", "y"]}).source.batches(None, 1)
    first = next(read).entities
    fill("y", {"_id": "2", "v": "y"})
    found = [entity["_id"] for entity in first] + [each["_id"] for batch in read for each in batch.entities]
    assert set(found) == {"1", "2"}


def test_union_datasets_keeps_ids_apart(pipe: Build, fill: Fill, live: Live) -> None:
    fill("x", {"_id": "1", "v": "x"})
    fill("y", {"_id": "1", "v": "y"})
    b = pipe("b", {"type": "union_datasets", "datasets": ["x", "y"]}, batch_size=1)
    b.run()
    assert live("b") == {"x:1": {"v": "x"}, "y:1": {"v": "y"}}
    fill("x", {"_id": "1", "v": "new"})
    assert b.run().counts.read == 1 and live("b")["x:1"] == {"v": "new"}


def test_subset_and_replaced_are_left_out(pipe: Build, fill: Fill, live: Live) -> None:
    fill(
        "a", {"_id": "1", "v": "a"}, {"_id": "2", "v": "b"}, {"_id": "3", "_deleted": True, "$replaced": True}
    )
    part = pipe("b", {**FROM_A, "subset": ["eq", "_S.v", "a"]})
    part.run()
    assert set(live("b")) == {"1"}
    fill("a", {"_id": "1", "v": "b"}, {"_id": "2", "v": "a"})
    part.run()
    assert set(live("b")) == {"2"}
    kept = pipe("c", {**FROM_A, "include_replaced": False})
    assert kept.run().counts.read == 2 and kept.offset == 4


def test_conditional_and_chained_components(pipe: Build, fill: Fill, live: Live) -> None:
    source = {
        "type": "conditional",
        "condition": "test",
        "alternatives": {"test": embedded({"_id": "1"}), "prod": {}},
    }
    add = {"type": "dtl", "rules": {"default": [["copy", "*"], ["add", "x", 1]]}}
    chained = {"type": "chained", "transforms": [add, {"type": "emit_children"}]}
    transform = [add, {"type": "conditional", "condition": "b", "alternatives": {"a": chained, "b": add}}]
    pipe("a", source, transform=transform).run()
    assert live("a") == {"1": {"x": 1}}
    with pytest.raises(ConfigProblem) as caught:
        pipe("a", {**source, "condition": "dev"})
    assert caught.value.path == ("source", "condition")


def test_wrong_configs_name_their_place(pipe: Build) -> None:
    with pytest.raises(ConfigProblem) as caught:
        pipe("a", embedded(), transform=[{"type": "dtl", "rules": {"default": [["no-such", 1]]}}])
    assert caught.value.path == ("transform", 0, "rules")
    with pytest.raises(ConfigProblem, match="unknown source type 'sqll'"):
        pipe("a", {"type": "sqll"})


def test_json_schema_marks_entities(pipe: Build, fill: Fill, live: Live) -> None:
    schema = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}
    fill("a", {"_id": "1", "x": 1}, {"_id": "2", "x": "no"})
    transform = {"type": "json_schema", "schema": schema, "trigger_on": {"key": "x", "value": "*"}}
    pipe("b", FROM_A, transform=transform).run()
    assert live("b")["1"] == {"x": 1, "valid": True}
    assert live("b")["2"]["valid"] is False and "integer" in live("b")["2"]["errors"][0]


def test_csv_publisher(pipe: Build, fill: Fill) -> None:
    fill("a", {"_id": "1", "x": 'say "hi"', "n": 1.5, "l": [1]}, {"_id": "2", "_deleted": True})
    out = pipe("o", FROM_A, sink={"type": "csv_endpoint", "columns": ["_id", "x", "n", "l", "none"]})
    assert b"".join(out.publish_file()) == b'_id,x,n,l,none\r\n1,"say ""hi""",1.5,[1],\r\n'


def test_publisher_pages_do_not_lose_anything(pipe: Build, fill: Fill) -> None:
    fill("a", *({"_id": str(n), "n": [1, 2]} for n in range(5)))
    rules = [["create", ["apply", "part", "_S.n"]], ["discard"]]
    parts = [["add", "_id", ["concat", "_P._S._id", "-", ["string", "_S."]]]]
    out = pipe(
        "o",
        FROM_A,
        transform={"type": "dtl", "rules": {"default": rules, "part": parts}},
        sink={"type": "http_endpoint"},
    )
    seen, since = [], None
    while page := list(out.publish(since, 3)):
        seen += [e["_id"] for e in page]
        since = page[-1]["_updated"]
    assert seen == [f"{n}-{m}" for n in range(5) for m in (1, 2)]
    assert out.is_filtered


def test_previews_have_no_side_effects(pipe: Build, fill: Fill, engine: Engine) -> None:
    fill("a", {"_id": "1", "x": 1})
    failing = {"type": "http", "system": "nowhere", "url": "/x"}
    sending = {"type": "json", "system": "nowhere", "url": "/y"}
    out = pipe(
        "o",
        FROM_A,
        transform=[{"type": "dtl", "rules": {"default": [["add", "y", 2]]}}, failing],
        sink=sending,
    )
    assert [e["y"] for e in out.preview()] == [2]
    assert [e["x"] for e in out.preview("source")] == [1] and [
        e["x"] for e in out.preview("before-transforms")
    ] == [1]
    assert out.offset is None and out.run().status == FAILED


def test_secrets_and_previous_versions_reach_dtl(pipe: Build, fill: Fill, store: Store, live: Live) -> None:
    engine = Engine(store, Systems({}), secret={"key": "s3"}.__getitem__)
    fill("a", {"_id": "1", "x": 1}, {"_id": "2", "x": 1})
    b = pipe("b", FROM_A, [["copy", "x"], ["add", "changed", ["is-changed", "_.x"]]], engine=engine)
    b.run()
    fill("a", {"_id": "1", "x": 2}, {"_id": "2", "x": 1, "y": 1})
    b.run()
    assert live("b")["1"]["changed"] is True and live("b")["2"]["changed"] is False


def test_a_transform_sees_what_the_one_before_it_brought_about(
    pipe: Build, fill: Fill, live: Live, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("h", {"_id": "1", "k": 1})
    fill("a", {"_id": "1", "k": 1})
    hop = ["hops", {"datasets": ["h h"], "where": ["eq", "_S.k", "h.k"], "return": "h._id"}]
    rules = [
        {"type": "dtl", "rules": {"default": [["copy", "*"], ["add", "before", hop]]}},
        {"type": "dtl", "rules": {"default": [["copy", "*"], ["add", "after", hop]]}},
    ]
    b = pipe("b", FROM_A, transform=rules)
    second = b.chain.transforms[1]
    apply = second.apply

    def after_a_change(items: Any, context: Any) -> Any:
        fill("h", {"_id": "2", "k": 1})
        return apply(items, context)

    monkeypatch.setattr(second, "apply", after_a_change)
    b.run()
    assert live("b") == {"1": {"k": 1, "before": ["1"], "after": ["1", "2"]}}
