"""`/studio/data/runs`: what the pumps did, from their execution logs: figures over time and a list."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Response, request

from core.jsonio import Json
from core.names import STAGES
from localnode.api import parsing
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.errors import BadRequest
from localnode.pipes.run import RunStopped
from localnode.store import LOG_PREFIX, Dataset, Stored
from localnode.store.pagination import first_at
from localnode.studio import names
from localnode.studio.data import data, limit, until_full

MICRO = 1_000_000
MAX_BUCKETS = 240
MAX_COUNTED = 20_000
ENDINGS = ("pump-completed", "pump-failed")
MAX_TEXT = 4000


@data.get("/runs/chart")
def chart() -> Response:
    """Return runs that ended within the last `window` seconds in `buckets` equal spans, of one `pipe` or all.

    `{"start": seconds, "width": seconds, "stages": {stage: [changes]}, "completed": [n], "failed": [n],
    "slowest": [seconds], "complete": bool}`; `complete` is false if there were too many runs to count.
    """
    window = parsing.number("window", 3600, minimum=60) or 3600
    buckets = min(parsing.number("buckets", 60, minimum=2) or 60, MAX_BUCKETS)
    now = time.time()
    start, width = now - window, window / buckets
    series: dict[str, list[float]] = {name: [0.0] * buckets for name in ("completed", "failed", "slowest")}
    stages: dict[str, list[int]] = {}
    counted = 0
    for pipe_id, row in _endings(None, stop_at=int(start * MICRO)):
        counted += 1
        if counted > MAX_COUNTED:
            break
        at = min(buckets - 1, max(0, int((row.ts / MICRO - start) / width)))
        run = _run(pipe_id, row)
        series["failed" if run["outcome"] == "failed" else "completed"][at] += 1
        series["slowest"][at] = max(series["slowest"][at], run["seconds"] or 0)
        stage = names.parts(pipe_id, node().config.systems).stage or "other"
        stages.setdefault(stage, [0] * buckets)[at] += run["changes"]
    return as_json(
        {
            "start": start,
            "width": width,
            "stages": {name: stages[name] for name in (*STAGES, "other") if name in stages},
            **series,
            "complete": counted <= MAX_COUNTED,
        }
    )


@data.get("/runs")
def list_runs() -> Response:
    """Return runs, newest first, of one `pipe` or all; `failed` limits them to those with errors.

    Cursor: `before`.
    """
    only_failed = parsing.flag("failed", False)

    def shown(run: Json) -> bool:
        return not only_failed or run["outcome"] == "failed" or run["failures"] > 0

    runs = (_run(pipe_id, row) for pipe_id, row in _endings(parsing.number("before", None)))
    return until_full(((run["ts"], run if shown(run) else None) for run in runs), limit(50))


def _endings(before: int | None, stop_at: int = 0) -> Iterator[tuple[str, Stored]]:
    """(pipe, event) of the runs that ended, newest first, from before `before` back to `stop_at` (µs)."""
    chosen = request.args.get("pipe")
    if chosen is not None and chosen not in node().pipes:
        raise BadRequest(f'there is no pipe "{chosen}"')
    pipe_ids = [chosen] if chosen else list(node().pipes)
    logs = [(name, node().store.find(f"{LOG_PREFIX}{name}")) for name in pipe_ids]
    streams = [_ending_of(name, log, before, stop_at) for name, log in logs if log is not None]
    return heapq.merge(*streams, key=lambda each: each[1].ts, reverse=True)


def _ending_of(pipe_id: str, log: Dataset, before: int | None, stop_at: int) -> Iterator[tuple[str, Stored]]:
    since = None if before is None else first_at(log, before)
    for row in log.rows(since, history=True, reverse=True, page=100):
        if row.ts < stop_at:
            return
        if row.id in ENDINGS:
            yield pipe_id, row


def _run(pipe_id: str, row: Stored) -> Json:
    """One run as the list shows it; `ts` is when it ended, in µs."""
    event = row.entity()
    metrics = (event.get("metrics") or {}).get("entities") or {}
    return {
        "pipe": pipe_id,
        "ts": row.ts,
        "ended": datetime.fromtimestamp(row.ts / MICRO, UTC).isoformat(timespec="milliseconds"),
        "outcome": _outcome(row.id, event),
        "kind": event.get("sync_type"),
        "seconds": event.get("total_time"),
        "read": metrics.get("entities_last_run", 0),
        "changes": metrics.get("changes_last_run", 0),
        "failures": metrics.get("write_errors_last_run", 0),
        "error": str(event.get("reason_why_stopped") or "")[:MAX_TEXT],
    }


def _outcome(event_id: str, event: dict[str, object]) -> str:
    """worked, failed or stopped."""
    if event_id == "pump-completed":
        return "worked"
    return "stopped" if was_stopped(event) else "failed"


def was_stopped(event: dict[str, object]) -> bool:
    """Return whether a person, an upload or a run of all pipes ended the run: that is no fault."""
    return event.get("reason_why_stopped") == RunStopped.REASON
