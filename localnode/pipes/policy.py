"""Decide what a pump does about errors.

The pump's own settings override the system's `retry_strategy`, which overrides the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from localnode.pipes.base import Config


@dataclass(frozen=True)
class Policy:
    """Names, units and defaults as in the pump's documentation; delays in seconds."""

    max_read_retries: int = 0
    read_retry_delay: float = 0
    max_consecutive_write_errors: int = 1
    write_retry_delay: float = 0
    max_write_errors_in_retry_dataset: int = 0
    max_retries_per_entity: int = 5
    batch_retries: int = 3
    fallback_to_single_entities_on_batch_fail: bool = True
    track_dead_letters: bool = False
    dead_letter_dataset: str | None = None
    max_seconds_per_entity: float | None = None
    log_events_noop_runs: bool = False
    log_events_noop_runs_changes_only: bool = True
    notification_granularity: float | None = None
    by_status: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    otherwise: Mapping[str, Any] = field(default_factory=dict)

    @property
    def retries(self) -> bool:
        """Whether entities that fail are queued."""
        return self.max_write_errors_in_retry_dataset > 0

    def after(self, error: BaseException) -> Policy:
        """Return the policy for an error, from the system's `retry_strategy` for its HTTP status."""
        status = getattr(error, "status", None)
        if not isinstance(status, int):
            return self
        return replace(self, **self.by_status.get(status, self.otherwise))


def policy(pipe: Config, systems: Sequence[Config] = ()) -> Policy:
    """Return the policy of a pipe's effective config; `systems` are those it writes to."""
    pump = pipe.get("pump") or {}
    known = {each.name for each in fields(Policy)} - {"by_status", "otherwise"}
    given = {name: value for name, value in pump.items() if name in known}
    if pump.get("use_dead_letter_dataset"):
        given.setdefault("dead_letter_dataset", f"system:dead-letter:{pipe['_id']}")
    by_status: dict[int, Mapping[str, Any]] = {}
    otherwise: Mapping[str, Any] = {}
    for system in systems:
        for spec, rule in (system.get("retry_strategy") or {}).items():
            wanted = {name: value for name, value in rule.items() if name in known and name not in given}
            if spec == "default":
                otherwise = wanted
            else:
                by_status.update(dict.fromkeys(statuses(spec), wanted))
    return Policy(**given, by_status=by_status, otherwise=otherwise)


def statuses(spec: str) -> list[int]:
    """Return the codes that a text such as "400-428" or "500,502,504" stands for."""
    found: list[int] = []
    for part in spec.split(","):
        low, _, high = part.strip().partition("-")
        found.extend(range(int(low), int(high or low) + 1))
    return found
