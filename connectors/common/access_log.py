"""Give every request an id, a log line and its place in the metrics."""

from __future__ import annotations

import re
import time
import uuid

from flask import Flask, Response, g, request

from connectors.common import call_counter
from connectors.common.logs import correlation_id, request_id
from connectors.common.service import runtime

_ACCEPTABLE = re.compile(r"[\w.:-]{1,100}")
_QUIET = ("/health", "/ready", "/metrics")


def register(app: Flask) -> None:
    """Store the ids before each request; log and count the request when its last byte is sent."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        call_counter.start()
        request_id.set(_given("X-Request-Id") or uuid.uuid4().hex)
        correlation_id.set(_given("X-Correlation-Id"))

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = request_id.get() or ""
        if correlation_id.get():
            response.headers["X-Correlation-Id"] = correlation_id.get() or ""
        parts, started, status = runtime(), g.get("started", time.perf_counter()), response.status_code
        method, path = request.method, request.path
        route = request.url_rule.rule if request.url_rule else "none"

        def closed() -> None:
            seconds = time.perf_counter() - started
            parts.service.metrics.requests.labels(method, route, str(status)).inc()
            parts.service.metrics.request_seconds.labels(method, route).observe(seconds)
            members = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 1)}
            parts.log.log(10 if path in _QUIET else 20, "request", extra={"members": members})

        response.call_on_close(closed)
        return response


def _given(header: str) -> str | None:
    """Return the caller's own id, if it is valid for a log line and a header."""
    value = request.headers.get(header, "")
    return value if _ACCEPTABLE.fullmatch(value) else None
