"""How many calls go upstream: so many a second, so many at a time, writes before reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Limiter:
    """A token bucket with a limit on simultaneous calls, shared by all threads of the process.

    `per_second` None means no rate limit, `concurrency` None no limit on simultaneous calls; `burst` calls
    may go at once after a quiet time. While a write waits, no read gets a token.
    """

    def __init__(
        self,
        per_second: float | None = None,
        burst: int = 1,
        concurrency: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = per_second
        self._burst = float(burst)
        self._tokens = float(burst)
        self._room = concurrency
        self._clock = clock
        self._filled = clock()
        self._closed_until = 0.0
        self._writes_waiting = 0
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, write: bool) -> Iterator[float]:
        """Wait for leave to make one call; gives the seconds waited. The place is freed when the block
        ends.
        """
        waited = self._enter(write)
        try:
            yield waited
        finally:
            self._leave()

    def hold(self, seconds: float) -> None:
        """Let nobody pass for `seconds`: upstream asked for it (429 with `Retry-After`)."""
        with self._changed:
            self._closed_until = max(self._closed_until, self._clock() + seconds)

    def _enter(self, write: bool) -> float:
        started = self._clock()
        with self._changed:
            self._writes_waiting += write
            try:
                while (delay := self._delay(write)) != 0.0:
                    self._changed.wait(delay)
            finally:
                self._writes_waiting -= write
                self._changed.notify_all()
            self._tokens -= 1.0
            if self._room is not None:
                self._room -= 1
        return self._clock() - started

    def _leave(self) -> None:
        with self._changed:
            if self._room is not None:
                self._room += 1
            self._changed.notify_all()

    def _delay(self, write: bool) -> float | None:
        """Seconds until it is worth looking again; 0.0 = go now; None = until somebody leaves."""
        now = self._clock()
        if self._closed_until > now:
            return self._closed_until - now
        if (self._writes_waiting and not write) or self._room == 0:
            return None
        if self._rate is None:
            self._tokens = self._burst
            return 0.0
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / self._rate
