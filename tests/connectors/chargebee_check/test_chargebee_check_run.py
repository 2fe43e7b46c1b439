"""A check cleans up, writes on test sites only, ends in time, keeps the key to itself and says what it found."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest import CaptureFixture, MonkeyPatch

from connectors.chargebee.check import caller, cleanup
from connectors.chargebee.check.__main__ import (
    AS_ASSUMED,
    CUT_SHORT,
    NOT_ASKED,
    OTHERWISE,
    WRONG_SETTINGS,
    main,
)
from connectors.chargebee.check.conditions import Outcome
from connectors.chargebee.check.probes import Call
from connectors.chargebee.check.report import Result
from connectors.chargebee.check.run import Interrupted
from connectors.chargebee.check.verdicts import NEEDS_ALL, Kind
from tests.connectors.chargebee_check.conftest import PROBES, Site
from tests.support.processes import wait_until
from tests.support.upstream import Asked, Reply, scripted_upstream

OLD_RUN = "cbcheck-2601010101-abc"


def records(site: Site) -> set[str]:
    """Return ids of what checks made and is not deleted."""
    found: set[str] = set()
    for kind in (*cleanup.KINDS.values(), "invoices", "orders"):
        params = {"id[starts_with]": caller.PREFIX}
        if kind in ("items", "item_prices"):
            params["status[in]"] = '["active","archived"]'
        found |= {record["id"] for record in site.chargebee.all(kind, **params)}
    return found


def await_removed(site: Site, before: set[str], result: Result) -> None:
    """Wait until all that a check made is gone, but for what it says stays: customers go some time later."""
    stays = {line.partition(":")[0].partition(" ")[2] for line in result.stays}
    wait_until(
        lambda: not records(site) - before - stays, what=f"removal of {records(site) - before - stays}"
    )


def settled(result: Result) -> int:
    return len(result.of(Kind.ASSUMED)) + len(result.of(Kind.OTHERWISE))


def environment(root: str, **values: str) -> dict[str, str]:
    return {
        "CHARGEBEE_BASE_URL": f"{root}/api/v2",
        "CHARGEBEE_API_KEY": "sandbox",
        "CHARGEBEE_RATE_PER_MINUTE": "0",
        **values,
    }


def test_a_check_removes_what_it_made(site: Site) -> None:
    before = records(site)
    result = site.check()
    assert result.cut_short == ""
    assert settled(result) > 80
    assert len(result.stays) <= 3, "a price that an invoice uses, its item and its family"
    await_removed(site, before, result)


def test_what_is_pressing_is_settled_with_few_calls(site: Site) -> None:
    """Whatever no documentation says, and what would do harm, unless only a person can settle it."""
    before = records(site)
    site.turn_round("other-texts-are-not-sanitised", "billing-info-is-assignment")
    reading = len(PROBES.reading())
    result = site.check(everything=False)
    assert result.cut_short == ""
    assert {one.fact.id for one in result.of(Kind.OTHERWISE)} == {
        "other-texts-are-not-sanitised",
        "billing-info-is-assignment",
    }
    unsettled = {one.fact.id for one in result.of(Kind.UNDECIDED) if one.fact.is_pressing}
    assert unsettled == {
        "default-entity-has-no-event",
        "no-feature-no-business-entity-parameter",
    }, "the demo site has many entities"
    left_out = {one.fact.id for one in result.of(Kind.UNDECIDED) if one.because == NEEDS_ALL}
    assert len(left_out) > 40
    assert result.calls - reading <= 37, "32 that ask, one look for leftovers, and what removes"
    await_removed(site, before, result)


def test_reading_alone_writes_nothing(site: Site) -> None:
    before = site.chargebee.writes()
    result = site.check(write=False)
    assert site.chargebee.writes() == before
    assert settled(result) >= 15
    assert {name for name, _ in result.learned} >= {
        "product catalog",
        "currencies",
        "payment terms",
        "orders",
        "events",
    }
    undecided = {one.fact.id for one in result.of(Kind.UNDECIDED) if "=1" not in one.because}
    assert undecided == {"default-entity-has-no-event"}, "the demo site has many entities"


@pytest.mark.parametrize("ending", [Interrupted(), KeyboardInterrupt()], ids=["terminated", "interrupted"])
def test_an_interrupted_check_removes_what_it_made(
    ending: BaseException, site: Site, monkeypatch: MonkeyPatch
) -> None:
    real: Callable[..., Outcome] = caller.Caller._outcome

    def until_the_price(self: caller.Caller, call: Call) -> Outcome:
        if call.id == "price":
            raise ending
        return real(self, call)

    monkeypatch.setattr(caller.Caller, "_outcome", until_the_price)
    before = records(site)
    result = site.check()
    assert result.cut_short == "Interrupted before all calls were made."
    assert 30 < settled(result) < 80
    assert result.of(Kind.UNDECIDED)
    await_removed(site, before, result)


def test_what_an_interrupted_check_left_is_removed_by_the_next(site: Site) -> None:
    old, young = f"{OLD_RUN}-f", f"{caller.new_run()}-f"
    for number, key in enumerate((old, young, "cbcheck-mine")):
        site.chargebee.post("item_families", id=key, name=f"left {number}")
    site.chargebee.post("items", id=f"{OLD_RUN}-i", name="left item", type="charge", item_family_id=old)
    site.chargebee.post("customers", id=f"{OLD_RUN}-c")
    site.chargebee.post("customers", first_name=OLD_RUN)
    site.check()
    wait_until(lambda: f"{OLD_RUN}-c" not in records(site), what="removal of the customer that was left")
    assert site.chargebee.all("customers", **{"first_name[is]": OLD_RUN}) == []
    left = records(site)
    assert old not in left and f"{OLD_RUN}-i" not in left
    assert young in left, "another check may still be at work"
    assert "cbcheck-mine" in left, "not of a check"
    for key in (young, "cbcheck-mine"):
        site.chargebee.post(f"item_families/{key}/delete")


def test_a_check_has_an_end_in_time(site: Site) -> None:
    result = site.check(seconds=0.0)
    assert result.cut_short == "Ended after 0 seconds, before all calls were made."
    assert settled(result) < 5


def test_no_answer_is_no_verdict(site: Site) -> None:
    site.put("faults", {"error_rate": 1.0, "retry_after": False, "seed": 3})
    try:
        with pytest.raises(Exception, match="no answer"):
            site.check("oldest-first")
    finally:
        site.put("faults", {})


LIVE = {"configurations": [{"domain": "acme", "product_catalog_version": "v2"}]}
TEST = {"configurations": [{"domain": "acme-test", "product_catalog_version": "v2"}]}


@pytest.mark.parametrize(("answer", "key"), [(LIVE, "test_abcdefgh"), (TEST, "live_abcdefgh")])
def test_it_writes_on_test_sites_only(answer: dict[str, Any], key: str, capsys: CaptureFixture[str]) -> None:
    with scripted_upstream(lambda asked: Reply(answer)) as upstream:
        code = main(["--write"], environment(upstream.url, CHARGEBEE_API_KEY=key))
        assert {asked.method for asked in upstream.asked} == {"GET"}
    assert code == WRONG_SETTINGS
    assert "is not a test site" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ["CHARGEBEE_SITE", "CHARGEBEE_API_KEY"]),
        ({"CHARGEBEE_SITE": "acme-test"}, ["CHARGEBEE_API_KEY"]),
        (
            {"CHARGEBEE_SITE": "", "CHARGEBEE_API_KEY": "test_abcdefgh"},
            ["CHARGEBEE_SITE", "CHARGEBEE_BASE_URL"],
        ),
        (
            {"CHARGEBEE_SITE": "https://acme-test.chargebee.com", "CHARGEBEE_API_KEY": "test_abcdefgh"},
            ["CHARGEBEE_SITE"],
        ),
    ],
)
def test_half_filled_settings_are_refused(
    given: dict[str, str], named: list[str], capsys: CaptureFixture[str]
) -> None:
    assert main(["--write"], given) == WRONG_SETTINGS
    said = capsys.readouterr().err
    assert all(name in said for name in named)
    assert "test_abcdefgh" not in said


@pytest.mark.parametrize(
    ("status", "code", "setting"),
    [(401, "api_authentication_failed", "CHARGEBEE_API_KEY"), (404, "site_not_found", "CHARGEBEE_SITE")],
)
def test_a_site_that_cannot_be_asked(
    status: int, code: str, setting: str, capsys: CaptureFixture[str]
) -> None:
    body = {"message": "no", "type": "untyped", "api_error_code": code}
    with scripted_upstream(lambda asked: Reply(body, status)) as upstream:
        assert main([], environment(upstream.url)) == NOT_ASKED
    assert setting in capsys.readouterr().err


def test_the_key_is_never_shown(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    """Not even when Chargebee repeats it."""
    key = "test_0123456789secret"

    def repeat(asked: Asked) -> Reply:
        if asked.path.endswith("/configurations"):
            return Reply(TEST)
        body = {"message": key, "type": "x", "api_error_code": key, "param": key, "error_msg": key}
        return Reply(body, 400, {"x-ratelimit-" + key: "1"})

    with scripted_upstream(repeat) as upstream:
        for arguments in ([], ["--json"], ["--write", "--report", str(tmp_path / "r.md")]):
            main(arguments, environment(upstream.url, CHARGEBEE_API_KEY=key))
    said = capsys.readouterr()
    assert key not in said.out + said.err + (tmp_path / "r.md").read_text()
    assert "***" in said.out


def test_the_pause_that_is_asked_for_is_kept(capsys: CaptureFixture[str]) -> None:
    answers = [Reply(TEST), Reply({"message": "slow"}, 429, {"Retry-After": "1"})]

    def throttle(asked: Asked) -> Reply:
        return answers.pop(0) if answers else Reply({"list": []})

    with scripted_upstream(throttle) as upstream:
        main(["--fact", "currencies-are-listed"], environment(upstream.url))
        paths = [asked.path.rpartition("/")[2] for asked in upstream.asked]
    assert paths[:3] == ["configurations", "list", "list"], "asked again after the pause"


def test_exit_codes_and_reports(site: Site, tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    file = tmp_path / "report.md"
    arguments = ["--write", "--patience", "0.01", "--fact", "zip-length-by-country", "--fact", "oldest-first"]
    site.turn_round("oldest-first")
    assert main([*arguments, "--json", "--report", str(file)], environment(site.root)) == OTHERWISE
    told = json.loads(capsys.readouterr().out)
    assert (told["site"], told["wrote"], told["counts"]["otherwise"] >= 1) == ("sandbox-test", True, True)
    found = {one["id"]: one for one in told["facts"]}
    assert found["oldest-first"]["verdict"] == "otherwise"
    assert {"found", "set", "service", "because"} <= found["oldest-first"].keys()
    assert "| `oldest-first` |" in file.read_text(encoding="utf-8")
    assert main([*arguments[:3], "--fact", "oldest-first"], environment(site.root)) == OTHERWISE
    text = capsys.readouterr().out
    assert "otherwise (1)" in text and "service: " in text
    site.turn_round()
    assert main(["--fact", "oldest-first"], environment(site.root)) == AS_ASSUMED
    assert main(["--fact", "the-moon-is-cheese"], environment(site.root)) == WRONG_SETTINGS
    assert main(["--facts", str(tmp_path / "none.json")], environment(site.root)) == WRONG_SETTINGS


def test_a_signal_ends_it_after_cleaning_up(site: Site, capsys: CaptureFixture[str]) -> None:
    site.put("faults", {"latency_ms": 20})
    before = site.chargebee.stats()["calls"].get("POST /api/v2/items", 0)

    def kill_when_items_are_made() -> None:
        wait_until(lambda: site.chargebee.stats()["calls"].get("POST /api/v2/items", 0) > before)
        os.kill(os.getpid(), signal.SIGTERM)

    former = signal.getsignal(signal.SIGTERM)
    killer = threading.Thread(target=kill_when_items_are_made)
    killer.start()
    try:
        assert main(["--write"], environment(site.root)) == CUT_SHORT
    finally:
        killer.join(30)
        signal.signal(signal.SIGTERM, former)
        site.put("faults", {})
    said = capsys.readouterr()
    assert "Interrupted" in said.out
    assert "removing" in said.err


def test_every_fact_of_the_page_is_in_a_report(site: Site) -> None:
    result = site.check(write=False)
    assert [one.fact.id for one in result.verdicts] == [fact.id for fact in PROBES.facts]
