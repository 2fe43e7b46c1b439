"""Receivers: the JSON push protocol's sequences, conflicts, numbers, validation, locking."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from localnode.pipes import InvalidPush, PartlyRefused, Pipe, Refused, SequenceConflict
from localnode.store import StaleEntity, Store

Build = Callable[..., Pipe]
Live = Callable[[str], dict[str, dict[str, Any]]]
RECEIVER = {"type": "http_endpoint"}


def push(pipe: Pipe, entities: Any, **params: str) -> dict[str, Any]:
    return pipe.receive(json.dumps(entities).encode(), params)


def full(
    pipe: Pipe, entities: Any, sequence: str, request: str, previous: str = "", **more: str
) -> dict[str, Any]:
    params = {"sequence_id": sequence, "request_id": request, "is_full": "true", **more}
    if previous:
        params["previous_request_id"] = previous
    return push(pipe, entities, **params)


def test_documented_expected_results(pipe: Build, store: Store) -> None:
    a = pipe("a", RECEIVER)
    assert store.dataset("a").populated
    first = {"_id": "a", "x": 1}, {"_id": "b", "x": 1}
    second = {"_id": "a", "x": 2}, {"_id": "b", "x": 1}, {"_id": "c", "x": 1}, {"_id": "d", "x": 1}
    third = {"_id": "a", "x": 1}, {"_id": "b", "x": 1}, {"_id": "d", "x": 1}
    for number, sync in enumerate((first, second, third)):
        sequence = f"s{number}"
        full(a, sync[:2], sequence, "r1", is_first="true")
        full(a, sync[2:], sequence, "r2", "r1")
        assert full(a, [], sequence, "r3", "r2", is_last="true") == {}
    rows = [
        (e["_updated"], e["_id"], e["_previous"], e["_deleted"])
        for e in store.dataset("a").read(history=True)
    ]
    assert rows == [
        (0, "a", None, False),
        (1, "b", None, False),
        (2, "a", 0, False),
        (3, "c", None, False),
        (4, "d", None, False),
        (5, "a", 2, False),
        (6, "c", 3, True),
    ]


def test_incremental_pushes_only_upsert(pipe: Build, live: Live) -> None:
    a = pipe("a", RECEIVER)
    push(a, [{"_id": "1"}, {"_id": "2"}])
    push(a, {"_id": "3"}, sequence_id="x", request_id="r", previous_request_id="whatever")
    push(a, [{"_id": "1", "_deleted": True}])
    assert set(live("a")) == {"2", "3"}


def test_incremental_pushes_do_not_touch_the_active_sequence(pipe: Build, live: Live) -> None:
    a = pipe("a", RECEIVER)
    push(a, [{"_id": "old"}])
    full(a, [{"_id": "1"}], "s", "r1", is_first="true")
    push(a, [{"_id": "2"}], sequence_id="t", request_id="q1")
    full(a, [], "s", "r2", "r1", is_last="true")
    assert set(live("a")) == {"1", "2"}


def test_conflicts(pipe: Build, live: Live) -> None:
    a = pipe("a", RECEIVER)
    full(a, [{"_id": "1"}], "s", "r1", is_first="true")
    with pytest.raises(SequenceConflict, match="previous_request_id"):
        full(a, [{"_id": "2"}], "s", "r3", "r2")
    with pytest.raises(SequenceConflict, match="previous_request_id"):
        full(a, [{"_id": "2"}], "s", "r2")
    with pytest.raises(SequenceConflict, match="is_first"):
        full(a, [{"_id": "2"}], "s", "r2", "r1", is_first="true")
    with pytest.raises(SequenceConflict, match="is_full"):
        push(a, [{"_id": "2"}], sequence_id="s", request_id="r2", previous_request_id="r1")
    with pytest.raises(SequenceConflict):
        full(a, [], "unknown", "r9", "r8", is_last="true")
    assert set(live("a")) == {"1"}
    full(a, [{"_id": "9"}], "new", "r1", is_first="true", is_last="true")
    assert set(live("a")) == {"9"}, "a new sequence replaces the active one"


def test_a_full_push_of_one_empty_request_deletes_all(pipe: Build, live: Live) -> None:
    a = pipe("a", RECEIVER)
    push(a, [{"_id": "1"}])
    full(a, [], "s", "r1", is_first="true", is_last="true")
    assert live("a") == {}


def test_sequences_survive_a_restart(pipe: Build, live: Live) -> None:
    push(pipe("a", RECEIVER), [{"_id": "old"}, {"_id": "same"}])
    full(pipe("a", RECEIVER), [{"_id": "same"}], "s", "r1", is_first="true")
    full(pipe("a", RECEIVER), [{"_id": "new"}], "s", "r2", "r1", is_last="true")
    assert set(live("a")) == {"same", "new"}


def test_numbers_keep_their_meaning(pipe: Build, live: Live) -> None:
    body = b'[{"_id": "1", "a": 1.50, "b": 2.0, "c": 3, "d": 12345678901234567890123, "e": 1e3, "f": 0.1e-2}]'
    pipe("a", RECEIVER).receive(body)
    assert live("a")["1"] == {
        "a": "~f1.50",
        "b": 2,
        "c": 3,
        "d": 12345678901234567890123,
        "e": 1000,
        "f": "~f0.001",
    }
    pipe("b", {**RECEIVER, "do_float_as_decimal": False, "do_float_as_int": False}).receive(body)
    assert [type(live("b")["1"][name]) for name in "abce"] == [float, float, int, float]


@pytest.mark.parametrize("body", [b"", b"[", b"[1]", b'[{"x": 1}]', b'"x"', b'[{"_id": ""}]'])
def test_bad_bodies_are_refused_whole(pipe: Build, store: Store, body: bytes) -> None:
    a = pipe("a", RECEIVER)
    with pytest.raises(InvalidPush):
        a.receive(body)
    with pytest.raises(InvalidPush):
        a.receive(b"[]", {"is_full": "true"})
    with pytest.raises(InvalidPush):
        a.receive(b"[]", {"is_full": "maybe"})
    assert store.dataset("a").max_updated is None


FAILING = [["copy", "*"], ["if", ["eq", "_S.bad", True], [["fail!", "bad"]]], ["add", "y", 1]]
LARGE = {"_id": "3", "text": "x" * 5000}


@pytest.mark.parametrize(
    ("transform", "sink", "bad", "why"),
    [
        (FAILING, {}, {"_id": "3", "bad": True}, "bad"),
        ([["copy", "*"], ["add", "y", 1]], {"max_entity_bytes_size": 1000}, LARGE, "bytes"),
        (
            [["copy", "*"], ["add", "y", 1], ["if", "_S.bad", ["add", "_id", 7]]],
            {},
            {"_id": "3", "bad": True},
            "_id",
        ),
    ],
)
def test_an_entity_that_fails_on_its_way_keeps_only_itself_out(
    transform: list[Any],
    sink: dict[str, Any],
    bad: dict[str, Any],
    why: str,
    pipe: Build,
    store: Store,
    live: Live,
) -> None:
    a = pipe("a", RECEIVER, transform, sink=sink, pump={"use_dead_letter_dataset": True})
    push(a, [{"_id": "1"}])
    with pytest.raises(PartlyRefused) as caught:
        push(a, [{"_id": "2"}, {"_id": ""}, bad, {"_id": "4"}])
    assert live("a") == {"1": {"y": 1}, "2": {"y": 1}, "4": {"y": 1}}
    assert [each.index for each in caught.value.refused] == [1, 2]
    assert why in caught.value.refused[1].reason
    assert [each["_id"] for each in caught.value.taken] == ["2", "4"]
    letters = {row["_id"]: row for row in store.dataset("system:dead-letter:a").read(deleted=False)}
    assert {"_id": "3", **bad}.items() <= letters["3"].items() and why in letters["3"]["$dead"]["error"]
    with pytest.raises(InvalidPush, match=f"{why}.*; nothing was stored") as alone:
        push(a, [bad])
    assert type(alone.value) is InvalidPush


def test_of_a_full_sequence_with_an_entity_that_fails_nothing_is_stored(pipe: Build, live: Live) -> None:
    a = pipe("a", RECEIVER, FAILING)
    push(a, [{"_id": "1"}])
    with pytest.raises(InvalidPush, match="nothing was stored"):
        full(a, [{"_id": "2"}, {"_id": "3", "bad": True}], "s", "r1", is_last="true")
    assert live("a") == {"1": {"y": 1}}


def test_completeness_of_a_receiver(pipe: Build, store: Store) -> None:
    a = pipe("a", RECEIVER)
    a.receive(b"[]", {}, 123)
    assert store.dataset("a").info().completeness == 123
    a.receive(b"[]", {})
    assert (store.dataset("a").info().completeness or 0) > 10**15


def test_validation_expression(pipe: Build, live: Live) -> None:
    expression = "{% if request_params.token != 'good' %}wrong token{% endif %}"
    a = pipe("a", {**RECEIVER, "validation_expression": expression})
    with pytest.raises(InvalidPush, match="wrong token"):
        push(a, [{"_id": "1"}], token="bad")
    push(a, [{"_id": "1"}], token="good")
    assert set(live("a")) == {"1"}


def test_optimistic_locking(pipe: Build) -> None:
    a = pipe("a", RECEIVER, sink={"enable_optimistic_locking": True})
    assert push(a, [{"_id": "1", "x": 1}])["updated_entity"]["_updated"] == 0
    assert push(a, [{"_id": "1", "x": 2, "_updated": 0}])["updated_entity"]["x"] == 2
    with pytest.raises(StaleEntity):
        push(a, [{"_id": "1", "x": 3, "_updated": 0}])


def test_other_pipes_receive_nothing(pipe: Build) -> None:
    with pytest.raises(Refused):
        push(pipe("b", {"type": "dataset", "dataset": "a"}), [])
