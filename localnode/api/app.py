"""The application: one blueprint per resource, one error shape, one token."""

from __future__ import annotations

import os

from flask import Flask

from localnode.alerts.watch import AlertWatch
from localnode.api import actions, auth, current
from localnode.api.admin import admin
from localnode.api.alerts import alerts
from localnode.api.config import config
from localnode.api.datasets import datasets
from localnode.api.diagnostics import diagnostics
from localnode.api.errors import register_errors
from localnode.api.flow import flow
from localnode.api.metrics import metrics
from localnode.api.openapi import openapi
from localnode.api.pipes import pipes
from localnode.api.runs import runs
from localnode.api.systems import systems
from localnode.api.tokens import tokens
from localnode.node import Node
from localnode.studio import register as register_studio

MAX_FORM_FIELD = 1024 * 1024


def create_app(node: Node, token: str) -> Flask:
    """Return the WSGI application that serves `node`; `token` is the bearer token it accepts."""
    app = Flask("localnode")
    app.config["MAX_CONTENT_LENGTH"] = node.settings.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_FORM_FIELD
    current.attach(app, node)
    current.attach_alerts(app, AlertWatch(node, node.settings.name, os.environ))
    register_errors(app)
    auth.require_token(app, token, node.settings.open_loopback)
    actions.record(app)
    for blueprint in (
        admin,
        alerts,
        config,
        datasets,
        diagnostics,
        flow,
        metrics,
        openapi,
        runs,
        pipes,
        systems,
        tokens,
    ):
        app.register_blueprint(blueprint)
    app.register_blueprint(diagnostics, name="talk", url_prefix="/api/talk")  # their former address
    register_studio(app)
    return app
