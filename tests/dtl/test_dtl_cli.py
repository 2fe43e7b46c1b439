"""`python -m localnode dtl`: cases in, outcomes out; and the reference made of the registry."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

from localnode.dtl import cli
from localnode.dtl.reference import markdown, signatures
from localnode.dtl.registry import FUNCTIONS, TRANSFORMS


def outcome(**case: Any) -> Any:
    output = io.StringIO()
    assert (
        cli.main(io.StringIO(json.dumps([{"id": "x", "source": [{"_id": "1", "a": 1}], **case}])), output)
        == 0
    )
    (result,) = json.loads(output.getvalue())
    assert result["id"] == "x"
    return result.get("output", result.get("error"))


def test_as_a_process() -> None:
    cases = [
        {"id": "a", "rules": {"default": [["add", "b", ["+", "_S.a", 1]]]}, "source": [{"_id": "1", "a": 1}]},
        {"id": "b", "rules": {"default": [["nope"]]}, "source": []},
        {"id": "c", "rules": {"default": [["fail!", "no"]]}, "source": [{"_id": "1"}]},
        7,
    ]
    run = subprocess.run(
        [sys.executable, "-m", "localnode.dtl"],
        input=json.dumps(cases),
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    first, second, third, fourth = json.loads(run.stdout)
    assert first == {"id": "a", "output": [{"_id": "1", "b": 2}]}
    assert 'unknown transform "nope"' in second["error"]
    assert third["error"].startswith("no (entity '1'")
    assert fourth == {"id": None, "error": "a case is an object"}


def test_input_that_is_no_list_of_cases() -> None:
    for text in ("{", "{}", "[" * 100_000):
        output = io.StringIO()
        assert cli.main(io.StringIO(text), output) == 2
        assert "standard input" in json.loads(output.getvalue())["error"]


def test_written_as_a_dataset_keeps_it() -> None:
    rules = {"default": [["copy", "*"], ["add", "_x", 1], ["filter", ["gt", "_S.a", 0]]]}
    source = [
        {"_id": "1", "a": 1},
        {"_id": "2", "a": 1},
        {"_id": "2", "a": 0},
        {"_id": "3", "a": 0},
        {"_id": "1", "a": 2},
    ]
    assert outcome(rules=rules, source=source) == [{"_id": "1", "a": 2}]


def test_namespaces_of_the_pipe() -> None:
    pipe = {"namespaced_identifiers": True, "namespaces": {"identity": "i", "property": "p"}}
    rules = {"default": [["copy", "*"], ["add", "ni", ["ni", "q", "z"]]]}
    on = outcome(rules=rules, pipe={**pipe, "add_namespaces": True})
    assert on == [{"_id": "i:1", "p:a": 1, "p:ni": "~:q:z"}]
    off = outcome(rules=rules, pipe={**pipe, "add_namespaces": True, "remove_namespaces": True})
    assert off == [{"_id": "1", "a": 1, "ni": "z"}]


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
    assert "not known here" in outcome(transform={"type": "xml"})


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
        assert "max_merged (1)" in self.merge(max_merged=1)
        datasets = {"A": [{"_id": "1", "k": 1}], "B": [{"_id": "1", "k": 2}]}
        source = {"type": "merge", "version": 2, "datasets": ["A a", "B b"], "identity": "first"}
        assert "_id '1'" in outcome(source_config=source, datasets=datasets)
        united = outcome(source_config={**source, "equality_sets": [["a._id", "b._id"]]}, datasets=datasets)
        assert united == [{"_id": "1", "$ids": ["1", "1"], "k": [1, 2]}]

    def test_a_side_over_two_datasets_is_refused(self) -> None:
        assert "exactly one dataset" in self.merge(equality=[["eq", ["concat", "a.k", "b.k"], "b.k"]])

    def test_union_and_newest(self) -> None:
        datasets = {"A": [{"_id": "1", "_ts": 2, "v": "a"}], "B": [{"_id": "1", "_ts": 3, "v": "b"}]}
        union = {"type": "union_datasets", "datasets": ["A", "B"]}
        assert outcome(source_config=union, datasets=datasets) == [
            {"_id": "A:1", "v": "a"},
            {"_id": "B:1", "v": "b"},
        ]
        newest = {"type": "merge_datasets", "datasets": ["A", "B"]}
        assert outcome(source_config=newest, datasets=datasets) == [{"_id": "1", "v": "b"}]
        both = outcome(source_config={**newest, "strategy": "all"}, datasets=datasets)
        assert both == [{"_id": "1", "A": datasets["A"][0], "B": datasets["B"][0]}]
        assert "not known here" in outcome(source_config={"type": "rest"})


def test_the_reference_names_everything() -> None:
    page = markdown()
    for definition in [*FUNCTIONS.values(), *TRANSFORMS.values()]:
        assert f"\n#### {definition.name}\n" in page
        assert definition.documentation
    assert len(signatures()) == len(FUNCTIONS) + len(TRANSFORMS)
    (substring,) = [item for item in signatures() if item["name"] == "substring"]
    assert substring["usage"] == "substring START [END] VALUES"
    assert substring["parameters"][0][0] == {
        "name": "START",
        "kind": "bound",
        "accepts": "an integer or null",
    }
