"""How far a long run is, as lines for a shell: only what takes long, and not too often."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from core.jsonio import Json
from localnode.cli.client import NodeClient, NodeFailure

FIRST_S, PAUSE_S, LONGEST_PAUSE_S = 5.0, 10.0, 60.0
SHOWN = 3
LOOK_S = 1.0


class ProgressLines:
    """Says how far the pumps are: after FIRST_S, then in growing pauses.

    Pumps that have just begun are left out, unless `all_of_them` are wanted since nothing else is said.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        all_of_them: bool = False,
    ) -> None:
        self._say, self._clock = say, clock
        self._least_s = 0.0 if all_of_them else FIRST_S
        self._next = clock() + FIRST_S
        self._pause = PAUSE_S

    def watch(self, pumps: list[Json]) -> None:
        """Take what `GET /progress` answers."""
        told = [each for each in pumps if each["seconds"] >= self._least_s]
        if not told or self._clock() < self._next:
            return
        for each in told[:SHOWN]:
            self._say(f"  {progress_line(each)}")
        if more := len(told[SHOWN:]):
            self._say(f"  and {more} more {'pipe' if more == 1 else 'pipes'}")
        self._next = self._clock() + self._pause
        self._pause = min(self._pause * 1.5, LONGEST_PAUSE_S)


@contextmanager
def told_meanwhile(node: NodeClient, what: str) -> Iterator[None]:
    """Say on standard error `what` is done, and how far the node is, while it plans or verifies.

    Standard output stays what was asked for. `node` is for this alone: another thread asks with it.
    """
    done, started = threading.Event(), time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s{line}", file=sys.stderr, flush=True)

    def look() -> None:
        lines = ProgressLines(say, all_of_them=True)
        while not done.wait(LOOK_S):
            with suppress(NodeFailure):  # how the question itself ends is what counts
                lines.watch([each for each in node.json("GET", "/progress") if each.get("dry_run")])

    print(f"{what}; nothing is written.", file=sys.stderr, flush=True)
    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        done.set()


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
