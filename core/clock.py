"""Write instants as text that sorts in time order: `YYYY-MM-DDThh:mm:ss.ffffffZ`, UTC, 27 characters."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now_us() -> int:
    """Return the machine's clock as whole microseconds since the epoch."""
    return time.time_ns() // 1000


def to_text(moment: datetime) -> str:
    """Return an instant as text of fixed width; one without an offset counts as UTC."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    # %Y has no leading zeros on Linux (https://bugs.python.org/issue13305): years before 1000 are filled up.
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0") + "Z"


def us_to_text(us: int) -> str:
    """Return microseconds since the epoch as text."""
    return to_text(EPOCH + timedelta(microseconds=us))


def seconds_to_text(seconds: float) -> str:
    """Return seconds since the epoch as text."""
    return to_text(datetime.fromtimestamp(seconds, UTC))


def now_text() -> str:
    """Return the present instant as text."""
    return to_text(datetime.now(UTC))


def text_to_us(text: str) -> int:
    """Return the microseconds of an ISO 8601 instant, UTC without an offset; ValueError if it is invalid."""
    moment = datetime.fromisoformat(text)
    return ((moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment) - EPOCH) // _MICROSECOND


class RisingClock:
    """A clock whose answers are all different and always increase. Thread-safe."""

    def __init__(self, last_us: int = 0) -> None:
        self._last = last_us
        self._lock = threading.Lock()

    def now_us(self) -> int:
        """Return the present instant in microseconds, increased as far as necessary to be new."""
        with self._lock:
            self._last = max(now_us(), self._last + 1)
            return self._last

    def now_text(self) -> str:
        """Return the present instant as text."""
        return us_to_text(self.now_us())
