"""Manage named tokens of people and programs: each has a role and an optional end.

Only a hash of a token is stored; the token is shown once, when it is created.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from localnode.config import SettingsStore
from localnode.errors import BadRequest, Conflict, NotFound

READER, RECEIVER, OPERATOR, ADMIN = "reader", "receiver", "operator", "admin"
ROLES = {
    READER: "see everything except secrets: records, pipes, plans, verifications, the log",
    RECEIVER: "push entities to receivers, and nothing else: for the services that receive webhooks",
    OPERATOR: "read and act: decide about records, run, stop, enable and disable pumps, commit, roll back",
    ADMIN: "everything: configuration, variables, secrets, systems, tokens",
}
"""Every role, and what it may do."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@ -]{0,63}")
DAY_S = 24 * 3600


@dataclass(frozen=True)
class NamedToken:
    """What is stored about a token; times are Unix seconds, `expires` None for never."""

    name: str
    role: str
    created: float
    expires: float | None

    @property
    def is_expired(self) -> bool:
        """Return whether it has expired."""
        return self.expires is not None and self.expires <= time.time()


class Tokens:
    """The tokens of a node, in its settings."""

    def __init__(self, uploaded: SettingsStore) -> None:
        self._uploaded = uploaded

    def create(self, name: str, role: str, days: int | None = None) -> str:
        """Create a token and return it.

        BadRequest for an invalid name or role, Conflict for an existing name.
        """
        if not _NAME.fullmatch(name):
            raise BadRequest("the name of a token is 1 to 64 letters, digits, blanks and . _ @ -")
        if role not in ROLES:
            raise BadRequest(f'there is no role "{role}"; the roles are {", ".join(ROLES)}')
        now = time.time()
        text = new_token({"iss": "local-node", "sub": name, "role": role})
        expires = None if days is None else now + days * DAY_S
        if not self._uploaded.add_token(name, role, _digest(text), now, expires):
            raise Conflict(f'there is a token "{name}" already: revoke it first, or take another name')
        return text

    def list(self) -> list[NamedToken]:
        """Return all tokens, by name."""
        return [NamedToken(*row) for row in self._uploaded.tokens()]

    def find(self, text: str) -> NamedToken | None:
        """Return the stored token that matches, even if it has expired; None for any other text."""
        row = self._uploaded.token(_digest(text))
        return NamedToken(*row) if row is not None else None

    def revoke(self, name: str) -> None:
        """Revoke a token. NotFound if it does not exist."""
        if not self._uploaded.delete_token(name):
            raise NotFound(f'there is no token "{name}"')


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def node_token(uploaded: SettingsStore) -> str:
    """Return the node's own token, made once per data folder."""
    token = uploaded.node_value("jwt")
    if token is None:
        token = new_token({"iss": "local-node"})
        uploaded.set_node_value("jwt", token)
    return token


def new_token(claims: Mapping[str, str]) -> str:
    """Return a three-part JWT of which the last part is random; its claims are for people, and prove nothing.

    It has no `principals`, so a client takes it for no subscription and reports nowhere.
    """
    parts = ({"alg": "none", "typ": "JWT"}, dict(claims))
    head = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
    return f"{head}.{secrets.token_urlsafe(32)}"
