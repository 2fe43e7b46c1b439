"""`/api/tokens`: named tokens with roles, and who the caller is."""

from __future__ import annotations

from flask import Blueprint, Response

from core.clock import seconds_to_text
from localnode.api import parsing
from localnode.api.auth import caller
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.errors import BadRequest
from localnode.node.tokens import NamedToken

tokens = Blueprint("tokens", __name__, url_prefix="/api")


@tokens.get("/caller")
def who_am_i() -> Response:
    """Return who the caller is to this node: `name` and `role` (reader, receiver, operator, admin)."""
    who = caller()
    return as_json({"name": who.name, "role": who.role})


@tokens.get("/tokens")
def list_tokens() -> Response:
    """Return the named tokens: `name`, `role`, `created`, `expires`, `expired`.

    The tokens themselves are never returned.
    """
    return as_json([_view(each) for each in node().tokens.list()])


@tokens.post("/tokens")
def create() -> Response:
    """Create a token with a `name` and a `role` that expires after `days` (or never).

    Only this answer contains the `token`.
    """
    fields = parsing.json_object()
    name, role, days = fields.get("name"), fields.get("role"), fields.get("days")
    if not isinstance(name, str) or not isinstance(role, str):
        raise BadRequest('a token needs a "name" and a "role"')
    if days is not None and (type(days) is not int or days < 1):
        raise BadRequest('"days" must be a whole number of at least 1')
    text = node().tokens.create(name, role, days)
    return as_json({"name": name, "role": role, "token": text}, 201)


@tokens.delete("/tokens/<name>")
def revoke(name: str) -> Response:
    """Revoke a token; it is invalid from now on."""
    node().tokens.revoke(name)
    return list_tokens()


def _view(token: NamedToken) -> dict[str, object]:
    return {
        "name": token.name,
        "role": token.role,
        "created": seconds_to_text(token.created),
        "expires": seconds_to_text(token.expires) if token.expires is not None else None,
        "expired": token.is_expired,
    }
