"""Answers as real systems give them: limits, bytes before the JSON, half characters, links that lead inside."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.common.day_budget import DAY_S, DayBudget
from connectors.common.errors import ServiceError, Unavailable
from connectors.common.limiter import Limiter
from connectors.common.retrying import seconds_until
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

STAMP = "2026-01-01T00:00:00.000000Z"
ROWS = [{"id": f"{n:02}", "changed": STAMP, "name": "Bjørn 😀"} for n in range(11)]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with scripted_upstream(lambda asked: Reply(ROWS)) as running:
        yield running


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30), ("0.5", 0.5), ("1700000030", 30), ("1700000030000", 30), ("1699999000", 0),
        ("2023-11-14T22:13:50Z", 30), ("soon", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_when_to_go_on_may_be_said_in_several_ways(text: str | None, seconds: float | None) -> None:
    assert seconds_until(text, 1_700_000_000) == seconds


@pytest.mark.parametrize("header", ["X-RateLimit-Reset", "RateLimit-Reset", "X-Again-At"])
def test_a_429_is_waited_for_until_the_reset_that_it_names(
    upstream: Upstream, tmp_path: Path, header: str
) -> None:
    def script(asked: Asked) -> Reply:
        if len(upstream.asked) == 1:
            return Reply({}, 429, headers={header: str(int(time.time()) + 3600)})
        return Reply(ROWS)

    upstream.script = script
    document = profile({"rate_limit": {"reset": "X-Again-At"}})
    answer = app_of(tmp_path, upstream.url, document).get("/contact/entities")
    assert answer.status_code == 503
    assert 3500 < float(answer.headers["Retry-After"]) <= 3601, "longer than a call waits, so the node does"


def test_a_days_calls_are_counted_and_the_last_tenth_is_for_writes() -> None:
    budget = DayBudget(20)
    for call in range(18):
        assert budget.wait(call * 60.0, write=False) == 0
        budget.called(call * 60.0)
    assert budget.wait(1080.0, write=False) == DAY_S + 60 - 1080, "the first minute's call is a day old then"
    for _ in range(2):
        assert budget.wait(1080.0, write=True) == 0
        budget.called(1080.0)
    assert budget.wait(1080.0, write=True) > 0
    assert budget.wait(DAY_S + 60.0, write=True) == 0


def test_a_used_up_day_is_told_at_once() -> None:
    limiter = Limiter(per_day=10)
    for _ in range(9):
        with limiter.slot(write=False):
            pass
    with pytest.raises(Unavailable, match="10 calls of a day are used up"), limiter.slot(False, max_wait=60):
        pass
    with limiter.slot(write=True):
        pass


BODY = json.dumps(ROWS, ensure_ascii=False).encode()
LATIN = json.dumps([{"id": "1", "changed": STAMP, "name": "Bjørn"}], ensure_ascii=False).encode("latin-1")


@pytest.mark.parametrize(
    ("body", "kind", "name"),
    [
        (b"\xef\xbb\xbf" + BODY, "application/json", "Bjørn 😀"),
        (LATIN, "application/json; charset=ISO-8859-1", "Bjørn"),
        (BODY, "application/json; charset=nonsense", None),
    ],
    ids=["byte order mark", "charset", "unknown charset"],
)
def test_bytes_are_read_as_they_are_meant(
    upstream: Upstream, tmp_path: Path, body: bytes, kind: str, name: str | None
) -> None:
    upstream.script = lambda asked: Reply(body, headers={"Content-Type": kind})
    answer = app_of(tmp_path, upstream.url, profile()).get("/contact/entities")
    if name is None:
        assert answer.status_code == 502, "guessing would spoil every letter of it"
    else:
        assert answer.json[0]["name"] == name


def test_bytes_of_no_known_charset_are_not_guessed(upstream: Upstream, tmp_path: Path) -> None:
    """Guessing would spoil every such letter: the record is refused, and the others are read."""
    upstream.script = lambda asked: Reply(LATIN[:-1] + b"," + BODY[1:])
    bad, good, *_ = app_of(tmp_path, upstream.url, profile()).get("/contact/entities").json
    assert (bad["_id"], bad["$error"]["rule"], bad["$error"]["field"]) == ("1", "unicode", "/name")
    assert good["name"] == "Bjørn 😀"


def test_half_a_character_harms_its_own_text_alone(upstream: Upstream, tmp_path: Path) -> None:
    rows = [
        {"id": "1", "changed": STAMP, "name": "cut \ud83d"},
        {"id": "2", "changed": STAMP, "name": "whole 😀"},
    ]
    upstream.script = lambda asked: Reply(json.dumps(rows).encode())
    answer = app_of(tmp_path, upstream.url, profile()).get("/contact/entities")
    assert [row["name"] for row in answer.json] == ["cut \ufffd", "whole 😀"]


def test_half_a_character_in_a_share_harms_its_own_record_alone(upstream: Upstream, tmp_path: Path) -> None:
    stored: list[Any] = []

    def script(asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply([])
        stored.append(asked.json)
        return Reply({"id": str(len(stored)), "changed": STAMP, **asked.json}, 201)

    upstream.script = script
    wishes = [
        {"_id": str(n), "$origin": f"~:x:{n}", "first_name": name} for n, name in enumerate(["\ud83d", "Bo"])
    ]
    client = app_of(tmp_path, upstream.url, profile(), SHARE_CONCURRENCY="1")
    answer = client.post("/contact/share", data=json.dumps(wishes), content_type="application/json")
    assert [row["$status"] for row in answer.json] == ["ok", "ok"]
    assert [one["first_name"] for one in stored] == ["\ufffd", "Bo"]


def pages(asked: Asked, inner: str) -> Reply:
    """A list of an ERP behind a gateway: its links name where the gateway finds it."""
    at = int(asked.query.get("at", "0"))
    following = f"{inner}?at={at + 4}" if at + 4 < len(ROWS) else None
    return Reply({"rows": ROWS[at : at + 4], "next": following})


@pytest.mark.parametrize(
    ("follow", "inner", "count"),
    [
        ("url", "http://erp.internal:8080/api/people", None),
        ("path", "http://erp.internal:8080/api/people", 11),
        ("path", "http://erp.internal:8080/people", None),
        ("query", "http://erp.internal:8080/people", 11),
    ],
)
def test_a_link_that_names_an_inner_host_is_followed_as_far_as_the_profile_says(
    upstream: Upstream, tmp_path: Path, follow: str, inner: str, count: int | None
) -> None:
    upstream.script = lambda asked: pages(asked, inner) if asked.path == "/api/people" else Reply({}, 404)
    for kind, erp in (("next_url", pages), ("link_header", linked)):
        upstream.script = lambda asked, erp=erp: (
            erp(asked, inner) if asked.path == "/api/people" else Reply({}, 404)
        )
        paginator = {"type": kind, "follow": follow, **({"path": "next"} if kind == "next_url" else {})}
        document = profile(paginator=paginator, list={"records": "rows"})
        client = app_of(tmp_path, upstream.url + "/api", document)
        if count is None:
            with pytest.raises(ServiceError):
                client.get("/contact/entities").get_data()
        else:
            assert len(client.get("/contact/entities").json) == count


def linked(asked: Asked, inner: str) -> Reply:
    found = pages(asked, inner)
    following = found.body.pop("next")
    return Reply(found.body, headers={"Link": f'<{following}>; rel="next"' if following else ""})


@pytest.mark.parametrize("stop", [{"type": "empty"}, {"type": "total", "path": "total"}, {"type": "short"}])
def test_offsets_may_be_counted_from_one(upstream: Upstream, tmp_path: Path, stop: dict[str, Any]) -> None:
    def script(asked: Asked) -> Reply:
        first = int(asked.query["start"])
        assert first >= 1
        return Reply({"rows": ROWS[first - 1 : first - 1 + int(asked.query["rows"])], "total": len(ROWS)})

    upstream.script = script
    paginator = {"type": "offset", "param": "start", "limit_param": "rows", "first": 1, "stop": stop}
    document = profile(paginator=paginator, list={"records": "rows", "page_size": 4})
    assert len(app_of(tmp_path, upstream.url, document).get("/contact/entities").json) == 11
    starts = [asked.query["start"] for asked in upstream.asked]
    assert starts[:3] == ["1", "5", "9"]
