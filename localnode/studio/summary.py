"""`/studio/data/node`: the summary of the node that every page shows."""

from __future__ import annotations

from flask import Response

from localnode.api import views
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.diagnostics.findings import OF_RECORDS, findings, summary
from localnode.diagnostics.names import Labels
from localnode.store.state import retry_counts
from localnode.studio.data import data
from localnode.studio.flow import dead_letters


@data.get("/node")
def get_node() -> Response:
    """Return the node at a glance; costs the same however many entities there are.

    `state`, `counts` and `findings` are those of `/api/diagnostics/findings`; `open` is the number of cases.
    """
    here, status = node(), node().status()
    found = findings(here)
    seen = summary(found)
    return as_json(
        {
            "version": status["version"],
            "started": views.timestamp(status["node_start_time"]),
            "scheduling": status["scheduling"],
            "run_all": status["run_all"],
            "pipes": status["pipes"],
            "running": status["running_pipes"],
            "failed": [each for each in status["failed_pipes"] if here.pipe(each).has_pump],
            "invalid": status["invalid_pipes"],
            "retries": sum(retry_counts(node().store).values()),
            "dead_letters": sum(map(dead_letters, here.pipes.values())),
            "open": sum(each.count for each in found if each.kind in OF_RECORDS),
            **seen,
            "findings": [each.as_json() for each in found],
        }
    )


@data.get("/systems")
def get_systems() -> Response:
    """Return the names that people use for the systems: `{id: name}`."""
    return as_json(Labels.of(node().config).systems)
