"""What is specialised when rules are compiled gives what the general way gives."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from localnode.dtl import PipeSettings, compile_dtl
from localnode.dtl.clock import compile_format, read_clock
from localnode.dtl.memory import MemoryContext
from localnode.dtl.paths import selector, walk
from localnode.dtl.patterns import wildcard
from localnode.dtl.timestamps import MAX_NANOSECONDS, MIN_NANOSECONDS, datetime_value

SETTINGS = PipeSettings("p", namespaced_identifiers=True)

names = st.sampled_from(["a", "b", "x:a", "y:a", "p:a", "x:b", "p:b", "_a", "$a", "x:"])
scalars = st.none() | st.integers(0, 9) | st.sampled_from(["s", "~:x:a"])
values: Any = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
elements = st.sampled_from(["a", "b", "x:a", "::a", "::x:a", ":a", "_a", "$a"])


def transformed(
    steps: list[Any], source: dict[str, Any], settings: PipeSettings = SETTINGS
) -> dict[str, Any]:
    (target,) = compile_dtl({"default": steps}, settings).transform(source, MemoryContext())
    return target


@given(st.dictionaries(names, values, max_size=5), st.lists(elements, min_size=1, max_size=3), st.booleans())
def test_paths(source: dict[str, Any], path: list[str], namespaced: bool) -> None:
    settings = PipeSettings("p", namespaced_identifiers=namespaced)
    expected = walk([selector(element, settings) for element in path], source)
    written = ".".join(f"'{element}'" for element in path)
    steps = [["add", "::found", f"_S.{written}"], ["add", "::inner", ["path", ["list", *path], "_S."]]]
    steps += [["add", "::each", ["map", f"_.{written}", ["list", "_S."]]]]
    target = transformed(steps, {"_id": "1", **source}, settings)
    found, inner, each = (target[name if namespaced else f"::{name}"] for name in ("found", "inner", "each"))
    assert found == inner == each[0] == expected


plain = st.booleans() | st.integers(0, 2) | st.sampled_from(["s", "", "~s", "~:x:a", "~f1", "1"]) | st.none()
compared = plain | st.lists(plain, max_size=2) | st.just(1.0)


@given(plain, compared)
def test_comparisons_with_what_is_written_out(written: object, value: object) -> None:
    """Each is the same as with a value that only the entity tells."""
    target = transformed(
        [
            ["add", "::eq", ["list", ["eq", written, "_S.value"], ["eq", "_S.value", written]]],
            ["add", "::neq", ["list", ["neq", written, "_S.value"], ["neq", "_S.value", written]]],
            ["add", "::both", ["list", ["eq", "_S.written", "_S.value"], ["neq", "_S.written", "_S.value"]]],
        ],
        {"_id": "1", "value": value, "written": written},
        PipeSettings("p", namespaced_identifiers=False),
    )
    eq, neq = target["::both"]
    assert (target["::eq"], target["::neq"]) == ([eq, eq], [neq, neq])


@given(values, st.integers(-3, 3), st.booleans())
def test_pairs_and_places(value: object, place: int, namespaced: bool) -> None:
    pairs = ["key-values", "_S.value"]
    target = transformed(
        [
            ["add", "::pairs", ["map", ["list", "_.key", "_.value"], pairs]],
            ["add", "::pairs2", ["map", ["list", ["first", ["list", "_.key"]], "_.value"], pairs]],
            ["add", "::nth", ["nth", place, "_S.value"]],
            ["add", "::nth2", ["nth", "_S.place", "_S.value"]],
            ["add", "::named", ["path", ["concat", "_S.name"], "_S.value"]],
            ["add", "::named2", ["path", "a", "_S.value"]],
        ],
        {"_id": "1", "value": value, "place": place, "name": "a"},
        PipeSettings("p", namespaced_identifiers=namespaced),
    )
    found = {name.removeprefix("::"): value for name, value in target.items()}
    assert found["pairs"] == found["pairs2"]
    assert found["nth"] == found["nth2"]
    assert found["named"] == found["named2"]


@given(
    st.lists(st.dictionaries(names, scalars, max_size=6), min_size=1, max_size=4),
    st.sampled_from(["a", "*", "x:*", "?:a", ":a", "::a", "*:*"]),
    st.sampled_from([[], ["b"], ["y:*"]]),
)
def test_copied_properties(sources: list[dict[str, Any]], include: str, exclude: list[str]) -> None:
    """The same program sees sources with the same names, and with others."""
    program = compile_dtl({"default": [["copy", include, ["list", *exclude, "-"]]]}, SETTINGS)
    for source in [*sources, *sources]:
        (target,) = program.transform({"_id": "1", **source}, MemoryContext())
        wanted = {
            n: v
            for n, v in source.items()
            if _matches(include, n) and not any(_matches(e, n) for e in exclude)
        }
        assert target == {"_id": "1", **wanted}


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("::"):
        return name == pattern[2:]
    if pattern.startswith(":"):
        return name == f"p{pattern}"
    namespace, colon, identifier = name.rpartition(":")
    if ":" not in pattern:
        return wildcard(pattern)(identifier)
    wanted, _, of = pattern.partition(":")
    return bool(colon) and wildcard(wanted)(namespace) and wildcard(of)(identifier)


@given(
    st.integers(MIN_NANOSECONDS, MAX_NANOSECONDS) | st.integers(-(10**9), 10**9),
    st.lists(st.sampled_from(["%Y", "%y", "%m", "%d", "%H", "%M", "%S", "%%", "-", "T", "é"]), max_size=6),
)
def test_formatted_times(nanoseconds: int, parts: list[str]) -> None:
    written = "".join(parts)
    form = compile_format(written)
    assert form is not None
    source = {"_id": "1", "t": datetime_value(nanoseconds)}
    target = transformed([["add", "::f", ["datetime-format", written, "_S.t"]]], source)
    assert target["f"] == form.write(read_clock(nanoseconds, UTC))
