"""Answer with problem documents (RFC 9457), the only form of errors over HTTP."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

from flask import Response
from werkzeug.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    retry_after: float | None = None,
    redact: Callable[[str], str] | None = None,
    **members: object,
) -> Response:
    """Return a problem document with additional `members`.

    `retry_after` seconds are sent as a header, at least 1. `redact` removes secrets from the whole text,
    because a detail may quote another system.
    """
    named = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    text = json.dumps(named, ensure_ascii=False)
    body = (redact(text) if redact is not None else text).encode("utf-8", "backslashreplace")
    response = Response(body, status, content_type=MEDIA_TYPE)
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    return response


def http_problem(
    error: HTTPException, answer: Callable[..., Response] = problem, **members: object
) -> Response:
    """Return the result of `answer` for one of Flask's own errors, such as 405, with the error's headers."""
    response = answer(error.code or 500, error.name, error.description or error.name, **members)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response
