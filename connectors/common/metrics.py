"""Define the metrics of a service; one registry per application, so that tests and services share nothing.

A service runs as one process with threads (see gunicorn.conf.py), so a plain registry has all figures.
"""

from __future__ import annotations

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from connectors.common.limiter import Limiter

_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300)


class CallMetrics:
    """Metrics of the calls to one other system; names begin with `prefix`."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        self.calls = Counter(
            f"{prefix}_calls",
            f"Calls made to {prefix}, retries included",
            ["method", "operation", "status"],
            registry=registry,
        )
        self.call_seconds = Histogram(
            f"{prefix}_call_seconds",
            f"Time of one call to {prefix}",
            ["operation"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.retries = Counter(
            f"{prefix}_retries", "Calls made again, by the kind of error", ["kind"], registry=registry
        )
        self.limiter_seconds = Counter(
            f"{prefix}_limiter_seconds", "Seconds spent waiting for the rate limiter", registry=registry
        )
        self.refusals = Counter(
            f"{prefix}_refusals", "Calls refused with 429 because there were too many", registry=registry
        )
        self._per_minute = Gauge(
            f"{prefix}_limiter_calls_per_minute",
            "Calls a minute that may be made at present; 0 during a pause that upstream asked for",
            registry=registry,
        )
        self._waiting = Gauge(
            f"{prefix}_limiter_waiting", "Calls that wait for the rate limiter", ["kind"], registry=registry
        )

    def watch(self, limiter: Limiter) -> None:
        """Expose the state of a limiter."""
        self._per_minute.set_function(lambda: limiter.per_minute)
        for kind, write in (("read", False), ("write", True)):
            self._waiting.labels(kind).set_function(partial(limiter.waiting, write))


class Metrics(CallMetrics):
    """All metrics of one service. No label ever contains a record's id or value."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        super().__init__(self.registry, "upstream")
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "service_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "service_request_seconds",
            "Time from request to the last byte of the answer",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.broken_streams = Counter(
            "service_broken_streams",
            "Reads cut off because upstream failed midway",
            ["datatype"],
            registry=self.registry,
        )
        self.entities_read = Counter(
            "service_entities_read", "Entities given to readers", ["datatype"], registry=self.registry
        )
        self.outcomes = Counter(
            "service_share_outcomes",
            "Shared and pushed entities by what became of them",
            ["datatype", "operation", "status"],
            registry=self.registry,
        )
        self.reads = Counter(
            "service_reads",
            "Read requests served, by whether they gave any records or none (idle)",
            ["datatype", "outcome"],
            registry=self.registry,
        )
        self.read_calls = Counter(
            "service_read_calls",
            "Upstream calls made for read requests",
            ["datatype", "outcome"],
            registry=self.registry,
        )
        self.share_calls = Counter(
            "service_share_calls",
            "Upstream calls made for shared and pushed entities, by kind: read or write",
            ["datatype", "kind"],
            registry=self.registry,
        )
        self.up = Gauge(
            "upstream_up", "1 if the last readiness check reached upstream", registry=self.registry
        )
