"""Reading request bodies: a JSON array of objects, sent as JSON, not too large."""

from __future__ import annotations

from flask import Request

from connectors.common import jsonio
from connectors.common.datatype import Entity
from connectors.common.errors import BadRequest, WrongMediaType
from connectors.common.jsonio import type_name


def entities_of(request: Request) -> list[Entity]:
    """The body's entities; `WrongMediaType`, `BadRequest`, or 413 from Flask while reading."""
    kind = request.mimetype
    if kind != "application/json" and not kind.endswith("+json"):
        raise WrongMediaType("the body must be sent as application/json", rule="content-type")
    try:
        body = jsonio.loads(request.get_data(cache=False))
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {_place(error)}", rule="json") from None
    if not isinstance(body, list):
        raise BadRequest(f"the body must be a JSON array of entities, not {type_name(body)}", rule="array")
    for index, entity in enumerate(body):
        if not isinstance(entity, dict):
            raise BadRequest(
                f"entity {index} must be an object, not {type_name(entity)}", field=f"/{index}", rule="object"
            )
    return body


def _place(error: ValueError) -> str:
    """Line and column of a JSON error, without the text around it."""
    line, column = getattr(error, "lineno", None), getattr(error, "colno", None)
    return f"line {line}, column {column}" if line else "not UTF-8 text"
