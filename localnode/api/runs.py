"""`/api/pipes/run-all-pipes` and related calls: run all pipes."""

from __future__ import annotations

from flask import Blueprint, Response, request

from localnode.api import parsing
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.errors import BadRequest
from localnode.scheduler import RunAllOptions

runs = Blueprint("runs", __name__, url_prefix="/api/pipes")


@runs.post("/run-all-pipes")
def run_all() -> Response:
    """Run all pipes until nothing moves.

    With `request_mode` sync the call blocks and returns the result, with async it returns a token at once.

    `reset_pipes_and_delete_sink_datasets` (default true) starts from scratch; `delete_input_datasets`
    (default true) includes the entities of receivers. The run fails if a pipe cannot read from its system.
    `check_input_pipes` false tolerates that; true also counts pipes that cannot run on this node at all.
    """
    mode = request.args.get("request_mode", "sync")
    if mode not in ("sync", "async"):
        raise BadRequest(f'request_mode must be sync or async, not "{mode}"')
    options = RunAllOptions(
        extra_zero_runs=parsing.number("extra_zero_runs", 0) or 0,
        max_runs=parsing.number("max_runs", 100, minimum=1) or 100,
        max_run_time=float(parsing.number("max_run_time", 900, minimum=1) or 900),
        check_input_pipes=parsing.optional_flag("check_input_pipes"),
        statistics=parsing.flag("output_run_statistics", False),
    )
    run = node().runs.start(
        options,
        reset=parsing.flag("reset_pipes_and_delete_sink_datasets", True),
        delete_input=parsing.flag("delete_input_datasets", True),
    )
    return as_json({"token": run.token} if mode == "async" else run.wait())


@runs.post("/stop-run-all-pipes")
def stop() -> Response:
    """End a run-all and the pumps that it started; do nothing if none is running."""
    ended = node().runs.stop(float(parsing.number("terminate_timeout", 30) or 0))
    return as_json({"status": "stopped" if ended else "stopping"})


@runs.get("/get-pipe-runner-status")
def status() -> Response:
    """Return the state of the run of a `token`.

    It is running, success, failed or stopped, or not-running if the token is unknown.
    """
    return as_json(node().runs.status(request.args.get("token")))


@runs.get("/get-run-all-pipes-log")
def log() -> Response:
    """Return log lines newer than `since`."""
    return as_json(node().runs.log.since(request.args.get("since")))


@runs.post("/delete-all-sink-datasets")
def delete_sinks() -> Response:
    """Delete the sink datasets of all pipes and reset their pumps."""
    return as_json({"deleted": node().reset_pipes(delete_input=True)})
