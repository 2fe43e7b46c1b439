"""The share engine's rules, on records in memory."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.common.errors import Conflict, Indeterminate, Pending, Rejected, Unavailable, UpstreamRefused
from connectors.common.share import ShareEngine
from tests.support.datatypes import MemoryDatatype, failing


@pytest.fixture
def things() -> MemoryDatatype:
    return MemoryDatatype()


@pytest.fixture
def seen() -> Counter[tuple[str, str, str]]:
    return Counter()


@pytest.fixture
def engine(things: MemoryDatatype, seen: Counter[tuple[str, str, str]]) -> ShareEngine:
    return ShareEngine([things], 4, lambda *outcome: seen.update([outcome]))


def insert(origin: str = "A-1", **fields: Any) -> dict[str, Any]:
    return {"_id": f"s-{origin}", "$origin": f"~:erp-thing:{origin}", "name": "n", **fields}


def test_insert_marks_answers_and_echoes(things: MemoryDatatype, engine: ShareEngine) -> None:
    [answer] = engine.share(
        things, [insert("A-1", **{"$ids": ["~:x:1"], "$own": {"kept": True}, "_updated": 7})]
    )
    assert answer["$operation"] == "insert"
    assert answer["$status"] == "ok"
    assert answer["$generated_id"] == "T-1"
    assert answer["$response"] == {"id": "T-1", "version": 1, "name": "n", "link": "A-1"}
    assert answer["$error"] is None
    assert answer["$ids"] == ["~:x:1"]
    assert answer["$own"] == {"kept": True}
    assert answer["name"] == "n"
    assert len(answer["$written"]) == 27


def test_repeated_insert_adopts(things: MemoryDatatype, engine: ShareEngine) -> None:
    engine.share(things, [insert()])
    [again] = engine.share(things, [insert(name="other")])
    assert (again["$operation"], again["$status"], again["$generated_id"]) == ("none", "ok", "T-1")
    assert things.writes == [("create", "T-1")]


def test_two_inserts_of_one_origin_in_one_batch_make_one_record(
    things: MemoryDatatype, engine: ShareEngine
) -> None:
    answers = engine.share(things, [insert(), insert()])
    assert [a["$operation"] for a in answers] == ["insert", "none"]
    assert len(things.records) == 1


def test_insert_needs_an_origin_that_is_a_namespaced_identifier(
    things: MemoryDatatype, engine: ShareEngine
) -> None:
    answers = engine.share(things, [{"_id": "a", "name": "x"}, {"_id": "b", "name": "x", "$origin": "A-1"}])
    assert [a["$error"]["rule"] for a in answers] == ["required", "format"]
    assert {a["$error"]["field"] for a in answers} == {"/$origin"}
    assert things.writes == []


def test_unanswered_create_that_was_done_is_found(things: MemoryDatatype, engine: ShareEngine) -> None:
    things.after["create"] = failing(Indeterminate("silence"))
    [answer] = engine.share(things, [insert()])
    assert (answer["$operation"], answer["$status"], answer["$generated_id"]) == ("insert", "ok", "T-1")
    assert len(things.records) == 1


def test_unanswered_create_that_was_not_done_fails_the_request_and_may_be_repeated(
    things: MemoryDatatype, engine: ShareEngine
) -> None:
    things.before["create"] = failing(Indeterminate("silence"))
    with pytest.raises(Unavailable):
        engine.share(things, [insert()])
    [answer] = engine.share(things, [insert()])
    assert answer["$operation"] == "insert"
    assert len(things.records) == 1


def test_a_key_that_is_taken_by_a_stranger_is_rejected_and_an_own_one_adopted(
    things: MemoryDatatype, engine: ShareEngine
) -> None:
    things.create_refuses_twins = True
    things.records["K"] = {"id": "K", "version": 1, "link": "somebody else"}
    [answer] = engine.share(things, [insert("A-1", id="K", **{"$operation": "insert"})])
    assert (answer["$status"], answer["$error"]["title"]) == ("rejected", "Already exists")
    things.records["K"]["link"] = "A-1"
    [answer] = engine.share(things, [insert("A-1", id="K", **{"$operation": "insert"})])
    assert (answer["$operation"], answer["$status"], answer["$generated_id"]) == ("none", "ok", "K")
    assert things.find_calls == 2


def test_a_key_cannot_be_chosen_where_upstream_gives_it(things: MemoryDatatype, engine: ShareEngine) -> None:
    things.assigns_keys = True
    [answer] = engine.share(things, [insert("A-1", id="K", **{"$operation": "insert"})])
    assert (answer["$status"], answer["$error"]["field"]) == ("rejected", "/id")


def put(things: MemoryDatatype, key: str = "T-1", **fields: Any) -> dict[str, Any]:
    things.records[key] = {"id": key, "version": 1, "name": "old", **fields}
    return dict(things.records[key])


def test_update_writes_only_what_differs(things: MemoryDatatype, engine: ShareEngine) -> None:
    base = put(things, note="same")
    [answer] = engine.share(
        things, [{"_id": "s", "id": "T-1", "name": "new", "note": "same", "$based_on": base}]
    )
    assert (answer["$operation"], answer["$generated_id"]) == ("update", "T-1")
    assert answer["$response"]["name"] == "new"
    [again] = engine.share(things, [{"_id": "s", "id": "T-1", "name": "new", "$based_on": base}])
    assert (again["$operation"], again["$status"]) == ("none", "ok")
    assert things.writes == [("update", "T-1")]


def test_update_of_a_contested_property_writes_nothing(things: MemoryDatatype, engine: ShareEngine) -> None:
    put(things, note="theirs")
    desired = {
        "_id": "s",
        "id": "T-1",
        "name": "new",
        "note": "ours",
        "$based_on": {"name": "old", "note": "before"},
    }
    [answer] = engine.share(things, [desired])
    assert (answer["$operation"], answer["$status"]) == ("none", "conflict")
    assert answer["$error"]["field"] == "/note"
    assert answer["$error"]["kind"] == "look-up-first"
    assert answer["$response"]["note"] == "theirs"
    assert things.writes == []
    [forced] = engine.share(things, [desired | {"$unsafe_skip_optimistic_locking": True}])
    assert forced["$operation"] == "update"


def test_update_without_based_on_is_rejected(things: MemoryDatatype, engine: ShareEngine) -> None:
    put(things)
    [answer] = engine.share(things, [{"_id": "s", "id": "T-1", "name": "new"}])
    assert (answer["$status"], answer["$error"]["kind"]) == ("rejected", "look-up-first")


def test_gone_and_already_deleted(things: MemoryDatatype, engine: ShareEngine) -> None:
    base = put(things, deleted=True)
    answers = engine.share(
        things,
        [
            {"_id": "a", "id": "nope", "name": "x", "$based_on": {}},
            {"_id": "b", "id": "T-1", "name": "x", "$based_on": base},
            {"_id": "c", "id": "nope", "_deleted": True},
        ],
    )
    assert [(a["$operation"], a["$status"]) for a in answers] == [
        ("none", "gone"),
        ("none", "gone"),
        ("none", "ok"),
    ]


def test_delete_takes_the_key_from_id_or_else_from_the_entity(
    things: MemoryDatatype, engine: ShareEngine
) -> None:
    put(things, "T-1")
    put(things, "T-2")
    answers = engine.share(
        things, [{"_id": "x", "id": "T-1", "_deleted": True}, {"_id": "thing:T-2", "$operation": "delete"}]
    )
    assert [a["$operation"] for a in answers] == ["delete", "delete"]
    assert things.records == {}


def test_a_record_that_moves_during_the_write_is_compared_again(
    things: MemoryDatatype, engine: ShareEngine
) -> None:
    base = put(things, note="a")

    def other_writer(key: str) -> None:
        if things.records[key]["version"] == 1:
            things.records[key].update(note="b", version=2)

    things.before["update"] = other_writer
    [answer] = engine.share(things, [{"_id": "s", "id": "T-1", "name": "new", "$based_on": base}])
    assert (answer["$operation"], answer["$response"]["note"]) == ("update", "b")
    put(things, note="a")
    [contested] = engine.share(things, [{"_id": "s", "id": "T-1", "note": "c", "$based_on": base}])
    assert contested["$status"] == "conflict"


def test_a_record_that_never_stands_still_is_a_conflict(things: MemoryDatatype, engine: ShareEngine) -> None:
    base = put(things)
    things.before["update"] = failing(Conflict("moved"), times=99)
    [answer] = engine.share(things, [{"_id": "s", "id": "T-1", "name": "new", "$based_on": base}])
    assert answer["$status"] == "conflict"


def test_one_bad_entity_leaves_the_others_alone(
    things: MemoryDatatype, engine: ShareEngine, seen: Counter[tuple[str, str, str]]
) -> None:
    batch = [
        insert("A-1"),
        insert("A-2", name="x" * 11),
        insert("A-3", colour="red"),
        insert("A-4", total="1"),
        insert("A-5"),
    ]
    answers = engine.share(things, batch)
    assert [a["$status"] for a in answers] == ["ok", "rejected", "rejected", "rejected", "ok"]
    errors = [a["$error"] for a in answers[1:4]]
    assert [(e["field"], e["rule"], e["type"]) for e in errors] == [
        ("/name", "maxLength", "string"),
        ("/colour", "additionalProperties", "string"),
        ("/total", "readOnly", "string"),
    ]
    assert errors[0]["limit"] == 10
    assert seen["thing", "insert", "ok"] == 2
    assert seen["thing", "none", "rejected"] == 3


def test_what_upstream_refuses_or_defers_concerns_that_entity_only(
    things: MemoryDatatype, engine: ShareEngine
) -> None:
    things.before["create"] = failing(Rejected("no", field="/name", rule="unique"))
    assert engine.share(things, [insert()])[0]["$status"] == "rejected"
    things.before["create"] = failing(Pending("make it in the console first"))
    answer = engine.share(things, [insert()])[0]
    assert (answer["$status"], answer["$error"]["kind"]) == ("pending", "wait")


@pytest.mark.parametrize("error", [Unavailable("down"), UpstreamRefused("401")])
def test_an_outage_fails_the_whole_request(
    things: MemoryDatatype, engine: ShareEngine, error: Exception
) -> None:
    base = put(things)
    things.before["fetch"] = failing(error, times=99)  # type: ignore[arg-type]
    batch = [insert(f"A-{n}") for n in range(20)] + [
        {"_id": "s", "id": "T-1", "name": "x", "$based_on": base}
    ]
    with pytest.raises(type(error)):
        engine.share(things, batch)
    things.before.clear()
    answers = engine.share(things, batch)
    assert len(answers) == 21
    assert len(things.records) == 21
    assert all(a["$status"] == "ok" for a in answers)


def test_writers_of_one_record_take_turns(things: MemoryDatatype, engine: ShareEngine) -> None:
    base = put(things)
    inside, most = [0], [0]

    def enter(key: str) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.005)
        inside[0] -= 1

    things.before["update"] = enter
    threads = [
        threading.Thread(
            target=engine.share,
            args=(things, [{"_id": "s", "id": "T-1", "name": f"n{n}", "$based_on": base}]),
        )
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert len(things.writes) == 1, "the first wins, the others are contested"


desired_states = st.one_of(
    st.builds(lambda n: insert(f"A-{n}"), st.integers(0, 5)),
    st.builds(lambda n: {"_id": f"u{n}", "id": f"T-{n}", "name": "u", "$based_on": {}}, st.integers(1, 4)),
    st.builds(lambda n: {"_id": f"d{n}", "id": f"T-{n}", "_deleted": True}, st.integers(1, 4)),
    st.just({"_id": "bad", "$operation": "insert"}),
    st.just({"$operation": 7}),
    st.just({"_id": 3}),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(desired_states, max_size=12))
def test_answers_keep_order_and_number(batch: list[dict[str, Any]]) -> None:
    things = MemoryDatatype()
    answers = ShareEngine([things], 3, lambda *_: None).share(things, batch)
    assert [
        {k: a[k] for k in desired}
        for a, desired in zip(answers, batch, strict=True)
        if "$operation" not in desired
    ] == [desired for desired in batch if "$operation" not in desired]
    assert all(a["$status"] in ("ok", "conflict", "rejected", "gone") for a in answers)
    links = [record["link"] for record in things.records.values()]
    assert len(links) == len(set(links))


class Payload(dict[str, Any]):
    """A dict that can be watched."""


def test_rejected_entities_are_not_kept_in_memory(things: MemoryDatatype, engine: ShareEngine) -> None:
    """An error that holds its traceback would hold the whole batch until the garbage collector comes by."""
    batch = [Payload(insert("A-1", name="x" * 11))]
    gc.disable()
    try:
        engine.share(things, batch)
        watched = weakref.ref(batch.pop())
        assert watched() is None
    finally:
        gc.enable()


def test_written_stamps_never_repeat(things: MemoryDatatype, engine: ShareEngine) -> None:
    answers = engine.share(things, [insert(f"A-{n}") for n in range(200)])
    assert len({a["$written"] for a in answers}) == 200


def test_an_update_that_was_not_taken_is_compared_again_before_it_is_repeated(
    things: MemoryDatatype, engine: ShareEngine
) -> None:
    engine.share(things, [insert()])
    things.update_attempts = 3

    def silence(key: str) -> None:
        things.before.clear()
        things.records[key]["name"] = "edited meanwhile"
        raise Unavailable("upstream answered 503", retry_after=0.01)

    things.before["update"] = silence
    [answer] = engine.share(
        things,
        [{"_id": "u", "id": "T-1", "name": "ours", "$based_on": {"name": "n"}, "$operation": "update"}],
    )
    assert (answer["$operation"], answer["$status"]) == ("none", "conflict")
    assert things.records["T-1"]["name"] == "edited meanwhile"
