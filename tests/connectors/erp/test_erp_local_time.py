"""Stamps in local time: the hour that comes twice, the hour that is left out, and filters by what a clock shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.erp.check.__main__ import FITS, main
from connectors.erp.mapping.local_time import instant, least_shown, repeated_hour, shown, zone
from connectors.erp.mapping.stamps import pair_parser, parser, to_filter, to_form
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, scripted_upstream

OSLO = zone("Europe/Oslo")
AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC)
"""When 03:00 becomes 02:00 in Oslo; the hour from 00:00 UTC on comes twice."""

SPRING = datetime(2026, 3, 29, 1, tzinfo=UTC)
"""When 02:00 becomes 03:00 there."""

ZONES = [
    "Europe/Oslo",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Antarctica/Troll",
    "Asia/Kolkata",
]
moments = st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
soon = st.timedeltas(timedelta(0), timedelta(hours=3))


@pytest.mark.parametrize(
    ("clock", "now", "read"),
    [
        ("02:30", "2026-10-25T00:31Z", "2026-10-25T00:30Z"),  # the second 02:30 is yet to come
        ("02:30", "2026-10-25T01:27Z", "2026-10-25T01:30Z"),  # an ERP whose clock is ahead
        ("02:50", "2026-10-25T01:10Z", "2026-10-25T00:50Z"),
        ("02:05", "2026-10-25T01:10Z", "2026-10-25T01:05Z"),  # either: never an hour early
        ("02:30", "2027-01-01T00:00Z", "2026-10-25T01:30Z"),
        ("01:59", "2026-10-25T00:00Z", "2026-10-24T23:59Z"),
        ("03:00", "2026-10-25T02:00Z", "2026-10-25T02:00Z"),
    ],
)
def test_a_stamp_of_the_repeated_hour_is_never_an_hour_early(clock: str, now: str, read: str) -> None:
    present = datetime.fromisoformat(now)
    found = instant(datetime.fromisoformat(f"2026-10-25T{clock}"), OSLO, lambda: present)
    assert found == datetime.fromisoformat(read)


def test_a_stamp_of_the_hour_that_is_left_out_is_not_early_either() -> None:
    late = lambda: datetime(2027, 1, 1, tzinfo=UTC)  # noqa: E731
    assert instant(datetime(2026, 3, 29, 2, 30), OSLO, late) == SPRING + timedelta(minutes=30)


@given(st.sampled_from(ZONES), moments, soon)
def test_what_a_clock_shows_is_read_as_when_it_did_or_as_an_hour_later(
    name: str, at: datetime, later: timedelta
) -> None:
    place = zone(name)
    found = instant(shown(at, place), place, lambda: at + later)
    assert timedelta(0) <= found - at <= timedelta(hours=2)
    assert found <= at + later + timedelta(minutes=5) or found == at


@given(st.sampled_from(ZONES), moments, soon)
def test_a_filter_asks_for_all_that_may_follow(name: str, since: datetime, later: timedelta) -> None:
    place = zone(name)
    assert least_shown(since, place) <= shown(since + later, place)


@given(st.sampled_from(ZONES), moments, soon)
def test_tokens_are_held_exactly_while_stamps_may_go_back(name: str, at: datetime, later: timedelta) -> None:
    place = zone(name)
    if shown(at + later, place) < shown(at, place):  # the clock was turned back between the two
        for moment in (at, at + later):
            begins = repeated_hour(moment, place)
            assert begins is None or begins <= moment
        turned_over = repeated_hour(at + later, place)
        assert turned_over is not None and turned_over <= at


def test_the_repeated_hour_begins_when_it_first_comes_and_is_over_after_the_second() -> None:
    begins = AUTUMN - timedelta(hours=1)
    for minutes, expected in ((-61, None), (-60, begins), (0, begins), (64, begins), (66, None), (600, None)):
        assert repeated_hour(AUTUMN + timedelta(minutes=minutes), OSLO) == expected, minutes
    assert repeated_hour(SPRING, OSLO) is None
    assert repeated_hour(AUTUMN, zone("Asia/Kolkata")) is None


def test_values_are_written_exactly_and_filters_with_care() -> None:
    first = "2026-10-25T00:30:00.000000Z"
    assert to_form("iso_naive", first, "Europe/Oslo") == "2026-10-25T02:30:00.000000"
    assert to_filter("iso_naive", first, 0, None, "Europe/Oslo") == "2026-10-25T01:30:00.000000"
    assert (
        to_filter("iso_naive", "2026-03-29T01:10:00.000000Z", 0, None, "Europe/Oslo")
        == "2026-03-29T02:10:00.000000"
    )
    assert (
        to_filter("iso_naive", "0001-01-01T00:00:00.000000Z", 0, None, "Europe/Oslo")
        == "0001-01-01T00:00:00.000000"
    )
    summer = {"year": 2026, "month": 7, "day": 1, "hour": 14, "minute": 0, "second": 0, "microsecond": 0}
    assert to_form("object", "2026-07-01T12:00:00.000000Z", "Europe/Oslo") == summer
    assert (
        to_filter("%d.%m.%Y %H:%M:%S", "2026-07-01T12:00:00.900000Z", 0.9, None, "Europe/Oslo")
        == "01.07.2026 14:00:00"
    )


@pytest.mark.parametrize(
    ("form", "value"),
    [("%d.%m.%Y %H:%M:%S", "01.07.2026 14:00:05"), ("%Y-%m-%dT%H:%M:%S%z", "2026-07-01T14:00:05+0200"), ("iso", "2026-07-01 14:00:05")],
)  # fmt: skip
def test_stamps_are_read_by_a_pattern(form: str, value: str) -> None:
    assert parser(form, "Europe/Oslo")(value) == "2026-07-01T12:00:05.000000Z"


@pytest.mark.parametrize(
    ("form", "time"),
    [("clock", "14:00:05"), ("hhmmss", 140005), ("hhmmss", "140005"), ("seconds", 50405), ("hhmm", None)],
)
def test_a_day_and_a_time_make_one_stamp(form: str, time: Any) -> None:
    expected = "2026-06-30T22:00:00.000000Z" if time is None else "2026-07-01T12:00:05.000000Z"
    assert pair_parser(form, "Europe/Oslo")("2026-07-01T00:00:00Z", time) == expected
    assert pair_parser("hhmm")("2026-07-01", 905) == "2026-07-01T09:05:00.000000Z"
    assert pair_parser("hhmmss")("2026-07-01", 905) == "2026-07-01T00:09:05.000000Z"


def local(entity: dict[str, Any]) -> dict[str, Any]:
    """A profile whose stamps are in Oslo's time, asked for by day and time."""
    return profile(
        **{
            "modified": [{"date": "day", "time": "hour", "time_form": "hhmmss"}],
            "timezone": "Europe/Oslo",
            "list": {
                "query": {"filter": "day gt {since_date} or (day eq {since_date} and hour ge {since_time})"}
            },
            "incremental": {"order": "none"},
            "fields": {"first_name": "name", "modified_at": "@modified", "external_refs.chargebee": "ref"},
            **entity,
        }
    )


def test_a_stamp_in_two_fields_is_asked_for_by_two_values(tmp_path: Path) -> None:
    record = {"id": "1", "day": "2026-07-01T00:00:00Z", "hour": 140005, "name": "Ann", "ref": None}
    with scripted_upstream(lambda asked: Reply([record])) as upstream:
        client = app_of(tmp_path, upstream.url, local({}))
        (entity,) = client.get("/contact/entities").json
        assert entity["modified_at"] == "2026-07-01T12:00:05.000000Z"
        assert "filter" not in upstream.asked[-1].query
        client.get("/contact/entities?since=2026-07-01T12:00:05Z")
        asked = upstream.asked[-1].query["filter"]
        assert asked == "day gt 2026-07-01 or (day eq 2026-07-01 and hour ge 14:00:05)"


def test_the_check_reads_stamps_in_the_profiles_zone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A clock in Oslo is ahead of UTC: taken for UTC its stamps would lie in the future."""
    now = shown(datetime.now(UTC), OSLO).isoformat(timespec="microseconds")
    records = [{"id": f"{n}", "changed": now, "first_name": "Ann", "external_refs": {}} for n in range(3)]

    def erp(asked: Asked) -> Reply:
        if "ref" in asked.query:
            return Reply([])
        one = next((one for one in records if asked.path == f"/people/{one['id']}"), None)
        found = [one for one in records if one["changed"] >= asked.query.get("since", "")]
        return Reply(found) if asked.path == "/people" else Reply(one) if one else Reply({}, 404)

    zoned = {
        "timezone": "Europe/Oslo",
        "modified_format": "iso_naive",
        "incremental": {"param": "since", "order": "none"},
    }
    file = tmp_path / "local.json"
    file.write_text(json.dumps(profile(**zoned)))
    with scripted_upstream(erp) as upstream:
        assert main(["--profile", str(file), "--json"], {"ERP_BASE_URL": upstream.url}) == FITS
        assert json.loads(capsys.readouterr().out)["datatypes"]["contact"]["findings"] == []
        file.write_text(json.dumps(profile(**{**zoned, "timezone": None} | {"timezone": "Etc/UTC"})))
        assert main(["--profile", str(file)], {"ERP_BASE_URL": upstream.url}) != FITS
        assert "lies in the future" in capsys.readouterr().out
