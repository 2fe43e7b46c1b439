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
    if not is_loopback(host_name(request)):
        return True
    if is_cross_site(request):
        return True
    told = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    return must_tell and told == (None, None)


def is_cross_site(request: Request) -> bool:
    """Return whether a browser says that a page of another site makes the request."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin", "none"):
        return True
    return origin is not None and _place(origin) != request.host


def host_name(request: Request) -> str | None:
    """Return the name or address that a request was sent to, without port; None for what is none."""
    try:
        return urlsplit(f"//{request.host}").hostname
    except ValueError:  # such as "[", which is no address
        return None


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
