"""What a pump does about errors: the pump's own settings over the system's `retry_strategy` over the
defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

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

    @property
    def retries(self) -> bool:
        """Whether entities that fail are queued."""
        return self.max_write_errors_in_retry_dataset > 0


def policy(pipe: Config) -> Policy:
    """The policy of a pipe's effective config."""
    pump = pipe.get("pump") or {}
    known = {field.name for field in fields(Policy)}
    given = {name: value for name, value in pump.items() if name in known}
    if pump.get("use_dead_letter_dataset"):
        given.setdefault("dead_letter_dataset", f"system:dead-letter:{pipe['_id']}")
    return Policy(**given)
