"""The log of a run-all: lines with strictly growing timestamps, kept until the next run begins."""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime, timedelta

MAX_LINES = 20_000


class RunLog:
    """Lines `{"timestamp", "loglevel", "logdata"}`; safe to read while it is written."""

    def __init__(self) -> None:
        self._lines: deque[dict[str, str]] = deque(maxlen=MAX_LINES)
        self._lock = threading.Lock()
        self._last = datetime.min.replace(tzinfo=UTC)

    def clear(self) -> None:
        """Forget all lines; timestamps go on growing."""
        with self._lock:
            self._lines.clear()

    def add(self, level: str, message: str) -> None:
        """Append one line."""
        with self._lock:
            self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
            stamp = self._last.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            self._lines.append({"timestamp": stamp, "loglevel": level, "logdata": message})

    def info(self, message: str) -> None:
        """A line of level INFO."""
        self.add("INFO", message)

    def error(self, message: str) -> None:
        """A line of level ERROR."""
        self.add("ERROR", message)

    def since(self, timestamp: str | None) -> list[dict[str, str]]:
        """Lines newer than `timestamp`; all without one."""
        with self._lock:
            return [line for line in self._lines if timestamp is None or line["timestamp"] > timestamp]
