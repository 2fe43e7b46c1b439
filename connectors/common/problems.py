"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

import core.problem
from connectors.common.errors import ServiceError, TooLarge, Unauthenticated
from connectors.common.logs import request_id
from connectors.common.service import runtime

_LATER = 5.0
"""Seconds to wait where upstream did not say how long."""


def problem(status: int, title: str, detail: str, **members: Any) -> Response:
    """Answer with a problem document that names the request; secrets are blanked out."""
    return core.problem.problem(
        status, title, detail, redact=runtime().redact, instance=request_id.get(), **members
    )


def of_error(error: ServiceError) -> Response:
    """Return the answer for one of our own errors."""
    wait = _LATER if error.retry_after is None else error.retry_after
    response = problem(error.status, retry_after=wait if error.status == 503 else None, **error.as_dict())
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
        return core.problem.http_problem(error, problem, kind="fix-data")

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        runtime().log.error("unexpected error", exc_info=error)
        return problem(500, "Internal error", "unexpected error; see the log", kind="retry")
