"""`GET` and `POST /<datatype>/entities`, `GET /<datatype>/entities/<id>`."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, request

from connectors.common import call_counter, entity_text
from connectors.common.datatype import Datatype, Entity
from connectors.common.errors import BadRequest, ServiceError
from connectors.common.in_flight import IN_FLIGHT
from connectors.common.pushing import push
from connectors.common.service import Runtime, runtime
from connectors.common.transit import escaped, unescaped
from connectors.common.views.bodies import entities_of
from connectors.common.views.counted import counted
from core import jsonio

bp = Blueprint("entities", __name__)


@bp.get("/<datatype>/entities")
def read_all(datatype: str) -> Response:
    """Return a JSON array, one chunk per upstream page.

    `since` (the `_updated` of an entity) leaves out entities that have not changed later, `limit` ends the
    array early.

    The first page is read before the status is sent, so an upstream that fails at once gets its proper
    status. If it fails later, the connection is closed without closing the array, so no reader can take it
    for complete.
    """
    parts = runtime()
    kind = parts.datatype(datatype)
    pages = kind.pages(request.args.get("since") or None, _limit(request.args.get("limit")))
    first = next(pages, None)
    body = _stream(parts, kind, first, pages)
    return Response(body, mimetype="application/json", headers={"X-Dataset-Populated": "true"})


@bp.get("/<datatype>/entities/<path:key>")
def read_one(datatype: str, key: str) -> Response:
    """Return one entity, fresh from upstream; 404 if it does not exist, 422 if it cannot be represented."""
    kind = runtime().datatype(datatype)
    entity = kind.entity(kind.fetch(unescaped(key)))
    entity_text.check(entity, entity["_id"])
    return Response(jsonio.dumps(escaped(entity)), mimetype="application/json")


@bp.post("/<datatype>/entities")
def write_all(datatype: str) -> Response:
    """Accept a JSON push, see `connectors.common.push`; `{}`, or 422 with what was not written.

    A full push is a sequence of requests: `sequence_id`, `is_full`, `is_first`, `is_last`, `request_id` and
    `previous_request_id` say which of them this one is.
    """
    parts = runtime()
    kind = parts.datatype(datatype)
    with counted(kind.name):
        push(parts, kind, request.args, entities_of(request))
    return Response(b"{}", mimetype="application/json")


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise BadRequest("limit must be a whole number, 0 or more", field="limit", rule="integer")
    return int(text)


def _stream(
    parts: Runtime, kind: Datatype, first: list[Entity] | None, rest: Iterator[list[Entity]]
) -> Iterator[bytes]:
    """Yield the array in chunks: `[a,b`, `,c,d`, …, `]`."""
    metrics, calls, records = parts.service.metrics, call_counter.present(), 0
    count = metrics.entities_read.labels(kind.name)
    opening, page = b"[", first
    try:
        while page is not None:
            if page:
                yield opening + entity_text.text_of(page)[1:-1]
                count.inc(len(page))
                records += len(page)
                opening = b","
            page = next(rest, None)
    except ServiceError as error:
        parts.service.metrics.broken_streams.labels(kind.name).inc()
        parts.log.error("read cut off: upstream failed midway", extra={"members": error.as_dict()})
        raise
    finally:
        IN_FLIGHT.end()
    outcome = "records" if records else "idle"
    metrics.reads.labels(kind.name, outcome).inc()
    metrics.read_calls.labels(kind.name, outcome).inc(calls.reads)
    yield b"[]" if opening == b"[" else b"]"
