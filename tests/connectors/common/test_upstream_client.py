"""The upstream client against a scripted server: what is retried, what is not, and what each trouble is called."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.common.errors import (
    Conflict,
    Indeterminate,
    InvalidResponse,
    NotFound,
    Rejected,
    ServiceError,
    Unavailable,
    UpstreamRefused,
)
from connectors.common.limiter import Limiter
from connectors.common.metrics import Metrics
from connectors.common.upstream import UpstreamClient, UpstreamOptions
from tests.support.processes import free_port
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

Script = Callable[[Asked], Reply]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with scripted_upstream(lambda asked: Reply({"ok": True})) as running:
        yield running


def client(url: str, limiter: Limiter | None = None, **options: Any) -> UpstreamClient:
    given = {
        "attempts": 4,
        "backoff": 0.001,
        "backoff_cap": 0.01,
        "read_timeout": 0.5,
        "max_wait": 3.0,
    } | options
    return UpstreamClient(
        UpstreamOptions(url, "THE_URL", "THE_TOKEN", **given), None, limiter or Limiter(), Metrics()
    )


def in_turn(*replies: Reply) -> Script:
    """One reply after the other, the last one for ever."""
    left = list(replies)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


def get(upstream: Upstream, **options: Any) -> Any:
    return client(upstream.url, **options).call("GET", "/x", operation="x").body


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_troubles_are_retried(upstream: Upstream, status: int) -> None:
    upstream.script = in_turn(Reply("bad", status), Reply("bad", status), Reply([1]))
    assert get(upstream) == [1]
    assert upstream.calls() == 3


def test_lasting_trouble_is_unavailable_after_the_attempts(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply("bad", 503))
    with pytest.raises(Unavailable) as caught:
        get(upstream)
    assert upstream.calls() == 4
    assert caught.value.retry_after


def test_truncated_answers_are_retried_and_never_taken_for_whole(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply({"items": [1, 2]}, cut=9), Reply({"items": [1, 2]}))
    assert get(upstream) == {"items": [1, 2]}
    upstream.script = in_turn(Reply({"items": [1, 2]}, cut=9))
    with pytest.raises(InvalidResponse):
        get(upstream)


def test_half_a_json_text_under_a_right_length_is_broken_too(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(b'{"items": [1,'))
    with pytest.raises(InvalidResponse):
        get(upstream)
    assert upstream.calls() == 4


def test_html_instead_of_json(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(b"<html>maintenance</html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(InvalidResponse, match="text/html"):
        get(upstream)


def test_dropped_connections_are_retried(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(cut=-1), Reply([1]))
    assert get(upstream) == [1]


def test_slow_answers_time_out_and_are_retried(upstream: Upstream) -> None:
    answered = threading.Event()

    def slow_once(asked: Asked) -> Reply:
        if upstream.calls() == 1:
            answered.wait(60)
        return Reply([1])

    upstream.script = slow_once
    assert get(upstream, read_timeout=0.5) == [1]
    answered.set()


@pytest.mark.parametrize("form", ["1", "date"])
def test_retry_after_is_obeyed_in_both_forms(upstream: Upstream, form: str) -> None:
    said = form if form == "1" else format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    upstream.script = in_turn(Reply("wait", 429, {"Retry-After": said}), Reply([1]))
    started = time.monotonic()
    assert get(upstream) == [1]
    assert 0.9 <= time.monotonic() - started < 30


def test_a_long_retry_after_is_passed_on_instead_of_slept(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply("wait", 429, {"Retry-After": "120"}))
    started = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        get(upstream)
    assert time.monotonic() - started < 60
    assert upstream.calls() == 1
    assert caught.value.retry_after == 120


@pytest.mark.parametrize("value", ["soon", "-5", "1e9", ""])
def test_nonsense_in_retry_after_does_no_harm(upstream: Upstream, value: str) -> None:
    upstream.script = in_turn(Reply("wait", 503, {"Retry-After": value}), Reply([1]))
    assert get(upstream) == [1]


def test_creates_are_not_repeated_but_reported_unanswered(upstream: Upstream) -> None:
    for reply in (Reply(cut=-1), Reply({"id": 1}, 201, cut=3), Reply("bad", 502), Reply(b"<html>", 201)):
        upstream.asked.clear()
        upstream.script = in_turn(reply)
        with pytest.raises(Indeterminate):
            client(upstream.url).call("POST", "/x", operation="x", json={"a": 1})
        assert upstream.calls() == 1, reply


def test_a_create_with_too_large_an_answer_is_not_repeated(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(["x" * 5000], 201))
    with pytest.raises(Indeterminate):
        client(upstream.url, max_bytes=1000).call("POST", "/x", operation="x", json={})
    assert upstream.calls() == 1


def test_a_create_with_an_idempotency_key_may_be_repeated(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(cut=-1), Reply("bad", 500), Reply({"id": 1}, 201))
    answer = client(upstream.url).call("POST", "/x", operation="x", json={"a": 1}, repeatable=True)
    assert (answer.status, answer.body, upstream.calls()) == (201, {"id": 1}, 3)


def test_a_throttled_create_is_repeated_since_nothing_was_done(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply("slow down", 429), Reply({"id": 1}, 201))
    assert client(upstream.url).call("POST", "/x", operation="x", json={}).status == 201


def test_nobody_there(upstream: Upstream) -> None:
    for method in ("GET", "POST"):
        with pytest.raises(Unavailable, match="THE_URL"):
            client(f"http://127.0.0.1:{free_port()}").call(method, "/x", operation="x")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Rejected), (422, Rejected), (404, NotFound), (410, NotFound), (409, Conflict), (412, Conflict)],
)
def test_plain_refusals_are_not_retried(upstream: Upstream, status: int, kind: type[ServiceError]) -> None:
    upstream.script = in_turn(Reply({"message": "no"}, status))
    with pytest.raises(kind):
        get(upstream)
    assert upstream.calls() == 1


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_name_the_setting(upstream: Upstream, status: int) -> None:
    upstream.script = in_turn(Reply({"message": "no"}, status))
    with pytest.raises(UpstreamRefused, match="THE_TOKEN"):
        get(upstream)
    assert upstream.calls() == 1


def test_redirects_are_not_followed(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(status=302, headers={"Location": "http://127.0.0.2/evil"}))
    with pytest.raises(UpstreamRefused, match="THE_URL"):
        get(upstream)


@pytest.mark.parametrize(
    "link", ["http://elsewhere.example/x", "//elsewhere.example/x", "https://127.0.0.1/x"]
)
def test_links_to_other_hosts_are_refused(upstream: Upstream, link: str) -> None:
    with pytest.raises(InvalidResponse, match="another host"):
        client(upstream.url).join("/page", link)


def test_links_on_the_same_host_are_completed(upstream: Upstream) -> None:
    plain = client(upstream.url + "/api")
    assert plain.join("/page?x=1", "next?page=2") == upstream.url + "/api/next?page=2"
    assert plain.join("/page", "/other") == upstream.url + "/other"
    assert plain.join("/page", "?page=2") == upstream.url + "/api/page?page=2"


def test_too_large_answers_are_refused(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(["x" * 5000]))
    with pytest.raises(InvalidResponse, match="larger than 1000 bytes"):
        get(upstream, max_bytes=1000, attempts=1)


def test_connections_are_kept_open(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(list(range(50_000))))
    one = client(upstream.url)
    for _ in range(3):
        one.call("GET", "/x", operation="x")
    assert len({asked.port for asked in upstream.asked}) == 1


def test_errors_hold_no_address_or_query(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(cut=-1))
    with pytest.raises(ServiceError) as caught:
        client(upstream.url, attempts=1).call("GET", "/x", operation="x", params={"key": "hunter2hunter2"})
    assert "hunter2" not in str(caught.value.as_dict())


def test_long_integers_keep_their_digits(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(b'{"n": 123456789012345678901234567890}'))
    assert get(upstream) == {"n": 123456789012345678901234567890}


def test_an_empty_answer_is_no_error(upstream: Upstream) -> None:
    upstream.script = in_turn(Reply(status=204))
    assert client(upstream.url).call("DELETE", "/x", operation="x").body is None
