"""`/studio/data/node`: what every page shows of the node."""

from __future__ import annotations

from flask import Response

from localnode.api import views
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.store.state import retry_counts
from localnode.studio.cases import open_cases
from localnode.studio.data import data
from localnode.studio.flow import dead_letters


@data.get("/node")
def get_node() -> Response:
    """Return the node at a glance; costs the same however many entities there are.

    `open` is the number of open cases, None while a large dataset is still being read.
    """
    here, status = node(), node().status()
    book = open_cases()
    complete = book.read_on()
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
            "open": len(book.all()) if complete else None,
        }
    )
