"""What callers did to a sandbox: calls by method and route, reads, writes that took effect, faults given."""

from __future__ import annotations

import threading
from collections import Counter

from core.jsonio import Json
from sandbox.common.state import State

SETTING = "_stats"


class Stats:
    """Counters that outlive the process: each write that took effect saves them to the state file.

    Reads counted after the last such write are lost when the process is killed; writes are not.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._load(state.setting(SETTING) or {})

    def _load(self, saved: Json) -> None:
        self.calls: Counter[str] = Counter(saved.get("calls", {}))
        self.statuses: Counter[str] = Counter(saved.get("statuses", {}))
        self.written: Counter[str] = Counter(saved.get("writes_by_route", {}))
        self.faults: Counter[str] = Counter(saved.get("faults", {}))
        self.reads = int(saved.get("reads", 0))

    def answered(self, route: str, status: int, is_write: bool) -> None:
        """Count one answer; a write took effect when its status is a success."""
        took_effect = is_write and status < 300
        with self._lock:
            self.calls[route] += 1
            self.statuses[str(status)] += 1
            if took_effect:
                self.written[route] += 1
            elif not is_write:
                self.reads += 1
        if took_effect:
            self._save()

    def dropped(self, route: str) -> None:
        """Count a call whose connection was closed before anything was done."""
        with self._lock:
            self.calls[route] += 1
            self.faults["dropped_before"] += 1

    def fault(self, name: str) -> None:
        """Count an injected fault: `errors`, `throttled` or `dropped_after`."""
        with self._lock:
            self.faults[name] += 1

    def as_json(self) -> Json:
        """Return the shape of `GET /_sandbox/stats`."""
        with self._lock:
            return {
                "calls": dict(self.calls),
                "statuses": dict(self.statuses),
                "reads": self.reads,
                "writes": self.written.total(),
                "writes_by_route": dict(self.written),
                "throttled": self.faults["throttled"],
                "faults": {name: self.faults[name] for name in ("errors", "dropped_before", "dropped_after")},
            }

    def clear(self) -> None:
        """Start counting from zero."""
        with self._lock:
            self._load({})
        self._save()

    def _save(self) -> None:
        values = self.as_json()
        values["faults"]["throttled"] = values["throttled"]
        with self._state.write() as tx:
            tx.set_setting(SETTING, values)
