"""The node behind the application that handles this request."""

from __future__ import annotations

from flask import Flask, current_app

from localnode.node import Node

_KEY = "localnode"


def attach(app: Flask, node: Node) -> None:
    """Make `node` the one that `app` serves."""
    app.extensions[_KEY] = node


def node() -> Node:
    """Return the node of the present request."""
    found: Node = current_app.extensions[_KEY]
    return found
