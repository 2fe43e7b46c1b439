"""`/studio/data/overview`: the front page: what was synced, what waits, what is slow and what comes next."""

from __future__ import annotations

from bisect import bisect_right

from flask import Response, current_app, request

from localnode.api import views
from localnode.api.current import alerts_of, node
from localnode.api.responses import as_json
from localnode.diagnostics.findings import findings, summary
from localnode.diagnostics.names import Labels
from localnode.errors import BadRequest
from localnode.studio.data import data
from localnode.studio.flow import next_run
from localnode.studio.journal import writes_since

MICRO = 1_000_000
MAX_COUNTED = 50_000
MAX_DAYS = 31
SLOWEST = 5


@data.get("/overview")
def get_overview() -> Response:
    """Return the node at a glance, with its writes by day.

    `days`: when each day begins, as seconds, comma between them, oldest first: they are the reader's days,
    not the node's. ::

        {"state", "counts", "findings", "systems",   as of /api/diagnostics/findings
         "days": [{"start": s, "insert": n, "update": n, "delete": n}],
         "complete": bool,                           false when there were too many writes to count
         "slowest": [{"pipe", "seconds", "ended"}],  the longest of the last runs
         "next": {"pipe", "at"} | null, "running": whether all pipes are being run,
         "alerts": {"firing": […], "coming": […], "channels": […]}}   as of /api/alerts
    """
    starts = _starts()
    counts = [{"start": start, "insert": 0, "update": 0, "delete": 0} for start in starts]
    counted = 0
    for moment, operation in writes_since(starts[0] * MICRO):
        counted += 1
        if counted > MAX_COUNTED:
            break
        counts[bisect_right(starts, moment // MICRO) - 1][operation] += 1
    here, found = node(), findings(node())
    planned = [(at, pipe.id) for pipe in here.pipes.values() if (at := next_run(pipe)) is not None]
    told = alerts_of(current_app).as_json()
    return as_json(
        {
            **summary(found),
            "findings": [each.as_json() for each in found],
            "systems": Labels.of(here.config).systems,
            "days": counts,
            "complete": counted <= MAX_COUNTED,
            "slowest": _slowest(),
            "next": {"at": min(planned)[0], "pipe": min(planned)[1]} if planned else None,
            "running": here.runs.status(None)["status"] == "running",
            "alerts": {name: told[name] for name in ("firing", "coming", "channels")},
        }
    )


def _slowest() -> list[dict[str, object]]:
    runs = [
        (last.ended - last.started, pipe.id, last.ended)
        for pipe in node().pipes.values()
        if (last := pipe.pump.last) is not None
    ]
    longest = sorted(runs, reverse=True)[:SLOWEST]
    return [
        {"pipe": pipe, "seconds": round(took, 3), "ended": views.timestamp(ended)}
        for took, pipe, ended in longest
    ]


def _starts() -> list[int]:
    try:
        starts = [int(each) for each in request.args["days"].split(",")]
    except (KeyError, ValueError) as error:
        raise BadRequest('the parameter "days" must be seconds with commas between them') from error
    if not 0 < len(starts) <= MAX_DAYS or starts != sorted(starts):
        raise BadRequest(f'the parameter "days" must be at most {MAX_DAYS} moments, oldest first')
    return starts
