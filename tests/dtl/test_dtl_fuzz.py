"""Whatever is thrown at the compiler, it answers with a program or with DtlCompileError; programs with DtlError."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localnode.dtl import DtlCompileError, DtlError, PipeSettings, compile_dtl
from localnode.dtl.memory import MemoryContext
from localnode.dtl.registry import FUNCTIONS, TRANSFORMS, Definition

NAMES = sorted((FUNCTIONS.keys() | TRANSFORMS.keys()) - {"sleep!"})
TEXTS = st.sampled_from(
    [
        "_S.",
        "_S.a",
        "_S.a.b",
        "_T.x",
        "_P._S.a",
        "_R._T.",
        "_.",
        "_.a",
        "_",
        "_S",
        "o.a",
        "o._id",
        "a",
        "_id",
        "*",
        "x?",
    ]
    + [
        "~:a:b",
        "~rhttp://x/",
        "~t2015-07-28T09:46:00Z",
        "~f1.5",
        "~bYWJj",
        "",
        "0xff",
        "1E5",
        "%Y",
        "day",
        "UTC",
        "NO",
    ]
    + ["default", "other", "ds", "ds o", "murmur3", "e164", "_S..", "'", "::a", "a:b", "-5"]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 10**6), st.floats(-1e9, 1e9), TEXTS, st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(TEXTS | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
SPECS = st.fixed_dictionaries(
    {"datasets": st.just(["ds o"]) | VALUES, "where": st.just(["eq", "_S.a", "o.a"]) | VALUES},
    optional={"return": VALUES, "recurse": st.booleans(), "subsets": VALUES, "max_depth": VALUES},
)


def _calls(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(NAMES)
    return st.builds(lambda name, args: [name, *args], names, st.lists(inner | SPECS, max_size=4))


JUNK = st.recursive(SCALARS | VALUES, _calls, max_leaves=25)


@st.composite
def fitting(draw: st.DrawFn, definition: Definition, depth: int) -> list[Any]:
    """A call with a number of arguments that its signature takes."""
    for _ in range(20):
        count = draw(st.integers(0, 4))
        parameters = definition.signature.bind(count)
        if parameters is not None:
            return [definition.name, *(draw(argument(p.kind, depth - 1)) for p in parameters)]
    return ["comment"] if definition.name in TRANSFORMS else ["list"]


@st.composite
def argument(draw: st.DrawFn, kind: str, depth: int) -> Any:
    """An argument that suits its kind, most of the time."""
    if kind == "spec":
        return draw(SPECS)
    if kind == "transforms" and depth > 0:
        name = draw(st.sampled_from(sorted(TRANSFORMS.keys() - {"sleep!"})))
        return draw(fitting(TRANSFORMS[name], depth))
    if kind == "rule":
        return "other"
    if depth <= 0 or draw(st.booleans()):
        return draw(SCALARS)
    return draw(fitting(FUNCTIONS[draw(st.sampled_from(sorted(FUNCTIONS)))], depth))


@st.composite
def programs(draw: st.DrawFn) -> dict[str, Any]:
    def transforms() -> list[Any]:
        names = draw(st.lists(st.sampled_from(sorted(TRANSFORMS.keys() - {"sleep!"})), max_size=4))
        return [draw(fitting(TRANSFORMS[name], 3)) for name in names]

    return {"default": transforms(), "other": transforms()}


ENTITIES = st.dictionaries(st.sampled_from(["a", "b", "x:a", "$ids", "_deleted"]), VALUES, max_size=4)
SETTINGS = st.sampled_from(
    [
        PipeSettings("p"),
        PipeSettings("p", namespaced_identifiers=True, id_required=False, property_namespace="x"),
    ]
)


ANY_RULES = st.dictionaries(st.sampled_from(["default", "other"]), st.lists(JUNK, max_size=4) | JUNK)
FEW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))


def compile_or_refuse(rules: Any, pipe: PipeSettings) -> None:
    try:
        compile_dtl(rules, pipe)
    except DtlCompileError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)


def run_or_fail(rules: dict[str, Any], entity: dict[str, Any], pipe: PipeSettings) -> None:
    context = MemoryContext({"ds": [{"_id": "o1", "a": 1}, {"_id": "o2", "a": ["a", None], "b": {"a": 2}}]})
    try:
        outputs = compile_dtl(rules, pipe).transform({"_id": "1", **entity}, context)
    except DtlCompileError:
        return
    except DtlError as error:
        assert error.path.startswith("['")
        own_fault = ("TypeError", "AttributeError", "KeyError", "IndexError", "ZeroDivisionError")
        assert not error.message.startswith(own_fault), error.message
        return
    assert all(type(output["_id"]) is str for output in outputs)


@FEW
@given(JUNK | ANY_RULES, SETTINGS)
def test_any_json_compiles_or_is_refused(rules: Any, pipe: PipeSettings) -> None:
    compile_or_refuse(rules, pipe)


@FEW
@given(programs(), ENTITIES, SETTINGS)
def test_programs_end_with_entities_or_a_located_error(rules: Any, entity: Any, pipe: PipeSettings) -> None:
    run_or_fail(rules, entity, pipe)


@pytest.mark.slow
@MANY
@given(JUNK | ANY_RULES, SETTINGS)
def test_much_more_json(rules: Any, pipe: PipeSettings) -> None:
    compile_or_refuse(rules, pipe)


@pytest.mark.slow
@pytest.mark.timeout(900)
@MANY
@given(programs(), ENTITIES, SETTINGS)
def test_many_more_programs(rules: Any, entity: Any, pipe: PipeSettings) -> None:
    run_or_fail(rules, entity, pipe)
