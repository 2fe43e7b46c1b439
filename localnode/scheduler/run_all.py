"""Run all pipes until nothing moves any more, and report whether that worked."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.jsonio import Json
from localnode.scheduler.rounds import FAILED, NOT_READY, NOT_RUNNABLE, Outcome, PipeTotals, Rounds, Runnable
from localnode.scheduler.run_log import RunLog

STOPPED = "stopped"


@dataclass(frozen=True)
class RunAllOptions:
    """Parameters of a run-all. `max_run_time` in seconds; `statistics` adds figures per pipe to the result.

    `check_input_pipes`: whether the failure of a pipe that reads from outside fails the run. None means yes,
    except for a pipe that cannot run on this node at all, because its system has no address here or a secret
    is missing.
    """

    extra_zero_runs: int = 0
    max_runs: int = 100
    max_run_time: float = 900.0
    check_input_pipes: bool | None = None
    statistics: bool = False


class RunAll:
    """One run over `pipes`.

    Rounds continue until one changes nothing, followed by `extra_zero_runs` more such rounds. A round does
    not count as unchanged if a pipe started or stopped failing or waiting in it, or if a source must be read
    again after it (see Rounds). A full disk ends the run at once.

    A pipe counts as failed if its *last* run failed, because a later round may succeed. A pipe that waited
    for a hopped dataset until the end has failed too, unless that dataset is written by a pipe whose failure
    is tolerated, or by one that only a hosted node can run.
    """

    def __init__(self, pipes: Sequence[Runnable], options: RunAllOptions, log: RunLog, workers: int) -> None:
        self.options = options
        self.log = log
        self.stop = threading.Event()
        self._rounds = Rounds(pipes, workers, self._report)

    def run(self) -> Json:
        """Return, at the end, `{"status": "success"|"failed"|"stopped", "additional_info": {…}}`."""
        started = time.monotonic()
        deadline = started + self.options.max_run_time
        rounds, zero = 0, -1
        failures: frozenset[tuple[str, str]] = frozenset()
        limit = ""
        while zero < self.options.extra_zero_runs:
            if rounds == self.options.max_runs:
                limit = f"still changing after max_runs={self.options.max_runs} rounds{self._changing()}"
                break
            rounds += 1
            changes = self._rounds.run(self.stop, deadline)
            self.log.info(f"round {rounds}: {changes} changes")
            if self.stop.is_set():
                break
            if self._rounds.ended_by:
                limit = self._rounds.ended_by.reason
                break
            if time.monotonic() > deadline:
                limit = f"not finished after max_run_time={self.options.max_run_time:g} s"
                break
            before, failures = failures, self._rounds.failures()
            settled = changes == 0 and failures == before and not self._rounds.are_sources_due()
            zero = zero + 1 if settled else -1
        return self._result(rounds, time.monotonic() - started, limit)

    def _changing(self) -> str:
        """Return which pipes changed something in the last round."""
        names = [name for name, totals in self._rounds.totals.items() if totals.changed]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        return f": {shown}" if names else ""

    def _report(self, pipe_id: str, outcome: Outcome) -> None:
        if outcome.status == FAILED:
            self.log.error(f"pipe {pipe_id} failed: {outcome.reason}")
        elif outcome.status == NOT_READY:
            self.log.info(f"pipe {pipe_id} waits: {outcome.reason}")
        elif outcome.changes:
            self.log.info(f"pipe {pipe_id}: {outcome.changes} changes")

    def _result(self, rounds: int, seconds: float, limit: str) -> dict[str, object]:
        failed, tolerated = self._failures()
        status = STOPPED if self.stop.is_set() else FAILED if failed or limit else "success"
        info: dict[str, Any] = {
            "rounds": rounds,
            "seconds": round(seconds, 3),
            "changes": sum(totals.changes for totals in self._rounds.totals.values()),
            "failed_pipes": failed,
            "ignored_pipes": tolerated,
            "not_runnable_pipes": self._not_runnable(),
        }
        if limit:
            info["message"] = limit
        if self.options.statistics:
            info["pipes"] = {
                name: _figures(totals) for name, totals in self._rounds.totals.items() if totals.runs
            }
        reasons = [
            limit,
            *(
                f"{each['pipe']}: {each['reason']}"
                for each in failed
                if not limit or not each["reason"].endswith(limit)  # said once: a full disk fails many
            ),
        ]
        self.log.add("INFO" if status == "success" else "ERROR", "; ".join([status, *filter(None, reasons)]))
        return {"status": status, "additional_info": info}

    def _failures(self) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        """Return pipes that count as failed, and those (with what waits for them) that do not."""
        failed: list[dict[str, str]] = []
        tolerated: list[dict[str, str]] = []
        missing_anyway: set[str] = set()
        for name, pipe in self._rounds.pipes.items():
            outcome = self._rounds.totals[name].outcome
            if outcome is not None and outcome.status == NOT_RUNNABLE:
                missing_anyway.add(pipe.reads.writes or "")
            if outcome is None or outcome.status not in (FAILED, NOT_READY):
                continue
            entry = {"pipe": name, "reason": outcome.reason}
            failure = outcome.status == FAILED and self._tolerates(pipe, outcome)
            waits = bool(outcome.waits_for) and missing_anyway.issuperset(outcome.waits_for)
            if failure or (outcome.status == NOT_READY and waits):
                tolerated.append(entry)
                missing_anyway.add(pipe.reads.writes or "")
            else:
                failed.append(entry)
        return failed, tolerated

    def _not_runnable(self) -> list[dict[str, str]]:
        """Return pipes that only a hosted node can run."""
        found = ((name, totals.outcome) for name, totals in self._rounds.totals.items())
        return [{"pipe": n, "reason": o.reason} for n, o in found if o and o.status == NOT_RUNNABLE]

    def _tolerates(self, pipe: Runnable, outcome: Outcome) -> bool:
        """Return whether a pipe's failure does not fail the run."""
        checks = self.options.check_input_pipes
        if outcome.blocked:
            return not checks
        return pipe.is_input and checks is False


def _figures(totals: PipeTotals) -> dict[str, object]:
    return {"runs": totals.runs, "changes": totals.changes, "seconds": round(totals.seconds, 3)}
