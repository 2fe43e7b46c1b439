"""Limits calls upstream: so many a minute, so many at a time, writes before reads."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.common.day_budget import DayBudget
from connectors.common.errors import Unavailable
from connectors.common.rate_limit import AdaptiveRateLimit


class Limiter:
    """A token bucket with a limit on simultaneous calls, shared by all threads of the process.

    `per_second` None means no rate limit, `concurrency` None no limit on simultaneous calls; `burst` calls
    may be made at once after a quiet time; for `per_day` see `connectors.common.day_budget`. While a write
    waits, no read gets a token. A refusal (429) stops all calls for the pause that upstream asks for and
    lowers the rate limit; it recovers, see `connectors.common.rate_limit`.
    """

    def __init__(
        self,
        per_second: float | None = None,
        burst: int = 1,
        concurrency: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        per_day: int | None = None,
    ) -> None:
        self._rate_limit = AdaptiveRateLimit(None if per_second is None else per_second * 60)
        self._burst = float(burst)
        self._tokens = float(burst)
        self._room = concurrency
        self._day = None if per_day is None else DayBudget(per_day)
        self._clock = clock
        self._filled = clock()
        self._closed_until = 0.0
        self._waiting = {True: 0, False: 0}
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, write: bool, max_wait: float = math.inf) -> Iterator[float]:
        """Wait until one call may be made; yield the seconds waited.

        The place is freed when the block ends. `Unavailable` at once if upstream asked for a longer pause
        than `max_wait` seconds.
        """
        waited = self._enter(write, max_wait)
        try:
            yield waited
        finally:
            self._leave()

    def refused(self, seconds: float) -> None:
        """Note a 429 that asks for a pause of `seconds`: nobody passes, then one, then fewer than before.

        Refusals of calls that were under way together count as one.
        """
        with self._changed:
            now = self._clock()
            # Calls that were under way when the first was refused say nothing new about the rate.
            if now >= self._closed_until:
                self._rate_limit.refused(now)
            self._closed_until = max(self._closed_until, now + seconds)
            # After the pause one call tries it alone; a whole burst would only be refused again.
            self._tokens, self._filled = 1.0, self._closed_until

    @property
    def per_minute(self) -> float:
        """Return the calls per minute that are allowed now; infinite without a limit, 0 during a pause."""
        with self._changed:
            now = self._clock()
            rate = self._rate_limit.per_minute(now)
            return 0.0 if self._closed_until > now else math.inf if rate is None else rate

    def waiting(self, write: bool) -> int:
        """Return how many calls are waiting."""
        return self._waiting[write]

    def _enter(self, write: bool, max_wait: float) -> float:
        started = self._clock()
        with self._changed:
            self._waiting[write] += 1
            try:
                # A delay of None: nothing but another thread's leaving can help, so wait for that.
                while (delay := self._delay(write, max_wait)) != 0.0:
                    self._changed.wait(delay)
            finally:
                self._waiting[write] -= 1
                self._changed.notify_all()
            self._tokens -= 1.0
            self._rate_limit.called(self._clock())
            if self._day is not None:
                self._day.called(self._clock())
            if self._room is not None:
                self._room -= 1
        return self._clock() - started

    def _leave(self) -> None:
        with self._changed:
            if self._room is not None:
                self._room += 1
            self._changed.notify_all()

    def _delay(self, write: bool, max_wait: float) -> float | None:
        """Return the seconds until a new check is useful; 0.0 = go now; None = until a call ends."""
        now = self._clock()
        if self._closed_until > now:
            pause = self._closed_until - now
            if pause > max_wait:
                raise Unavailable("upstream asked for a pause after too many calls", retry_after=pause)
            return pause
        if self._day is not None and (pause := self._day.wait(now, write)) > 0:
            if pause > max_wait:
                raise Unavailable(
                    f"the {self._day.calls} calls of a day are used up; the next one is free in"
                    f" {round(pause)} s",
                    retry_after=pause,
                )
            return pause
        if (self._waiting[True] and not write) or self._room == 0:
            return None
        per_minute = self._rate_limit.per_minute(now)
        if per_minute is None:
            self._tokens = self._burst
            return 0.0
        rate = per_minute / 60
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * rate)
        self._filled = now
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / rate
