"""A config that doubles what it has forty times ends with an error, not with the machine's memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from localnode.dtl import DtlError, PipeSettings, compile_dtl
from localnode.dtl.memory import MemoryContext

TIMES = 40
START = ["add", "x", ["list", "0123456789"]]
DOUBLING: dict[str, list[Any]] = {
    "concat": ["concat", "_T.x", "_T.x"],
    "concat of one": ["concat", ["list", "_T.x", "_T.x"]],
    "join": ["join", "-", ["list", "_T.x", "_T.x"]],
    "replace": ["replace", "0123456789", "01234567890123456789", "_T.x"],
    "combine": ["combine", "_T.x", "_T.x"],
    "flatten": ["flatten", ["list", "_T.x", "_T.x"]],
}


@pytest.mark.parametrize("name", DOUBLING)
def test_what_doubles_forty_times_is_refused_with_its_place(name: str) -> None:
    steps = [START if name in ("combine", "flatten") else ["add", "x", "0123456789"]]
    steps += [["add", "x", DOUBLING[name]]] * TIMES
    program = compile_dtl({"default": steps}, PipeSettings("p"))
    tracemalloc.start()
    try:
        with pytest.raises(DtlError, match="made of one entity"):
            program.transform({"_id": "a"}, MemoryContext())
        assert tracemalloc.get_traced_memory()[1] < 512 * 1024 * 1024
    finally:
        tracemalloc.stop()
    with pytest.raises(DtlError):  # and again: nothing is left over for the next entity but its own budget
        program.transform({"_id": "b"}, MemoryContext())


def test_each_entity_has_the_whole_budget() -> None:
    steps = [["add", "x", "0123456789"], *([["add", "x", DOUBLING["concat"]]] * 20), ["remove", "x"]]
    program = compile_dtl({"default": steps}, PipeSettings("p"))
    for number in range(6):
        assert program.transform({"_id": str(number)}, MemoryContext()) == [{"_id": str(number)}]
