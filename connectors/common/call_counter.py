"""Count the upstream calls of one request."""

from __future__ import annotations

import threading
from contextvars import ContextVar


class CallCounter:
    """Calls so far; all worker threads of a request add to the same counter."""

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self._lock = threading.Lock()

    def add(self, write: bool) -> None:
        """Count one call."""
        with self._lock:
            if write:
                self.writes += 1
            else:
                self.reads += 1


_present: ContextVar[CallCounter | None] = ContextVar("call_counter", default=None)


def start() -> CallCounter:
    """Start counting for the present request."""
    counter = CallCounter()
    _present.set(counter)
    return counter


def present() -> CallCounter:
    """Return the present request's counter; start one if there is none."""
    return _present.get() or start()


def count(write: bool) -> None:
    """Count one upstream call, if a request is being served."""
    counter = _present.get()
    if counter is not None:
        counter.add(write)
