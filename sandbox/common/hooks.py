"""Faults and counting around every request below `/api/`; the control surface and pages are left alone."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable

from flask import Flask, Response, g, request

from core.jsonio import Json
from sandbox.common.faults import Faults
from sandbox.common.stats import Stats

MakeError = Callable[[int, str], Response]
"""Builds the imitated system's own error answer from a status (429, 500, 503) and a sentence."""

BAD_GATEWAY = (
    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
)


def install_hooks(
    app: Flask, faults: Faults, stats: Stats, make_error: MakeError, blocks_reads: Callable[[], bool]
) -> None:
    """Apply the faults before and after each request below `/api/`, and count it.

    `blocks_reads`: whether the system refuses reads alone, for a while, once its rate was exceeded.
    """

    @app.before_request
    def before() -> Response | None:
        if not _is_api():
            return None
        time.sleep(faults.delay_s())
        if faults.drops_before():
            g.dropped = True
            stats.dropped(_route())
            close_connection(request.environ)
            return Response(status=500)
        return _refusal(faults, stats, make_error, blocks_reads)

    @app.after_request
    def after(response: Response) -> Response:
        if not _is_api() or g.get("dropped"):
            return response
        is_write = _is_write()
        is_lost = is_write and response.status_code < 300 and faults.drops_after()
        if is_lost:
            stats.fault("dropped_after")
        stats.answered(_route(), response.status_code, is_write)
        if is_lost:
            close_connection(request.environ)
        return response


def _refusal(
    faults: Faults, stats: Stats, make_error: MakeError, blocks_reads: Callable[[], bool]
) -> Response | None:
    wait = faults.throttled_for(not _is_write(), blocks_reads)
    if wait is None and faults.throttles():
        wait = 1
    if wait is not None:
        stats.fault("throttled")
        response = make_error(429, "too many requests")
        if faults.settings.retry_after:
            response.headers["Retry-After"] = str(wait)
        return response
    status = faults.error()
    if status is None:
        return None
    stats.fault("errors")
    if status == 502:
        return Response(BAD_GATEWAY, status, content_type="text/html")
    response = make_error(status, "injected fault")
    if status == 503 and faults.settings.retry_after:
        response.headers["Retry-After"] = "1"
    return response


def _is_write() -> bool:
    return request.method not in ("GET", "HEAD", "OPTIONS")


def _is_api() -> bool:
    return request.path.startswith("/api/")


def _route() -> str:
    rule = request.url_rule.rule.replace("<path:", "<") if request.url_rule else request.path
    return f"{request.method} {rule}"


def close_connection(environ: Json) -> None:
    """Shut the request's socket in both directions; the client sees the stream end instead of an answer.

    Outside the sandbox's server (Flask's test client) there is no socket: ConnectionAbortedError is raised.
    """
    sock: socket.socket | None = environ.get("gunicorn.socket")
    if sock is None:
        raise ConnectionAbortedError("the sandbox closed the connection")
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
