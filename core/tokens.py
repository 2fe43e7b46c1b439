"""Cache an access token: fetch it when it is first needed, before it expires, and after it was refused."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

EARLY_SECONDS = 30.0
"""How long before its end a token is fetched again: a call on its way must not meet the end."""


class TokenCache:
    """One token. Thread-safe: of several callers at once, one fetches and the others wait."""

    def __init__(
        self,
        fetch: Callable[[], tuple[str, float | None]],
        early: float = EARLY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`fetch` returns a new token and its lifetime in seconds, None if it does not expire."""
        self._fetch, self._early, self._clock = fetch, early, clock
        self._token: str | None = None
        self._renew_at = 0.0
        self._lock = threading.Lock()

    def get(self) -> str:
        """Return a token that is valid for a while; raises what `fetch` raises."""
        with self._lock:
            if self._token is None or self._clock() >= self._renew_at:
                token, lifetime = self._fetch()
                # However short its life is said to be, it serves a second: else every call would fetch one.
                left = max(lifetime - self._early, 1.0) if lifetime is not None else math.inf
                self._token, self._renew_at = token, self._clock() + left
            return self._token

    def forget(self) -> None:
        """Drop the token; the next call fetches another."""
        with self._lock:
            self._token = None
