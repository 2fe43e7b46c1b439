"""How many calls upstream one request of ours takes."""

from __future__ import annotations

import threading
from contextvars import ContextVar


class Tally:
    """Calls so far; a request's worker threads add to the same one."""

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


_present: ContextVar[Tally | None] = ContextVar("tally", default=None)


def start() -> Tally:
    """Begin to count for the present request."""
    tally = Tally()
    _present.set(tally)
    return tally


def present() -> Tally:
    """The present request's tally; begun now if there is none."""
    return _present.get() or start()


def count(write: bool) -> None:
    """Count one call upstream, if a request is being served."""
    tally = _present.get()
    if tally is not None:
        tally.add(write)
