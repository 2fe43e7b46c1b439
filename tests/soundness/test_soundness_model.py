"""The model itself: which values it admits, from histories as short as they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.soundness.model import Edit, Group

A, B = "contact:1", "cb_customer:1"


def group(*edits: Edit, agreed: object = "old") -> Group:
    found = Group("person", agreed={"phone": agreed})
    found.edits["phone"] = list(edits)
    return found


def test_without_edits_nothing_changes() -> None:
    assert group().admissible("phone") == ["old"]


def test_one_side_edited_wins_also_with_a_clear() -> None:
    assert group(Edit(A, "new", 5, 6)).admissible("phone") == ["new"]
    assert group(Edit(A, "new", 5, 6), Edit(A, None, 7, 8)).admissible("phone") == [None]


def test_the_later_edit_wins_unless_the_clocks_can_not_tell() -> None:
    assert group(Edit(A, "a", 5, 6), Edit(B, "b", 7, 8)).admissible("phone") == ["b"]
    assert group(Edit(A, "a", 5, 7), Edit(B, "b", 6, 8)).admissible("phone") == ["a", "b"]


def test_a_value_that_came_back_may_have_been_missed() -> None:
    back = group(Edit(A, "x", 5, 9), Edit(A, "old", 6, 9), Edit(B, "b", 1, 2))
    assert set(map(str, back.admissible("phone"))) == {"old", "b"}


def test_lines_are_edited_each_by_itself() -> None:
    one, other = Edit(A, ["x", "old"], 5, 6), Edit(B, ["old", "y"], 7, 8)
    assert group(one, other, agreed=["old", "old"]).admissible("phone") == [["x", "y"]]
    assert group(one, Edit(B, ["z", "y"], 7, 8), agreed=["old", "old"]).admissible("phone") == [["z", "y"]]
    assert group(one, Edit(A, None, 7, 8), agreed=["old", "old"]).admissible("phone") == [None]


def test_a_line_that_looks_unchanged_may_have_been_synced_in_between() -> None:
    erp, there = Edit(A, ["x", "x"], 5, 6), Edit(B, ["y", "old"], 7, 8)
    both = group(erp, there, agreed=["old", "old"])
    assert both.admissible("phone") == [["y", "x"]]
    assert both.admissible("phone", exact=False) == [["y", "x"], ["y", "old"]]
    alone = group(there, agreed=["old", "old"])
    assert alone.admissible("phone", exact=False) == [["y", "old"]]


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 50), st.integers(0, 9)), min_size=1))
def test_something_is_always_admissible_and_it_was_typed_last_somewhere(history: list) -> None:
    edits = [Edit(member, f"v{n}", lo, lo + span) for n, (member, lo, span) in enumerate(history)]
    last = {edit.member: edit.value for edit in edits}
    allowed = group(*edits).admissible("phone")
    assert allowed
    assert set(allowed) <= set(last.values())
