"""What the ERP stores otherwise than it was sent: `GET|PUT /_sandbox/rewriting`."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from core.origin import is_foreign
from sandbox.common.rewriting import REWRITES, is_known
from sandbox.common.state import State
from sandbox.erp.problems import ProblemResponse
from sandbox.erp.records import REWRITING_SETTING


def create_rewriting_control(state: State) -> Blueprint:
    """Return the blueprint; rules are kept in the state file, also when the data are loaded afresh."""
    control = Blueprint("rewriting", __name__, url_prefix="/_sandbox")

    @control.before_request
    def keep_out() -> tuple[Response, int] | None:
        return (jsonify(error="other sites are not welcome"), 403) if is_foreign(request) else None

    @control.get("/rewriting")
    def show() -> Response:
        return jsonify(state.setting(REWRITING_SETTING) or {})

    @control.put("/rewriting")
    def replace() -> Response:
        rules = request.get_json(force=True, silent=True)
        if not isinstance(rules, dict) or not is_known(rules):
            known = ", ".join(sorted(REWRITES))
            detail = f'the body must be like {{"contact/phone": ["blanks"]}}; rewrites are {known}'
            raise ProblemResponse(400, "Bad request", detail)
        with state.write() as tx:
            tx.set_setting(REWRITING_SETTING, rules)
        return jsonify(rules)

    return control
