"""Keeping other web sites out: a page open in the same browser must not drive the sandbox."""

from __future__ import annotations

from urllib.parse import urlsplit

from werkzeug.wrappers import Request

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_foreign(request: Request, must_tell: bool = False) -> bool:
    """Return whether a request comes from another site, or to a foreign name that was pointed at loopback.

    Browsers tell the origin of every form they send; programs do not. With `must_tell`, silence is foreign.
    """
    if urlsplit(f"//{request.host}").hostname not in LOOPBACK:
        return True
    origin = request.headers.get("Origin")
    if origin is not None:
        return urlsplit(origin).netloc != request.host
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    return must_tell
