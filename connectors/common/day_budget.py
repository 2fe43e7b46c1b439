"""Limit the calls within 24 hours, and tell when the next one may be made."""

from __future__ import annotations

from collections import deque

DAY_S = 86_400.0
_STEP_S = 60.0
_FOR_WRITES = 0.1
"""The part of the budget that reads leave to writes, so that idle reads do not use up a day's edits."""


class DayBudget:
    """Calls within any 24 hours. Not thread-safe; `Limiter` guards it. All times are seconds of one clock.

    A system that counts by calendar days never counts more than this. A restart forgets the calls; if
    upstream then refuses with 429, the service waits as after any other refusal.
    """

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self._minutes: deque[tuple[float, int]] = deque()
        self._made = 0

    def called(self, now: float) -> None:
        """Count one call."""
        self._forget(now)
        minute = now // _STEP_S * _STEP_S
        if self._minutes and self._minutes[-1][0] == minute:
            self._minutes[-1] = (minute, self._minutes[-1][1] + 1)
        else:
            self._minutes.append((minute, 1))
        self._made += 1

    def wait(self, now: float, write: bool) -> float:
        """Return the seconds until a call may be made; 0 if it may be made now."""
        self._forget(now)
        most = self.calls if write else int(self.calls * (1 - _FOR_WRITES))
        too_many = self._made + 1 - most
        for minute, calls in self._minutes if too_many > 0 else ():
            too_many -= calls
            if too_many <= 0:
                return max(0.0, minute + _STEP_S + DAY_S - now)
        return 0.0

    def _forget(self, now: float) -> None:
        while self._minutes and self._minutes[0][0] + _STEP_S + DAY_S <= now:
            self._made -= self._minutes.popleft()[1]
