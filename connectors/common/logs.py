"""Write structured logs: one JSON object per line, with its request and without secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from contextvars import ContextVar

from core.json_logs import JsonFormatter

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)

CALLS = logging.getLogger("connectors.calls")
"""For what is logged where no application is at hand: shared records, calls to the other system."""

_CREDENTIALS = re.compile(r"(?i)\b(basic|bearer|session)\s+[\w+/=.~-]{4,}|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)")
_MASK = "***"


class Redactor:
    """Blanks out known secret values and anything that looks like credentials."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """Return `text` with every secret replaced by `***`."""
        if self._known:
            text = self._known.sub(_MASK, text)
        return _CREDENTIALS.sub(_MASK, text)


def _present() -> dict[str, object]:
    return {"request_id": request_id.get(), "correlation_id": correlation_id.get()}


def configure(service: str, level: str, redact: Redactor) -> logging.Logger:
    """Return the service's logger, writing to standard error; calling it again replaces the handler."""
    logger = logging.getLogger(f"connectors.{service}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter({"service": service}, _present, redact))
    for each in (logger, CALLS):
        each.handlers = [handler]
        each.setLevel(level)
        each.propagate = False
    return logger
