"""Programs at work: errors that name what they are about, isolation, and patterns that stay fast."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from localnode.dtl import DtlError, DtlTrip, PipeSettings, compile_dtl, compile_index
from localnode.dtl.memory import MemoryContext
from localnode.dtl.patterns import wildcard

SETTINGS = PipeSettings("pipe")


def transform(
    rules: Any, entity: dict[str, Any], context: MemoryContext | None = None
) -> list[dict[str, Any]]:
    return compile_dtl(rules, SETTINGS).transform(entity, context or MemoryContext())


def test_an_error_names_rule_place_and_entity() -> None:
    rules = {
        "default": [["add", "o", ["apply", "order", "_S.orders"]]],
        "order": [["add", "a", 1], ["if", True, [["comment"], ["add", "n", ["range", 0, "_S.n"]]]]],
    }
    with pytest.raises(DtlError) as caught:
        transform(rules, {"_id": "c7", "orders": [{"n": 1}, {"n": 10**9}]})
    error = caught.value
    assert (error.rule, error.path, error.entity_id) == ("order", "['order'][1][2][1]", "c7")
    assert "more than 1,000,000 numbers" in error.message
    assert not isinstance(error, DtlTrip)


def test_trip_is_an_error_of_its_own() -> None:
    with pytest.raises(DtlTrip, match="stop"):
        transform({"default": [["trip!", "stop"]]}, {"_id": "1"})


def test_an_index_that_cannot_be_worked_out_names_the_entity() -> None:
    index = compile_index(["range", 0, "c.n"], "c", SETTINGS)
    with pytest.raises(DtlError) as caught:
        index.values({"_id": "c7", "n": 10**9})
    assert caught.value.entity_id == "c7"


def test_outputs_share_nothing_that_can_change() -> None:
    shared = {"_id": "s", "list": [{"x": [1]}], "dict": {"y": {"z": 1}}, "text": "a"}
    source = {"_id": "1", "list": [{"x": [1]}], "dict": {"y": {"z": 1}}, "children": [{"_id": "k", "v": [1]}]}
    before = json.dumps([shared, source])
    constant = {"deep": [{"x": 1}]}
    rules = {
        "default": [
            ["copy", "*"],
            ["add", "all", "_S."],
            ["add", "own", "_T."],
            ["add", "list2", ["list", "_S.list", "_T.list"]],
            ["add-if", "if", "_S.dict"],
            ["default", "default", "_S.dict"],
            ["rename", "dict", "renamed"],
            ["merge", ["lookup-entity", "shared", "s"]],
            ["merge-union", ["lookup-entity", "shared", "s"]],
            [
                "add",
                "hops",
                ["hops", {"datasets": ["shared s"], "where": ["eq", "_S.dict.y.z", "s.dict.y.z"]}],
            ],
            ["add", "applied", ["apply", "rule", "_S.dict"]],
            ["add", "constant", constant],
            ["create", "_S.children"],
            ["create-child", "_S.children"],
        ],
        "rule": [["copy", "*"], ["add", "parent", "_P."]],
    }
    program = compile_dtl(rules, SETTINGS)
    context = MemoryContext({"shared": [shared]})
    outputs = program.transform(source, context)
    first = json.dumps(outputs)
    for output in outputs:
        _scribble(output)
    assert json.dumps([shared, source]) == before
    assert json.dumps(program.transform(source, context)) == first
    containers: list[Any] = []
    for output in program.transform(source, context):
        _collect(output, containers)
    assert len({id(container) for container in containers}) == len(containers)


def _scribble(value: Any) -> None:
    if isinstance(value, dict):
        for item in value.values():
            _scribble(item)
        value["scribble"] = True
    if isinstance(value, list):
        for item in value:
            _scribble(item)
        value.append("scribble")


def _collect(value: Any, containers: list[Any]) -> None:
    if isinstance(value, dict | list):
        containers.append(value)
        for item in value.values() if isinstance(value, dict) else value:
            _collect(item, containers)


def test_strings_that_look_tagged_become_ordinary_in_outputs() -> None:
    (output,) = transform({"default": [["add", "a", ["list", ["json-parse", '"~rx"']]]]}, {"_id": "1"})
    assert output["a"] == ["~rx"]
    assert type(output["a"][0]) is str


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("a*p*a", "alpaca", True),
        ("a*p*a", "alpac", False),
        ("*", "", True),
        ("?", "", False),
        ("a?c", "abc", True),
        ("*?b", "b", False),
        ("ab*ab", "ab", False),
        ("ab*ab", "abab", True),
        ("[a]+.", "[a]+.", True),
        ("x*y*z?", "xyyzz", True),
        ("**a**", "bab", True),
    ],
)
def test_wildcards(pattern: str, name: str, expected: bool) -> None:
    assert wildcard(pattern)(name) is expected


def test_wildcards_do_not_backtrack() -> None:
    start = time.process_time()
    for pattern in ("*a" * 30 + "*b", "*a?" * 30 + "b", "?*" * 30 + "b"):
        assert not wildcard(pattern)("a" * 20_000)
    assert time.process_time() - start < 2


def test_joins_find_by_any_shared_value_in_the_order_of_ids() -> None:
    context = MemoryContext({"d": [{"_id": "z", "k": [1, 2]}, {"_id": "b", "k": 2}, {"_id": "c", "k": 3}]})
    rules = {
        "default": [
            ["add", "r", ["hops", {"datasets": ["d d"], "where": ["eq", "_S.k", "d.k"], "return": "d._id"}]]
        ]
    }
    (output,) = transform(rules, {"_id": "1", "k": [2, 2, 1]}, context)
    assert output["r"] == ["b", "z"]
    context.load("d", [{"_id": "a", "k": 1}])
    (output,) = transform(rules, {"_id": "1", "k": [2, 2, 1]}, context)
    assert output["r"] == ["a", "b", "z"]
