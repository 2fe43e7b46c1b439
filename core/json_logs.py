"""Write logs as JSON, one object per line, which collectors read without special rules."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from core.jsonio import dumps


class JsonFormatter(logging.Formatter):
    """Writes `time`, `level`, `message`, the fixed members, and the record's own `members`."""

    def __init__(
        self,
        fixed: Mapping[str, object],
        present: Callable[[], Mapping[str, object]] = dict,
        redact: Callable[[str], str] = str,
    ) -> None:
        """Add to every line the members `fixed` and those of `present()`; `redact` blanks out secrets."""
        super().__init__()
        self._fixed = fixed
        self._present = present
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; members that are None are left out."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            **self._fixed,
            "message": record.getMessage(),
            **self._present(),
            **getattr(record, "members", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return self._redact(
            dumps({name: value for name, value in line.items() if value is not None}).decode()
        )
