"""What a function depends on stands in its decorator: each case is run with traps for all else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from localnode.dtl import DtlCompileError, PipeSettings, compile_index
from localnode.dtl.api import NAMESPACE, PREFIXES
from localnode.dtl.compiler import compile_expression
from localnode.dtl.registry import FUNCTIONS
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Compilation, Scope
from tests.dtl.dtl_cases import load_cases

EXPRESSIONS = [
    (name, group, case)
    for name, group, case in load_cases()
    if "expression" in case and not group.get("settings", {}).get("namespaced_identifiers")
]
SETTINGS = {"namespaces": PREFIXES, "identity": NAMESPACE, "property": NAMESPACE}


class Watched(PipeSettings):
    """Settings that remember which of them were asked for."""

    def __init__(self) -> None:
        super().__init__("pipe")
        object.__setattr__(self, "asked", set())

    def __getattribute__(self, name: str) -> Any:
        if name in SETTINGS:
            object.__getattribute__(self, "asked").add(SETTINGS[name])
        return object.__getattribute__(self, name)


class Trap:
    """In place of the run: whoever asks it for anything is not pure."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"asks for {name} of the run")


def _calls(raw: Any) -> Iterator[str]:
    if isinstance(raw, list):
        if raw and isinstance(raw[0], str) and raw[0] != "literal":
            yield raw[0]
        for item in raw if raw[:1] != ["literal"] else ():
            yield from _calls(item)


@pytest.mark.parametrize(("group", "case"), [e[1:] for e in EXPRESSIONS], ids=[e[0] for e in EXPRESSIONS])
def test_functions_read_what_they_say(group: dict[str, Any], case: dict[str, Any]) -> None:
    settings = Watched()
    scope = Scope(Compilation(settings), "default")
    compiled = compile_expression(case["expression"], scope, "")
    if scope.compilation.problems or any(word.endswith("()") for word in scope.uses) or "_B" in scope.uses:
        return
    try:
        compiled.run(Frame({"_id": "1", **group["given"]}, {}, None, None, Trap()), None)  # type: ignore[arg-type]
    except AssertionError:
        raise
    except Exception:  # what a case is refused for is another test's
        assert "error" in case
    declared = {
        read for name in _calls(case["expression"]) if name in FUNCTIONS for read in FUNCTIONS[name].reads
    }
    assert settings.__dict__["asked"] <= declared
    assert scope.settings_read == declared


def test_settings_of_a_pipe_are_all_accounted_for() -> None:
    """A new setting has to be among those that functions can name, or change nothing that they give."""
    known = {
        "pipe_id",
        "namespaced_identifiers",
        "identity_namespace",
        "property_namespace",
        "id_required",
        "namespaces",
    }
    assert {field.name for field in fields(PipeSettings)} == known


@pytest.mark.parametrize(
    ("expression", "reads"),
    [
        ("c.a", ""),
        (["lower", "c.a"], ""),
        (["ni", "ns", "c.a"], "prefixes"),
        (["uri-expand", "c.a"], "prefixes"),
        (["ni-collapse", ["string", "c.a"]], "prefixes"),
        (["list", ["ni-expand", "c.a"]], "prefixes"),
        (["apply-ns", {}, "c.a"], "namespace"),
    ],
)
def test_indexes_are_shared_by_those_for_whom_they_hold_the_same(expression: Any, reads: str) -> None:
    def key(pipe: str = "p", **settings: Any) -> str:
        return compile_index(expression, "c", PipeSettings(pipe, **settings)).key

    assert (key(namespaces={"a": "http://a/"}) == key(namespaces={"a": "http://b/"})) is (
        "prefixes" not in reads
    )
    assert (key("p") == key("q")) is ("namespace" not in reads)
    assert key(namespaced_identifiers=True) != key()
    assert key("p", namespaced_identifiers=True) != key("q", namespaced_identifiers=True)
    ids = compile_index("c._id", "c", PipeSettings("p", namespaced_identifiers=True))
    assert ids.key == "_id"


@pytest.mark.parametrize(
    "expression",
    [
        ["now"],
        ["concat", "c.a", ["string", ["uuid"]]],
        ["encrypt", "k", "c.a"],
        ["lookup-entity", "d", "c.a"],
    ],
)
def test_what_is_not_pure_is_no_index(expression: Any) -> None:
    with pytest.raises(DtlCompileError, match="an index must depend on c alone, not on"):
        compile_index(expression, "c", PipeSettings("p"))


def test_a_cast_to_uuid_is_pure() -> None:
    assert compile_index(["uuid", "c.a"], "c", PipeSettings("p")).values({"_id": "1", "a": "x"}) == []


def test_numbered_prefixes_are_one_sequence_of_the_pipe_and_no_part_of_an_index() -> None:
    scope = Scope(Compilation(PipeSettings("p")), "default")
    one, other = (compile_expression(["ni", f"_S.{name}"], scope, "") for name in "ab")
    frame = Frame({"a": "~rhttp://one/x", "b": "~rhttp://two/x"}, {}, None, None, Trap())  # type: ignore[arg-type]
    assert [one.run(frame, None), other.run(frame, None)] == ["~:p-1:x", "~:p-2:x"]
    index = compile_index(["ni", "c.u"], "c", PipeSettings("p", namespaces={"k": "http://known/"}))
    assert index.values({"_id": "1", "u": ["~rhttp://one/x", "~rhttp://known/y", "z"]}) == ["~:k:y", "~:z"]
