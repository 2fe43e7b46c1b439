"""`/api/pipes`: the pipes, their configs, pumps, logs and entities."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from localnode.api import parsing, views
from localnode.api.current import node
from localnode.api.responses import as_json, entity_array
from localnode.config.upload import entities_from_json
from localnode.errors import BadRequest
from localnode.node import token
from localnode.store import LOG_PREFIX

pipes = Blueprint("pipes", __name__, url_prefix="/api/pipes")

STAGES = ("source", "before-transforms", "after-transforms", "sink")
SINGULAR = {"before-transform": "before-transforms", "after-transform": "after-transforms"}
"""As readme.usage.md of the vendor's client has them."""


@pipes.get("")
def list_pipes() -> Response:
    """Return all pipes. `fields` chooses the parts, `verbose` adds all of them."""
    fields = _fields()
    return as_json([views.pipe_view(pipe, fields) for pipe in node().pipes.values()])


@pipes.post("")
def add_pipes() -> Response:
    """Add pipes (a list, or one), replacing those with the same id."""
    node().add_entities(entities_from_json(request.get_data()), parsing.flag("force", False))
    return list_pipes()


@pipes.get("/<pipe_id>")
def get_pipe(pipe_id: str) -> Response:
    """Return one pipe."""
    return as_json(views.pipe_view(node().pipe(pipe_id), _fields()))


@pipes.delete("/<pipe_id>")
def delete_pipe(pipe_id: str) -> Response:
    """Remove a pipe from the configuration; its dataset stays."""
    node().pipe(pipe_id)
    node().remove_entity(pipe_id)
    return as_json({"message": "OK"})


@pipes.get("/<pipe_id>/config")
def get_config(pipe_id: str) -> Response:
    """Return the uploaded config of the pipe."""
    return as_json(node().pipe(pipe_id).component.original)


@pipes.put("/<pipe_id>/config")
def put_config(pipe_id: str) -> Response:
    """Replace the pipe's config."""
    config = parsing.config_of(pipe_id)
    node().pipe(pipe_id)
    node().add_entities([config], parsing.flag("force", False))
    return get_pipe(pipe_id)


@pipes.get("/<pipe_id>/entities")
def get_entities(pipe_id: str) -> Response:
    """Return the pipe's entities at a `stage`: source, before-transforms, after-transforms or sink (default).

    Nothing is written anywhere: transforms with side effects are left out.
    """
    stage = request.args.get("stage", "sink")
    stage = SINGULAR.get(stage, stage)
    if stage not in STAGES:
        raise BadRequest(f'the stage must be one of {", ".join(STAGES)}, not "{stage}"')
    pipe = node().pipe(pipe_id)
    since = token(request.args.get("since", ""))
    return entity_array(pipe.preview(stage, since, parsing.number("limit", None)))


@pipes.post("/<pipe_id>/transform")
def transform(pipe_id: str) -> Response:
    """Return the output of the pipe's transforms for the entities in the body.

    Transforms with side effects are left out. This call is an addition to Sesam's API.
    """
    body = parsing.json_body()
    entities = body if isinstance(body, list) else [body]
    if not all(isinstance(entity, dict) and isinstance(entity.get("_id"), str) for entity in entities):
        raise BadRequest("the body must be a list of entities, each with an _id")
    return as_json(node().pipe(pipe_id).transform(entities))


@pipes.get("/<pipe_id>/entity-types/<any(source, sink):stage>")
def get_entity_types(pipe_id: str, stage: str) -> Response:
    """Return a JSON Schema of the source's or sink's entities, inferred from up to `limit` of them.

    It is empty if `infer_pipe_entity_types` is off.
    """
    pipe = node().pipe(pipe_id)
    properties: dict[str, Any] = {}
    inferred = pipe.component.effective.get("infer_pipe_entity_types", True)
    for entity in pipe.preview(stage, None, parsing.number("limit", 1000)) if inferred else ():
        for name, value in entity.items():
            if not name.startswith("_") or name == "_id":
                kinds = properties.setdefault(name, {"type": []})["type"]
                kind = _json_type(value)
                if kind not in kinds:
                    kinds.append(kind)
    return as_json({"type": "object", "properties": properties})


@pipes.get("/<pipe_id>/log")
def get_log(pipe_id: str) -> Response:
    """Return the execution log of the pipe.

    These are the entities of `system:pump_execution:<pipe>`, also named `system:pump:<pipe>`.
    """
    node().pipe(pipe_id)
    log = node().store.dataset(LOG_PREFIX + pipe_id)
    return entity_array(
        log.read(
            parsing.offset(),
            parsing.number("limit", None),
            history=parsing.flag("history", True),
            reverse=parsing.flag("reverse", False),
            deleted=parsing.flag("deleted", True),
        )
    )


@pipes.get("/<pipe_id>/pump")
def get_pump(pipe_id: str) -> Response:
    """Return the pump."""
    return as_json(views.pump_view(node().pipe(pipe_id)))


@pipes.post("/<pipe_id>/pump")
def operate_pump(pipe_id: str) -> Response:
    """Carry out the form field `operation` and return the pump.

    A `start` while the pump runs is answered 409 with the pump.
    """
    fields = parsing.form()
    pipe = node().pipe(pipe_id)
    operation = fields.get("operation", "")
    if operation.startswith("start") and pipe.pump.is_running:
        return as_json(views.pump_view(pipe), 409)
    pipe.operate(operation, fields)
    return as_json(views.pump_view(pipe))


def _fields() -> set[str]:
    asked = request.args.get("fields")
    if asked:
        names = {name.strip() for name in asked.split(",")}
        if not names <= views.PARTS:
            raise BadRequest(f"fields are some of {', '.join(sorted(views.PARTS))}")
        return names
    return set(views.PARTS) if parsing.flag("verbose", False) else {"config", "runtime"}


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return kinds.get(type(value), "object")
