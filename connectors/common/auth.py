"""Check callers: HTTP basic, if SERVICE_USERNAME and SERVICE_PASSWORD are set; health stays open.

Requests from pages of other sites are refused: a browser that can reach the service must not be made to
control it. If no credentials are required, requests to loopback under a foreign name are refused too.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection

from flask import Flask, request

from connectors.common.errors import ForeignPage, Unauthenticated
from connectors.common.settings import CommonSettings
from core.origin import host_name, is_cross_site, is_loopback

_OPEN = ("/health",)


def register(app: Flask, settings: CommonSettings, auth_exempt_paths: Collection[str] = ()) -> None:
    """Check the credentials of every request before anything else.

    Paths in `auth_exempt_paths` are left out: their views call `require` with other credentials.
    """
    username, password = settings.username, settings.password

    @app.before_request
    def check() -> None:
        if is_cross_site(request):
            raise ForeignPage("pages of other sites may not call this service", rule="Origin")
        if request.path in _OPEN or request.path in auth_exempt_paths:
            return
        if username is not None and password is not None:
            require(username, password)
        elif is_loopback(request.remote_addr) and not is_loopback(host_name(request)):
            raise ForeignPage(
                f"this service does not answer to the name {host_name(request)!r} on this machine; set"
                " SERVICE_USERNAME and SERVICE_PASSWORD if it runs behind a proxy",
                rule="Host",
            )


def require(username: str, password: str) -> None:
    """Raise `Unauthenticated` unless the request has these credentials; compared in constant time."""
    given = request.authorization
    is_basic = given is not None and given.type == "basic"
    presented = _bytes(given.username, given.password) if given is not None and is_basic else b""
    if not hmac.compare_digest(presented, _bytes(username, password)):
        raise Unauthenticated("user or password missing or wrong")


def _bytes(username: str | None, password: str | None) -> bytes:
    return f"{username}\0{password}".encode()
