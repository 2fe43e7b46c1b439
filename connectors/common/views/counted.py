"""Counting what share and push requests cost upstream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.common import call_counter
from connectors.common.service import runtime


@contextmanager
def counted(datatype: str) -> Iterator[None]:
    """Add the present request's upstream calls to those of `datatype`, also when it fails."""
    calls = call_counter.present()
    try:
        yield
    finally:
        counter = runtime().service.metrics.share_calls
        counter.labels(datatype, "read").inc(calls.reads)
        counter.labels(datatype, "write").inc(calls.writes)
