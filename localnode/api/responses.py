"""Build responses: JSON values, and arrays of entities that are streamed as they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

import orjson
from flask import Response, stream_with_context

CHUNK = 64 * 1024


def render(value: object) -> bytes:
    """Return JSON text in the value's own key order; integers may have any size."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, allow_nan=False).encode("ascii")


def as_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with one JSON value; key order is kept."""
    response = Response(render(value), status, content_type="application/json")
    response.headers.update(headers or {})
    return response


def entity_array(entities: Iterable[dict[str, object]], headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON array, streamed.

    The first entity is read before the status is chosen, so that early errors are reported with their status.
    """
    source = iter(entities)
    first = next(source, None)
    response = Response(stream_with_context(_chunks(first, source)), content_type="application/json")
    response.headers.update(headers or {})
    return response


def _chunks(first: dict[str, object] | None, rest: Iterator[dict[str, object]]) -> Iterator[bytes]:
    if first is None:
        yield b"[]"
        return
    buffer = bytearray(b"[" + render(first))
    for entity in rest:
        buffer += b","
        buffer += render(entity)
        if len(buffer) > CHUNK:
            yield bytes(buffer)
            buffer.clear()
    buffer += b"]"
    yield bytes(buffer)
