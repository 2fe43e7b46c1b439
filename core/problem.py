"""Answer with problem documents (RFC 9457), the one shape that errors have over HTTP."""

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
    """Return a problem document with further `members`.

    `retry_after` seconds are told as a header, from 1 up. `redact` takes secrets out of the whole text, since
    a detail may quote what another system said.
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
    """Return what `answer` makes of an error of Flask's own, such as 405, with the error's headers."""
    response = answer(error.code or 500, error.name, error.description or error.name, **members)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response
