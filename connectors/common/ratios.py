"""Compute the cost of the sync in upstream calls from the counters when metrics are read."""

from __future__ import annotations

from collections import Counter as Sums
from collections.abc import Iterable, Mapping

from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.common.metrics import Metrics


class Ratios(Collector):
    """Calls per 1,000 records read, per idle read and per record written, each by datatype."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        metrics.registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Yield three gauges; a datatype appears once it has records or idle reads."""
        metrics = self._metrics
        written = _sums(metrics.outcomes)
        for status in list(written):
            if status[1] == "none":
                del written[status]
        yield _gauge(
            "service_calls_per_1000_records_read",
            "Upstream calls of reads that gave records, per 1,000 of them",
            _by_datatype(metrics.read_calls, "records"),
            {name: records / 1000 for name, records in _by_datatype(metrics.entities_read).items()},
        )
        yield _gauge(
            "service_calls_per_idle_read",
            "Upstream calls of a read that gave nothing new",
            _by_datatype(metrics.read_calls, "idle"),
            _by_datatype(metrics.reads, "idle"),
        )
        yield _gauge(
            "service_calls_per_record_written",
            "Upstream write calls per record that was inserted, updated or deleted",
            _by_datatype(metrics.share_calls, "write"),
            _totals(written),
        )


def _sums(counter: Counter) -> dict[tuple[str, ...], float]:
    """Return values by label values, in the order in which labels are declared."""
    samples = next(iter(counter.collect())).samples
    return {
        tuple(sample.labels.values()): sample.value for sample in samples if sample.name.endswith("_total")
    }


def _by_datatype(counter: Counter, second: str | None = None) -> dict[str, float]:
    """Return values by datatype, which is the first label.

    Only those whose second label is `second`, if given.
    """
    return _totals({key: value for key, value in _sums(counter).items() if second in (None, *key[1:2])})


def _totals(values: Mapping[tuple[str, ...], float]) -> dict[str, float]:
    found: Sums[str] = Sums()
    for key, value in values.items():
        found[key[0]] += value  # type: ignore[assignment]
    return dict(found)


def _gauge(
    name: str, text: str, calls: Mapping[str, float], things: Mapping[str, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=["datatype"])
    for datatype, count in things.items():
        if count:
            family.add_metric([datatype], calls.get(datatype, 0.0) / count)
    return family
