"""Read request bodies: JSON with a JSON media type, and not too large."""

from __future__ import annotations

from flask import Request
from werkzeug.exceptions import ClientDisconnected

from connectors.common.datatype import Entity
from connectors.common.errors import BadRequest, TooSlow, WrongMediaType
from connectors.common.in_flight import IN_FLIGHT, LARGE
from core import jsonio
from core.http_worker import BadFraming, waiting_here
from core.jsonio import type_name

MOST_VALUES = 300_000
"""Values of one body; as Python objects each takes 60 bytes or more."""

_PATIENCE = 30.0
"""Seconds that a large request waits for others to be done."""


def json_of(request: Request, any_bytes: bool = False) -> object:
    """Return the body's JSON value; with `any_bytes`, U+FFFD replaces bytes that are not UTF-8.

    Raises `WrongMediaType`, `TooSlow` or `BadRequest`, or 413 from Flask while reading.
    """
    kind = request.mimetype
    if kind != "application/json" and not kind.endswith("+json"):
        raise WrongMediaType("the body must be sent as application/json", rule="content-type")
    text = read(request)
    return parse(text.decode(errors="replace").encode() if any_bytes else text)


def parse(text: bytes) -> object:
    """Return the JSON value of a text; `BadRequest` if it is invalid, nested too deep, or too large."""
    if jsonio.values_in(text) > MOST_VALUES:
        raise BadRequest(f"the body has more than {MOST_VALUES} values; send fewer at a time", rule="values")
    try:
        return jsonio.loads(text)
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {_place(error)}", rule="json") from None


def read(request: Request) -> bytes:
    """Return the body; `TooSlow` if the rest does not arrive, `BadRequest` if its framing is wrong."""
    size = request.content_length
    with waiting_here():
        IN_FLIGHT.body(LARGE + 1 if size is None else size, _PATIENCE)
    try:
        body = request.get_data(cache=False)
    except BadFraming as error:
        raise BadRequest(f"the body's framing is wrong ({type(error).__name__})", rule="framing") from None
    except (OSError, ClientDisconnected):
        raise TooSlow("the rest of the body did not come", rule="REQUEST_TIMEOUT_SECONDS") from None
    IN_FLIGHT.text(body, _PATIENCE)
    return body


def entities_of(request: Request) -> list[Entity]:
    """Return the body's entities; raises the same errors as `json_of`."""
    body = json_of(request)
    if not isinstance(body, list):
        raise BadRequest(f"the body must be a JSON array of entities, not {type_name(body)}", rule="array")
    for index, entity in enumerate(body):
        if not isinstance(entity, dict):
            raise BadRequest(
                f"entity {index} must be an object, not {type_name(entity)}", field=f"/{index}", rule="object"
            )
    return body


def _place(error: ValueError) -> str:
    """Return line and column of a JSON error, without the text around it."""
    line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
    return f"line {line}, column {column}" if line else "not UTF-8 text, or nested too deep"
