"""`/api/alerts`: what people have been told, and the channels that they are told by."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from localnode.api import parsing
from localnode.api.current import alerts_of
from localnode.api.responses import as_json

alerts = Blueprint("alerts", __name__, url_prefix="/api/alerts")


@alerts.get("")
def list_alerts() -> Response:
    """Show what people were told and is not over (`firing`), and what is not for long enough (`coming`).

    `channels`: how they are told, what waits for them, when something was `sent` and the last `error`; `file`
    with the rules and its `problem`, if the present one cannot be used.
    """
    return as_json(alerts_of(current_app).as_json())


@alerts.post("/test")
def try_channels() -> Response:
    """Send a message over every channel, or the one whose id is `channel`, and answer what became of it."""
    return as_json(alerts_of(current_app).try_channels(parsing.form().get("channel") or None))
