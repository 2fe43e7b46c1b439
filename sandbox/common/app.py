"""The Flask app that both sandboxes start from: control surface, faults, counters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask, Response

from core.clock import now_us
from sandbox.common.control import FAULTS_SETTING, create_control, use_faults
from sandbox.common.data import LoadData
from sandbox.common.faults import Faults, FaultSettings
from sandbox.common.hooks import MakeError, install_hooks
from sandbox.common.state import State
from sandbox.common.stats import Stats

CLOCK = "sandbox_clock"
"""The app extension that gives the system's own time, Unix seconds, which a fault may have set wrong."""


def create_sandbox_app(
    name: str,
    state: State,
    load_demo: LoadData,
    make_error: MakeError,
    blocks_reads: Callable[[], bool] = lambda: False,
) -> Flask:
    """Return an app with `/_sandbox/…`.

    Add the API below `/api/`, whose requests are counted and get the faults.

    `load_demo(tx, seed)` fills an empty state; `make_error(status, sentence)` builds the imitated system's
    own answer for a throttled (429) or failing (500, 503) request. `blocks_reads`: whether it refuses
    reads alone, for a while, once its rate was exceeded.
    """
    app = Flask(name)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    stats = Stats(state)
    faults = Faults()
    use_faults(state, faults, FaultSettings.parse(state.setting(FAULTS_SETTING) or {}))
    install_hooks(app, faults, stats, make_error, blocks_reads)
    app.extensions[CLOCK] = lambda: (now_us() + state.clock_skew_us) / 1e6
    app.after_request(lambda response: _dated(response, app.extensions[CLOCK]()))
    app.register_blueprint(create_control(name, state, faults, stats, load_demo))
    return app


def _dated(response: Response, now: float) -> Response:
    """Return a `Date` by the system's own clock."""
    response.date = datetime.fromtimestamp(now, UTC)
    return response
