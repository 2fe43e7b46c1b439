"""Running all pipes: `/api/pipes/run-all-pipes` and what belongs to it."""

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
    """Run until nothing moves.

    `request_mode` sync blocks and answers the result, async answers a token at once.

    `reset_pipes_and_delete_sink_datasets` (default true) starts from scratch; `delete_input_datasets`
    (default true) says whether that includes what receivers hold. A pipe whose system cannot be read fails
    the run; `check_input_pipes` false tolerates that, true minds pipes too that cannot run on this node at
    all.
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
    """End a run-all and what it started; fine when nothing runs."""
    ended = node().runs.stop(float(parsing.number("terminate_timeout", 30) or 0))
    return as_json({"status": "stopped" if ended else "stopping"})


@runs.get("/get-pipe-runner-status")
def status() -> Response:
    """Return how the run of a `token` is.

    Running, success, failed, stopped, or not-running when it is unknown.
    """
    return as_json(node().runs.status(request.args.get("token")))


@runs.get("/get-run-all-pipes-log")
def log() -> Response:
    """Log lines newer than `since`."""
    return as_json(node().runs.log.since(request.args.get("since")))


@runs.post("/delete-all-sink-datasets")
def delete_sinks() -> Response:
    """Delete the sink datasets of all pipes and reset their pumps."""
    return as_json({"deleted": node().reset_pipes(delete_input=True)})
