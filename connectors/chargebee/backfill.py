"""How long a first load still takes: an estimate, because Chargebee does not tell how many records there are.

A first load comes in the order of `updated_at`, so the part of the time passed between the first record's and
now is taken for the part of the records; what is left is made at the present rate limit, or at the speed so
far where that is slower.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from prometheus_client import Gauge

from connectors.common.metrics import Metrics


class Backfills:
    """The first loads that are under way."""

    def __init__(self, metrics: Metrics, per_minute: Callable[[], float]) -> None:
        """`per_minute`: calls that may be made a minute, infinite if without limit."""
        self._per_minute = per_minute
        self._left = Gauge(
            "upstream_backfill_seconds_left",
            "Estimate of the time until the first load that is under way ends",
            ["datatype"],
            registry=metrics.registry,
        )

    @contextmanager
    def watch(self, datatype: str) -> Iterator[Backfill]:
        """Show an estimate for `datatype` until the block ends."""
        try:
            yield Backfill(self._left.labels(datatype), self._per_minute)
        finally:
            with suppress(KeyError):
                self._left.remove(datatype)


class Backfill:
    """One first load, or what is left of one that was interrupted."""

    def __init__(
        self,
        gauge: Gauge,
        per_minute: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._gauge = gauge
        self._per_minute = per_minute
        self._clock, self._now = clock, now
        self._began = clock()
        self._first: int | None = None
        self._pages = 0
        gauge.set(float("nan"))

    def page(self, updated_at: int) -> None:
        """Note a page whose last record changed at `updated_at` (seconds; 0: nobody knows when)."""
        self._pages += 1
        if not updated_at:
            return
        if self._first is None:
            self._first = updated_at
        passed, whole = updated_at - self._first, self._now() - self._first
        if passed > 0 and whole > 0:
            pages_left = self._pages * (whole - passed) / passed
            self._gauge.set(pages_left * self._seconds_per_page())

    def _seconds_per_page(self) -> float:
        so_far = (self._clock() - self._began) / self._pages
        pace = self._per_minute()
        return max(so_far, 60 / pace) if pace > 0 else so_far
