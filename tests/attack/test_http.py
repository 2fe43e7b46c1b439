"""Both services and the node as an attacker on the wire meets them: smuggling, slow callers, foreign pages, forged headers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.erp import FAST
from tests.support.processes import free_port, process, wait_until

NOWHERE = "http://127.0.0.1:9"
SERVICES = {
    "erp": {"ERP_BASE_URL": f"{NOWHERE}/api/v1", "ERP_TOKEN": "t"},
    "chargebee": {"CHARGEBEE_SITE": "x", "CHARGEBEE_BASE_URL": f"{NOWHERE}/api/v2", "CHARGEBEE_API_KEY": "k"},
}
TARGETS = (*SERVICES, "node")
BODY_AT = {"erp": "/contact/share", "chargebee": "/customer/share", "node": "/api/receivers/in/entities"}
ALIVE = {"erp": "/health", "chargebee": "/health", "node": "/api/ping"}


@contextmanager
def running(name: str, folder: Path, **settings: str) -> Iterator[str]:
    """A service, or the node, as it is run in production; its root."""
    port = free_port()
    root = f"http://127.0.0.1:{port}"
    ready = root + ALIVE[name]
    if name == "node":
        command = ["python", "-m", "localnode", "serve", "--port", str(port), "--data", str(folder / "data")]
        with process(command, ready_url=ready, env=settings, log=folder / "node.log"):
            yield root
        return
    environment = {**FAST, **SERVICES[name], "BIND": f"127.0.0.1:{port}", **settings}
    command = [
        "python",
        "-m",
        "gunicorn",
        "-c",
        "connectors/common/gunicorn.conf.py",
        f"connectors.{name}.app:create_app()",
    ]
    with process(command, ready_url=ready, env=environment, log=folder / "service.log"):
        yield root


@pytest.fixture(scope="module", params=TARGETS)
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """Name and root of each in turn; requests must have come whole within a second."""
    name: str = request.param
    settings = (
        {"REQUEST_TIMEOUT_SECONDS": "1", "THREADS": "4"}
        if name != "node"
        else {"NODE_REQUEST_TIMEOUT_SECONDS": "1"}
    )
    with running(name, tmp_path_factory.mktemp(name), **settings) as root:
        yield name, root


def connect(root: str) -> socket.socket:
    host, port = root.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=15)


def said(root: str, text: bytes) -> bytes:
    """What comes back for bytes, until the other side closes or has nothing more to say."""
    with connect(root) as sock:
        sock.sendall(text)
        sock.settimeout(3)
        answer = b""
        try:
            while chunk := sock.recv(65536):
                answer += chunk
        except TimeoutError:
            pass
        return answer


def statuses(answer: bytes) -> list[int]:
    return [int(line.split(b" ", 2)[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def post(name: str, head: str, body: str = "") -> bytes:
    return f"POST {BODY_AT[name]} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{head}\r\n{body}".encode()


SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
FRAMINGS = {
    "both lengths": ("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + SMUGGLED),
    "two lengths": ("Content-Length: 2\r\nContent-Length: 60\r\n", "[]" + SMUGGLED),
    "a list of lengths": ("Content-Length: 2, 60\r\n", "[]" + SMUGGLED),
    "a signed length": ("Content-Length: +2\r\n", "[]" + SMUGGLED),
    "a negative length": ("Content-Length: -1\r\n", "[]" + SMUGGLED),
    "a length in words": ("Content-Length: two\r\n", "[]" + SMUGGLED),
    "a coding in disguise": ("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n" + SMUGGLED),
    "a coding twice": ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n" + SMUGGLED),
    "an unknown coding": ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + SMUGGLED),
    "a chunk of -1": ("Transfer-Encoding: chunked\r\n", "-1\r\n[]\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk of 0x2": ("Transfer-Encoding: chunked\r\n", "0x2\r\n[]\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk of 1_0": ("Transfer-Encoding: chunked\r\n", "1_0\r\n[]\r\n0\r\n\r\n" + SMUGGLED),
    "an endless chunk size": ("Transfer-Encoding: chunked\r\n", "0" * 9000 + "\r\n"),
    "a chunk that is longer": ("Transfer-Encoding: chunked\r\n", "1\r\n[]\r\n0\r\n\r\n" + SMUGGLED),
    "a bad trailer": ("Transfer-Encoding: chunked\r\n", "2\r\n[]\r\n0\r\nA B: c\r\n\r\n" + SMUGGLED),
    "a folded header": ("A: b\r\n c: d\r\nContent-Length: 2\r\n", "[]" + SMUGGLED),
    "a blank before the colon": ("Content-Length : 2\r\n", "[]" + SMUGGLED),
    "two hosts": ("Host: evil.example\r\nContent-Length: 2\r\n", "[]" + SMUGGLED),
    "SCRIPT_NAME": ("SCRIPT_NAME: /x\r\nContent-Length: 2\r\n", "[]" + SMUGGLED),
    "PATH_INFO": ("PATH_INFO: /health\r\nContent-Length: 2\r\n", "[]" + SMUGGLED),
    "an underscore": ("Content_Length: 9\r\nContent-Length: 2\r\n", "[]" + SMUGGLED),
}  # fmt: skip


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_request_of_doubtful_framing_is_refused_and_nothing_behind_it_is_served(
    target: tuple[str, str], framing: str
) -> None:
    name, root = target
    found = statuses(said(root, post(name, *FRAMINGS[framing])))
    assert len(found) == 1 and 400 <= found[0] <= 501 and found[0] != 500, found


@pytest.mark.parametrize(
    "host", ["[", "evil.example", "a b", "localhost:x", "@", "evil.example#@localhost", ""]
)
def test_a_foreign_or_broken_host_opens_nothing(target: tuple[str, str], host: str) -> None:
    name, root = target
    path = "/api/pipes" if name == "node" else "/"
    text = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert statuses(said(root, text.encode()))[0] in (400, 401, 403)


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://["}, {"Sec-Fetch-Site": "cross-site"}])  # fmt: skip
def test_a_page_of_another_site_may_not_call(target: tuple[str, str], headers: dict[str, str]) -> None:
    name, root = target
    path = "/api/pipes" if name == "node" else "/metrics"
    assert requests.get(root + path, headers=headers, timeout=60).status_code in (401, 403)
    assert requests.get(root + path, timeout=60).status_code == 200


def test_forwarding_headers_are_not_believed(target: tuple[str, str]) -> None:
    name, root = target
    headers = {"X-Forwarded-For": "203.0.113.1", "X-Forwarded-Host": "localhost", "Host": "evil.example"}
    assert requests.get(
        f"{root}/{'api/pipes' if name == 'node' else ''}", headers=headers, timeout=60
    ).status_code in (401, 403)


def test_slow_heads_and_bodies_end_in_time_and_keep_nobody_waiting(target: tuple[str, str]) -> None:
    """Forty callers send a byte every 0.2 s, for ever."""
    name, root = target
    stop = threading.Event()
    begun: list[int] = []
    ended: list[float] = []

    def drip(number: int) -> None:
        began = time.monotonic()
        with connect(root) as sock:
            begun.append(number)
            try:
                sock.sendall(
                    post(name, "Content-Length: 100000\r\n") if number % 4 == 0 else b"GET / HTTP/1.1\r\nX: "
                )
                while not stop.wait(0.2):
                    sock.sendall(b"[")
                    sock.setblocking(False)
                    try:
                        if sock.recv(4096) == b"":
                            break
                    except BlockingIOError:
                        pass
                    sock.setblocking(True)
            except OSError:
                pass
        ended.append(time.monotonic() - began)

    threads = [threading.Thread(target=drip, args=(number,), daemon=True) for number in range(40)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(begun) == 40, what="forty slow callers connected")
    waited = time.monotonic()
    assert requests.get(root + ALIVE[name], timeout=20).status_code == 200
    waited = time.monotonic() - waited
    wait_until(lambda: len(ended) == 40, what="forty slow callers cut off")
    stop.set()
    assert waited < 10
    assert requests.get(root + ALIVE[name], timeout=60).status_code == 200


def test_a_body_that_comes_whole_is_read_however_many_pieces_it_has(target: tuple[str, str]) -> None:
    name, root = target
    with connect(root) as sock:
        sock.sendall(post(name, "Content-Length: 6\r\nConnection: close\r\n"))
        for piece in (b"[", b"  ", b"  ", b"]"):
            time.sleep(0.05)
            sock.sendall(piece)
        assert statuses(sock.recv(65536))[0] in (200, 404)
