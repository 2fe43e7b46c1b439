"""`/api/receivers` and `/api/publishers`: entities into the node and out of it."""

from __future__ import annotations

from itertools import chain, islice

from flask import Blueprint, Response, request, stream_with_context

from localnode import codec
from localnode.api import actions, parsing
from localnode.api.current import node
from localnode.api.permissions import is_audited
from localnode.api.responses import as_json, entity_array
from localnode.errors import BadRequest
from localnode.node import PushRequest, token
from localnode.pipes import PartlyRefused

flow = Blueprint("flow", __name__, url_prefix="/api")


@flow.post("/receivers/<pipe_id>/entities")
@flow.put("/receivers/<pipe_id>/entities")
def receive(pipe_id: str) -> Response:
    """Accept entities by the JSON push protocol; they are stored when this answers.

    An entity that cannot be read, has no usable `_id`, or fails in a transform or the sink is refused alone.
    The answer is then 400 and says how many others were `stored` and which were `refused`, and why. A full
    sequence is refused whole.

    Parameters: `sequence_id`, `is_full`, `is_first`, `is_last`, `request_id`, `previous_request_id`; header:
    `X-Dataset-Completeness` (µs).
    """
    pushed = PushRequest(
        request.args.to_dict(), dict(request.headers.items()), request.base_url, _completeness()
    )
    body = request.get_data(cache=False)
    try:
        answer = node().pipe(pipe_id).receive(body, pushed)
    except PartlyRefused as error:
        if is_audited(pipe_id):
            actions.keep(list(error.taken))
        raise
    if is_audited(pipe_id):
        sent = codec.parse(body)
        actions.keep(sent if isinstance(sent, list) else [sent])
    return as_json(answer)


@flow.get("/publishers/<pipe_id>/entities")
@flow.get("/publishers/<pipe_id>/entities/<filename>")
def publish_json(pipe_id: str, filename: str | None = None) -> Response:
    """Return the entities of a pipe with an http_endpoint sink, computed now.

    Query parameters are bound to `_B`; `since` and `limit` are for paging.
    """
    pipe = node().pipe(pipe_id)
    publisher = pipe.publisher("http_endpoint")
    since, limit = token(request.args.get("since", "")), parsing.number("limit", None)
    headers = {"X-Dataset-Filtered": "true"} if publisher.is_filtered else {}
    response = entity_array(publisher.publish(since, limit, request.args.to_dict()), headers)
    sink = pipe.component.effective["sink"]
    return _named(response, filename or sink.get("filename"), sink.get("content_disposition", "attachment"))


@flow.get("/publishers/<pipe_id>/csv")
@flow.get("/publishers/<pipe_id>/csv/<filename>")
def publish_csv(pipe_id: str, filename: str | None = None) -> Response:
    """Return the entities of a pipe with a csv_endpoint sink, computed now."""
    pipe = node().pipe(pipe_id)
    rows = pipe.publisher("csv_endpoint").publish_file(params=request.args.to_dict())
    first = next(rows, b"")
    sink = pipe.component.effective["sink"]
    content_type = f"text/csv; charset={sink.get('encoding', 'utf-8')}"
    response = Response(stream_with_context(chain([first], rows)), content_type=content_type)
    return _named(response, filename or sink.get("filename"), "attachment")


@flow.get("/publishers/<pipe_id>/xml")
@flow.get("/publishers/<pipe_id>/xml/<filename>")
def publish_xml(pipe_id: str, filename: str | None = None) -> Response:
    """Return the entities of a pipe with an xml_endpoint sink, computed now.

    `since` and `limit` are for paging.
    """
    pipe = node().pipe(pipe_id)
    publisher = pipe.publisher("xml_endpoint")
    since, limit = token(request.args.get("since", "")), parsing.number("limit", None)
    parts = publisher.publish_file(since, limit, request.args.to_dict())
    first = b"".join(islice(parts, 3))
    response = Response(
        stream_with_context(chain([first], parts)), content_type="application/xml; charset=utf-8"
    )
    sink = pipe.component.effective["sink"]
    return _named(response, filename or sink.get("filename"), sink.get("content_disposition", "attachment"))


@flow.get("/publishers/<pipe_id>/<kind>")
def publish_other(pipe_id: str, kind: str) -> Response:
    """Refuse formats that this node cannot produce."""
    node().pipe(pipe_id)
    raise BadRequest(f'this node publishes "entities", "csv" and "xml", not "{kind}"')


def _completeness() -> int | None:
    text = request.headers.get("X-Dataset-Completeness")
    if text is None:
        return None
    if not text.isdigit():
        raise BadRequest("X-Dataset-Completeness must be a whole number of microseconds")
    return int(text)


def _named(response: Response, filename: str | None, disposition: str) -> Response:
    if filename:
        response.headers.set("Content-Disposition", disposition, filename=filename)
    return response
