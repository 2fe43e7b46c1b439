"""Adapt the number of calls per minute to upstream: the plan's limit, reduced after refusals."""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0
_CUT = 0.9
"""After a refusal we go on with this part of what we did within the last minute."""

_LEAST = 6.0
"""Calls a minute that are always tried, or nothing would ever be learned again."""

_STEP_S = 30.0
_RISE = 0.05
"""Every `_STEP_S` without a refusal the rate rises by this part of the plan's limit."""


class AdaptiveRateLimit:
    """Calls per minute. Not thread-safe; `Limiter` guards it. All times are seconds of one clock.

    Replicas share nothing: each learns from its own refusals, and so they find their shares of a limit that
    none of them knows (additive increase, multiplicative decrease).
    """

    def __init__(self, plan: float | None) -> None:
        """`plan`: the initial limit, which is never exceeded; None: no limit, and nothing is learned."""
        self.plan = plan
        self._learned: float | None = None
        self._risen = 0.0
        self._calls: deque[float] = deque()
        self._began: float | None = None

    def called(self, now: float) -> None:
        """Count one call."""
        if self._began is None:
            self._began = now
        self._calls.append(now)
        self._forget(now)

    def refused(self, now: float) -> None:
        """Learn from a 429: this number of calls within a minute, or this speed, was too high."""
        self._forget(now)
        present = self.per_minute(now)
        if present is not None:
            age = now - self._began if self._began is not None else 0.0
            speed = len(self._calls) * WINDOW_S / min(WINDOW_S, max(1.0, age))
            # From what we really did if that was less than allowed: others may use the rest of the limit.
            self._learned = max(_LEAST, _CUT * min(present, speed))
            self._risen = now

    def per_minute(self, now: float) -> float | None:
        """Return the present rate, None if there is no limit."""
        if self.plan is None or self._learned is None:
            return self.plan
        steps = (now - self._risen) // _STEP_S
        self._risen += steps * _STEP_S
        self._learned = min(self.plan, self._learned + steps * _RISE * self.plan)
        return self._learned

    def _forget(self, now: float) -> None:
        while self._calls and self._calls[0] <= now - WINDOW_S:
            self._calls.popleft()
