"""A scripted upstream on loopback: a test says what it answers, and looks at what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One request as it arrived; repeated query parameters keep their last value.

    `port` is the caller's, which tells connections apart.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    port: int = 0

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What to answer; a header with a list is sent once for each of its values.

    `cut`: send only so many bytes of the body, then close; -1: close without a word.
    """

    body: Any = None
    status: int = 200
    headers: dict[str, str | list[str]] = field(default_factory=dict)
    cut: int | None = None

    def encoded(self) -> bytes:
        return (
            self.body
            if isinstance(self.body, bytes)
            else b""
            if self.body is None
            else json.dumps(self.body).encode()
        )


@dataclass
class Upstream:
    """A running scripted upstream; `script` may be changed at any time."""

    url: str
    script: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)

    def calls(self, method: str | None = None) -> int:
        return sum(method in (None, one.method) for one in self.asked)


def _handler(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each body would wait 40 ms for the receiver's delayed ACK

        def answer(self) -> None:
            parts = urlsplit(self.path)
            query = {
                name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()
            }
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, parts.path, query, self.headers, body, self.client_address[1])
            upstream.asked.append(asked)
            reply = upstream.script(asked)
            if reply.cut == -1:
                self.close_connection = True
                return
            content = reply.encoded()
            begin = self.send_response_only if "Date" in reply.headers else self.send_response
            begin(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                for each in value if isinstance(value, list) else [value]:
                    self.send_header(name, each)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(ConnectionError):  # whoever asked may have had enough of a large or slow answer
                self.wfile.write(content if reply.cut is None else content[: reply.cut])
            self.close_connection = self.close_connection or reply.cut is not None

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815 - names of http.server

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    return Handler


@contextmanager
def scripted_upstream(script: Callable[[Asked], Reply]) -> Iterator[Upstream]:
    """Serve `script` on a free port until the block ends."""
    upstream = Upstream("", script)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream))
    server.daemon_threads = True
    upstream.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
