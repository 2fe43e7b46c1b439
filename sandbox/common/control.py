"""The control surface `/_sandbox/…`: look at the counters, load data afresh, set the faults."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from core.origin import is_foreign
from sandbox.common.data import DATA_SETS, LoadData, load
from sandbox.common.faults import Faults, FaultsError, FaultSettings
from sandbox.common.state import State
from sandbox.common.stats import Stats

FAULTS_SETTING = "_faults"


class ControlError(ValueError):
    """The body of a control call is not what it must be; answered with 400 and the message."""


def create_control(name: str, state: State, faults: Faults, stats: Stats, load_data: LoadData) -> Blueprint:
    """Return the blueprint for `/_sandbox`; faults set through it are kept in the state file."""
    control = Blueprint("control", __name__, url_prefix="/_sandbox")

    @control.before_request
    def keep_out() -> tuple[Response, int] | None:
        return (jsonify(error="other sites are not welcome"), 403) if is_foreign(request) else None

    @control.get("/")
    def about() -> Response:
        return jsonify(sandbox=name, links=["/_sandbox/stats", "/_sandbox/reset", "/_sandbox/faults"])

    @control.get("/stats")
    def show_stats() -> Response:
        return jsonify(stats.as_json())

    @control.post("/reset")
    def reset() -> Response:
        data, seed = _reset_body(_json_object())
        load(state, load_data, data, seed)
        stats.clear()
        return jsonify(data=data, seed=seed)

    @control.get("/faults")
    def show_faults() -> Response:
        return jsonify(faults.settings.as_json())

    @control.put("/faults")
    def set_faults() -> Response:
        try:
            settings = FaultSettings.parse(_json_object())
        except FaultsError as error:
            raise ControlError(str(error)) from error
        with state.write() as tx:
            tx.set_setting(FAULTS_SETTING, settings.as_json())
        use_faults(state, faults, settings)
        return jsonify(settings.as_json())

    @control.errorhandler(ControlError)
    def refused(error: ControlError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 400

    return control


def use_faults(state: State, faults: Faults, settings: FaultSettings) -> None:
    """Make settings effective for requests, for lists and for the clock."""
    faults.apply(settings)
    state.list_lag_s = settings.list_lag_s
    state.clock_skew_us = int(settings.clock_skew_s * 1_000_000)


def _json_object() -> dict[str, object]:
    if not request.get_data():
        return {}
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    return body


def _reset_body(body: dict[str, object]) -> tuple[str, int]:
    unknown = set(body) - {"data", "seed"}
    if unknown:
        raise ControlError(f"unknown property {sorted(unknown)[0]!r}; known are data, seed")
    data, seed = body.get("data", "demo"), body.get("seed", 1)
    if data not in DATA_SETS:
        raise ControlError(f"data must be one of {', '.join(DATA_SETS)}")
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ControlError("seed must be a whole number")
    return data, seed
