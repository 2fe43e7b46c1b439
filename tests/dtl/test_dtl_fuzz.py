"""Whatever is thrown at the compiler, it answers with a program or with DtlCompileError; programs with DtlError."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localnode.dtl import DtlCompileError, DtlError, PipeSettings, compile_dtl
from localnode.dtl.memory import MemoryContext
from localnode.dtl.registry import FUNCTIONS, TRANSFORMS, Definition, Parameter
from localnode.dtl.values import key_of

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


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 300),
    st.floats(-1e9, 1e9),
    st.sampled_from(
        ["_S.", "_S.a", "_S.b", "_S.x:a", "_T.", "_T.x", "_R._S.a", "_P._T.", "_.", "_.a", "a", "12.5"]
    ),
    st.sampled_from(
        ["~:a:b", "~rhttp://x/", "~t2015-07-28T09:46:00Z", "~t2015-07-28", "~f1.5", "~bYWJj", "0xff"]
    ),
    st.dictionaries(st.sampled_from(["a", "b", "_id"]), st.integers(0, 2) | st.just("t"), max_size=2),
)
BY_KIND = {
    "dataset": st.just("ds"),
    "rule": st.just("other"),
    "raw": VALUES,
    "string": st.sampled_from(["", "a", "/", "_S.a"]),
    "pattern": st.sampled_from(["*", "a?", "_S.a"]),
    "integer": st.integers(-3, 5) | st.just("_S.a"),
    "bound": st.integers(-3, 5) | st.none(),
    "step": st.sampled_from([-1, 1, 2, "_S.a"]),
    "datepart": st.sampled_from(["year", "month", "week", "nanosecond", "_S.a"]),
    "zone": st.sampled_from(["UTC", "Europe/Oslo", "_S.a"]),
    "format": st.sampled_from(["%Y-%m-%d", "%H:%M:%S.%f%z", "%I %p %y", "_S.a"]),
    "algorithm": st.just("murmur3"),
    "phoneformat": st.sampled_from(["e164", "isocode", "rfc3966"]),
    "spec": st.fixed_dictionaries(
        {
            "datasets": st.just(["ds o"]),
            "where": st.sampled_from([["eq", "_S.a", "o.a"], ["eq", "_S.b", "o._id"]]),
        },
        optional={"return": st.just("o.a"), "subsets": st.just({"o": ["eq", "_S.a", 1]})},
    ),
}
PROPERTIES = st.sampled_from(["a", "b", "_id", "::a", "x:a", "$c", "_S.a"])
PROPERTY_NAMES = {"PROPERTY", "FROM", "TO", "NAMESPACE", "INCLUDE", "EXCLUDE", "PATTERN"}
CHOSEN = sorted(FUNCTIONS.keys() - {"encrypt-pgp", "decrypt-pgp"})
STEPS = sorted(TRANSFORMS.keys() - {"sleep!", "fail!", "trip!"})


@st.composite
def fitting(draw: st.DrawFn, definition: Definition, depth: int) -> list[Any]:
    """A call with arguments that suit its signature."""
    counts = [count for count in range(6) if definition.signature.bind(count) is not None]
    parameters = definition.signature.bind(draw(st.sampled_from(counts))) or []
    return [definition.name, *(draw(argument(parameter, depth - 1)) for parameter in parameters)]


@st.composite
def argument(draw: st.DrawFn, parameter: Parameter, depth: int) -> Any:
    """An argument that suits its parameter."""
    if parameter.kind == "transforms":
        return [
            draw(fitting(TRANSFORMS[name], depth))
            for name in draw(st.lists(st.sampled_from(STEPS), max_size=2))
        ]
    if parameter.kind in BY_KIND:
        return draw(BY_KIND[parameter.kind])
    if parameter.name in PROPERTY_NAMES:
        return draw(PROPERTIES)
    if depth <= 0:
        return draw(LEAVES)
    return draw(fitting(FUNCTIONS[draw(st.sampled_from(CHOSEN))], depth))


@st.composite
def programs(draw: st.DrawFn) -> dict[str, Any]:
    def transforms(names: list[str]) -> list[Any]:
        return [draw(fitting(TRANSFORMS[name], 3)) for name in names]

    steps = draw(st.lists(st.sampled_from(STEPS), max_size=2))
    return {
        "default": [*transforms(["add", *steps, "add"]), ["add", "_id", "1"]],
        "other": transforms(
            draw(st.lists(st.sampled_from(["copy", "merge", "rename", "filter"]), max_size=2))
        ),
    }


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


def test_the_key_of_nested_values_grows_with_their_size() -> None:
    """Not with two to the power of their depth."""
    value: Any = "x"
    for depth in range(60):
        value = [value] if depth % 2 else {"a": value}
    assert len(key_of(value)) < 2000
    assert key_of([["a"], "b"]) != key_of([["a", "b"]]) != key_of(["a", ["b"]])
    assert key_of([{"a": 1}]) != key_of([[["a", 1]]]) and key_of([{"a": 1}]) != key_of([{"a": 1.0}])
    assert key_of([{"a": 1, "b": ["~f1.0"]}]) == key_of([{"b": ["~f1"], "a": 1}])
