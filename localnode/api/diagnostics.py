"""`/api/diagnostics`: plan, explain, verify, findings and decisions."""

from __future__ import annotations

from flask import Blueprint, Response, request

from core.jsonio import Json
from localnode import codec
from localnode.api import parsing
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.diagnostics.compare import compare
from localnode.diagnostics.decide import decisions, foresee, foresee_commit
from localnode.diagnostics.explain import explain
from localnode.diagnostics.findings import findings, summary
from localnode.diagnostics.names import Labels
from localnode.diagnostics.plan import LIMIT, SECONDS, plan
from localnode.diagnostics.verify import verify
from localnode.errors import BadRequest

diagnostics = Blueprint("diagnostics", __name__, url_prefix="/api/diagnostics")


@diagnostics.get("/explain/<system>/<datatype>/<path:key>")
def explain_record(system: str, datatype: str, key: str) -> Response:
    """Return why a record is as it is, see `localnode.diagnostics.explain`; `property` limits it to one."""
    found = explain(node().store, node().config, system, datatype, key, request.args.get("property") or None)
    return as_json(found)


@diagnostics.get("/findings")
def get_findings() -> Response:
    """Return what needs attention now.

    `state` (ok, warning, error), `counts` by kind, and the `findings`, see `localnode.diagnostics.findings`.
    """
    found = findings(node())
    listed = [each.as_json() for each in found]
    return as_json({**summary(found), "findings": listed, "systems": Labels.of(node().config).systems})


@diagnostics.post("/plan")
def make_plan() -> Response:
    """Return what a run would do, see `localnode.diagnostics.plan`.

    `limit` (10000) bounds the lists, not the counts. The plan may take `max_run_time` (900) seconds. With the
    form field `file`, an archive as for an upload, and `env`, a JSON object of variables, the answer is what
    that configuration would produce from the data collected so far, see `localnode.diagnostics.compare`.
    """
    archive = request.files.get("file")
    if archive is None:
        return as_json(plan(node(), *_bounds()))
    return as_json(compare(node(), archive.read(), _variables(), *_bounds()))


def _variables() -> Json | None:
    text = request.form.get("env")
    if text is None:
        return None
    try:
        value = codec.parse(text.encode())
    except codec.MalformedJson as error:
        raise BadRequest(f'the field "env" is not JSON: {error}') from error
    if not isinstance(value, dict):
        raise BadRequest('the field "env" must be a JSON object')
    return value


@diagnostics.post("/decisions")
def foresee_decisions() -> Response:
    """Return what a person's request would lead to, without deciding or writing anything.

    The body is `{"decisions": [entities for the receiver `decisions`], "effects": …}`, see
    `localnode.diagnostics.decide`. With `effects=false` the effects are left out, which is faster.
    `{"action": "commit", "dataset": id}` shows what a tripped circuit breaker would let through.
    """
    asked = parsing.json_object()
    _, seconds = _bounds()
    if asked.get("action") == "commit":
        return as_json(
            {"decisions": [], "effects": foresee_commit(node(), str(asked.get("dataset")), seconds)}
        )
    found = decisions(node(), asked)
    wanted = parsing.flag("effects", True)
    return as_json({"decisions": found, "effects": foresee(node(), found, seconds) if wanted else None})


@diagnostics.post("/verify")
def verify_systems() -> Response:
    """Return whether both sides agree, see `localnode.diagnostics.verify`.

    `limit` and `max_run_time` as for plans.
    """
    return as_json(verify(node(), *_bounds()))


def _bounds() -> tuple[int, float]:
    seconds = parsing.number("max_run_time", int(SECONDS), minimum=1)
    return parsing.number("limit", LIMIT) or 0, float(seconds or SECONDS)
