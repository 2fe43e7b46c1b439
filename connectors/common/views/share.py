"""`POST /<datatype>/share`: accept desired states and return the outcome of each."""

from __future__ import annotations

from flask import Blueprint, Response, request

from connectors.common.query import flag
from connectors.common.service import runtime
from connectors.common.views.bodies import entities_of
from connectors.common.views.counted import counted
from core import dry_run, jsonio

bp = Blueprint("share", __name__)


@bp.post("/<datatype>/share")
def share(datatype: str) -> Response:
    """Return an array with the same order and length as the request, see `connectors.common.share`.

    `dry_run=true` writes nothing: everything is read, compared and checked, and each answer says what would
    be done (`$dry_run: true`), with the resulting record as `$response`. The header `Dry-Run: true` marks
    such an answer.
    """
    parts = runtime()
    kind = parts.datatype(datatype)
    if flag(request.args, dry_run.PARAMETER):
        answers = parts.engine.share(kind.dry_run, entities_of(request))
        headers = {dry_run.HEADER: "true"}
    else:
        with counted(kind.name):
            answers = parts.engine.share(kind, entities_of(request))
        headers = {}
    return Response(jsonio.dumps(answers), mimetype="application/json", headers=headers)
