"""Who may call: HTTP basic, if SERVICE_USERNAME and SERVICE_PASSWORD are set; health stays open."""

from __future__ import annotations

import hmac

from flask import Flask, request

from connectors.common.errors import Unauthenticated
from connectors.common.settings import CommonSettings

_OPEN = ("/health",)


def register(app: Flask, settings: CommonSettings) -> None:
    """Check every request's credentials before anything else is done with it."""
    if settings.username is None or settings.password is None:
        return
    wanted = _bytes(settings.username, settings.password)

    @app.before_request
    def check() -> None:
        if request.path in _OPEN:
            return
        given = request.authorization
        presented = (
            _bytes(given.username, given.password) if given is not None and given.type == "basic" else b""
        )
        if not hmac.compare_digest(presented, wanted):
            raise Unauthenticated("user or password missing or wrong")


def _bytes(username: str | None, password: str | None) -> bytes:
    return f"{username}\0{password}".encode()
