"""Compute when a pump runs next, by interval or cron expression (UTC), and which runs are rescans."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from croniter import CroniterBadDateError, croniter

JITTER = 0.05
SIGNALLED_INTERVAL = 3600


class BadCron(ValueError):
    """A cron expression that this node does not accept: fix the config."""


def cron(expression: str) -> str:
    """Return the expression in croniter's field order (minute hour day month weekday [second year]).

    BadCron if unusable.

    Sesam's sixth field is a year; `W` and `#` are not supported.
    """
    fields = expression.upper().split()
    if (
        len(fields) not in (5, 6)
        or "#" in expression
        or any("W" in field and "WED" not in field for field in fields)
    ):
        raise BadCron(f'"{expression}" is not a cron expression of 5 or 6 fields (without W and #)')
    ordered = " ".join(fields[:5] + (["0", fields[5]] if len(fields) == 6 else []))
    if not croniter.is_valid(ordered):
        raise BadCron(f'"{expression}" is not a valid cron expression')
    return ordered


def next_cron(expression: str, now: float) -> float:
    """Return the Unix time of the first match after `now`; infinity if there is none within 50 years."""
    try:
        found = croniter(cron(expression), datetime.fromtimestamp(now, UTC)).get_next(datetime)
    except CroniterBadDateError:
        return float("inf")
    return float(found.timestamp())


class Schedule:
    """The `pump` block of one effective pipe as a timetable. Times are Unix seconds."""

    def __init__(self, pump: Mapping[str, Any], jitter: random.Random | None = None) -> None:
        self.mode = str(pump.get("mode", "scheduled"))
        self.interval = float(pump.get("schedule_interval") or 0)
        self.cron_expression: str | None = pump.get("cron_expression")
        self.run_at_startup = bool(pump.get("run_at_startup"))
        self._rescan_every: int | None = pump.get("rescan_run_count")
        self._rescan_cron: str | None = pump.get("rescan_cron_expression")
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads load, keeps no secret
        self._rescan_at = next_cron(self._rescan_cron, 0) if self._rescan_cron else float("inf")

    def first(self, now: float) -> float:
        """Return the time of the first run after the node started or the pipe changed."""
        if self.mode != "scheduled":
            return float("inf")
        if self._rescan_cron:
            self._rescan_at = next_cron(self._rescan_cron, now)
        return now if self.run_at_startup else self.next(now)

    def next(self, now: float) -> float:
        """Return the time of the next run after one ended at `now`.

        Infinity for pumps that do not run by themselves.
        """
        if self.mode != "scheduled":
            return float("inf")
        if self.cron_expression:
            at = next_cron(self.cron_expression, now)
        else:
            at = now + self.interval * (1 + self._jitter.uniform(-JITTER, JITTER))
        return min(at, self._rescan_at)

    def rescan_due(self, run_count: int, now: float) -> bool:
        """Return whether run number `run_count` (from 1) is a full one.

        2 means incremental, rescan, incremental, …
        """
        if self._rescan_cron:
            due = now >= self._rescan_at
            if due:
                self._rescan_at = next_cron(self._rescan_cron, now)
            return due
        return bool(self._rescan_every) and run_count % int(self._rescan_every or 1) == 0


def is_signalled(pipe: Mapping[str, Any], settings: Mapping[str, Any], given: Collection[str]) -> bool:
    """Return whether a change of its source dataset starts the pipe at once.

    `given` names the properties of the pump that are set explicitly. Signalling is on by default, unless the
    pump has its own cron expression or an interval of an hour or more. `supports_signalling` of the source
    overrides both, and `global_defaults.use_signalling_internally` overrides everything.
    """
    if (settings.get("global_defaults") or {}).get("use_signalling_internally") is False:
        return False
    wanted = (pipe.get("source") or {}).get("supports_signalling")
    if wanted is not None:
        return bool(wanted)
    if "cron_expression" in given:
        return False
    return "schedule_interval" not in given or float(pipe["pump"]["schedule_interval"]) < SIGNALLED_INTERVAL
