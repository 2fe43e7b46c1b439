"""`GET /openapi.json`: describe this service as OpenAPI does."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, current_app

from connectors.common.service import runtime
from connectors.common.share_request import OPERATIONS
from core import dry_run, jsonio
from core.openapi import Api, Schema, components, document

bp = Blueprint("openapi", __name__)

_FLAG: Schema = {"type": "boolean"}
_TEXT: Schema = {"type": "string"}
PARAMETERS: Mapping[str, Schema] = {
    "since": _TEXT,
    "limit": {"type": "integer", "minimum": 0},
    dry_run.PARAMETER: _FLAG,
    "sequence_id": _TEXT,
    "is_full": _FLAG,
    "is_first": _FLAG,
    "is_last": _FLAG,
    "request_id": _TEXT,
    "previous_request_id": _TEXT,
}


@bp.get("/openapi.json")
def describe() -> Response:
    """Return the OpenAPI 3.1 document of this service: every path, with the schemas of its bodies."""
    service = runtime().service
    schemas = [components(name, dict(kind.schema)) for name, kind in service.datatypes.items()]
    api = Api(
        title=f"{service.name} service",
        version=service.version,
        description="Records of one system as entities for a Sesam node, and desired states back.",
        parameters=PARAMETERS,
        values={"datatype": list(service.datatypes)},
        bodies={"entities.write_all": _entities, "share.share": _share},
        schemas={name: schema for each in schemas for name, schema in each.items()},
        security="basic" if service.settings.username is not None else None,
    )
    return Response(jsonio.dumps(document(current_app, api)), mimetype="application/json")


def _entities(path: Mapping[str, str]) -> Schema:
    return _array(path["datatype"], {})


def _share(path: Mapping[str, str]) -> Schema:
    special: dict[str, Schema] = {
        "$operation": {"enum": list(OPERATIONS)},
        "$origin": _TEXT,
        "$based_on": {"type": "object"},
        "$based_on_properties": {"type": "array", "items": _TEXT},
    }
    return _array(path["datatype"], special)


def _array(datatype: str, special: Mapping[str, Schema]) -> Schema:
    """Return the schema of a list of entities: their datatype's properties, and the `$…` properties."""
    names = runtime().datatype(datatype).schema.get("properties", {})
    own = {name: {"$ref": f"#/components/schemas/{datatype}/properties/{name}"} for name in names}
    properties = {**own, "_id": _TEXT, "_deleted": _FLAG, **special}
    return {"type": "array", "items": {"type": "object", "required": ["_id"], "properties": properties}}
