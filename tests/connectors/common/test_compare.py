"""Three-valued compare and deep merge."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.common.compare import compare
from connectors.common.datatype import same_json

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b"]) | st.floats(-2, 2)
leaves = st.dictionaries(st.sampled_from("xyz"), scalars, max_size=3)
records = st.dictionaries(st.sampled_from("abcd"), scalars | leaves, max_size=4)


def pick(value: dict[str, Any]) -> dict[str, Any]:
    """Without nulls, at any depth: null and missing are one."""
    return {k: pick(v) if isinstance(v, dict) else v for k, v in value.items() if v is not None}


def merged(present: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return present | changes


def test_equal_is_dropped_and_the_rest_is_written_whole() -> None:
    present = {"name": "A", "address": {"city": "Oslo", "zip": "1"}, "other": 1}
    found = compare(present, {"name": "A", "address": {"city": "Bergen"}}, present)
    assert found.changes == {"address": {"city": "Bergen", "zip": "1"}}
    assert found.conflicts == []


def test_somebody_elses_change_of_the_same_property_is_a_conflict() -> None:
    found = compare({"name": "C"}, {"name": "B"}, {"name": "A"})
    assert found.conflicts == ["/name"]


def test_changes_of_different_keys_of_one_object_both_survive() -> None:
    present = {"address": {"city": "Oslo", "zip": "changed by them"}}
    found = compare(present, {"address": {"city": "Bergen"}}, {"address": {"city": "Oslo", "zip": "1"}})
    assert found.conflicts == []
    assert found.changes == {"address": {"city": "Bergen", "zip": "changed by them"}}


def test_both_made_the_same_change() -> None:
    assert compare({"name": "B"}, {"name": "B"}, {"name": "A"}).changes == {}


def test_null_removes_a_key_and_equals_missing() -> None:
    present = {"meta": {"a": 1, "b": 2}}
    assert compare(present, {"meta": {"a": None}}, present).changes == {"meta": {"b": 2}}
    assert compare(present, {"meta": {"c": None}, "gone": None}, present).changes == {}


def test_true_is_not_one_but_one_is_one_point_nought() -> None:
    assert compare({"a": 1}, {"a": True}, None).changes == {"a": True}
    assert compare({"a": 1}, {"a": 1.0}, None).changes == {}


def test_watched_paths_limit_the_comparison_with_based_on() -> None:
    present, based = {"a": 9, "b": {"x": 9, "y": 9}}, {"a": 1, "b": {"x": 1, "y": 1}}
    desired = {"a": 2, "b": {"x": 2, "y": 2}}
    assert compare(present, desired, based, watched_fields=["b.x"]).conflicts == ["/b/x"]
    assert compare(present, desired, based, watched_fields=["b"]).conflicts == ["/b/x", "/b/y"]
    assert compare(present, desired, based, watched_fields=[]).conflicts == []
    assert compare(present, desired, None).conflicts == []


def test_pointers_are_escaped() -> None:
    assert compare({"a/b": {"c~d": 1}}, {"a/b": {"c~d": 2}}, {}).conflicts == ["/a~1b/c~0d"]


def test_lines_are_merged_by_their_key() -> None:
    present = {"lines": [{"id": "1", "sku": "A", "qty": 1}, {"id": "2", "sku": "B", "qty": 2}]}
    found = compare(present, {"lines": [{"id": "2", "qty": 5}]}, present, line_keys={"lines": "id"})
    assert found.changes == {"lines": [{"id": "1", "sku": "A", "qty": 1}, {"id": "2", "sku": "B", "qty": 5}]}
    assert found.conflicts == []
    assert found.left_lines == [("/lines/0", present["lines"][0])]


def test_a_line_that_nobody_knew_of_is_not_left_out() -> None:
    present = {"lines": [{"id": "1", "qty": 1}, {"id": "2", "qty": 2}]}
    based, desired = {"lines": [{"id": "2", "qty": 2}]}, {"lines": [{"id": "2", "qty": 5}]}
    assert compare(present, desired, based, line_keys={"lines": "id"}).left_lines == []
    assert compare(present, desired, None, line_keys={"lines": "id"}).left_lines == []


def test_lines_in_another_order_with_nothing_new_are_no_change() -> None:
    present = {"lines": [{"id": "1", "qty": 1}, {"id": "2", "qty": 2}]}
    desired = {"lines": [{"id": "2", "qty": 2}, {"id": "1", "qty": 1}]}
    assert compare(present, desired, present, line_keys={"lines": "id"}).changes == {}


def test_a_contested_line_names_its_place() -> None:
    present, based = {"lines": [{"id": "1", "qty": 7}]}, {"lines": [{"id": "1", "qty": 1}]}
    found = compare(present, {"lines": [{"id": "1", "qty": 2}]}, based, line_keys={"lines": "id"})
    assert found.conflicts == ["/lines/0/qty"]


def test_a_line_that_they_removed_and_we_change_is_contested() -> None:
    based = {"lines": [{"id": "1", "qty": 1}]}
    found = compare({"lines": []}, {"lines": [{"id": "1", "qty": 2}]}, based, line_keys={"lines": "id"})
    assert found.conflicts == ["/lines/0"]


def test_lines_without_keys_are_matched_by_place_and_never_pile_up() -> None:
    present = {"lines": [{"id": "1", "qty": 1}, {"id": "2", "qty": 2}]}
    same = compare(present, {"lines": [{"qty": 1}, {"qty": 2}]}, present, line_keys={"lines": "id"})
    assert same.changes == {}
    other = compare(present, {"lines": [{"qty": 1}, {"qty": 3}]}, present, line_keys={"lines": "id"})
    assert other.changes == {"lines": [{"id": "1", "qty": 1}, {"id": "2", "qty": 3}]}
    added = compare(
        present, {"lines": [{"id": "1"}, {"qty": 2}, {"qty": 9}]}, present, line_keys={"lines": "id"}
    )
    assert added.changes == {"lines": [*present["lines"], {"qty": 9}]}


@given(records, records)
def test_writing_the_changes_brings_about_what_is_desired(
    present: dict[str, Any], desired: dict[str, Any]
) -> None:
    after = merged(present, compare(present, desired, None).changes)
    again = compare(after, desired, None)
    assert again.changes == {}
    assert all(same_json(after.get(name), present.get(name)) for name in present.keys() - desired.keys())


@given(records, records, records)
def test_contested_exactly_where_all_three_differ(
    present: dict[str, Any], desired: dict[str, Any], based: dict[str, Any]
) -> None:
    flat = {k: v for k, v in desired.items() if not isinstance(v, dict)}
    found = compare(present, flat, based)
    expected = {
        f"/{name}"
        for name, value in flat.items()
        if not same_json(present.get(name), value) and not same_json(present.get(name), based.get(name))
    }
    assert set(found.conflicts) == expected
    assert found.changes.keys() == {
        name for name, value in flat.items() if not same_json(present.get(name), value)
    }


@given(records, records)
def test_based_on_the_present_is_never_contested(present: dict[str, Any], desired: dict[str, Any]) -> None:
    assert compare(present, desired, present).conflicts == []


@given(records)
def test_desiring_what_is_there_changes_nothing(present: dict[str, Any]) -> None:
    assert compare(present, present, {}).changes == {}
    assert compare(present, pick(present), {}).changes == {}
