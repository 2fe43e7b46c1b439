"""Implement partial rescans: after a number of runs the pump starts a little before where it stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from localnode.pipes.base import Config


def is_due(pump: Config, run: int) -> bool:
    """Return whether incremental run `run` (from 1) is a partial rescan.

    See `partial_rescan_run_count`.
    """
    return "partial_rescan_run_count" in pump and run % int(pump["partial_rescan_run_count"]) == 0


def moved_back(offset: Any, delta: float) -> object:
    """Return the token `delta` before `offset`: subtracted from a number, as seconds from a timestamp.

    Other tokens stay unchanged, because their order is unknown.
    """
    if isinstance(offset, (int, float)):
        return type(offset)(offset - delta)
    try:
        instant = datetime.fromisoformat(offset)
    except (TypeError, ValueError):
        return offset
    text = (instant - timedelta(seconds=delta)).isoformat(timespec=_precision(offset))
    return text.replace("+00:00", "Z") if offset.endswith("Z") else text


def _precision(timestamp: str) -> str:
    fraction = timestamp.partition(".")[2]
    digits = len(fraction) - len(fraction.lstrip("0123456789"))
    return "seconds" if not digits else "milliseconds" if digits <= 3 else "microseconds"
