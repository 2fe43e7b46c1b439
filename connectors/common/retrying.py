"""How long to wait before a call is made again, and when to give up. The policy itself is urllib3's."""

from __future__ import annotations

import time

from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import RequestHistory, Retry

_STEP = RequestHistory(None, None, None, None, None)


class RetryBudget:
    """The retries of one call: so many attempts, and so many seconds of sleep over all of them."""

    def __init__(self, attempts: int, backoff: float, backoff_cap: float, max_wait: float) -> None:
        """`backoff` seconds double with every attempt up to `backoff_cap`, with as much jitter on top."""
        self._policy = Retry(
            total=attempts - 1, backoff_factor=backoff, backoff_max=backoff_cap, backoff_jitter=backoff
        )
        self._deadline = time.monotonic() + max_wait

    def pause(self, retry_after: str | None) -> float:
        """Return seconds to wait.

        `Retry-After` in either form if upstream sent one, else backoff with jitter.
        """
        if retry_after:
            try:
                return max(0.0, self._policy.parse_retry_after(retry_after))
            except InvalidHeader:
                pass
        return self._policy.new(history=(*self._policy.history, _STEP)).get_backoff_time()

    def spend(self, pause: float) -> bool:
        """Take one retry after `pause` seconds from the budget; False if it does not reach that far."""
        history = (*self._policy.history, _STEP)
        self._policy = self._policy.new(total=int(self._policy.total or 0) - 1, history=history)
        return not self._policy.is_exhausted() and time.monotonic() + pause <= self._deadline
