"""How much a program may make of one entity: rules can double a text forty times, and no machine bears that.

Functions that make much out of little draw on one budget for each entity; what is small is free.
"""

from __future__ import annotations

import threading

from localnode.dtl.runtime import Refusal

MAX_MADE = 64 * 1024 * 1024
"""Characters, and items eight times, that may be made of one entity."""

ITEM = 8
FREE = 16 * 1024

_left = threading.local()


def begin() -> None:
    """Let a new entity begin."""
    _left.made = 0


def spend(amount: int) -> None:
    """Count what is to be made; `Refusal` if it is too much."""
    if amount > FREE:
        _left.made = getattr(_left, "made", 0) + amount
        if _left.made > MAX_MADE:
            raise Refusal(
                f"more than {MAX_MADE:,} characters or {MAX_MADE // ITEM:,} items made of one entity"
            )
