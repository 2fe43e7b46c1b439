"""Count the upstream calls of share and push requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.common import call_counter
from connectors.common.service import runtime


@contextmanager
def counted(datatype: str) -> Iterator[None]:
    """Add the upstream calls of the present request to those of `datatype`, even if it fails."""
    calls = call_counter.present()
    try:
        yield
    finally:
        counter = runtime().service.metrics.share_calls
        counter.labels(datatype, "read").inc(calls.reads)
        counter.labels(datatype, "write").inc(calls.writes)
