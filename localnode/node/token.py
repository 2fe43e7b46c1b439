"""The bearer token of a data folder."""

from __future__ import annotations

import base64
import json
import secrets

from localnode.config import SettingsStore


def node_token(uploaded: SettingsStore) -> str:
    """The node's token, made once per data folder: a three-part JWT of which the last part is random.

    It has no `principals`, so a client takes it for no subscription and reports nowhere.
    """
    token = uploaded.node_value("jwt")
    if token is None:
        parts = ({"alg": "none", "typ": "JWT"}, {"iss": "local-node"})
        head = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
        token = f"{head}.{secrets.token_urlsafe(32)}"
        uploaded.set_node_value("jwt", token)
    return token
