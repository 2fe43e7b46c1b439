"""Write the execution log of a pipe.

It is a dataset of events under fixed ids, so that the latest of each kind is available.
"""

from __future__ import annotations

import time
import traceback
import uuid
from typing import Any

from core.clock import seconds_to_text
from localnode.store import LOG_PREFIX, RetryEntry, Store

INCREMENTAL, FULL, PARTIAL = "incremental", "full", "partial"


def iso(seconds: float) -> str:
    """Return Unix seconds in the form in which the log writes times."""
    return f"~t{seconds_to_text(seconds)}"


class ExecutionLog:
    """Writes events of one pipe's pump."""

    def __init__(self, store: Store, pipe_id: str) -> None:
        self._store = store
        self._pipe_id = pipe_id
        self.dataset = LOG_PREFIX + pipe_id

    def write(self, event_id: str, event_type: str, **fields: Any) -> None:
        """Store one event; `fields` are JSON values."""
        entity = {
            "_id": event_id,
            "event_type": event_type,
            "pipe": self._pipe_id,
            "event_time": iso(time.time()),
            **fields,
        }
        self._store.dataset(self.dataset, create=True).write([entity])

    def seconds_since_end(self) -> float:
        """Return seconds since a run was last logged as completed."""
        dataset = self._store.find(self.dataset)
        last = dataset.get("pump-completed") if dataset else None
        return time.time() - (last.ts / 1e6 if last else 0)

    def started(self, started: float, sync_type: str) -> None:
        """Log that a run worth logging started at `started` (Unix seconds)."""
        self.write("pump-started", "pump-started", start_time=iso(started), sync_type=sync_type)

    def ended(self, started: float, sync_type: str, error: BaseException | None, **fields: object) -> None:
        """Log that a run ended, successful or not; `fields` are its figures."""
        ended = time.time()
        times = {"start_time": iso(started), "end_time": iso(ended), "total_time": round(ended - started, 6)}
        if error is None:
            self.write("pump-completed", "pump-completed", sync_type=sync_type, **times, **fields)
            return
        trace = "".join(traceback.format_exception(error))[-8000:]
        message = f"{type(error).__name__}: {error}"
        self.write(
            "pump-failed",
            "pump-failed",
            sync_type=sync_type,
            traceback=trace,
            original_error_message=message,
            reason_why_stopped=str(error),
            **times,
            **fields,
        )

    def read_error(self, error: BaseException) -> None:
        """Log that the source could not be read."""
        self.write(
            f"read-error:{uuid.uuid4()}", "read-error", error_code=0, original_error_message=str(error)
        )

    def write_error(
        self, entry: RetryEntry, *, retryable: bool = True, resolved: bool = False, dead: bool = False
    ) -> None:
        """Log the state of an entity that could not be written."""
        self.write(
            f"write-error:{entry.id}",
            "write-error",
            retry_attempts=entry.attempts,
            retryable=retryable,
            resolved=resolved,
            dead=dead,
            entity=entry.entity,
            original_error_message=entry.error,
        )
