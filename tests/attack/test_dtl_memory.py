"""A config that doubles what it has forty times ends with an error, not with the machine's memory."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from typing import Any

import pytest

from localnode.dtl import DtlError, PipeSettings, budget, compile_dtl
from localnode.dtl.memory import MemoryContext

TIMES = 40
TEXT = "0123456789"
START = ["add", "x", ["list", TEXT]]
DOUBLING: dict[str, list[Any]] = {
    "concat": ["concat", "_T.x", "_T.x"],
    "concat of one": ["concat", ["list", "_T.x", "_T.x"]],
    "join": ["join", "-", ["list", "_T.x", "_T.x"]],
    "replace": ["replace", "0123456789", "01234567890123456789", "_T.x"],
    "json": ["json", ["concat", "\\", "_T.x"]],
    "combine": ["combine", "_T.x", "_T.x"],
    "flatten": ["flatten", ["list", "_T.x", "_T.x"]],
    "dict": ["dict", "a", "_T.x", "b", "_T.x"],
    "dict of items": ["dict", ["list", ["list", "a", "_T.x"], ["list", "b", "_T.x"]]],
    "list": ["list", "_T.x", "_T.x"],
    "map": ["map", "_T.x", ["list", 1, 2]],
    "map-values": ["map-values", "_T.x", ["dict", "a", 1, "b", 2]],
    "group": ["group", "_", "_T.x", ["list", 1, 2]],
    "group-by": ["group-by", "_", ["list", "_T.x", 1, "_T.x"]],
    "enumerate": ["enumerate", ["list", "_T.x", "_T.x"]],
    "items": ["items", ["dict", "a", "_T.x", "b", "_T.x"]],
    "key-values": ["key-values", ["dict", "a", "_T.x", "b", "_T.x"]],
    "insert": ["insert", 0, ["list", "_T.x"], "_T.x"],
    "tuples": ["tuples", ["list", 1, 2], ["list", ["list", "_T.x"]]],
    "the target": ["dict", "a", "_T.", "b", "_T."],
    "apply": ["apply", "parent", "_T."],
}
"""What doubles `_T.x`, which is copied each time."""

SHARED = ["dict", "a", "_T._x", "b", "_T._x"]
"""What doubles `_T._x`, which is not copied: it is large only once something goes through all of it."""
GOING_THROUGH: dict[str, list[Any]] = {
    "add": ["add", "y", "_T._x"],
    "merge": ["merge", ["dict", "y", "_T._x"]],
    "merge-union": ["merge-union", ["dict", "y", ["list", "_T._x", "_T._x"]]],
    "create": ["create", ["dict", "_id", "b", "v", "_T._x"]],
    "create-child": ["create-child", ["dict", "_id", "b", "v", "_T._x"]],
    "fail!": ["fail!", "_T._x"],
    "json": ["add", "y", ["json", "_T._x"]],
    "json-transit": ["add", "y", ["json-transit", "_T._x"]],
    "eq": ["add", "y", ["eq", ["dict", "a", "_T._x"], ["dict", "a", "_T._x"]]],
    "in": ["add", "y", ["in", "_T._x", ["list", 1, "_T._x"]]],
    "distinct": ["add", "y", ["distinct", ["list", "_T._x"]]],
    "sorted": ["add", "y", ["sorted", ["list", "_T._x", "_T._x"]]],
    "union": ["add", "y", ["union", "_T._x", "_T._x"]],
    "group": ["add", "y", ["group", "_.", "_.", ["list", "_T._x"]]],
    "apply": ["add", "y", ["apply", "parent", "_T._x"]],
    "apply-ns": ["add", "y", ["apply-ns", "n", "_T._x"]],
}

MILLION = ["range", 0, 1_000_000]
THOUSAND = ["range", 0, 1_000]
MANY: dict[str, list[Any]] = {
    "lists": ["map", THOUSAND, MILLION],
    "lists of lists": ["map", ["map", ["map", THOUSAND, THOUSAND], THOUSAND], THOUSAND],
    "texts": ["map", ["concat", "_S.text", "_S.text"], MILLION],
    "literals": ["map", ["list", *range(100)], MILLION],
    "dicts": ["map", ["dict", "a", ["list"], "b", ["list"]], MILLION],
    "keys": ["map", ["keys", "_S."], MILLION],
    "characters": ["map", ["split", "", "_S.text"], MILLION],
    "copies of a list": ["map", ["upper", "_S.texts"], MILLION],
    "reversed": ["map", ["reversed", "_S.texts"], MILLION],
    "applied": ["map", ["apply", "parent", "_S."], MILLION],
    "rules in rules": ["apply", "rule0", "a"],
}
"""What makes a great deal at once."""

RULES = {
    "parent": [["add", "p", "_P."]],
    **{f"rule{at}": [["add", "_v", ["apply", f"rule{at + 1}", ["list", 1, 2]]]] for at in range(TIMES)},
    f"rule{TIMES}": [],
}
SOURCE: dict[str, Any] = {
    "text": TEXT * 10,
    "texts": [TEXT * 10] * 100,
    **{f"k{number}": number for number in range(100)},
}
MOST = 512 * 1024 * 1024


def _is_refused(steps: list[Any]) -> None:
    program = compile_dtl({"default": steps, **RULES}, PipeSettings("p"))
    tracemalloc.start()
    try:
        with pytest.raises(DtlError, match="from one entity"):
            program.transform({**SOURCE, "_id": "a"}, MemoryContext())
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", DOUBLING)
def test_what_doubles_forty_times_is_refused_with_its_place(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "MAX_MADE", budget.MAX_MADE // 512)
    steps = [START if name in ("combine", "flatten") else ["add", "x", TEXT]]
    _is_refused(steps + [["add", "x", DOUBLING[name]]] * TIMES)


@pytest.mark.parametrize("name", GOING_THROUGH)
def test_what_nests_by_reference_is_refused_where_all_of_it_is_gone_through(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "MAX_MADE", budget.MAX_MADE // 512)
    _is_refused([["add", "_x", TEXT], *([["add", "_x", SHARED]] * TIMES), GOING_THROUGH[name]])


@pytest.mark.parametrize("name", MANY)
def test_what_makes_a_great_deal_at_once_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_MADE", budget.MAX_MADE // 512)
    _is_refused([["add", "x", MANY[name]]])


@pytest.mark.slow
@pytest.mark.parametrize("name", [*DOUBLING, *MANY])
def test_with_the_whole_budget_memory_stays_bounded(name: str) -> None:
    """What does not reach the whole budget goes through: then it has to be small."""
    steps = [START if name in ("combine", "flatten") else ["add", "x", TEXT]]
    made = [["add", "x", DOUBLING[name]]] * TIMES if name in DOUBLING else [["add", "x", MANY[name]]]
    program = compile_dtl({"default": steps + made, **RULES}, PipeSettings("p"))
    tracemalloc.start()
    try:
        with suppress(DtlError):
            program.transform({**SOURCE, "_id": "a"}, MemoryContext())
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()


def test_each_entity_has_the_whole_budget() -> None:
    steps = [["add", "x", "0123456789"], *([["add", "x", DOUBLING["concat"]]] * 20), ["remove", "x"]]
    program = compile_dtl({"default": steps}, PipeSettings("p"))
    for number in range(6):
        assert program.transform({"_id": str(number)}, MemoryContext()) == [{"_id": str(number)}]


def test_what_is_counted_of_one_entity_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "MAX_MADE", budget.MAX_MADE // 512)
    before = budget.begin()
    budget.end(before)
    for _ in range(10):
        budget.spend(budget.MAX_MADE)  # outside of a program: of no entity
    steps = [["add", "_x", TEXT], *([["add", "_x", SHARED]] * TIMES), GOING_THROUGH["add"]]
    with pytest.raises(DtlError, match="from one entity"):
        compile_dtl({"default": steps}, PipeSettings("p")).transform({"_id": "a"}, MemoryContext())
    budget.spend(budget.MAX_MADE)
