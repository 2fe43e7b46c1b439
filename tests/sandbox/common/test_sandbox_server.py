"""A sandbox as a real process: control surface, dropped connections, kill -9, loopback only."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.support.processes import free_port, process, wait_until

AUTH = {"Authorization": "Bearer sandbox"}


@dataclass
class Running:
    url: str
    pid: int
    state: Path

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        return requests.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=60)

    def stats(self) -> dict[str, Any]:
        return dict(self.control("GET", "stats").json())

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/api/v1/{path}", headers=AUTH, timeout=60, **kwargs)


def start(port: int, state: Path, data: str = "empty") -> Any:
    args = ["python", "-m", "sandbox.erp", "--port", str(port), "--state", str(state), "--data", data]
    return process(args, f"http://127.0.0.1:{port}/_sandbox/stats")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    state, port = tmp_path_factory.mktemp("sandbox") / "erp.sqlite", free_port()
    with start(port, state) as child:
        yield Running(f"http://127.0.0.1:{port}", child.pid, state)


@pytest.fixture
def erp(shared: Running) -> Running:
    shared.control("PUT", "faults", {})
    shared.control("POST", "reset", {"data": "empty"})
    return shared


def test_counts_calls_reads_and_writes_that_took_effect(erp: Running) -> None:
    erp.call("POST", "customers", json={"name": "A"})
    erp.call("POST", "customers", json={})
    erp.call("GET", "customers")
    erp.call("GET", "customers/CU-1")
    stats = erp.stats()
    assert stats["calls"] == {
        "POST /api/v1/customers": 2,
        "GET /api/v1/customers": 1,
        "GET /api/v1/customers/<record_id>": 1,
    }
    assert (stats["reads"], stats["writes"], stats["throttled"]) == (2, 1, 0)


def test_reset_loads_demo_or_nothing(erp: Running) -> None:
    assert erp.control("POST", "reset").json() == {"data": "demo", "seed": 1}
    assert len(erp.call("GET", "orders", params={"limit": 500}).json()["items"]) >= 120
    erp.control("POST", "reset", {"data": "empty"})
    assert erp.call("GET", "orders").json()["items"] == []
    for body, word in (({"data": "none"}, "data"), ({"seed": "x"}, "seed"), ({"sed": 1}, "sed")):
        answer = erp.control("POST", "reset", body)
        assert answer.status_code == 400
        assert word in answer.json()["error"]


def test_throttling_with_and_without_retry_after(erp: Running) -> None:
    erp.control("PUT", "faults", {"rate_per_minute": 1})
    assert erp.call("GET", "orders").status_code == 200
    answer = erp.call("GET", "orders")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    erp.control("PUT", "faults", {"rate_per_minute": 1, "retry_after": False})
    erp.call("GET", "orders")
    assert "Retry-After" not in erp.call("GET", "orders").headers
    assert erp.stats()["throttled"] == 2


def test_injected_errors_do_nothing(erp: Running) -> None:
    erp.control("PUT", "faults", {"error_rate": 1})
    statuses = {erp.call("POST", "customers", json={"name": "A"}).status_code for _ in range(30)}
    assert statuses == {500, 502, 503}
    erp.control("PUT", "faults", {})
    assert erp.call("GET", "customers").json()["items"] == []
    assert erp.stats()["faults"]["errors"] == 30


def test_drop_before_closes_the_connection_and_does_nothing(erp: Running) -> None:
    erp.control("PUT", "faults", {"drop_before_rate": 1})
    with pytest.raises(requests.ConnectionError):
        erp.call("POST", "customers", json={"name": "A"})
    erp.control("PUT", "faults", {})
    assert erp.call("GET", "customers").json()["items"] == []
    assert erp.stats()["faults"]["dropped_before"] == 1


def test_drop_after_loses_the_answer_of_a_write_that_was_done(erp: Running) -> None:
    erp.control("PUT", "faults", {"drop_after_rate": 1})
    with pytest.raises(requests.ConnectionError):
        erp.call("POST", "customers", json={"name": "A"})
    assert [item["name"] for item in erp.call("GET", "customers").json()["items"]] == ["A"]
    stats = erp.stats()
    assert (stats["writes"], stats["faults"]["dropped_after"]) == (1, 1)


def test_latency_and_list_lag(erp: Running) -> None:
    erp.control("PUT", "faults", {"latency_ms": 200, "list_lag_s": 600})
    created = erp.call("POST", "customers", json={"name": "A"})
    assert created.elapsed.total_seconds() >= 0.2
    assert erp.call("GET", "customers").json()["items"] == []
    assert erp.call("GET", "customers/CU-1").json()["name"] == "A"


def test_a_skewed_clock_and_refusals_at_a_rate(erp: Running) -> None:
    right = erp.call("POST", "customers", json={"name": "A"}).json()["modified_at"]
    erp.control("PUT", "faults", {"clock_skew_s": 3600})
    ahead = erp.call("POST", "customers", json={"name": "B"}).json()["modified_at"]
    gap = datetime.fromisoformat(ahead) - datetime.fromisoformat(right)
    assert 3600 <= gap.total_seconds() < 3660
    dated = parsedate_to_datetime(erp.call("GET", "customers").headers["Date"])
    assert 3590 <= (dated - datetime.fromisoformat(right)).total_seconds() < 3660
    erp.control("PUT", "faults", {"throttle_rate": 1})
    answer = erp.call("GET", "customers")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")


def test_bad_faults_change_nothing(erp: Running) -> None:
    erp.control("PUT", "faults", {"latency_ms": 1})
    assert erp.control("PUT", "faults", {"latency_ms": "x"}).status_code == 400
    assert erp.control("GET", "faults").json()["latency_ms"] == 1


def test_listens_on_loopback_only(erp: Running) -> None:
    workers = psutil.Process(erp.pid).children(recursive=True)
    listening = [
        c for p in [psutil.Process(erp.pid), *workers] for c in p.net_connections() if c.status == "LISTEN"
    ]
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}


def test_kill_9_loses_nothing_and_frees_the_port(tmp_path: Path) -> None:
    state, port = tmp_path / "erp.sqlite", free_port()
    with start(port, state) as child:
        erp = Running(f"http://127.0.0.1:{port}", child.pid, state)
        erp.control("PUT", "faults", {"list_lag_s": 0, "seed": 5})
        for number in range(5):
            erp.call("POST", "customers", json={"name": f"N{number}"})
        family = [child.pid, *(p.pid for p in psutil.Process(child.pid).children(recursive=True))]
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        wait_until(lambda: not any(psutil.pid_exists(pid) for pid in family), what="worker ended with master")
    with start(port, state) as child:
        again = Running(f"http://127.0.0.1:{port}", child.pid, state)
        assert [item["name"] for item in again.call("GET", "customers").json()["items"]] == [
            f"N{n}" for n in range(5)
        ]
        assert again.stats()["writes"] == 5
        assert again.control("GET", "faults").json()["seed"] == 5
