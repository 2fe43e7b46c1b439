"""The ERP's JSON API below `/api/v1`: lists, single records, writes and the conversion of a quote."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
from flask import Blueprint, Response, request

from core.jsonio import Json
from sandbox.common.state import Record, State
from sandbox.erp import records
from sandbox.erp.fields import TYPES, RecordType
from sandbox.erp.lists import list_records
from sandbox.erp.problems import ProblemResponse

PREFIX = "/api/v1"
TOKEN = "sandbox"  # noqa: S105 - no secret: the sandbox listens on loopback only
MAX_BODY = 1_000_000


def create_api(state: State) -> Blueprint:
    """Return the blueprint; every route wants `Authorization: Bearer sandbox`."""
    api = Blueprint("api", __name__, url_prefix=PREFIX)

    @api.before_request
    def authorise() -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise ProblemResponse(401, "Unauthorized", "send the header Authorization: Bearer <token>")

    for record_type in TYPES.values():
        _add_routes(api, state, record_type)

    @api.post("/quotes/<record_id>/convert")
    def convert(record_id: str) -> Response:
        if request.get_data():
            _body()
        today = datetime.now(UTC).date().isoformat()
        with state.write() as tx:
            order = records.convert(tx, record_id, today, request.headers.get("If-Match"))
        return _created(TYPES["order"], order)

    return api


def _add_routes(api: Blueprint, state: State, record_type: RecordType) -> None:
    kind, path = record_type.name, record_type.path

    def show_list() -> Response:
        return _json(list_records(state, kind, request.args))

    def create() -> Response:
        body = _body()
        with state.write() as tx:
            record = records.create(tx, kind, body)
        return _created(record_type, record)

    def show(record_id: str) -> Response:
        include_deleted = request.args.get("include_deleted") == "true"
        return _record(records.existing(state, kind, record_id, include_deleted))

    def update(record_id: str) -> Response:
        body = _body()
        with state.write() as tx:
            return _record(records.update(tx, kind, record_id, body, request.headers.get("If-Match")))

    def delete(record_id: str) -> Response:
        with state.write() as tx:
            records.delete(tx, kind, record_id, request.headers.get("If-Match"))
        return Response(status=204)

    api.add_url_rule(f"/{path}", f"list_{path}", show_list, methods=["GET"])
    api.add_url_rule(f"/{path}", f"create_{path}", create, methods=["POST"])
    api.add_url_rule(f"/{path}/<record_id>", f"show_{path}", show, methods=["GET"])
    api.add_url_rule(f"/{path}/<record_id>", f"update_{path}", update, methods=["PATCH"])
    api.add_url_rule(f"/{path}/<record_id>", f"delete_{path}", delete, methods=["DELETE"])


def _body() -> Json:
    if request.mimetype not in ("application/json", "application/merge-patch+json"):
        raise ProblemResponse(415, "Unsupported media type", "send Content-Type: application/json")
    if (request.content_length or 0) > MAX_BODY:
        raise ProblemResponse(413, "Content too large", f"the body may have {MAX_BODY} bytes")
    try:
        body = orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:
        raise ProblemResponse(400, "Bad request", f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ProblemResponse(400, "Bad request", "the body must be a JSON object")
    return body


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, content_type="application/json; charset=utf-8")


def _record(record: Record, status: int = 200) -> Response:
    response = _json(record, status)
    response.headers["ETag"] = f'"{record["version"]}"'
    return response


def _created(record_type: RecordType, record: Record) -> Response:
    response = _record(record, 201)
    response.headers["Location"] = f"{PREFIX}/{record_type.path}/{record['id']}"
    return response
