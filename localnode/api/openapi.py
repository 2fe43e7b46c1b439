"""`/api/openapi.json`: the node's API as OpenAPI describes it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, current_app

from core.openapi import Api, Schema, document
from localnode.api.current import node
from localnode.api.responses import as_json

openapi = Blueprint("openapi", __name__, url_prefix="/api")

_FLAG: Schema = {"type": "boolean"}
_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
PARAMETERS: Mapping[str, Schema] = {
    **dict.fromkeys(
        (
            "check_input_pipes",
            "delete_input_datasets",
            "deleted",
            "force",
            "history",
            "include-internal-datasets",
            "is_first",
            "is_full",
            "is_last",
            "output_run_statistics",
            "populated",
            "reset_pipes_and_delete_sink_datasets",
            "reverse",
            "uncommitted",
            "verbose",
        ),
        _FLAG,
    ),
    **dict.fromkeys(("extra_zero_runs", "limit", "max_run_time", "max_runs", "terminate_timeout"), _COUNT),
    **dict.fromkeys(
        (
            "entity_id",
            "offset",
            "previous_request_id",
            "property",
            "request_id",
            "request_mode",
            "sequence_id",
            "since",
            "subset",
        ),
        _TEXT,
    ),
}
"""Query parameters of the API, wherever a call takes them."""


@openapi.get("/openapi.json")
def describe() -> Response:
    """Return the OpenAPI 3.1 document of this node: every path, with its parameters."""
    api = Api(
        title="local Sesam node",
        version=node().version,
        description="Upload configs, run pipes, read datasets, and see what became of every record.",
        parameters=PARAMETERS,
        security="bearer",
    )
    return as_json(document(current_app, api))
