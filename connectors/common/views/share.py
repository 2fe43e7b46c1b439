"""`POST /<datatype>/share`: desired states in, what became of each out."""

from __future__ import annotations

from flask import Blueprint, Response, request

from connectors.common import jsonio
from connectors.common.service import runtime
from connectors.common.views.bodies import entities_of

bp = Blueprint("share", __name__)


@bp.post("/<datatype>/share")
def share(datatype: str) -> Response:
    """An array of the same order and length as the request's; see `connectors.common.share`."""
    parts = runtime()
    kind = parts.datatype(datatype)
    answers = parts.engine.share(kind, entities_of(request))
    return Response(jsonio.dumps(answers), mimetype="application/json")
