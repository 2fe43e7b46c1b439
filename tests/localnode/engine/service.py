"""A service over loopback that the engine calls: it notes every call and answers as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Service:
    """Answers with what `respond(method, path, params, body)` returns: a JSON value, or (status, headers, value or text).

    A parameter that came several times is joined by commas. `body` is the text that came, unless `reads` makes
    something else of it.
    """

    def __init__(self, answer: Any, reads: Callable[[str], Any] = str) -> None:
        self.calls: list[tuple[str, str, dict[str, str], Any]] = []
        self.headers: list[dict[str, str]] = []
        self.respond: Callable[..., Any] = lambda *call: answer
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_call(self) -> None:
                parts = urlsplit(self.path)
                params = {name: ",".join(values) for name, values in parse_qs(parts.query).items()}
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                call = (self.command, parts.path, params, reads(body))
                service.calls.append(call)
                service.headers.append({name.lower(): value for name, value in self.headers.items()})
                answer = service.respond(*call)
                status, headers, content = answer if isinstance(answer, tuple) else (200, {}, answer)
                data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                told = {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}
                self.send_response(status)
                for name, value in told.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_call  # noqa: N815

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=lambda: self.server.serve_forever(0.02), daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self.server.shutdown()
        self.server.server_close()
