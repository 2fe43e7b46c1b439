"""How far the pumps that run have come: what is read, what is left, how fast it goes, how long it takes."""

from __future__ import annotations

import time
from collections.abc import Iterable

from core.jsonio import Json
from localnode.node.pipe import NodePipe

SHORTEST_S = 1.0
"""A rate that was measured for a shorter time says nothing."""


def progress(pipes: Iterable[NodePipe]) -> list[dict[str, object]]:
    """Return the runs under way, the one that will take longest first. ::

    [{"pipe", "seconds",                      since it began
      "read": n,                              source entities it has been through
      "left": n | null,                       those still to come; null when the source cannot say
      "per_minute": x | null,                 over the whole run so far
      "seconds_left": x | null}]
    """
    now = time.time()
    found = [_of(pipe.id, known, now) for pipe in pipes if (known := pipe.progress()) is not None]
    return sorted(found, key=lambda each: (-(each["seconds_left"] or 0.0), -each["seconds"]))


def _of(pipe_id: str, known: Json, now: float) -> Json:
    seconds = max(0.0, now - known["started"])
    rate = known["read"] / seconds if seconds >= SHORTEST_S and known["read"] else None
    left = known["left"]
    return {
        "pipe": pipe_id,
        "seconds": round(seconds, 3),
        "read": known["read"],
        "left": left,
        "per_minute": round(rate * 60, 1) if rate else None,
        "seconds_left": round(left / rate, 1) if rate and left is not None else None,
    }
