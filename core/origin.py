"""Keep other web sites out: a page open in a browser on this machine must not drive what listens there."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from werkzeug.wrappers import Request


def is_loopback(host: str | None) -> bool:
    """Return whether a host name or address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def is_foreign(request: Request, must_tell: bool = False) -> bool:
    """Return whether a request comes from another site, or to a foreign name that was pointed at loopback.

    Browsers tell the origin of every form they send; programs do not. With `must_tell`, silence is foreign.
    """
    if not is_loopback(urlsplit(f"//{request.host}").hostname):
        return True
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin", "none"):
        return True
    if origin is not None:
        return urlsplit(origin).netloc != request.host
    return must_tell and site is None
