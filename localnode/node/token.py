"""The bearer token of a data folder, and how tokens look."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping

from localnode.config import SettingsStore


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
