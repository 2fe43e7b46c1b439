"""The sandbox ERP's Flask app."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from core.problem import http_problem
from sandbox.common.app import create_sandbox_app
from sandbox.common.data import load
from sandbox.common.demodata import erp_demo
from sandbox.common.pages import create_styles
from sandbox.common.state import State, Transaction
from sandbox.erp.admin import create_admin
from sandbox.erp.api import create_api
from sandbox.erp.control import create_rewriting_control
from sandbox.erp.problems import ProblemResponse
from sandbox.erp.records import index_keys, load_record
from sandbox.erp.webhooks import Webhooks


def create_app(state_file: Path, data: str = "demo", seed: int = 1) -> Flask:
    """Return the app over a state file; a new file is filled with the `demo` or `empty` data set first."""
    state = State(state_file, index_keys())
    if state.is_new:
        load(state, load_demo, data, seed)
    app = create_sandbox_app("erp", state, load_demo, _injected)
    app.register_blueprint(create_api(state))
    app.register_blueprint(create_styles())
    app.register_blueprint(Webhooks(state).blueprint())
    app.register_blueprint(create_admin(state))
    app.register_blueprint(create_rewriting_control(state))
    app.register_error_handler(ProblemResponse, lambda problem: problem.response())
    app.register_error_handler(HTTPException, http_problem)
    return app


def load_demo(tx: Transaction, seed: int) -> None:
    """Store the demo data of a seed, each record checked like any other write."""
    for kind, bodies in erp_demo(seed).items():
        for body in bodies:
            load_record(tx, kind, body)


def _injected(status: int, sentence: str) -> Response:
    titles = {429: "Too many requests", 500: "Internal server error", 503: "Service unavailable"}
    return ProblemResponse(status, titles[status], sentence).response()
