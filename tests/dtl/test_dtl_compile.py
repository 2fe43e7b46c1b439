"""The compiler: what it finds out about rules, and what it says about wrong ones."""

from __future__ import annotations

from typing import Any

import pytest

from localnode.dtl import DtlCompileError, DtlProblem, PipeSettings, Program, compile_dtl, compile_index

SETTINGS = PipeSettings("pipe")
ORDERS = {"datasets": ["orders o"], "where": [["eq", "_S._id", "o.customer"]]}


def compiled(*transforms: Any, **rules: Any) -> Program:
    return compile_dtl({"default": list(transforms), **rules}, SETTINGS)


def problems(rules: Any) -> list[DtlProblem]:
    with pytest.raises(DtlCompileError) as caught:
        compile_dtl(rules, SETTINGS)
    return caught.value.problems


def test_all_problems_are_found_each_at_its_place() -> None:
    found = problems(
        {
            "default": [
                ["copy", "*"],
                ["add", "a", ["concat", "x", ["uper", "y"]]],
                ["if", ["eq", 1], [["add", "b"]], ["ad", "c", 1]],
                ["add", "d", ["map", ["substring", "one", "_."], "_S.x..y"]],
            ],
            "other": ["not a transform"],
        }
    )
    assert [problem.path for problem in found] == [
        "['default'][1][2][2][0]",
        "['default'][2][1]",
        "['default'][2][2][0]",
        "['default'][2][3][0]",
        "['default'][3][2][1][1]",
        "['default'][3][2][2]",
        "['other'][0]",
    ]
    assert found[0].message == 'unknown function "uper"; did you mean "upper"?'
    assert {problem.level for problem in found} == {"error"}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([], "rules must be an object"),
        ({}, 'there is no rule "default"'),
        ({"default": {}}, "a rule is a list of transforms"),
        ({"default": [["add", "a", [[]]]]}, "starts with a function name"),
    ],
)
def test_broken_rules(rules: Any, message: str) -> None:
    assert message in str(problems(rules)[0])


def test_nesting_is_limited() -> None:
    expression: Any = "_S.a"
    for _ in range(150):
        expression = ["lower", expression]
    assert "nested more than 100 deep" in problems({"default": [["add", "a", expression]]})[0].message
    transform: Any = ["add", "a", 1]
    for _ in range(150):
        transform = ["if", True, [transform]]
    assert "nested more than 100 deep" in problems({"default": [transform]})[0].message


def test_messages_stay_short_whatever_they_are_about() -> None:
    deep: Any = []
    for _ in range(10_000):
        deep = [deep]
    for rules in (
        {"default": [["add", "a", deep]]},
        {"default": [["add", "a", [deep]]]},
        {"default": [["add", "a", ["nth", {"x": "y" * 100_000}, 1]]]},
        {"default": [["x" * 100_000]]},
        {"default": [["add", "a", ["hops", {"datasets": [deep]}]]]},
    ):
        assert all(len(problem.message) < 500 for problem in problems(rules))


def test_what_a_program_reads_is_known() -> None:
    spec = {
        "datasets": ["orders o", "products p"],
        "where": [["eq", "_S._id", ["lower", "o.customer"]], ["eq", "o.lines", "p._id"]],
        "subsets": {"o": ["eq", "_S.shop", "mine"]},
    }
    program = compiled(
        ["add", "a", ["hops", spec]],
        ["add", "b", ["hops", {**ORDERS, "track-dependencies": False, "datasets": ["archive o"]}]],
        ["add", "c", ["lookup-entity", "codes", "x"]],
    )
    assert program.datasets == {"orders", "products", "archive", "codes"}
    assert program.tracked_datasets == {"orders", "products"}
    first, second, third = program.hop_joins
    assert (first.dataset, first.index.key, first.index.primary_key) == (
        "orders",
        '["lower", "_S.customer"]',
        False,
    )
    assert first.subset and (first.subset.index.key, first.subset.keys) == ('"_S.shop"', {"mine"})
    assert (second.dataset, second.index.key, second.index.primary_key) == ("products", "_id", True)
    assert (third.dataset, third.track) == ("archive", False)
    assert not program.creates_children
    assert compiled(["create-child", ["list"]]).creates_children


def test_a_second_join_of_the_same_aliases_is_a_comparison_and_worth_a_warning() -> None:
    where = [["eq", "_S._id", "o.customer"], ["eq", "_S.shop", "o.shop"]]
    program = compiled(["add", "a", ["hops", {**ORDERS, "where": where}]])
    (warning,) = program.warnings
    assert warning.path == "['default'][0][2][1]['where'][1]"
    assert warning.level == "warning"
    assert '"tuples"' in warning.message
    assert len(program.hop_joins) == 1


def test_a_variable_without_its_dot_is_worth_a_warning() -> None:
    assert "_S." in compiled(["add", "a", "_S"]).warnings[0].message
    assert compiled(["add", "a", "_"]).warnings == []


class TestIndex:
    """Join expressions as indexes."""

    def test_the_name_of_an_alias_makes_no_other_index(self) -> None:
        one = compile_index(["lower", ["strip", "c.email"]], "c", SETTINGS)
        other = compile_index(["lower", ["strip", "contact.email"]], "contact", SETTINGS)
        assert one == other
        assert one.key == '["lower", ["strip", "_S.email"]]'
        assert one.values({"_id": "1", "email": [" A@x.no", None, "a@x.no ", "b"]}) == ["a@x.no", "b"]

    def test_namespaces_are_part_of_the_key(self) -> None:
        on = PipeSettings("pipe", namespaced_identifiers=True)
        assert compile_index("c.email", "c", on).key != compile_index("c.email", "c", SETTINGS).key
        assert compile_index("c.email", "c", on).values({"_id": "1", "x:email": "a", "email": "b"}) == [
            "a",
            "b",
        ]

    def test_the_primary_key(self) -> None:
        index = compile_index("c._id", "c", SETTINGS)
        assert (index.key, index.primary_key, index.values({"_id": "7"})) == ("_id", True, ["7"])

    def test_nulls_and_deleted_entities_have_no_keys(self) -> None:
        index = compile_index("c.a", "c", SETTINGS)
        assert index.values({"_id": "1", "a": None}) == index.values({"_id": "1"}) == []
        assert index.values({"_id": "1", "a": 1, "_deleted": True}) == []

    def test_kinds_do_not_mix(self) -> None:
        index = compile_index("c.a", "c", SETTINGS)
        values: list[Any] = [1, 1.0, True, "1", "~f1", "~:a:1", {"a": 1}, [1], "\x01i1"]
        keys = index.values({"_id": "1", "a": values})
        assert len(set(keys)) == len(values)

    def test_composite_and_functional(self) -> None:
        index = compile_index(["tuples", "c.a", ["ni", "x", "c.b.c"]], "c", SETTINGS)
        assert len(index.values({"_id": "1", "a": [1, 2], "b": {"c": "z"}})) == 2

    def test_wrong_expressions(self) -> None:
        with pytest.raises(DtlCompileError, match="unknown function"):
            compile_index(["lowr", "c.a"], "c", SETTINGS)


def test_the_same_rules_are_compiled_once() -> None:
    rules = {"default": [["copy", "*"], ["add", "n", 1]]}
    first = compile_dtl(rules, PipeSettings("once"))
    assert compile_dtl({"default": list(rules["default"])}, PipeSettings("once", namespaces={})) is first
    rules["default"][1][2] = 2
    for other in (
        compile_dtl(rules, PipeSettings("once")),
        compile_dtl({"default": [["copy", "*"], ["add", "n", 1.0]]}, PipeSettings("once")),
        compile_dtl({"default": [["copy", "*"], ["add", "n", True]]}, PipeSettings("once")),
        compile_dtl({"default": [["copy", "*"], ["add", "n", 1]]}, PipeSettings("twice")),
        compile_dtl(
            {"default": [["copy", "*"], ["add", "n", 1]]}, PipeSettings("once", namespaces={"a": "b"})
        ),
    ):
        assert other is not first
