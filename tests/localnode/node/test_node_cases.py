"""`python -m localnode dtl`: cases in, outcomes out."""

from __future__ import annotations

import json
from typing import Any

from tests.support.commands import localnode as command


def outcome(**case: Any) -> Any:
    ended = command("dtl", stdin=json.dumps([{"id": "x", "source": [{"_id": "1", "a": 1}], **case}]))
    assert ended.returncode == 0
    (result,) = json.loads(ended.stdout)
    assert result["id"] == "x"
    return result.get("output", result.get("error"))


def test_each_case_ends_by_itself() -> None:
    hop = ["hops", {"datasets": ["output o"], "where": ["eq", "_S._id", "o.k"], "return": "o._id"}]
    cases_of_datasets = {
        "rules": {"default": [["add", "n", hop]]},
        "source": [{"_id": "1"}],
        "datasets": {"output": [{"_id": "a", "k": "1"}]},
    }
    cases = [
        {"id": "a", "rules": {"default": [["add", "b", ["+", "_S.a", 1]]]}, "source": [{"_id": "1", "a": 1}]},
        {"id": "b", "rules": {"default": [["nope"]]}, "source": []},
        {"id": "c", "rules": {"default": [["fail!", "no"]]}, "source": [{"_id": "1"}]},
        7,
        {"id": "e", "rules": {"default": []}, "source": {"_id": 7}, "datasets": 3, "transform": [1]},
        {**cases_of_datasets, "id": "f"},
        {**cases_of_datasets, "id": "g"},
    ]
    ended = command("dtl", stdin=json.dumps(cases))
    assert ended.returncode == 0, ended.stderr
    first, second, third, fourth, fifth, *again = json.loads(ended.stdout)
    assert first == {"id": "a", "output": [{"_id": "1", "b": 2}]}
    assert 'unknown transform "nope"' in second["error"]
    assert "no (entity '1'" in third["error"]
    assert fourth == {"id": None, "error": "a case is an object"}
    assert fifth["id"] == "e" and fifth["error"]
    assert [each["output"] for each in again] == [[{"_id": "1", "n": ["a"]}]] * 2


def test_input_that_is_no_list_of_cases() -> None:
    for text in ("{", "{}", "[" * 100_000):
        ended = command("dtl", stdin=text)
        assert ended.returncode == 2
        assert "standard input" in json.loads(ended.stdout)["error"]


def test_written_as_a_dataset_keeps_it() -> None:
    rules = {"default": [["copy", "*"], ["add", "_x", 1], ["filter", ["gt", "_S.a", 0]]]}
    source = [
        {"_id": "1", "a": 1},
        {"_id": "2", "a": 1},
        {"_id": "2", "a": 0},
        {"_id": "3", "a": 0},
        {"_id": "1", "a": 2},
    ]
    kept = outcome(rules=rules, source=source)
    assert kept == [{"_id": "2", "a": 1, "_deleted": True}, {"_id": "1", "a": 2}]


def test_namespaces_of_the_pipe() -> None:
    pipe = {"namespaced_identifiers": True, "namespaces": {"identity": "i", "property": "p"}}
    rules = {"default": [["copy", "*"], ["add", "ni", ["ni", "q", "z"]]]}
    on = outcome(rules=rules, pipe={**pipe, "add_namespaces": True})
    assert on == [{"_id": "i:1", "p:a": 1, "p:ni": "~:q:z"}]
    off = outcome(rules=rules, pipe={**pipe, "add_namespaces": True, "remove_namespaces": True})
    assert off == [{"_id": "1", "a": 1, "ni": "~:z"}]


def test_transforms_of_other_types() -> None:
    parent = {"_id": "p", "$children": [{"_id": "c"}, {"x": 1}]}
    assert outcome(transform={"type": "emit_children"}, source=[parent]) == [{"_id": "c"}]
    schema = {"type": "object", "required": ["b"]}
    keys = {"key_valid": "ok", "key_errors": "why"}
    assert outcome(transform={"type": "json_schema", "schema": schema, **keys}) == [
        {"_id": "1", "a": 1, "ok": False, "why": ["'b' is a required property"]}
    ]
    trigger = {"type": "dtl", "trigger_on": {"key": "t", "value": "x*"}, "rules": {"default": []}}
    source = [{"_id": "1", "t": "xy"}, {"_id": "2", "t": "y"}, {"_id": "3"}]
    assert outcome(transform=trigger, source=source) == [{"_id": "1"}, {"_id": "2", "t": "y"}, {"_id": "3"}]
    conditional = {"type": "conditional", "condition": "b", "alternatives": {"b": {"type": "emit_children"}}}
    assert outcome(transform=conditional, source=[parent]) == [{"_id": "c"}]
    chain = [{"type": "emit_children"}, {"type": "dtl", "rules": {"default": [["add", "x", 1]]}}]
    assert outcome(transform=chain, source=[parent]) == [{"_id": "c", "x": 1}]
    assert "unknown transform type 'nope'" in outcome(transform={"type": "nope"})


class TestSources:
    """Sources over several datasets."""

    A = [{"_id": "a1", "k": ["x", "y"], "n": None}, {"_id": "a2", "k": "q"}, {"_id": "a3", "k": "q"}]
    B = [{"_id": "b1", "k": "Y", "n": 2}, {"_id": "b2", "k": "Y", "_deleted": True}]

    def merge(self, **config: Any) -> Any:
        source = {
            "type": "merge",
            "version": 2,
            "datasets": ["A a", "B b"],
            "equality": [["eq", "a.k", ["lower", "b.k"]]],
        }
        return outcome(source_config={**source, **config}, datasets={"A": self.A, "B": self.B})

    def test_only_members_of_both_sides_unite(self) -> None:
        assert self.merge() == [
            {"_id": "0|a1|1|b1", "$ids": ["a1", "b1"], "k": ["x", "y", "Y"], "n": [None, 2]},
            {"_id": "0|a2", "$ids": ["a2"], "k": "q"},
            {"_id": "0|a3", "$ids": ["a3"], "k": "q"},
            {"_id": "1|b2", "_deleted": True, "$ids": ["b2"], "k": "Y"},
        ]

    def test_list_strategy(self) -> None:
        merged = self.merge(strategy="list", identity="first")[0]
        assert merged == {"_id": "a1", "$ids": ["a1", "b1"], "$merged": [self.A[0], self.B[0]]}

    def test_too_many_and_twice_the_same_id_are_refused(self) -> None:
        assert "max_merged=1" in self.merge(max_merged=1)
        datasets = {"A": [{"_id": "1", "k": 1}], "B": [{"_id": "1", "k": 2}]}
        source = {"type": "merge", "version": 2, "datasets": ["A a", "B b"], "identity": "first"}
        assert "_id '1'" in outcome(source_config=source, datasets=datasets)
        united = outcome(source_config={**source, "equality_sets": [["a._id", "b._id"]]}, datasets=datasets)
        assert united == [{"_id": "1", "$ids": ["1"], "k": [1, 2]}]

    def test_a_side_over_two_datasets_is_refused(self) -> None:
        assert "exactly one of a, b" in self.merge(equality=[["eq", ["concat", "a.k", "b.k"], "b.k"]])

    def test_union_and_newest(self) -> None:
        datasets = {
            "A": [{"_id": "1", "v": "a"}, {"_id": "2", "_deleted": True}],
            "B": [{"_id": "1", "v": "b"}],
        }
        union = {"type": "union_datasets", "datasets": ["A", "B"]}
        assert outcome(source_config=union, datasets=datasets) == [
            {"_id": "A:1", "v": "a"},
            {"_id": "A:2", "_deleted": True},
            {"_id": "B:1", "v": "b"},
        ]
        newest = {"type": "merge_datasets", "datasets": ["A", "B"]}
        gone = {"_id": "2", "_deleted": True}
        assert outcome(source_config=newest, datasets=datasets) == [gone, {"_id": "1", "v": "b"}]
        both = outcome(source_config={**newest, "strategy": "all"}, datasets=datasets)
        assert both == [
            {**gone, "A": gone},
            {"_id": "1", "A": {"_id": "1", "v": "a"}, "B": {"_id": "1", "v": "b"}},
        ]
        assert "unknown source type 'nope'" in outcome(source_config={"type": "nope"})
