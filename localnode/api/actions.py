"""Keep the audit trail of what people do on the node: who, when, what, and how it ended.

There is one entity for each call that changes something, including refused ones, in the dataset
`system:actions`. It contains no values of variables and secrets.
"""

from __future__ import annotations

import logging
import uuid
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from core.clock import now_text
from core.jsonio import Json
from localnode import codec
from localnode.api import parsing
from localnode.api.auth import Caller
from localnode.api.current import node
from localnode.api.permissions import is_audited, permission
from localnode.errors import BadRequest
from localnode.store import StoreError

log = logging.getLogger(__name__)

DATASET = "system:actions"
NODE = "node"
"""The `system` of an action, among writes to the systems."""
FIELDS = (
    "operation",
    "comment",
    "entity_id",
    "force",
    "last-seen",
    "reset_pipes_and_delete_sink_datasets",
    "delete_input_datasets",
)
"""Parameters and form fields that are kept: none of them holds a secret."""
FORMS = ("admin.operate", "pipes.operate_pump", "datasets.operate_dataset")
"""Calls that say in a form what they do."""
KEPT_ENTITIES = 50
NAMED = ("config.put_env", "config.add_env", "config.put_secrets", "systems.put_secrets")
"""Calls whose body is an object of which only the names are kept."""


def keep(entities: list[object]) -> None:
    """Keep the entities that were pushed to an audited receiver, for the audit trail."""
    g.kept = entities[:KEPT_ENTITIES]


def record(app: Flask) -> None:
    """Write an entity after each call that changes something."""

    @app.before_request
    def keep_body() -> None:
        if request.endpoint in NAMED:
            request.get_data(cache=True)

    @app.after_request
    def write(response: Response) -> Response:
        who: Caller | None = getattr(g, "caller", None)
        action = permission().action if who is not None and request.endpoint else None
        if who is None or action is None or not _is_of_people():
            return response
        try:
            node().store.dataset(DATASET, create=True).write([_entity(who, action, response.status_code)])
        except StoreError:
            log.exception("an action of %s could not be kept: %s %s", who.name, request.method, request.path)
        return response


def _is_of_people() -> bool:
    """Return whether a call is an action of a person.

    Programs push entities, unless their receiver is audited.
    """
    return request.endpoint != "flow.receive" or is_audited(str((request.view_args or {}).get("pipe_id")))


def _names() -> list[str]:
    """Return the names in a body; nothing if the body cannot be read."""
    try:
        body = codec.parse(request.get_data())
    except (HTTPException, codec.MalformedJson):
        return []
    return sorted(body) if isinstance(body, dict) else []


def _form() -> dict[str, str]:
    try:
        return parsing.form()
    except BadRequest:  # what was answered says so
        return {}


def _entity(who: Caller, action: str, status: int) -> Json:
    when = now_text()
    given = {**request.args.to_dict(), **(_form() if request.endpoint in FORMS else {})}
    details: dict[str, Any] = {name: given[name] for name in FIELDS if name in given}
    if request.endpoint in NAMED:
        details["names"] = _names()
    if "kept" in g:
        details["entities"] = g.kept
    operation = details.pop("operation", None)
    return {
        "_id": f"{when}-{uuid.uuid4().hex[:8]}",
        "when": when,
        "system": NODE,
        "record": None,
        "who": who.name,
        "role": who.role,
        "action": f"{action}: {operation}" if operation else action,
        "target": "/".join(str(value) for value in (request.view_args or {}).values()) or None,
        "details": details or None,
        "call": {"method": request.method, "path": request.path, "from": request.remote_addr},
        "answer": {
            "status": "ok" if status < 400 else "refused" if status < 500 else "failed",
            "code": status,
        },
    }
