"""A system that is broken or hostile holds no call, no thread and no memory of a service: slow, endless, packed, lying."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from flask.testing import FlaskClient

from connectors.common.in_flight import LARGE, InFlight
from connectors.common.retrying import LONGEST, RetryBudget, seconds_until
from connectors.common.upstream import MOST_VALUES
from tests.support.erp import FAST, app_of, profile
from tests.support.processes import free_port, process
from tests.support.upstream import Reply, scripted_upstream

Answer = Callable[[socket.socket], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MB = 1024 * 1024


@contextmanager
def raw_upstream(answer: Answer) -> Iterator[str]:
    """A server that reads a request and leaves the rest to `answer`; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(sock: socket.socket) -> None:
        with sock:
            try:
                sock.recv(65536)
                answer(sock)
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def dripping(first: bytes, drop: bytes) -> Answer:
    """Say something at once, and then a byte now and then, for ever."""

    def answer(sock: socket.socket) -> None:
        sock.sendall(first)
        while True:
            time.sleep(0.1)
            sock.sendall(drop)

    return answer


SLOW = {
    "a head without an end": dripping(b"HTTP/1.1 200 OK\r\n", b"X"),
    "headers without an end": dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "hints without an end": dripping(b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a body of a known size": dripping(HEAD + b"Content-Length: 100000\r\n\r\n[", b" "),
    "a body until the connection ends": dripping(HEAD + b"Connection: close\r\n\r\n[", b" "),
    "a body in chunks": dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "a chunk size without an end": dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "a packed body": dripping(HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzip.compress(b"[]")[:10], b"\0"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SLOW)
def test_a_call_ends_in_time_however_slowly_its_answer_comes(tmp_path: Path, kind: str) -> None:
    with raw_upstream(SLOW[kind]) as url:
        client = app_of(tmp_path, url, profile(), UPSTREAM_CALL_SECONDS="0.6", UPSTREAM_ATTEMPTS="1")
        began = time.monotonic()
        answer = client.get("/contact/entities")
    assert answer.status_code in (502, 503), answer.text
    assert time.monotonic() - began < 30


def test_a_slow_token_call_ends_in_time_and_in_size(tmp_path: Path) -> None:
    for first, drop in (
        (HEAD + b"Connection: close\r\n\r\n{", b" "),
        (HEAD + b"Connection: close\r\n\r\n", b" " * MB),
    ):
        with raw_upstream(dripping(first, drop)) as url:
            token = {
                "type": "oauth2_client_credentials",
                "token_url": f"{url}/token",
                "client_id": "${TOKEN_ID}",
                "client_secret": "${TOKEN_ID}",
            }
            document = profile({"auth": token})
            client = app_of(
                tmp_path,
                url,
                document,
                READ_TIMEOUT_SECONDS="0.5",
                TOKEN_ID="x-1",
                CONNECT_TIMEOUT_SECONDS="0.5",
                UPSTREAM_ATTEMPTS="1",
            )
            began = time.monotonic()
            answer = client.get("/contact/entities")
        assert answer.status_code in (502, 503), answer.text
        assert time.monotonic() - began < 30


def entities(client: FlaskClient) -> Any:
    answer = client.get("/contact/entities")
    return answer.status_code, answer.json.get("detail", "") if answer.status_code != 200 else answer.json


def packed(body: bytes, coding: str) -> Reply:
    return Reply(body, headers={"Content-Encoding": coding, "Content-Type": "application/json"})


def test_one_content_coding_is_asked_for_and_taken(tmp_path: Path) -> None:
    people = json.dumps([{"id": "1", "changed": "2026-01-01T00:00:00Z"}]).encode()
    with scripted_upstream(lambda asked: packed(gzip.compress(people), "gzip")) as upstream:
        client = app_of(tmp_path, upstream.url, profile(), UPSTREAM_ATTEMPTS="1")
        assert entities(client)[0] == 200
        assert upstream.asked[-1].headers["Accept-Encoding"] == "gzip"
        for body, coding in (
            (gzip.compress(gzip.compress(people)), "gzip, gzip"),
            (zlib.compress(people), "deflate"),
            (people, "br"),
            (people, "gzip"),
            (gzip.compress(people)[:-12], "gzip"),
            (gzip.compress(people) + gzip.compress(people), "gzip"),
        ):
            upstream.script = lambda asked, body=body, coding=coding: packed(body, coding)
            assert entities(client)[0] == 502, coding


def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * 200 * MB)
    many = b"[" + b"{}," * MOST_VALUES + b"{}]"
    with scripted_upstream(lambda asked: packed(bomb, "gzip")) as upstream:
        client = app_of(tmp_path, upstream.url, profile(), UPSTREAM_ATTEMPTS="1")
        used = psutil.Process().memory_info().rss
        status, detail = entities(client)
        assert (status, "larger than" in detail) == (502, True)
        assert psutil.Process().memory_info().rss - used < 64 * MB
        upstream.script = lambda asked: Reply(many)
        status, detail = entities(client)
        assert (status, "values" in detail) == (502, True)


@pytest.mark.parametrize("text", ["999999999999", "9" * 5000, "Fri, 31 Dec 999999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "-1", "1e999", "nan"])  # fmt: skip
def test_no_pause_is_longer_than_an_hour(text: str) -> None:
    assert 0 <= RetryBudget(3, 0.01, 0.1, 60).pause(text) <= LONGEST
    until = seconds_until(text, time.time())
    assert until is None or until >= 0


def test_an_endless_pause_is_not_passed_on(tmp_path: Path) -> None:
    endless = Reply({}, 429, {"Retry-After": "9" * 30})
    with scripted_upstream(lambda asked: endless) as upstream:
        client = app_of(tmp_path, upstream.url, profile())
        answer = client.get("/contact/entities")
    assert (answer.status_code, int(answer.headers["Retry-After"])) == (503, LONGEST)


def test_places_are_given_back_and_a_request_takes_one() -> None:
    flight = InFlight(1)

    def request(body: int, answer: int) -> str:
        flight.begin()
        try:
            flight.body(body, 0.01)
            flight.answer(answer, 0.01)
            flight.next_answer()
            flight.answer(answer, 0.01)
            return "done"
        except Exception as error:  # noqa: BLE001 - its kind is what is told
            return type(error).__name__
        finally:
            flight.end()

    with ThreadPoolExecutor(1) as pool:
        for _ in range(3):
            assert request(2 * LARGE, 2 * LARGE) == "done"
        flight.begin()
        flight.answer(2 * LARGE, 0.01)
        assert pool.submit(request, 0, 2 * LARGE).result() == "Unavailable"
        assert pool.submit(request, LARGE, LARGE).result() == "done"
        flight.next_answer()
        assert pool.submit(request, 2 * LARGE, 0).result() == "done"


PAGES: dict[str, bytes] = {
    "long texts": json.dumps([{"id": str(n), "changed": "2026-01-01T00:00:00Z", "note": "x" * 70_000} for n in range(100)]).encode(),
    "a megabyte of values": json.dumps(
        [{"id": str(n), "changed": "2026-01-01T00:00:00Z", "all": [{}] * 2500} for n in range(100)]
    ).encode(),
    "many values": json.dumps([{"id": str(n), "changed": "2026-01-01T00:00:00Z", "all": [{}] * 4500} for n in range(100)]).encode(),
    "a number after the other": json.dumps([{"id": str(n), "changed": "2026-01-01T00:00:00Z", "all": [1.5] * 4500} for n in range(100)]).encode(),
}  # fmt: skip


def chargebee_page(page: str) -> bytes:
    """The same page as Chargebee would have it: of its custom fields."""
    rows = json.loads(PAGES[page])
    known = {"updated_at": 1_767_225_600, "resource_version": 1_767_225_600_000, "object": "customer"}
    listed = [{"customer": {"id": row["id"], **known, "meta_data": row}} for row in rows]
    return json.dumps({"list": listed}).encode()


def erp_settings(folder: Path, url: str) -> dict[str, str]:
    """The ERP service's settings for a system at `url`."""
    file = folder / "profile.json"
    file.write_text(json.dumps(profile()))
    return {"ERP_BASE_URL": url, "ERP_PROFILE": str(file)}


def chargebee_settings(folder: Path, url: str) -> dict[str, str]:
    """The Chargebee service's settings for a system at `url`."""
    del folder
    site = {"CHARGEBEE_SITE": "x", "CHARGEBEE_BASE_URL": f"{url}/api/v2", "CHARGEBEE_API_KEY": "k"}
    return {**site, "CHARGEBEE_RATE_PER_MINUTE": "0"}


CROWDED = [
    *(("erp", page) for page in PAGES),
    *(("chargebee", page) for page in PAGES),
]


@pytest.mark.parametrize(
    ("name", "page"),
    [
        pytest.param(*each, marks=[] if each == ("erp", "many values") else pytest.mark.slow)
        for each in CROWDED
    ],
)
def test_a_service_stays_under_128_mb_whatever_comes(tmp_path: Path, name: str, page: str) -> None:
    """Eight readers of the largest pages, and eight writers of the largest bodies, at once and again."""
    datatype = {"erp": "contact", "chargebee": "customer"}[name]
    text = PAGES[page] if name == "erp" else chargebee_page(page)
    settings_for = {"erp": erp_settings, "chargebee": chargebee_settings}[name]
    body = json.dumps(
        [{"_id": f"{datatype}:{n}", "id": str(n), "note": "y" * 30_000} for n in range(100)]
    ).encode()
    with scripted_upstream(lambda asked: Reply(text)) as upstream:
        port = free_port()
        root = f"http://127.0.0.1:{port}"
        environment = {**FAST, **settings_for(tmp_path, upstream.url), "BIND": f"127.0.0.1:{port}"}
        environment |= {"UPSTREAM_MAX_WAIT_SECONDS": "60", "READ_TIMEOUT_SECONDS": "30"}
        command = [
            "python",
            "-m",
            "gunicorn",
            "-c",
            "connectors/common/gunicorn.conf.py",
            f"connectors.{name}.app:create_app()",
        ]
        with process(command, ready_url=f"{root}/health", env=environment, log=tmp_path / "log") as service:
            peak, stop = [0], threading.Event()

            def watch() -> None:
                family = [psutil.Process(service.pid).children(recursive=True)[0]]
                while not stop.wait(0.01):
                    peak[0] = max(peak[0], *(one.memory_info().rss for one in family))

            threading.Thread(target=watch, daemon=True).start()

            def read(_: int) -> int:
                return len(requests.get(f"{root}/{datatype}/entities", timeout=600).content)

            def write(_: int) -> int:
                headers = {"Content-Type": "application/json"}
                return requests.post(
                    f"{root}/{datatype}/share", data=body, headers=headers, timeout=600
                ).status_code

            with ThreadPoolExecutor(16) as pool:
                readers = [pool.submit(read, n) for n in range(12)]
                writers = [pool.submit(write, n) for n in range(12)]
                assert all(task.result() for task in readers)
                assert {task.result() for task in writers} <= {200, 503}
            stop.set()
    assert peak[0] < 128 * MB, f"{peak[0] / MB:.0f} MB"
