"""Commands about the tokens of a node, and about the actions of people."""

from __future__ import annotations

import argparse
import sys
from urllib.parse import quote

from core.jsonio import Json
from core.tables import text_table
from localnode.cli.client import NodeClient


def create(options: argparse.Namespace) -> int:
    """Print a new token; it is shown only once."""
    node = NodeClient(options.node, options.jwt)
    wanted = {"name": options.name, "role": options.role, "days": options.days}
    made = node.json(
        "POST", "/tokens", json={key: value for key, value in wanted.items() if value is not None}
    )
    print(made["token"])
    print(f"{made['name']} is a {made['role']}; the token is shown this once", file=sys.stderr)
    return 0


def list_tokens(options: argparse.Namespace) -> int:
    """List the named tokens."""
    node = NodeClient(options.node, options.jwt)
    rows = [
        (each["name"], each["role"], each["created"], _expires(each)) for each in node.json("GET", "/tokens")
    ]
    print("\n".join(text_table(("name", "role", "created", "expires"), rows)))
    return 0


def revoke(options: argparse.Namespace) -> int:
    """Revoke a token."""
    NodeClient(options.node, options.jwt).json("DELETE", f"/tokens/{quote(options.name, safe='')}")
    print(f"{options.name} revoked")
    return 0


def actions(options: argparse.Namespace) -> int:
    """Print what people did on the node, the latest last."""
    node = NodeClient(options.node, options.jwt)
    params = {"reverse": "true", "limit": options.limit}
    path = f"/datasets/{quote('system:actions', safe='')}/entities"
    for each in reversed(node.json("GET", path, params=params, missing=[])):
        print(action_line(each))
    return 0


def action_line(each: Json) -> str:
    """`2026-… finance (operator) pump: disable customerp-contact-share: until Monday`."""
    target = f" {each['target']}" if each.get("target") else ""
    details = each.get("details") or {}
    told = ", ".join(str(details[name]) for name in ("comment", "entity_id", "names") if name in details)
    answer = each["answer"]
    ended = "" if answer["status"] == "ok" else f" ({answer['status']}: {answer['code']})"
    who = f"{each['when']} {each['who']} ({each['role']})"
    return f"{who} {each['action']}{target}{f': {told}' if told else ''}{ended}"


def _expires(token: Json) -> str:
    return f"{token['expires'] or 'never'}{' (expired)' if token['expired'] else ''}"
