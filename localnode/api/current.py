"""Hold the node behind the application that handles the present request."""

from __future__ import annotations

from flask import Flask, current_app

from localnode.alerts.watch import AlertWatch
from localnode.node import Node

_KEY, _ALERTS = "localnode", "localnode-alerts"


def attach(app: Flask, node: Node) -> None:
    """Make `node` the node that `app` serves."""
    app.extensions[_KEY] = node


def attach_alerts(app: Flask, watch: AlertWatch) -> None:
    """Make `watch` the watch that sends the alerts of `app`'s node."""
    app.extensions[_ALERTS] = watch


def alerts_of(app: Flask) -> AlertWatch:
    """Return the alert watch of an application."""
    found: AlertWatch = app.extensions[_ALERTS]
    return found


def node() -> Node:
    """Return the node of the present request."""
    found: Node = current_app.extensions[_KEY]
    return found
