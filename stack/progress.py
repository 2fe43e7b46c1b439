"""How far a long run is, as lines for a shell: only what takes long, and not too often."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.jsonio import Json

FIRST_S, PAUSE_S, LONGEST_PAUSE_S = 5.0, 10.0, 60.0
SHOWN = 3


class ProgressLines:
    """Says how far the pumps are: after FIRST_S, then in growing pauses."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._next = clock() + FIRST_S
        self._pause = PAUSE_S

    def watch(self, pumps: list[Json]) -> None:
        """Take what `GET /progress` answers."""
        slow = [each for each in pumps if each["seconds"] >= FIRST_S]
        if not slow or self._clock() < self._next:
            return
        for each in slow[:SHOWN]:
            self._say(f"  {progress_line(each)}")
        if slow[SHOWN:]:
            self._say(f"  and {len(slow) - SHOWN} more pipes")
        self._next = self._clock() + self._pause
        self._pause = min(self._pause * 1.5, LONGEST_PAUSE_S)


def progress_line(pump: Json) -> str:
    """`chargebee-customer-share: 1,200 of 9,800, 118 a minute, 73 min left`."""
    read, left, rate, seconds = (pump[name] for name in ("read", "left", "per_minute", "seconds_left"))
    parts = [f"{read:,} read" if left is None else f"{read:,} of {read + left:,}"]
    if rate:
        parts.append(f"{rate:,.0f} a minute" if rate < 6000 else f"{rate / 60:,.0f} a second")
    if seconds is not None and left:
        parts.append(f"{duration(seconds)} left")
    return f"{pump['pipe']}: {', '.join(parts)}"


def duration(seconds: float) -> str:
    """`45 s`, `12 min` or `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
