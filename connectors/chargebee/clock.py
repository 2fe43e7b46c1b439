"""What time it is at Chargebee, never later than that: how far its answers' `Date` is behind our own clock.

Windows end some minutes before now. Were our clock two minutes ahead, so would they, and a change that shows
late could fall behind them for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

NEAR_S = 2.0
"""Differences that whole seconds and the way of an answer explain; windows overlap by more."""


class SiteClock:
    """Unix seconds. Without any answer yet, and for a site that is ahead, our own clock counts."""

    def __init__(self, local: Callable[[], float] = time.time) -> None:
        self._local = local
        self._behind = 0.0

    def note(self, date: str | None) -> None:
        """Learn from the `Date` header of an answer that came just now."""
        try:
            shown = parsedate_to_datetime(date or "").timestamp()
        except (TypeError, ValueError):
            return
        behind = self._local() - shown
        self._behind = behind if behind > NEAR_S else 0.0

    def local(self) -> float:
        """Now, by our own clock: a moment to ask `at` for once an answer has come."""
        return self._local()

    def at(self, local: float) -> float:
        """Return what the slower of the two clocks showed when ours showed `local`."""
        return local - self._behind
