"""The sandbox clock: microseconds since the epoch that never repeat and never run backwards."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wall_us() -> int:
    """The machine's clock as whole microseconds since the epoch."""
    return time.time_ns() // 1000


def iso(us: int) -> str:
    """`us` as fixed-width UTC text, `YYYY-MM-DDThh:mm:ss.ffffffZ`, whose bytes sort as the instants do."""
    return (EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_iso(text: str) -> int:
    """Microseconds of an ISO 8601 instant, read as UTC when it names no offset. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)
