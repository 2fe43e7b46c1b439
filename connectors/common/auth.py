"""Who may call: HTTP basic, if SERVICE_USERNAME and SERVICE_PASSWORD are set; health stays open."""

from __future__ import annotations

import hmac
from collections.abc import Collection

from flask import Flask, request

from connectors.common.errors import Unauthenticated
from connectors.common.settings import CommonSettings

_OPEN = ("/health",)


def register(app: Flask, settings: CommonSettings, auth_exempt_paths: Collection[str] = ()) -> None:
    """Check every request's credentials before anything else is done with it.

    Paths in `auth_exempt_paths` are left out: their views call `require` with credentials of their own.
    """
    username, password = settings.username, settings.password
    if username is None or password is None:
        return

    @app.before_request
    def check() -> None:
        if request.path not in _OPEN and request.path not in auth_exempt_paths:
            require(username, password)


def require(username: str, password: str) -> None:
    """`Unauthenticated` unless the present request carries these credentials; compared in constant time."""
    given = request.authorization
    is_basic = given is not None and given.type == "basic"
    presented = _bytes(given.username, given.password) if given is not None and is_basic else b""
    if not hmac.compare_digest(presented, _bytes(username, password)):
        raise Unauthenticated("user or password missing or wrong")


def _bytes(username: str | None, password: str | None) -> bytes:
    return f"{username}\0{password}".encode()
