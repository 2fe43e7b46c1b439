"""`/api/talk`: what the flow makes of records, told to people. The shapes are with the functions."""

from __future__ import annotations

from flask import Blueprint, Response, request

from localnode.api import parsing
from localnode.api.answers import as_json
from localnode.api.current import node
from localnode.talk.explain import explain
from localnode.talk.plan import LIMIT, plan
from localnode.talk.verify import verify

talk = Blueprint("talk", __name__, url_prefix="/api/talk")


@talk.get("/explain/<system>/<datatype>/<path:key>")
def explain_record(system: str, datatype: str, key: str) -> Response:
    """Why a record is as it is, see `localnode.talk.explain`; `property` limits it to one."""
    found = explain(node().store, node().config, system, datatype, key, request.args.get("property") or None)
    return as_json(found)


@talk.post("/plan")
def make_plan() -> Response:
    """What a run would do, see `localnode.talk.plan`; `limit` (10000) bounds the lists, not the counts."""
    return as_json(plan(node(), parsing.number("limit", LIMIT) or 0))


@talk.post("/verify")
def verify_systems() -> Response:
    """Whether both sides agree, see `localnode.talk.verify`; `limit` (10000) bounds the lists."""
    return as_json(verify(node(), parsing.number("limit", LIMIT) or 0))
