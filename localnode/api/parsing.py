"""Read query parameters and bodies; every mistake is a BadRequest that names the parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from core.flags import parse_flag
from core.jsonio import Json
from localnode import codec
from localnode.errors import BadRequest

LARGEST = (1 << 63) - 1
"""Larger numbers mean the same: no entity has such an offset, and nobody wants so many."""


def flag(name: str, default: bool, values: Mapping[str, str] | None = None) -> bool:
    """Return a boolean in any case ("True", "false")."""
    text = (request.args if values is None else values).get(name)
    if text is None or text == "":
        return default
    try:
        return parse_flag(text)
    except ValueError as error:
        raise BadRequest(f'the parameter "{name}" {error}, not "{text}"') from None


def optional_flag(name: str) -> bool | None:
    """Return a boolean like `flag`, None if it is absent."""
    return flag(name, False) if request.args.get(name) else None


def number(name: str, default: int | None, minimum: int = 0) -> int | None:
    """Return a whole number of at least `minimum`."""
    text = request.args.get(name)
    if text is None or text == "":
        return default
    try:
        value = int(text)
    except ValueError:
        raise BadRequest(f'the parameter "{name}" must be a whole number, not "{text}"') from None
    if value < minimum:
        raise BadRequest(f'the parameter "{name}" must be at least {minimum}')
    return min(value, LARGEST)


def offset(name: str = "since") -> int | None:
    """Return an offset of a dataset; None when absent or empty. Quotes around it are tolerated."""
    text = (request.args.get(name) or "").strip('"')
    if not text:
        return None
    try:
        return max(min(int(text), LARGEST), -LARGEST)
    except ValueError:
        raise BadRequest(f'the parameter "{name}" must be an offset of this dataset, not "{text}"') from None


def json_parameter(name: str) -> object:
    """Return a parameter that contains JSON; None when absent."""
    text = request.args.get(name)
    if not text:
        return None
    try:
        return codec.parse(text.encode())
    except codec.MalformedJson as error:
        raise BadRequest(f'the parameter "{name}" is not JSON: {error}') from error


def json_body() -> Any:
    """Return the request body as JSON, with exact numbers."""
    try:
        return codec.parse_exact(request.get_data(cache=False))
    except codec.MalformedJson as error:
        raise BadRequest(f"the request body is not JSON: {error}") from error


def json_object() -> dict[str, object]:
    """Return the request body as a JSON object."""
    value = json_body()
    if not isinstance(value, dict):
        raise BadRequest("the request body must be a JSON object")
    return value


def config_of(entity_id: str) -> Json:
    """Return the body as the config of one component; it may leave its `_id` out."""
    entity = json_object()
    if entity.get("_id", entity_id) != entity_id:
        raise BadRequest(f'the config\'s _id must be "{entity_id}"')
    return {"_id": entity_id, **entity}


def form() -> dict[str, str]:
    """Return the form fields, or the members of a JSON object with text values, whichever was sent."""
    if request.is_json:
        return {key: "" if value is None else str(value) for key, value in json_object().items()}
    return request.form.to_dict()
