"""`/api/alerts`: the alerts that people were sent, and their channels."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from localnode.api import parsing
from localnode.api.current import alerts_of
from localnode.api.responses import as_json

alerts = Blueprint("alerts", __name__, url_prefix="/api/alerts")


@alerts.get("")
def list_alerts() -> Response:
    """Return the alerts that are firing (`firing`), and those that are not old enough yet (`coming`).

    `channels` has for each channel how it notifies people, the messages that wait, when the last message was
    `sent`, and the last `error`. `file` is the file with the rules, with its `problem` if the present version
    cannot be used.
    """
    return as_json(alerts_of(current_app).as_json())


@alerts.post("/test")
def try_channels() -> Response:
    """Send a test message over every channel, or the one with the id `channel`; return the results."""
    return as_json(alerts_of(current_app).try_channels(parsing.form().get("channel") or None))
