"""Refuse requests from other web sites: a page in a browser must not control services on this machine."""

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

    Browsers send the origin of every form; programs do not. With `must_tell`, a missing origin counts as
    foreign.
    """
    if not is_loopback(host_name(request)):
        return True
    if is_cross_site(request):
        return True
    told = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    return must_tell and told == (None, None)


def is_cross_site(request: Request) -> bool:
    """Return whether the browser says that a page of another site makes the request."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if site not in (None, "same-origin", "none"):
        return True
    return origin is not None and _place(origin) != request.host


def host_name(request: Request) -> str | None:
    """Return the name or address that a request was sent to, without port; None if it is invalid."""
    try:
        return urlsplit(f"//{request.host}").hostname
    except ValueError:  # such as "[", which is no address
        return None


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
