"""Datasets: the write rule, streams, indexes, the circuit breaker."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localnode import codec
from localnode.store import DatasetMissing, DuplicateVersion, InvalidEntity, StaleEntity, Store, WriteOptions


class ByKey:
    """Index on the property `k`, one value or a list."""

    key = "k"
    primary_key = False

    def values(self, entity: dict[str, Any]) -> list[str]:
        value = entity.get("k")
        if entity.get("_deleted") or value is None:
            return []
        return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def versions(dataset: Any) -> list[tuple[int, str, int | None, bool]]:
    return [(e["_updated"], e["_id"], e["_previous"], e["_deleted"]) for e in dataset.read(history=True)]


def test_documented_expected_results_of_three_syncs(store: Store) -> None:
    a = store.dataset("a", create=True)
    for sync in (
        [{"_id": "a", "x": 1}, {"_id": "b", "x": 1}],
        [{"_id": "a", "x": 2}, {"_id": "b", "x": 1}, {"_id": "c", "x": 1}, {"_id": "d", "x": 1}],
        [{"_id": "a", "x": 1}, {"_id": "b", "x": 1}, {"_id": "d", "x": 1}],
    ):
        base = a.start_full()
        a.write(sync, WriteOptions(full=True))
        a.delete_unseen(base)
    assert versions(a) == [
        (0, "a", None, False),
        (1, "b", None, False),
        (2, "a", 0, False),
        (3, "c", None, False),
        (4, "d", None, False),
        (5, "a", 2, False),
        (6, "c", 3, True),
    ]
    first, last = a.version(0), a.version(5)
    assert first and last and first.hash == last.hash
    assert [e["_id"] for e in a.read()] == ["b", "d", "a", "c"]


def test_only_content_and_deletedness_count_as_change(store: Store) -> None:
    a = store.dataset("a", create=True)
    a.write([{"_id": "1", "x": 1}])
    assert a.write([{"_id": "1", "x": 1, "_ts": 5, "_whatever": 1, "_deleted": False}]).changed == 0
    assert a.write([{"_id": "1", "x": 1.0}]).changed == 1
    assert a.write([{"_id": "1", "x": True}]).changed == 1
    assert a.write([{"_id": "1", "x": True, "_deleted": "yes"}]).changed == 0
    assert a.write([{"_id": "1", "x": True, "_deleted": True}]).deleted == 1
    assert a.write([{"_id": "1", "nested": {"_keeps": 1}}]).changed == 1
    row = a.get("1")
    assert row and row.entity()["nested"] == {"_keeps": 1}


def test_one_write_may_hold_several_versions_of_an_id(store: Store) -> None:
    a = store.dataset("a", create=True)
    a.write([{"_id": "1", "x": 1}, {"_id": "1", "x": 2}, {"_id": "1", "x": 2}, {"_id": "2"}])
    assert versions(a) == [(0, "1", None, False), (1, "1", 0, False), (2, "2", None, False)]
    assert [e["_updated"] for e in a.read()] == [1, 2]
    assert (a.info().ids, a.info().live) == (2, 2)


def test_filtered_deletes_what_is_live_and_is_dropped_otherwise(store: Store) -> None:
    a = store.dataset("a", create=True)
    assert a.write([{"_id": "1", "_filtered": True}]).changed == 0
    a.write([{"_id": "1", "x": 1}])
    assert a.write([{"_id": "1", "_filtered": True}], WriteOptions(suppress_filtered=True)).changed == 0
    assert a.write([{"_id": "1", "_filtered": True}]).deleted == 1
    row = a.get("1")
    assert row and row.entity()["x"] == 1 and row.deleted
    assert a.write([{"_id": "1", "_filtered": True}]).changed == 0
    a.write([{"_id": "2", "x": 1}, {"_id": "2", "_filtered": True}])
    row = a.get("2")
    assert row and row.deleted


def test_a_bad_entity_leaves_nothing_of_its_write(store: Store) -> None:
    a = store.dataset("a", create=True)
    for bad in ({"x": 1}, {"_id": ""}, {"_id": 5}):
        with pytest.raises(InvalidEntity):
            a.write([{"_id": "ok"}, bad])
    assert a.max_updated is None
    with pytest.raises(InvalidEntity, match="max_entity_bytes_size is 20"):
        a.write([{"_id": "1", "x": "y" * 50}], WriteOptions(max_bytes=20))


def test_options_that_refuse_versions(store: Store) -> None:
    a = store.dataset("a", create=True)
    a.write([{"_id": "1", "x": 1}])
    with pytest.raises(DuplicateVersion):
        a.write([{"_id": "1", "x": 2}], WriteOptions(multiple_versions=False))
    assert a.write([{"_id": "1", "x": 2}], WriteOptions(multiple_versions="ignore")).changed == 0
    a.write([{"_id": "1", "x": 3}])
    with pytest.raises(StaleEntity) as caught:
        a.write([{"_id": "1", "x": 4, "_updated": 0}], WriteOptions(optimistic_locking=True))
    assert caught.value.existing_entity["x"] == 3
    assert caught.value.common_ancestor_entity and caught.value.common_ancestor_entity["x"] == 1
    assert a.write([{"_id": "1", "x": 4, "_updated": 1}], WriteOptions(optimistic_locking=True)).changed == 1
    assert a.write([{"_id": "1", "x": 4}], WriteOptions(force=True)).changed == 1


def test_streams(store: Store) -> None:
    a = store.dataset("a", create=True)
    a.write([{"_id": str(n), "x": n} for n in range(10)])
    a.write([{"_id": "0", "x": 100}, {"_id": "5", "_deleted": True}])
    ids = [e["_id"] for e in a.read(page=3)]
    assert ids == ["1", "2", "3", "4", "6", "7", "8", "9", "0", "5"]
    assert [e["_id"] for e in a.read(since=8, page=3)] == ["9", "0", "5"]
    assert [e["_id"] for e in a.read(limit=2)] == ["1", "2"]
    assert list(a.read(limit=0)) == []
    assert [e["_id"] for e in a.read(deleted=False)] == ids[:-1]
    assert [e["_id"] for e in a.read(reverse=True, limit=3)] == ["5", "0", "9"]
    assert len(list(a.read(history=True, page=4))) == 12


def test_subset_tells_a_reader_what_left_it(store: Store) -> None:
    a = store.dataset("a", create=True)
    a.write([{"_id": "1", "v": "a"}, {"_id": "2", "v": "b"}])

    def is_a(entity: dict[str, Any]) -> bool:
        return entity.get("v") == "a"

    assert [e["_id"] for e in a.read(subset=is_a)] == ["1"]
    a.write([{"_id": "1", "v": "b"}, {"_id": "2", "v": "c"}])
    a.write([{"_id": "1", "v": "z"}])
    assert [(e["_id"], e["_deleted"]) for e in a.read(since=1, subset=is_a)] == [("1", True)]
    assert list(a.read(subset=is_a)) == []


def found(dataset: Any, *keys: str) -> list[str]:
    return [row.id for row in dataset.indexes.find(ByKey(), list(keys))]


def test_index_follows_every_write(store: Store) -> None:
    a = store.dataset("a", create=True)
    a.write([{"_id": "2", "k": "x"}, {"_id": "1", "k": ["x", "y"]}, {"_id": "3"}])
    assert found(a, "x") == ["1", "2"] and found(a, "y", "x") == ["1", "2"] and found(a, "z") == []
    a.write([{"_id": "2", "k": "z"}, {"_id": "1", "k": "x", "_deleted": True}, {"_id": "4", "k": "x"}])
    assert found(a, "x") == ["4"] and found(a, "z") == ["2"]
    assert a.indexes.find_ids(ByKey(), ["x", "z"]) == [("x", "4"), ("z", "2")]
    assert store.query("SELECT val FROM ix_1 ORDER BY val") == [("x",), ("z",)], (
        "nothing of old versions is left"
    )


def test_index_catches_up_after_a_restart(tmp_path: Path) -> None:
    first = Store.open(tmp_path / "n.db")
    a = first.dataset("a", create=True)
    a.write([{"_id": str(n), "k": str(n % 7)} for n in range(3000)])
    a.indexes.ensure(ByKey())
    first.close()
    second = Store.open(tmp_path / "n.db")
    b = second.dataset("a")
    b.write([{"_id": "0", "k": "new"}, {"_id": "7", "_deleted": True, "k": "0"}])
    assert found(b, "new") == ["0"] and len(found(b, "0")) == 427
    assert second.query("SELECT count(*) FROM ix_1")[0][0] == 2999, (
        "values of superseded versions are dropped"
    )
    second.close()


def test_rollback_leaves_no_trace(store: Store) -> None:
    a = store.dataset("a", create=True)
    a.indexes.ensure(ByKey())
    with pytest.raises(RuntimeError), store.transaction():
        a.write([{"_id": "1", "k": "x"}])
        store.dataset("b", create=True)
        store.pipe_state("p").put("offset", 1)
        raise RuntimeError
    assert a.max_updated is None and found(a, "x") == []
    assert store.find("b") is None and store.pipe_state("p").get("offset") is None
    a.write([{"_id": "1", "k": "x"}])
    assert found(a, "x") == ["1"]


def test_deleting_a_dataset_changes_its_generation(store: Store) -> None:
    a = store.dataset("a", create=True)
    a.write([{"_id": "1", "k": "x"}])
    a.indexes.ensure(ByKey())
    before = a.info().generation
    store.delete_dataset("a")
    with pytest.raises(DatasetMissing):
        list(a.read())
    with pytest.raises(DatasetMissing):
        a.write([{"_id": "1"}])
    with pytest.raises(DatasetMissing):
        store.dataset("a")
    again = store.dataset("a", create=True)
    assert again.info().generation != before and found(again, "x") == []


def test_readers_see_whole_transactions_only(store: Store) -> None:
    a = store.dataset("a", create=True)
    inside, release, seen = threading.Event(), threading.Event(), []

    def write() -> None:
        with store.transaction():
            a.write([{"_id": "1"}])
            store.dataset("new", create=True).write([{"_id": "1"}])
            assert store.find("new") is not None
            inside.set()
            release.wait(60)
            a.write([{"_id": "2"}])

    thread = threading.Thread(target=write)
    thread.start()
    assert inside.wait(60)
    seen += [len(list(a.read())), store.find("new"), [each.id for each in store.datasets()]]
    release.set()
    thread.join()
    assert seen == [0, None, ["a"]] and len(list(a.read())) == 2
    assert len(list(store.dataset("new").read())) == 1


def test_breaker_holds_writes_back_until_somebody_decides(store: Store) -> None:
    a = store.dataset("a", create=True)
    a.write([{"_id": "1", "x": 1}, {"_id": "2", "x": 1}])
    staged = WriteOptions(staged=True)
    assert a.write([{"_id": "1", "x": 2}, {"_id": "2", "x": 1}, {"_id": "3"}], staged).changed == 2
    assert a.write([{"_id": "1", "x": 2}, {"_id": "2", "_filtered": True}], staged).changed == 1
    a.trip("too many")
    assert [e["_id"] for e in a.read()] == ["1", "2"] and a.info().breaker == "too many"
    assert [e["_id"] for e in a.staged()] == ["1", "3", "2"]
    assert a.commit_breaker() == 3
    assert {e["_id"]: e["_deleted"] for e in a.read()} == {"1": False, "3": False, "2": True}
    a.write([{"_id": "9"}], staged)
    assert a.rollback_breaker() == 1 and a.get("9") is None and a.info().breaker is None


@pytest.mark.parametrize("staged", [False, True])
def test_a_deletion_of_an_unknown_id_is_stored_or_dropped(store: Store, staged: bool) -> None:
    a = store.dataset("a", create=True)
    given = [{"_id": "new", "_deleted": True}, {"_id": "both"}, {"_id": "both", "_deleted": True}]
    assert a.write(given, WriteOptions(staged=staged, unknown_deletions=False)).changed == 2
    assert a.write(given[:1], WriteOptions(staged=staged)).changed == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(json_values)
@settings(max_examples=200, deadline=None)
def test_codec_loses_nothing(value: Any) -> None:
    data = codec.dumps({"v": value})
    assert codec.dumps(codec.loads(data)) == data
    assert codec.loads(data) == {"v": value}


@given(
    st.lists(st.dictionaries(st.text(max_size=5), json_values, max_size=3), max_size=5), st.integers(1, 40)
)
@settings(max_examples=100, deadline=None)
def test_arrays_can_be_read_in_any_pieces(entities: list[Any], size: int) -> None:
    text = codec.dumps(entities)
    assert list(codec.iter_array(text[at : at + size] for at in range(0, len(text), size))) == entities


@pytest.mark.parametrize(
    "text", ["", "[", '[{"a":1}', '[{"a":1},', "[1,]", "[NaN]", '{"a":1}x', "[1] 2", "null"]
)
def test_a_cut_or_malformed_array_is_an_error(text: str) -> None:
    with pytest.raises(codec.MalformedJson):
        list(codec.iter_array([text.encode()]))


def test_integers_of_any_size_stay_exact(store: Store) -> None:
    a = store.dataset("a", create=True)
    big = 123456789012345678901234567890
    a.write([{"_id": "1", "x": big, "y": codec.parse(b"[1e2, 20000000000000000001]")}])
    row = a.get("1")
    assert row and row.entity()["x"] == big and row.entity()["y"] == [100.0, 20000000000000000001]


def test_the_backlog_of_a_reader_is_counted_in_no_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = store.dataset("a", create=True)
    assert dataset.count_since(None) == 0
    dataset.write([{"_id": str(n)} for n in range(10)])
    dataset.write([{"_id": "0", "x": 1}])
    assert (dataset.count_since(None), dataset.count_since(4), dataset.count_since(10)) == (10, 6, 0)
    monkeypatch.setattr("localnode.store.dataset.COUNTED", 3)
    assert (dataset.count_since(-1), dataset.count_since(0), dataset.count_since(8)) == (10, 10, 2)


def test_all_indexes_can_be_dropped_and_are_built_again(store: Store) -> None:
    a = store.dataset("a", create=True)
    a.write([{"_id": "1", "k": "x"}])
    assert found(a, "x") == ["1"]
    store.drop_indexes()
    assert a.indexes.keys() == []
    assert found(a, "x") == ["1"]


def test_what_is_read_again_and_again_is_never_out_of_date(store: Store) -> None:
    a, state = store.dataset("a", create=True), store.pipe_state("p")
    seen: list[tuple[Any, ...]] = []

    def look() -> None:
        seen.append((a.info().max_updated, state.get("offset"), state.retry_count()))

    def elsewhere() -> None:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    elsewhere()
    with store.transaction():
        a.write([{"_id": "1"}])
        state.put("offset", 7)
        state.put_retry({"_id": "1"}, 0, "no")
        look()
        elsewhere()
    elsewhere()
    with pytest.raises(RuntimeError), store.transaction():
        state.put("offset", 8)
        state.drop_retries()
        look()
        raise RuntimeError
    look()
    after = (0, 7, 1)
    assert seen == [(None, None, 0), after, (None, None, 0), after, (0, 8, 0), after]


def test_a_dataset_that_was_never_committed_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(RuntimeError), store.transaction():
        made = store.dataset("a", create=True)
        made.set_populated()
        assert made.info().populated
        raise RuntimeError
    with pytest.raises(DatasetMissing):
        made.info()
    assert not store.dataset("a", create=True).info().populated
