"""Faults on demand: a slow, throttling, failing or dying upstream, drawn from a seed so that runs repeat."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from core.jsonio import Json

WINDOW_S = 60.0
ERROR_STATUSES = (500, 502, 503)


class FaultsError(ValueError):
    """A fault setting is unknown, of the wrong type or out of range; the message names it."""


@dataclass(frozen=True)
class FaultSettings:
    """What goes wrong, and how often. Rates are probabilities; zero everywhere means a healthy system.

    `clock_skew_s` is how far the system's clock is ahead of ours; negative: behind.
    `webhook_delay_ms` is the longest that a webhook may be late; each draws its own, so order is lost.
    """

    latency_ms: float = 0
    jitter_ms: float = 0
    rate_per_minute: int = 0
    error_rate: float = 0.0
    drop_before_rate: float = 0.0
    drop_after_rate: float = 0.0
    retry_after: bool = True
    throttle_rate: float = 0.0
    list_lag_s: float = 0
    clock_skew_s: float = 0
    webhook_delay_ms: float = 0
    webhook_duplicate_rate: float = 0.0
    webhook_loss_rate: float = 0.0
    seed: int = 1

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> FaultSettings:
        """Return settings from a JSON object; what is left out takes its default. Raises FaultsError."""
        known = {field.name for field in fields(cls)}
        for name, value in values.items():
            if name not in known:
                raise FaultsError(f"unknown fault setting {name!r}; known are {', '.join(sorted(known))}")
            _check(name, value)
        return cls(**values)

    def as_json(self) -> Json:
        """Return the settings as `GET /_sandbox/faults` shows them."""
        return asdict(self)


def _check(name: str, value: object) -> None:
    if name == "retry_after":
        if not isinstance(value, bool):
            raise FaultsError(f"{name} must be true or false")
        return
    whole = name in ("seed", "rate_per_minute")
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise FaultsError(f"{name} must be a {'whole number' if whole else 'number'}")
    if name not in ("seed", "clock_skew_s") and value < 0:
        raise FaultsError(f"{name} must not be negative")
    if name.endswith("_rate") and value > 1:
        raise FaultsError(f"{name} is a probability and must not exceed 1")


class Faults:
    """Draws, request by request, what goes wrong. Thread-safe; a new setting restarts the seeded draws."""

    def __init__(self, settings: FaultSettings | None = None) -> None:
        self._lock = threading.Lock()
        self.apply(settings or FaultSettings())

    def apply(self, settings: FaultSettings) -> None:
        """Replace all settings at once and forget the requests counted so far."""
        with self._lock:
            self.settings = settings
            self._random = random.Random(settings.seed)
            self._admitted: deque[float] = deque()
            self._reads_blocked_until = 0.0

    def delay_s(self) -> float:
        """Return how long the next answer takes.

        The latency plus or minus up to the jitter, never negative.
        """
        settings = self.settings
        if not settings.latency_ms and not settings.jitter_ms:
            return 0.0
        with self._lock:
            jitter = self._random.uniform(-settings.jitter_ms, settings.jitter_ms)
        return max(0.0, settings.latency_ms + jitter) / 1000

    def throttled_for(self, is_read: bool = True, blocks_reads: Callable[[], bool] = bool) -> int | None:
        """Whole seconds to wait when this request exceeds the rate of the last minute, None when admitted.

        `blocks_reads`: once the rate was exceeded, reads are refused for a whole minute and writes are taken.
        """
        limit = self.settings.rate_per_minute
        if not limit:
            return None
        now = time.monotonic()
        with self._lock:
            while self._admitted and self._admitted[0] <= now - WINDOW_S:
                self._admitted.popleft()
            if is_read and now < self._reads_blocked_until:
                return max(1, math.ceil(self._reads_blocked_until - now))
            if len(self._admitted) < limit:
                self._admitted.append(now)
                return None
            if blocks_reads():
                self._reads_blocked_until = now + WINDOW_S
                return math.ceil(WINDOW_S) if is_read else None
            return max(1, math.ceil(self._admitted[0] + WINDOW_S - now))

    def throttles(self) -> bool:
        """Return whether this request is refused as one too many, whatever the rate."""
        return self._happens(self.settings.throttle_rate)

    def error(self) -> int | None:
        """Return the status of an injected failure, or None."""
        if not self._happens(self.settings.error_rate):
            return None
        with self._lock:
            return self._random.choice(ERROR_STATUSES)

    def drops_before(self) -> bool:
        """Return whether the connection dies before anything is done."""
        return self._happens(self.settings.drop_before_rate)

    def drops_after(self) -> bool:
        """Return whether the connection dies after the write was done, its answer lost."""
        return self._happens(self.settings.drop_after_rate)

    def _happens(self, rate: float) -> bool:
        if not rate:
            return False
        with self._lock:
            return self._random.random() < rate
