"""The node behind the application that handles this request."""

from __future__ import annotations

from flask import Flask, current_app

from localnode.alerts.watch import AlertWatch
from localnode.node import Node

_KEY, _ALERTS = "localnode", "localnode-alerts"


def attach(app: Flask, node: Node) -> None:
    """Make `node` the one that `app` serves."""
    app.extensions[_KEY] = node


def attach_alerts(app: Flask, watch: AlertWatch) -> None:
    """Make `watch` the one that tells of the node of `app`."""
    app.extensions[_ALERTS] = watch


def alerts_of(app: Flask) -> AlertWatch:
    """Return the watch of an application."""
    found: AlertWatch = app.extensions[_ALERTS]
    return found


def node() -> Node:
    """Return the node of the present request."""
    found: Node = current_app.extensions[_KEY]
    return found
