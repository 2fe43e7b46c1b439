"""Decide how long to wait before a call is repeated, and when to give up. The policy is urllib3's."""

from __future__ import annotations

import math
import time
from datetime import datetime

from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import RequestHistory, Retry

_STEP = RequestHistory(None, None, None, None, None)


_EPOCH_S, _EPOCH_MS = 10**9, 10**12
"""Numbers from here on are a moment, in seconds or milliseconds since 1970; smaller ones are a time span."""


def seconds_until(text: str | None, now: float) -> float | None:
    """Return the seconds to wait according to a header; None if its value is not understood.

    It may be seconds from now, as in RateLimit-Reset (draft-ietf-httpapi-ratelimit-headers), an instant in
    seconds or milliseconds since 1970, as often in X-RateLimit-Reset, or a date.
    """
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        try:
            return max(0.0, datetime.fromisoformat(text.strip()).timestamp() - now)
        except (ValueError, OverflowError):
            return None
    if not math.isfinite(number):
        return None
    if number >= _EPOCH_MS:
        return max(0.0, number / 1000 - now)
    return max(0.0, number - now if number >= _EPOCH_S else number)


LONGEST = 3600.0
"""Seconds of the longest pause that upstream can ask for; the call after it shows whether that is enough."""


class RetryBudget:
    """The retries of one call: a number of attempts, and a number of seconds for all pauses together."""

    def __init__(self, attempts: int, backoff: float, backoff_cap: float, max_wait: float) -> None:
        """`backoff` seconds double with every attempt up to `backoff_cap`, plus as much jitter."""
        self._policy = Retry(
            total=attempts - 1, backoff_factor=backoff, backoff_max=backoff_cap, backoff_jitter=backoff
        )
        self._deadline = time.monotonic() + max_wait

    def pause(self, retry_after: str | None) -> float:
        """Return the seconds to wait.

        `Retry-After` in either form if upstream sent one, at most `LONGEST`; otherwise backoff with jitter.
        """
        if retry_after:
            try:
                return min(LONGEST, max(0.0, self._policy.parse_retry_after(retry_after)))
            except (InvalidHeader, ValueError, OverflowError):
                pass
        return self._policy.new(history=(*self._policy.history, _STEP)).get_backoff_time()

    def spend(self, pause: float) -> bool:
        """Take one retry after `pause` seconds from the budget; False if the budget is exhausted."""
        history = (*self._policy.history, _STEP)
        self._policy = self._policy.new(total=int(self._policy.total or 0) - 1, history=history)
        return not self._policy.is_exhausted() and time.monotonic() + pause <= self._deadline
