"""The last lines of the node's own log, kept in memory for the log page."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any

from flask import Flask, current_app

from core.jsonio import Json

MAX_LINES = 2000
_KEY = "studio-log"


class NodeLog(logging.Handler):
    """Keeps what `localnode` logs; numbers grow for ever, so that a reader can ask for what is new."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._kept: deque[dict[str, Any]] = deque(maxlen=MAX_LINES)
        self._numbering = threading.Lock()
        self._number = 0

    @classmethod
    def attach(cls, app: Flask) -> None:
        """Begin to keep lines for `app`, the only application of this process from now on."""
        logger, handler = logging.getLogger("localnode"), cls()
        for other in [each for each in logger.handlers if isinstance(each, cls)]:
            logger.removeHandler(other)
        logger.addHandler(handler)
        app.extensions[_KEY] = handler

    @classmethod
    def current(cls) -> NodeLog:
        """Return the log of the application that handles this request."""
        found: NodeLog = current_app.extensions[_KEY]
        return found

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        with self._numbering:
            self._number += 1
            line = {
                "number": self._number,
                "ts": int(record.created * 1_000_000),
                "level": record.levelname,
                "logger": record.name,
                "message": record.getMessage(),
            }
            self._kept.append(line)

    def since(self, number: int) -> list[Json]:
        """Return lines numbered above `number`, oldest first."""
        with self._numbering:
            return [line for line in self._kept if line["number"] > number]
