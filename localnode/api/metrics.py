"""`/metrics`: figures of the node's pipes and datasets as Prometheus text, computed at each call."""

from __future__ import annotations

import time
from collections.abc import Iterator

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from localnode.api.current import node
from localnode.diagnostics.findings import findings
from localnode.node import Node, NodePipe
from localnode.scheduler import SUCCESS

metrics = Blueprint("metrics", __name__)

DEAD_LETTERS = "system:dead-letter:"

METRICS = (
    ("sesam_pipe_queue", "Entities that wait: new ones, changed dependencies, retries", ("pipe", "kind")),
    ("sesam_pipe_lag_seconds", "Seconds since the last run's end while something waits, else 0", ("pipe",)),
    ("sesam_pipe_last_run_success", "1 if the last run succeeded, 0 if it failed or was stopped", ("pipe",)),
    ("sesam_pipe_last_run_seconds", "Time the last run took", ("pipe",)),
    ("sesam_pipe_last_run_changes", "Entities that the last run wrote", ("pipe",)),
    ("sesam_pipe_enabled", "1 if its pump runs by its schedule", ("pipe",)),
    ("sesam_pipe_breaker_tripped", "1 if a circuit breaker of its sink waits for a person", ("pipe",)),
    ("sesam_dataset_entities", "Entities by distinct id", ("dataset", "state")),
    ("sesam_findings", "What needs attention: of how many records or pumps", ("kind", "severity", "pipe")),
    ("sesam_dead_letters", "Entities that could not be processed and wait for a person", ("pipe",)),
)
"""Name, meaning, labels; all are gauges."""


@metrics.get("/metrics")
def get_metrics() -> Response:
    """Return all metrics as Prometheus text."""
    registry = CollectorRegistry()
    registry.register(NodeCollector(node()))
    ProcessCollector(registry=registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class NodeCollector(Collector):
    """Gauges of one node; no label ever contains an entity's id or value."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def collect(self) -> Iterator[Metric]:
        """Yield one family after the other; a pipe that never ran has no sample of its last run."""
        families = _families()
        for name, pipe in sorted(self.node.pipes.items()):
            _measure(families, name, pipe)
        entities = families["sesam_dataset_entities"]
        dead_letters = families["sesam_dead_letters"]
        for dataset in self.node.store.datasets(True):
            info = dataset.info()
            if dataset.id.startswith(DEAD_LETTERS):
                dead_letters.add_metric([dataset.id.removeprefix(DEAD_LETTERS)], info.live)
            elif not dataset.id.startswith("system:"):
                entities.add_metric([dataset.id, "live"], info.live)
                entities.add_metric([dataset.id, "deleted"], info.ids - info.live)
        for found in findings(self.node):
            labels = [found.kind, found.severity, found.pipe or ""]
            families["sesam_findings"].add_metric(labels, found.count)
        yield from families.values()


def _families() -> dict[str, GaugeMetricFamily]:
    return {name: GaugeMetricFamily(name, text, labels=labels) for name, text, labels in METRICS}


def _measure(families: dict[str, GaugeMetricFamily], name: str, pipe: NodePipe) -> None:
    queues = pipe.queues()
    waiting = {
        "source": queues["source"] or 0,
        "dependencies": sum(queues["dependencies"].values()),
        "retries": queues["retries"],
    }
    for kind, count in waiting.items():
        families["sesam_pipe_queue"].add_metric([name, kind], count)
    families["sesam_pipe_enabled"].add_metric([name], int(pipe.pump.may_run and pipe.has_pump))
    dataset = pipe.sink_dataset
    tripped = dataset is not None and dataset.info().breaker is not None
    families["sesam_pipe_breaker_tripped"].add_metric([name], int(tripped))
    last = pipe.pump.last
    if last is None:
        return
    success = last.outcome.status == SUCCESS
    behind = time.time() - last.ended if sum(waiting.values()) else 0.0
    families["sesam_pipe_lag_seconds"].add_metric([name], round(behind, 3))
    families["sesam_pipe_last_run_success"].add_metric([name], int(success))
    families["sesam_pipe_last_run_seconds"].add_metric([name], round(last.ended - last.started, 3))
    families["sesam_pipe_last_run_changes"].add_metric([name], last.outcome.changes)
