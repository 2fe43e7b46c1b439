"""Dates without a time: midnight of the Chargebee site's time zone, there and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localnode.config.substitution import Substitution
from localnode.dtl import PipeSettings, compile_dtl
from localnode.dtl.memory import MemoryContext
from stack.environment import ROOT
from stack.settings import from_environment
from stack.site_time_zone import VARIABLE, chosen, time_zone_of
from tests.support.shipped import mappings
from tests.support.upstream import Reply, Upstream, scripted_upstream

ZONES = ("UTC", "Europe/Oslo", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata", "America/St_Johns")
RECORDS = mappings().concepts["order"].records


def run(zone: str, value: Any, record: dict[str, Any], **given: Any) -> Any:
    """Return the value of a DTL expression on a record; `given` are properties of the target before."""
    before = [["add", f"_{name}", one] for name, one in given.items()]
    rules = {"default": [*before, ["add", "value", ["apply", "cell", "_S."]]], "cell": [["add", "v", value]]}
    filled = Substitution({VARIABLE: zone}).component({"rules": rules})["rules"]
    [entity] = compile_dtl(filled, PipeSettings("date")).transform({"_id": "x", **record}, MemoryContext({}))
    return entity["value"]["v"]


def cell(record: str, name: str) -> Any:
    return next(cell for row, cell in RECORDS[record].rows() if row.name == name)


@pytest.mark.parametrize("zone", ZONES)
@given(day=st.dates(date(1971, 1, 1), date(2090, 1, 1)), hour=st.integers(0, 22))
def test_a_date_is_a_day_of_the_site(zone: str, day: date, hour: int) -> None:
    there = cell("chargebee", "order_date")
    seconds = run(zone, there.write(), {"order_date": day.isoformat()})
    assert datetime.fromtimestamp(seconds, ZoneInfo(zone)).date() == day, "the site shows the same day"
    some_time = int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp()) + hour * 3600
    assert run(zone, there.read("_S", "_S.currency_code"), {"order_date": some_time}) == day.isoformat()


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("record", "field"), [("order", "order_date"), ("quote", "quote_date")])
@given(day=st.dates(date(2000, 1, 1), date(2050, 1, 1)), days=st.integers(0, 180))
def test_an_invoice_is_due_so_many_days_after_whatever_the_clocks_do_meanwhile(
    zone: str, record: str, field: str, day: date, days: int
) -> None:
    paper = {"status": "accepted", field: day.isoformat()}
    due = run(zone, cell(record, "due_date").read("_S", "_S.currency"), paper, terms=days)
    assert datetime.fromtimestamp(due, ZoneInfo(zone)).date() == day + timedelta(days=days)


def invoices(*zones: str) -> Reply:
    return Reply(
        {"list": [{"invoice": {"id": "1", "site_details_at_creation": {"timezone": zone}}} for zone in zones]}
    )


@pytest.fixture
def site() -> Iterator[Upstream]:
    with scripted_upstream(lambda asked: invoices("Europe/Oslo")) as running:
        yield running


def test_the_default_is_the_sites_own_and_stays(site: Upstream) -> None:
    assert chosen({}, site.url, "key")[0] == "Europe/Oslo"
    assert site.asked[0].query == {"limit": "1", "sort_by[desc]": "date"}
    assert chosen({VARIABLE: "Asia/Tokyo"}, site.url, "key")[0] == "Asia/Tokyo", "as in the first run"
    assert site.calls() == 1


@pytest.mark.parametrize(
    "reply", [invoices(), invoices("Mars/Base"), Reply({"list": [{}]}), Reply(b"no"), Reply({}, status=401)]
)
def test_what_no_invoice_tells_is_utc_and_said(reply: Reply, site: Upstream) -> None:
    site.script = lambda asked: reply
    assert time_zone_of(site.url, "key") is None
    zone, said = chosen({}, site.url, "key")
    assert zone is None
    assert "CHARGEBEE_TIME_ZONE" in said
    assert json.loads((ROOT / "prod-env.json").read_text())[VARIABLE] == "UTC"


def test_the_setting_counts_before_the_site(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARGEBEE_TIME_ZONE", "Europe/Oslo")
    assert from_environment("empty", tmp_path, tmp_path).variables[VARIABLE] == "Europe/Oslo"
