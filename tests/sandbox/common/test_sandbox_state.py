"""The state file: order, pages, look-ups, lag, transactions and survival."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.common.data import load
from sandbox.common.state import Range, State

KEYS = {"thing": lambda record: {"at": record["at"], "tag": record.get("tags", [])}}


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state.sqlite", KEYS)


def put(state: State, record_id: str, at: int, **more: object) -> None:
    with state.write() as tx:
        tx.put("thing", record_id, {"id": record_id, "at": at, **more})


def ids(state: State, part: Range | None = None, limit: int = 100) -> list[str]:
    return [row.id for row in state.page("thing", "at", limit, part)]


def test_pages_follow_each_other_without_gap_at_equal_values(state: State) -> None:
    for number in range(10):
        put(state, f"t{number}", number // 4)
    seen: list[str] = []
    place = None
    while rows := state.page("thing", "at", 3, Range(after=place)):
        seen += [row.id for row in rows]
        place = rows[-1].place
    assert seen == [f"t{number}" for number in range(10)]
    backwards = state.page("thing", "at", 3, Range(descending=True))
    assert [row.id for row in backwards] == ["t9", "t8", "t7"]
    following = state.page("thing", "at", 2, Range(after=backwards[-1].place, descending=True))
    assert [row.id for row in following] == ["t6", "t5"]


def test_bounds_are_inclusive(state: State) -> None:
    for number in range(5):
        put(state, f"t{number}", number)
    assert ids(state, Range(first=1, last=3)) == ["t1", "t2", "t3"]


def test_a_record_is_listed_once_and_at_its_new_place(state: State) -> None:
    put(state, "a", 1)
    put(state, "b", 2)
    put(state, "a", 3)
    assert ids(state) == ["b", "a"]
    assert state.count("thing", "at") == 2


def test_find_uses_every_value_of_a_key(state: State) -> None:
    put(state, "a", 1, tags=["x", "y", "x"])
    put(state, "b", 2, tags=["y"])
    assert [record["id"] for record in state.find("thing", "tag", "y")] == ["a", "b"]
    assert [record["id"] for record in state.find("thing", "tag", "x")] == ["a"]
    with state.write() as tx:
        tx.remove("thing", "a")
    assert state.find("thing", "tag", "x") == []
    assert state.get("thing", "a") is None


def test_where_passes_over_rows_without_ending_the_page(state: State) -> None:
    for number in range(20):
        put(state, f"t{number:02}", number)
    rows = state.page("thing", "at", 3, where=lambda record: record["at"] % 5 == 0)
    assert [row.id for row in rows] == ["t00", "t05", "t10"]


def test_a_failing_transaction_leaves_nothing(state: State) -> None:
    with pytest.raises(RuntimeError), state.write() as tx:
        tx.put("thing", "a", {"id": "a", "at": 1})
        tx.next("number")
        raise RuntimeError
    assert ids(state) == []
    with state.write() as tx:
        assert tx.next("number") == 1


def test_lists_lag_but_single_records_do_not(state: State) -> None:
    with state.write() as tx:
        tx.put("thing", "old", {"id": "old", "at": 1}, since=0)
    state.list_lag_s = 3600
    put(state, "old", 9)
    put(state, "new", 5)
    assert [row.record["at"] for row in state.page("thing", "at", 10)] == [1]
    assert state.get("thing", "old") == {"id": "old", "at": 9}
    assert state.get("thing", "new") is not None
    state.list_lag_s = 0
    assert ids(state) == ["new", "old"]


def test_clock_never_repeats_even_in_a_new_process(state: State) -> None:
    moments = []
    for _ in range(3):
        with state.write() as tx:
            moments += [tx.now() for _ in range(100)]
    again = State(state.path, KEYS)
    with again.write() as tx:
        moments.append(tx.now())
    assert moments == sorted(set(moments))


def test_loading_replaces_everything_and_is_remembered(state: State) -> None:
    assert state.is_new
    put(state, "a", 1)
    load(state, lambda tx, seed: tx.put("thing", f"seed{seed}", {"id": f"seed{seed}", "at": seed}), "demo", 7)
    assert ids(state) == ["seed7"]
    assert not State(state.path, KEYS).is_new
    load(state, lambda tx, seed: None, "empty", 1)
    assert ids(state) == []
