"""The small things that everything shares."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from core.clock import RisingClock, now_us, seconds_to_text, text_to_us, to_text, us_to_text
from core.diff import differences, field_changes, same
from core.dotted import get_all, get_path, has_path, is_shown, leaves, set_path
from core.flags import parse_flag
from core.names import Kind, RecordName, parse_ni, parse_pipe, stage_of
from core.suggestions import advice, did_you_mean
from core.tables import text_table


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("YES", True), (" on ", True), ("0", False), ("No", False)]
)
def test_a_flag_is_read_whatever_its_case(text: str, value: bool) -> None:
    assert parse_flag(text) is value


@pytest.mark.parametrize("text", ["", "maybe", "2", "truefalse"])
def test_anything_else_is_no_flag(text: str) -> None:
    with pytest.raises(ValueError, match="must be true or false"):
        parse_flag(text)


def test_only_a_close_name_is_suggested() -> None:
    assert (
        did_you_mean("CHARGEBEE_SIET", ["CHARGEBEE_SITE", "NODE_PORT"]) == '; did you mean "CHARGEBEE_SITE"?'
    )
    assert did_you_mean("something else", ["CHARGEBEE_SITE"]) == ""
    assert advice("contct", ["contact", "order"]) == 'did you mean "contact"?'
    assert advice("zzz", ["contact", "order"]) == "there are contact, order"
    assert advice("zzz", []) == "there are none"


RECORD = {"a": {"b": [1, {"c": None}]}, "x.y": 2, "e": {"@odata.etag": "W/1"}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", RECORD),
        ("a.b.0", 1),
        ("x.y", 2),
        ("e.@odata.etag", "W/1"),
        ("a.b.1.c", None),
        ("a.b.9", None),
        ("a.b.z", None),
        ("q.r", None),
    ],
)
def test_a_value_is_found_at_its_path(path: str, value: object) -> None:
    assert get_path(RECORD, path) == value


def test_null_is_something() -> None:
    assert has_path({"a": {"b": None}}, "a.b")
    assert not has_path({"a": {"b": None}}, "a.c")
    assert has_path({"a": None}, "a.b"), "null for an object is null for all of it"
    assert not has_path({"a": 1}, "a.b")


@pytest.mark.parametrize("value", [None, False, 0, "", [], [1], {"b": None}])
def test_what_stands_where_an_object_might_be_shows_that_there_is_none(value: object) -> None:
    assert is_shown({"a": value}, "a.b")
    assert is_shown({"a": value}, "a")
    assert not is_shown({"a": {"c": value}}, "a.b") and not is_shown({"c": value}, "a.b")


def test_a_star_stands_for_every_item() -> None:
    assert get_all({"rows": [{"v": 1}, {"v": None}, {"v": 3}]}, "rows.*.v") == [1, 3]


def test_setting_a_path_leaves_what_others_hold_alone() -> None:
    shared = {"city": "Oslo"}
    record = {"address": shared}
    set_path(record, "address.zip", "0150")
    assert record == {"address": {"city": "Oslo", "zip": "0150"}}
    assert shared == {"city": "Oslo"}


def test_leaves_are_all_that_is_no_object() -> None:
    assert leaves({"a": {"b": 1, "c": {}}, "d": [{"e": 2}]}) == {"a.b": 1, "a.c": {}, "d": [{"e": 2}]}
    assert leaves({}) == {}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
        (datetime(2026, 3, 1, 12, 0, 0, 5), "2026-03-01T12:00:00.000005Z"),
        (datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T10:00:00.000000Z"),
    ],
)
def test_moments_are_text_of_one_width(moment: datetime, text: str) -> None:
    assert to_text(moment) == text


def test_microseconds_survive_the_text() -> None:
    us = now_us()
    assert text_to_us(us_to_text(us)) == us
    assert text_to_us("1970-01-01T01:00:00+01:00") == 0
    assert seconds_to_text(1.5) == "1970-01-01T00:00:01.500000Z"


def test_a_rising_clock_never_says_the_same_twice() -> None:
    clock, said = RisingClock(now_us() + 10**9), list[int]()

    def ask() -> None:
        for _ in range(500):
            said.append(clock.now_us())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(said)) == 2000
    assert clock.now_text() > us_to_text(max(said))


@pytest.mark.parametrize(
    ("pipe", "systems", "kind", "stage"),
    [
        ("billing-customer-share", (), Kind("billing", "customer"), "share"),
        ("billing-customer-group-all", (), Kind("billing", "customer-group"), "all"),
        ("my-erp-contact-collect", ("my", "my-erp"), Kind("my-erp", "contact"), "collect"),
    ],
)
def test_a_pipe_id_says_what_it_is_about(pipe: str, systems: tuple[str, ...], kind: Kind, stage: str) -> None:
    assert parse_pipe(pipe, systems) == (kind, stage)
    assert stage_of(pipe) == stage
    assert kind.pipe(stage) == pipe


@pytest.mark.parametrize(
    "pipe", ["share", "billing-share", "billing-customer", "billing-customer-sharing", ""]
)
def test_other_pipes_are_called_anything(pipe: str) -> None:
    assert parse_pipe(pipe) is None


def test_an_identifier_names_a_record() -> None:
    name = Kind("billing", "customer").record("a:b")
    assert name.ni == "~:billing-customer:a:b" and str(name) == "billing-customer:a:b"
    assert parse_ni(name.ni) == name
    assert (name.system, name.datatype, name.key) == ("billing", "customer", "a:b")
    for other in ("billing-customer:1", "~:push:1", "~:billing-customer:", 7, None):
        assert parse_ni(other) is None
    with pytest.raises(ValueError, match="names no record"):
        RecordName.of("~:push:1")


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), ([1], [True]), ({"a": [0]}, {"a": [False]}), (None, False)]
)
def test_values_of_different_types_are_not_the_same(one: object, other: object) -> None:
    assert not same(one, other)
    assert same(one, one)


def test_field_changes_tell_what_differs() -> None:
    before, after = {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": None}
    assert field_changes(before, after, ["a.b", "a.c", "d"]) == [{"field": "a.c", "before": 2, "after": 3}]


def test_differences_are_found_member_by_member() -> None:
    before, after = {"a": {"b": 1, "gone": 0}, "same": [1]}, {"a": {"b": 2}, "new": None, "same": [1]}
    assert [(each["path"], each["kind"]) for each in differences(before, after)] == [
        ("a.b", "changed"),
        ("a.gone", "removed"),
        ("new", "added"),
    ]


def test_a_table_is_as_wide_as_what_is_in_it() -> None:
    rows = [("contact ↔ customer", 12, "[ok]"), ("order", 3456, ""), ("a" * 150, 1, "no")]
    lines = text_table(("mapping", "linked", "state"), rows)
    assert lines[0].split() == ["mapping", "linked", "state"]
    assert lines[1].startswith("contact ↔ customer") and lines[1].endswith("    12  [ok]")
    assert lines[2].endswith("  3456") and lines[3].split() == ["a" * 150, "1", "no"]
    assert len(lines) == 4
    assert text_table(("one", "two"), []) == ["one  two"]
