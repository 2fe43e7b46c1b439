"""The pipes only use forms of DTL and of sources whose meaning Sesam's documentation says.

What is open is in docs/reference/readings.md. Each check names a form that could be read in two ways, and finds
it in a sample first, so that it is known to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jinja2
import pytest

from stack.environment import ROOT
from stack.mappings.forms import without_nulls
from tests.support.shipped import pipes

Check = Callable[[dict[str, Any]], Iterator[object]]


def calls(value: Any) -> Iterator[list[Any]]:
    """Yield every list that begins with a word, such as the calls of DTL functions, outermost first."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from calls(part)


def texts(value: Any) -> Iterator[str]:
    """Yield every string."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts(part)


def flow(pipe: dict[str, Any]) -> dict[str, Any]:
    """What runs of a pipe: test data and the mapping rows that it shows apart."""
    source = {name: each for name, each in pipe["source"].items() if name != "alternatives"}
    return {**pipe, "source": source, "metadata": None}


def open_positions(pipe: dict[str, Any]) -> Iterator[object]:
    return (each for each in calls(pipe) if each[0] in ("slice", "substring") and None in each[1:3])


def names_of_one_entry(pipe: dict[str, Any]) -> Iterator[object]:
    """`items`, `keys` and `values` of what may be a dict with one entry; a list of several dicts is documented."""
    for each in calls(pipe):
        if each[0] in ("items", "keys", "values") and len(each) == 2:
            is_list = isinstance(each[1], list) and each[1][:1] == ["list"] and len(each[1]) > 2
            if not is_list:
                yield each


def nulls_in_combine(pipe: dict[str, Any]) -> Iterator[object]:
    if without_nulls(pipe) != pipe:
        yield "a combine of what may be null"


def tied_maxima(pipe: dict[str, Any]) -> Iterator[object]:
    """`max` and `min` by a function: what they compare must end with an identity, so that none are equal."""
    for each in calls(pipe):
        if each[0] in ("max", "min") and len(each) == 3 and each[1][-1] != ["ni-id", "_.value.of"]:
            yield each


def deleted_parts(pipe: dict[str, Any]) -> Iterator[object]:
    if pipe["source"].get("type") == "merge_datasets":
        parts = tuple(f"_S.{dataset}._deleted" for dataset in pipe["source"]["datasets"])
        yield from (each for each in texts(pipe["transform"]) if each in parts)


def own_completeness(pipe: dict[str, Any]) -> Iterator[object]:
    sink = pipe.get("sink", {}).get("dataset", pipe["_id"])
    yield from (each for each in calls(pipe) if each[0] == "completeness" and sink in each[1:])


def tracked_requests(pipe: dict[str, Any]) -> Iterator[object]:
    """Hops that repeat a request to a system because another record has changed."""
    if pipe["_id"].endswith("-share"):
        for each in calls(pipe):
            if each[0] == "hops" and each[1].get("track-dependencies") is not False:
                yield each


def lost_answers(pipe: dict[str, Any]) -> Iterator[object]:
    """Pipes that write to a system or are pushed to, without `metadata.durable`: nothing makes their data again."""
    is_needed = pipe["_id"].endswith("-share") or pipe["source"].get("type") == "http_endpoint"
    if is_needed and not (pipe.get("metadata") or {}).get("durable"):
        yield pipe["_id"]


def rules(*statements: Any, **more: Any) -> dict[str, Any]:
    """A pipe with these statements."""
    source = more.pop("source", {"type": "dataset", "dataset": "x"})
    return {
        "_id": "x-y-share",
        "source": source,
        "transform": [{"rules": {"default": [*statements]}}],
        **more,
    }


CHECKS: dict[Check, dict[str, Any]] = {
    open_positions: rules(["add", "a", ["slice", 1, None, "_S.b"]]),
    names_of_one_entry: rules(["add", "a", ["keys", "_S.b"]]),
    nulls_in_combine: rules(["add", "a", ["combine", "_S.b", "_S.c"]]),
    tied_maxima: rules(["add", "a", ["max", "_.t", "_S.b"]]),
    deleted_parts: rules(
        ["filter", ["eq", "_S.x-all._deleted", True]],
        source={"type": "merge_datasets", "datasets": ["x-all"]},
    ),
    own_completeness: rules(["add", "a", ["completeness", "x-y-share"]]),
    tracked_requests: rules(["add", "a", ["hops", {"datasets": ["b c"], "where": [["eq", "_S.d", "c.d"]]}]]),
    lost_answers: rules(metadata={}),
}


@pytest.mark.parametrize("check", CHECKS, ids=[check.__name__ for check in CHECKS])
def test_no_pipe_has_a_form_that_can_be_read_in_two_ways(check: Check) -> None:
    assert list(check(CHECKS[check])), "the sample is found"
    whole = check is lost_answers
    found = {name: list(check(pipe if whole else flow(pipe))) for name, pipe in pipes().items()}
    assert {name: each for name, each in found.items() if each} == {}


def test_a_look_up_with_a_computed_id_stands_in_one_place() -> None:
    """Documented is only a literal id, so it must be possible to put a hop in its place by one edit."""
    files = [*(ROOT / "templates").glob("*.json"), *(ROOT / "mappings").glob("*.json"), *(ROOT / "stack" / "mappings").glob("*.py")]  # fmt: skip
    found = {path.name: path.read_text(encoding="utf-8").count('"lookup-entity"') for path in files}
    assert {name: count for name, count in found.items() if count} == {"macros.json": 1}


@pytest.mark.parametrize("stored", ["", None, jinja2.Undefined()])
def test_the_receiver_refuses_who_presents_nothing_where_no_secret_is_stored(stored: object) -> None:
    """No page says what `secret` and an absent header are then: two that are undefined are equal in Jinja."""
    expression = pipes()["chargebee-webhook"]["source"]["validation_expression"]
    template = jinja2.Environment(autoescape=False).from_string(expression)  # noqa: S701 - no page is made of it
    said = [
        template.render(request_headers=each, secret=lambda _: stored) for each in ({}, {"Authorization": ""})
    ]
    assert said == ["user or password missing or wrong"] * 2
    assert template.render(request_headers={"Authorization": "Basic x"}, secret=lambda _: "Basic x") == ""


def test_every_version_stays_until_the_audit_trail_has_it() -> None:
    """Of a record that is written thrice in one run a hosted node would keep two versions, unless they are young."""
    followed = {name: pipe["source"]["datasets"] for name, pipe in pipes().items() if pipe["source"].get("include_previous_versions")}  # fmt: skip
    assert "customerp-contact-share" in followed["audit"]
    kept = {name: pipes()[name].get("compaction", {}).get("time_threshold_hours", 0) for name in sum(followed.values(), [])}  # fmt: skip
    assert min(kept.values()) >= 24, kept
