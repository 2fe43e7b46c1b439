"""The call budget: what reads and writes cost, obeyed refusals, and metrics that say so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from connectors.chargebee.backfill import Backfill
from tests.connectors.chargebee.conftest import Calls, Service, insert, serving_here
from tests.support.processes import wait_until
from tests.support.systems import Chargebee
from tests.support.upstream import Asked, Reply, scripted_upstream

KEY = "secret-api-key-1"


@pytest.fixture
def fresh(site: Chargebee) -> Iterator[Service]:
    """A service of this test's own, so that its counters are."""
    with serving_here(site.root) as service:
        yield service


@contextmanager
def refusing(replies: list[Reply]) -> Iterator[Service]:
    """A service whose upstream gives these replies first and empty lists afterwards."""

    def script(asked: Asked) -> Reply:
        return replies.pop() if replies else Reply({"list": []})

    rate = {"CHARGEBEE_RATE_PER_MINUTE": "120"}
    with scripted_upstream(script) as upstream, serving_here(upstream.url, **rate) as service:
        yield service


def metrics(service: Service) -> dict[str, float]:
    text = requests.get(f"{service.root}/metrics", timeout=60).text
    assert KEY not in text
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_metrics_say_what_reads_and_writes_cost(fresh: Service, site: Chargebee) -> None:
    site.faults(clock_skew_s=-3600)
    for number in range(250):
        site.post("customers", id=f"c{number:03d}")
    site.faults()
    whole = fresh.read("customer")
    since = whole[-1]["_updated"]
    for _ in range(4):
        assert fresh.read("customer", since=since) == []
    stored = fresh.insert("customer", "contact:CT-1", first_name="A")["$response"]
    fresh.update("customer", stored, first_name="B")
    fresh.update("customer", {**stored, "first_name": "B"}, first_name="B")
    found = metrics(fresh)
    assert found['service_calls_per_1000_records_read{datatype="customer"}'] == pytest.approx(12)
    assert found['service_calls_per_idle_read{datatype="customer"}'] == 1
    assert found['service_calls_per_record_written{datatype="customer"}'] == 1
    assert found['service_share_calls_total{datatype="customer",kind="read"}'] == 2
    assert found['upstream_calls_total{method="GET",operation="list customer",status="200"}'] == 7
    assert found["upstream_limiter_calls_per_minute"] == float("inf")
    assert found['upstream_limiter_waiting{kind="write"}'] == 0
    assert not any("backfill" in name for name in found)


def test_a_refusal_is_obeyed_by_every_thread_and_passed_on() -> None:
    """429 with a long Retry-After: the call fails with it, and no other is made before."""
    refused = {"message": "x", "type": "operation_failed", "api_error_code": "api_request_limit_exceeded"}
    script = Reply(refused, 429, {"Retry-After": "3000"})
    with scripted_upstream(lambda asked: script) as upstream:
        settings = {
            "CHARGEBEE_API_KEY": KEY,
            "CHARGEBEE_RATE_PER_MINUTE": "120",
            "UPSTREAM_MAX_WAIT_SECONDS": "2",
        }
        with serving_here(upstream.url, **settings) as service:
            for _ in range(3):
                answer = requests.post(
                    f"{service.root}/customer/share",
                    json=[insert("contact:CT-1", first_name="A")],
                    timeout=30,
                )
                assert answer.status_code == 503
                assert 2000 <= int(answer.headers["Retry-After"]) <= 3000
            assert upstream.calls() == 1
            found = metrics(service)
            assert found["upstream_refusals_total"] == 1
            assert found["upstream_limiter_calls_per_minute"] == 0


def test_a_short_refusal_is_waited_out_and_slows_down() -> None:
    replies = [Reply({"api_error_code": "api_request_limit_exceeded"}, 429, {"Retry-After": "1"})]
    with refusing(replies) as service:
        started = time.monotonic()
        assert service.read("customer") == []
        assert 1.0 <= time.monotonic() - started < 60
        assert 0 < metrics(service)["upstream_limiter_calls_per_minute"] < 120


def test_a_locked_record_stops_nobody_else() -> None:
    """429 `lock_timeout` is about one record: it is tried again, and teaches nothing about the rate."""
    replies = [Reply({"api_error_code": "lock_timeout"}, 429)]
    with refusing(replies) as service:
        assert service.read("customer") == []
        found = metrics(service)
        assert found["upstream_limiter_calls_per_minute"] == 120
        assert found["upstream_refusals_total"] == 0


def test_the_end_of_a_backfill_is_foreseen() -> None:
    """A first load of ten pages over ten days, looked at when eight are read."""
    now = int(time.time())
    looked = threading.Event()

    def script(asked: Asked) -> Reply:
        number = int(asked.query.get("offset", "0"))
        if number == 8:
            looked.wait(20)
        rows = [
            {"customer": {"id": f"c{number}-{at}", "updated_at": now - (10 - number) * 86_400}}
            for at in range(2)
        ]
        return Reply({"list": rows, **({"next_offset": str(number + 1)} if number < 9 else {})})

    with scripted_upstream(script) as upstream:
        settings = {"CHARGEBEE_RATE_PER_MINUTE": "600", "CHARGEBEE_CONCURRENCY": "1"}
        with serving_here(upstream.url, **settings) as service:
            with requests.get(f"{service.root}/customer/entities", stream=True, timeout=30) as answer:
                name = 'upstream_backfill_seconds_left{datatype="customer"}'
                wait_until(lambda: upstream.calls() == 9 and metrics(service).get(name), what="estimate")
                assert 0 < metrics(service)[name] <= 5
                looked.set()
                assert len(answer.json()) == 20
            assert name not in metrics(service)


def test_an_estimate_is_time_passed_against_time_left() -> None:
    class Told:
        value = 0.0

        def set(self, value: float) -> None:
            self.value = value

    clock, told = [0.0], Told()
    backfill = Backfill(told, lambda: 120.0, lambda: clock[0], lambda: 2000.0)  # type: ignore[arg-type]
    backfill.page(0)
    assert told.value != told.value, "not a number yet: records without updated_at come first"
    for second in (1000, 1100, 1250):
        clock[0] += 0.1
        backfill.page(second)
    assert told.value == pytest.approx(4 * (750 / 250) * 0.5)


def test_an_idle_sync_of_everything_is_one_call_per_datatype(fresh: Service, site: Chargebee) -> None:
    requests.post(
        f"{site.root}/_sandbox/reset", json={"data": "demo", "seed": 1}, timeout=30
    ).raise_for_status()
    tokens = {}
    for datatype in ("customer", "business_entity", "order", "item", "item_price"):
        tokens[datatype] = fresh.read(datatype)[-1]["_updated"]
    before = Calls(site)
    for datatype, token in tokens.items():
        assert fresh.read(datatype, since=token) == []
    assert sum(before.made().values()) == 5
