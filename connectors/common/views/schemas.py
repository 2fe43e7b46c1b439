"""`GET /schemas/<datatype>`: the JSON Schema of a datatype."""

from __future__ import annotations

from flask import Blueprint, Response

from connectors.common.service import runtime
from core import jsonio

bp = Blueprint("schemas", __name__)


@bp.get("/schemas/<datatype>")
def schema(datatype: str) -> Response:
    """Return JSON Schema 2020-12: `required` applies to inserts, `readOnly` properties cannot be written."""
    found = runtime().datatype(datatype).schema
    return Response(jsonio.dumps(found), mimetype="application/schema+json")
