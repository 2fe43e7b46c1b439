"""The node itself: greeting, status, health, restart and reset."""

from __future__ import annotations

from flask import Blueprint, Response

from localnode.api import parsing
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.diagnostics import scratch_copy
from localnode.diagnostics.findings import findings, summary
from localnode.errors import BadRequest

admin = Blueprint("admin", __name__, url_prefix="/api")


@admin.get("/")
@admin.get("", strict_slashes=False)
def greet() -> Response:
    """Return the greeting that a client asks for first."""
    return as_json({"status": {"developer_mode": True}, "node": "local", "version": node().version})


@admin.get("/status")
def status() -> Response:
    """Return the node's start time, figures about its work, and its `state`.

    The time changes with every restart. `state` is ok, warning or error, with the `counts` of findings, see
    `localnode.diagnostics.findings`.
    """
    return as_json({**node().status(), **summary(findings(node()))})


@admin.get("/progress")
def progress() -> Response:
    """Return the progress of the running pumps.

    Each has `pipe`, `seconds`, `read`, `left`, `per_minute` and `seconds_left`. The pumps of a running plan
    or verification are included, with `dry_run` true.
    """
    return as_json([*node().progress(), *scratch_copy.progress()])


@admin.get("/health")
def health() -> Response:
    """Return 200 while the node can do its work, otherwise 503 with the `reason`, such as a full disk."""
    reason = node().unhealthy()
    return as_json(
        {"status": "ok"} if reason is None else {"status": "unavailable", "reason": reason},
        503 if reason else 200,
    )


@admin.get("/ping")
def ping() -> Response:
    """Return 200 as long as the process is alive."""
    return as_json({"status": "running"})


@admin.get("/license")
def license_terms() -> Response:
    """Return licence terms for clients that ask; a local node needs no licence."""
    return as_json({"status": "valid", "type": "local"})


@admin.post("/admin")
def operate() -> Response:
    """Carry out `operation` on the node.

    `restart` keeps everything. `reset` deletes everything uploaded and every dataset. `start-scheduling` and
    `stop-scheduling` decide whether pumps run on their schedules or only on request, until the node is
    restarted.
    """
    operation = parsing.form().get("operation")
    if operation == "restart":
        node().restart()
    elif operation == "reset":
        node().reset()
    elif operation in ("start-scheduling", "stop-scheduling"):
        node().schedule(operation == "start-scheduling")
    else:
        known = "restart, reset, start-scheduling or stop-scheduling"
        raise BadRequest(f'the operation must be {known}, not "{operation}"')
    return as_json({"message": "OK"})
