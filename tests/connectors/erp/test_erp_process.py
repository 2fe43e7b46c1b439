"""The ERP service as it runs in production, gunicorn and all, against a scripted ERP and against the sandbox."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from connectors.erp.app import create_app
from tests.support.erp import sandbox_app
from tests.support.processes import ROOT, free_port, process, wait_until
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

GUNICORN = [
    "python",
    "-m",
    "gunicorn",
    "-c",
    "connectors/common/gunicorn.conf.py",
    "connectors.erp.app:create_app()",
]
QUICK = {
    "UPSTREAM_ATTEMPTS": "3",
    "UPSTREAM_BACKOFF_SECONDS": "0.01",
    "UPSTREAM_MAX_WAIT_SECONDS": "3",
    "READ_TIMEOUT_SECONDS": "1",
}


def record(number: int, **fields: Any) -> dict[str, Any]:
    stamp = f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000000Z"
    return {
        "id": f"CT-{number:04}",
        "modified_at": stamp,
        "deleted_at": None,
        "version": 1,
        "first_name": "N",
        **fields,
    }


def lists(records: list[dict[str, Any]], asked: Asked) -> Reply:
    """A list like the sandbox's."""
    start, size = int(asked.query.get("cursor", "0")), int(asked.query.get("limit", "100"))
    following = str(start + size) if start + size < len(records) else None
    return Reply({"items": records[start : start + size], "next": following})


@contextmanager
def service(upstream: str, log: Path | None = None, **environment: str) -> Iterator[str]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    env = {
        **QUICK,
        "BIND": f"127.0.0.1:{port}",
        "ERP_BASE_URL": upstream,
        "ERP_TOKEN": "sandbox-token",
        **environment,
    }
    with process(GUNICORN, f"{base}/health", env, log=log):
        yield base


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with scripted_upstream(lambda asked: Reply({"items": [], "next": None})) as running:
        yield running


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service") / "log"


@pytest.fixture(scope="module")
def base(upstream: Upstream, log: Path) -> Iterator[str]:
    with service(upstream.url, log) as running:
        yield running


def test_pages_are_streamed_as_they_come(upstream: Upstream, base: str) -> None:
    """The second page is not even asked for before the first has arrived here."""
    records = [record(n) for n in range(300)]
    arrived: list[bool] = []

    def script(asked: Asked) -> Reply:
        if "cursor" in asked.query:
            wait_until(lambda: arrived, what="the first page at the reader")
        return lists(records, asked)

    upstream.script = script
    with requests.get(f"{base}/contact/entities", stream=True, timeout=20) as answer:
        chunks = answer.iter_content(None)
        body = next(chunks)
        arrived.append(True)
        body += b"".join(chunks)
    assert [entity["_id"] for entity in json.loads(body)] == [one["id"] for one in records]


@pytest.mark.parametrize(
    "trouble",
    [
        Reply({"items": [record(1)] * 50, "next": None}, cut=200),
        Reply(b'{"items": [{"id": "CT-1"'),
        Reply(b"<html>oops</html>", headers={"Content-Type": "text/html"}),
        Reply({"error": "x"}, 500),
        Reply({"items": "none"}),
        Reply(cut=-1),
    ],
    ids=["cut off", "half a text", "html", "500", "no list", "dropped"],
)
def test_a_page_that_fails_midway_breaks_the_read_visibly(
    upstream: Upstream, base: str, trouble: Reply
) -> None:
    records = [record(n) for n in range(300)]
    upstream.script = lambda asked: trouble if asked.query.get("cursor") == "200" else lists(records, asked)
    received = b""
    with (
        pytest.raises(requests.RequestException),
        requests.get(f"{base}/contact/entities", stream=True, timeout=20) as answer,
    ):
        assert answer.status_code == 200
        for chunk in answer.iter_content(None):
            received += chunk
    assert received.count(b'"_id"') == 200
    with pytest.raises(ValueError):
        json.loads(received)
    upstream.script = lambda asked: lists(records, asked)
    assert len(requests.get(f"{base}/contact/entities", timeout=20).json()) == 300


def test_a_first_page_that_fails_gives_a_status(upstream: Upstream, base: str) -> None:
    for reply, status, kind in (
        (Reply({"items": [record(1)] * 50}, cut=200), 502, "retry"),
        (Reply({}, 401), 502, "fix-settings"),
        (Reply({}, 403), 502, "fix-settings"),
        (Reply({}, 500), 503, "wait"),
        (Reply(cut=-1), 503, "wait"),
    ):
        upstream.script = lambda asked, reply=reply: reply
        answer = requests.get(f"{base}/contact/entities", timeout=20)
        assert (answer.status_code, answer.json()["kind"]) == (status, kind), reply
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert ("Retry-After" in answer.headers) == (status == 503)
        if status == 502 and kind == "fix-settings":
            assert "ERP_TOKEN" in answer.json()["detail"]
    assert answer.headers["Retry-After"]


def test_retry_after_of_a_throttled_upstream_is_passed_on_and_kept(upstream: Upstream) -> None:
    upstream.script = lambda asked: Reply({}, 429, {"Retry-After": "60"})
    upstream.asked.clear()
    client = sandbox_app(upstream.url)
    for _ in range(2):
        answer = client.post("/contact/share", json=[{"_id": "s", "id": "CT-1", "_deleted": True}])
        assert (answer.status_code, answer.json["kind"]) == (503, "wait")
        assert 55 <= int(answer.headers["Retry-After"]) <= 60
    assert upstream.calls() == 1


def test_passing_troubles_are_not_noticed(upstream: Upstream, base: str) -> None:
    for trouble in (
        Reply({}, 503),
        Reply({}, 429, {"Retry-After": "0"}),
        Reply(cut=-1),
        Reply({"items": []}, cut=3),
    ):
        upstream.asked.clear()

        def script(asked: Asked, trouble: Reply = trouble) -> Reply:
            return trouble if upstream.calls() == 1 else lists([record(1)], asked)

        upstream.script = script
        assert len(requests.get(f"{base}/contact/entities", timeout=20).json()) == 1


def test_readiness_and_health(upstream: Upstream, base: str) -> None:
    upstream.script = lambda asked: lists([record(1)], asked)
    assert requests.get(f"{base}/ready", timeout=60).json() == {"status": "ready"}
    upstream.script = lambda asked: Reply({}, 401)
    answer = requests.get(f"{base}/ready", timeout=60)
    assert (answer.status_code, answer.json()["setting"]) == (503, "ERP_TOKEN")
    assert requests.get(f"{base}/health", timeout=60).status_code == 200


def test_a_request_that_is_refused_does_not_reach_the_erp(upstream: Upstream, base: str) -> None:
    upstream.asked.clear()
    for answer, status in (
        (requests.get(f"{base}/invoice/entities", timeout=60), 404),
        (requests.get(f"{base}/contact/entities?since=soon", timeout=60), 400),
        (requests.get(f"{base}/contact/entities?limit=few", timeout=60), 400),
        (
            requests.post(
                f"{base}/contact/share", data="[", headers={"Content-Type": "application/json"}, timeout=60
            ),
            400,
        ),
        (requests.post(f"{base}/contact/share", data="[]", timeout=60), 415),
    ):
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert upstream.calls() == 0


def test_no_log_line_holds_the_token(upstream: Upstream, base: str, log: Path) -> None:
    upstream.script = lambda asked: Reply({"detail": "you sent sandbox-token"}, 400)
    answer = requests.get(f"{base}/contact/entities", timeout=60)
    text = log.read_text()
    assert "you sent ***" in answer.text
    assert "sandbox-token" not in text + answer.text
    assert all(
        json.loads(line)["service"] == "customerp" for line in text.splitlines() if line.startswith("{")
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ERP_BASE_URL", "nowhere"),
        ("ERP_TOKEN", ""),
        ("ERP_PROFILE", "nosuch"),
        ("PAGE_SIZE", "none"),
        ("LOG_LEVEL", "x"),
    ],
)
def test_a_bad_setting_ends_the_start_with_one_line_that_names_it(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable, given in {"ERP_BASE_URL": "http://x", "ERP_TOKEN": "t", name: value}.items():
        monkeypatch.setenv(variable, given)
    with pytest.raises(SystemExit) as ended:
        create_app()
    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 4
    assert line.startswith(f"customerp: cannot start: {name}: ")


def test_that_line_is_all_that_gunicorn_leaves_of_the_service() -> None:
    env = {
        "PATH": "/usr/bin",
        "BIND": f"127.0.0.1:{free_port()}",
        "ERP_BASE_URL": "nowhere",
        "ERP_TOKEN": "t",
    }
    done = subprocess.run(
        [sys.executable, *GUNICORN[1:]],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith("[")]
    assert done.returncode != 0
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("customerp: cannot start: ERP_BASE_URL: ")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_hundred_thousand_records_at_one_call_a_hundred_and_in_flat_memory() -> None:
    upstream_port, port = free_port(), free_port()
    fake = ["python", "-m", "bench._fake_erp", "--port", str(upstream_port), "--records", "100000"]
    root, base = f"http://127.0.0.1:{upstream_port}", f"http://127.0.0.1:{port}"
    env = {"BIND": f"127.0.0.1:{port}", "ERP_BASE_URL": f"{root}/api/v1", "ERP_TOKEN": "t"}
    with process(fake, f"{root}/stats"), process(GUNICORN, f"{base}/health", env) as gunicorn:
        worker = psutil.Process(gunicorn.pid).children()[0]
        seen: set[bytes] = set()
        tail = b""
        with requests.get(f"{base}/contact/entities", stream=True, timeout=60) as answer:
            for chunk in answer.iter_content(1 << 20):
                seen.update(re.findall(rb'"_id":"(CT-\d{7})"', tail + chunk))
                tail = chunk[-30:]
        assert tail.endswith(b"]")
        assert len(seen) == 100_000
        assert requests.get(f"{root}/stats", timeout=60).json()["calls"] == 1000
        peak = next(
            line
            for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        )
        assert int(peak.split()[1]) * 1024 < 80e6, peak
