"""Find out who calls and what they may do: the node's own token, a named one with a role, or this machine."""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, g, request

from core.origin import is_foreign, is_loopback
from core.problem import problem
from localnode.api.current import node
from localnode.api.permissions import MAY, permission
from localnode.node.tokens import ADMIN

_OPEN_PATHS = frozenset({"/api/ping", "/api/health"})
_OPEN_BLUEPRINTS = frozenset({"studio"})
"""Pages and scripts that hold no data."""


@dataclass(frozen=True)
class Caller:
    """Who makes a request: the name of a token, or what stands for one, and its role."""

    name: str
    role: str


OWN_TOKEN = Caller("the node's own token", ADMIN)
THIS_MACHINE = Caller("this machine", ADMIN)


def write_syncconfig(path: Path, url: str, token: str) -> None:
    """Write the file in which Sesam's client looks for node and token; only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(f'NODE="{url}"\nJWT="{token}"\n')


def caller() -> Caller:
    """Return who makes the present request."""
    found: Caller = g.caller
    return found


def require_token(app: Flask, token: str, open_loopback: bool) -> None:
    """Check every request of `app`; with `open_loopback` callers on this machine need no token.

    A named token counts wherever it comes from: a caller with a reader's token may do no more than a reader,
    and an expired token is refused. A browser page of another origin does not count as a caller on this
    machine.
    """
    expected = token.encode()

    @app.before_request
    def check() -> Response | None:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        given = given.strip() if kind.lower() == "bearer" else ""
        known = node().tokens.find(given) if given else None
        if given and hmac.compare_digest(given.encode(), expected):
            g.caller = OWN_TOKEN
        elif known is not None and known.is_expired:
            return _refuse(f'the token "{known.name}" has expired')
        elif known is not None:
            g.caller = Caller(known.name, known.role)
        elif open_loopback and is_loopback(request.remote_addr) and not is_foreign(request):
            g.caller = THIS_MACHINE
        elif request.path in _OPEN_PATHS or request.blueprint in _OPEN_BLUEPRINTS:
            return None
        else:
            return _refuse("the token is not this node's" if given else "a bearer token is needed")
        return _allow()


def _allow() -> Response | None:
    """Return None if the caller's role is sufficient for the request, otherwise the refusal."""
    who = caller()
    if request.path in _OPEN_PATHS or request.blueprint in _OPEN_BLUEPRINTS:
        return None
    needed = permission().needed()
    if needed in MAY[who.role]:
        return None
    return problem(403, "Forbidden", f'"{who.name}" is a {who.role}; this needs a token of the role {needed}')


def _refuse(detail: str) -> Response:
    response = problem(401, "Unauthorized", detail)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response
