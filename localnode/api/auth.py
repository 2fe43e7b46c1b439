"""Who may call: the bearer token of this node's data directory, or nobody else than this machine."""

from __future__ import annotations

import hmac
import ipaddress
import os
from pathlib import Path

from flask import Flask, Response, request

from core.problem import problem

_OPEN_PATHS = frozenset({"/api/ping", "/api/health"})
_OPEN_BLUEPRINTS = frozenset({"studio"})
"""Pages and scripts that hold no data."""


def write_syncconfig(path: Path, url: str, token: str) -> None:
    """Write the file in which the vendor's client looks for node and token; readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(f'NODE="{url}"\nJWT="{token}"\n')


def require_token(app: Flask, token: str, open_loopback: bool) -> None:
    """Check every request of `app`; with `open_loopback` callers on this machine need no token, or any.

    A browser page of another origin is no caller on this machine.
    """
    expected = token.encode()

    @app.before_request
    def check() -> Response | None:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), expected):
            return None
        if (
            request.path in _OPEN_PATHS
            or request.blueprint in _OPEN_BLUEPRINTS
            or (open_loopback and _loopback(request.remote_addr) and _same_origin())
        ):
            return None
        return _refuse("the token is not this node's" if given else "a bearer token is needed")


def _refuse(detail: str) -> Response:
    response = problem(401, "Unauthorized", detail)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def _same_origin() -> bool:
    """False for a request that a foreign web page makes, or that came by a host name bound to this
    address."""
    host = request.host.rpartition(":")[0] or request.host
    if host not in ("localhost", "127.0.0.1", "[::1]") and not _loopback(host.strip("[]")):
        return False
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host
