"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

import math
from typing import Any

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from connectors.common import jsonio
from connectors.common.errors import ServiceError, TooLarge, Unauthenticated
from connectors.common.logs import request_id
from connectors.common.service import runtime

MEDIA_TYPE = "application/problem+json"
_LATER = 5.0
"""Seconds to wait where upstream did not say how long."""


def problem(status: int, members: dict[str, Any], retry_after: float | None = None) -> Response:
    """A problem document; secrets are blanked out, since `detail` may quote what upstream said."""
    document = {"type": "about:blank", "status": status, **members, "instance": request_id.get()}
    text = runtime().redact(jsonio.dumps(document).decode())
    response = Response(text, status, mimetype=MEDIA_TYPE)
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    return response


def of_error(error: ServiceError) -> Response:
    """The answer for an error of ours."""
    wait = _LATER if error.retry_after is None else error.retry_after
    response = problem(error.status, error.as_dict(), wait if error.status == 503 else None)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Basic realm="service", charset="UTF-8"'
    return response


def register(app: Flask) -> None:
    """Answer every error of the application with a problem document."""

    @app.errorhandler(ServiceError)
    def ours(error: ServiceError) -> Response:
        runtime().log.warning("request failed", extra={"members": error.as_dict()})
        return of_error(error)

    @app.errorhandler(RequestEntityTooLarge)
    def too_large(error: RequestEntityTooLarge) -> Response:
        del error
        limit = runtime().service.settings.max_request_bytes
        return of_error(
            TooLarge(f"the body is larger than {limit} bytes", rule="MAX_REQUEST_BYTES", limit=limit)
        )

    @app.errorhandler(HTTPException)
    def flask_s(error: HTTPException) -> Response:
        status = error.code or 500
        response = problem(status, {"kind": "fix-data", "title": error.name, "detail": error.description})
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        runtime().log.error("unexpected error", exc_info=error)
        return problem(
            500, {"kind": "retry", "title": "Internal error", "detail": "unexpected error; see the log"}
        )
