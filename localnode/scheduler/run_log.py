"""The log of a run-all: lines with strictly growing timestamps, kept until the next run begins."""

from __future__ import annotations

import threading
from collections import deque

from core.clock import RisingClock

MAX_LINES = 20_000


class RunLog:
    """Lines `{"timestamp", "loglevel", "logdata"}`; safe to read while it is written."""

    def __init__(self) -> None:
        self._lines: deque[dict[str, str]] = deque(maxlen=MAX_LINES)
        self._lock = threading.Lock()
        self._clock = RisingClock()

    def clear(self) -> None:
        """Remove all lines; timestamps keep growing."""
        with self._lock:
            self._lines.clear()

    def add(self, level: str, message: str) -> None:
        """Append one line."""
        with self._lock:
            line = {"timestamp": self._clock.now_text(), "loglevel": level, "logdata": message}
            self._lines.append(line)

    def info(self, message: str) -> None:
        """Add a line of level INFO."""
        self.add("INFO", message)

    def error(self, message: str) -> None:
        """Add a line of level ERROR."""
        self.add("ERROR", message)

    def since(self, timestamp: str | None) -> list[dict[str, str]]:
        """Return lines newer than `timestamp`; all without one."""
        with self._lock:
            return [line for line in self._lines if timestamp is None or line["timestamp"] > timestamp]
