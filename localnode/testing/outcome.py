"""What came of one test, or of a step that all of them need."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

PASSED, FAILED, IGNORED, UPDATED = "passed", "failed", "ignored", "updated"


@dataclass(frozen=True)
class Outcome:
    """`name` is that of the test, or of the step (upload, test data, run).

    `reason` says in one line what is wrong, `details` line by line.
    """

    name: str
    status: str
    reason: str = ""
    details: list[str] = field(default_factory=list)
    seconds: float = 0.0


def timed(step: Callable[[], Outcome]) -> Outcome:
    """Return the outcome of a step, with the time that it took."""
    began = time.monotonic()
    outcome = step()
    return replace(outcome, seconds=time.monotonic() - began)
