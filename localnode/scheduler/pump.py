"""Start, stop, disable and observe the pump of one pipe."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from localnode.errors import Conflict
from localnode.scheduler.rounds import FAILED, Outcome
from localnode.scheduler.schedule import Schedule

log = logging.getLogger(__name__)

Execute = Callable[[bool, threading.Event], Outcome]
"""Carries out one run: (full rescan?, set when it shall end early). Must not raise for what data or systems
do."""


@dataclass(frozen=True)
class LastRun:
    """The latest run: its times in Unix seconds, and how it ended."""

    started: float
    ended: float
    outcome: Outcome


class Pump:
    """Runs one pipe, one run at a time. `next_run` is in Unix seconds, infinity if nothing is planned."""

    def __init__(self, pipe_id: str, schedule: Schedule, execute: Execute, now: float) -> None:
        self.pipe_id = pipe_id
        self.schedule = schedule
        self.next_run = schedule.first(now)
        self.disabled = False
        self.comment: str | None = None
        self.last: LastRun | None = None
        self.cancel = threading.Event()
        self._execute = execute
        self._running = threading.Lock()
        self._runs = 0

    @property
    def is_running(self) -> bool:
        """Return whether a run is in progress."""
        return self._running.locked()

    @property
    def may_run(self) -> bool:
        """Return False if it is switched off, by a person or by its config."""
        return not self.disabled and self.schedule.mode != "off"

    def claim(self) -> None:
        """Take the right to run; Conflict if a run is in progress. Call `run_claimed` afterwards."""
        if not self._running.acquire(blocking=False):
            raise Conflict(f'the pump of pipe "{self.pipe_id}" is already running')
        self.cancel.clear()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Prevent runs within this context. Conflict if a run is in progress."""
        self.claim()
        try:
            yield
        finally:
            self._running.release()

    def run_claimed(self, full: bool = False) -> Outcome:
        """Carry out the claimed run, and plan the next one."""
        started = time.time()
        outcome = Outcome(FAILED, reason="the run did not end")
        try:
            self._runs += 1
            rescan = full or self.schedule.rescan_due(self._runs, started)
            outcome = self._execute(rescan, self.cancel)
        except Exception as error:
            log.exception("pipe %s: the run ended by an unexpected error", self.pipe_id)
            outcome = Outcome(FAILED, reason=f"{type(error).__name__}: {error}")
        finally:
            ended = time.time()
            self.last = LastRun(started, ended, outcome)
            self.next_run = self.schedule.next(ended)
            self._running.release()
        return outcome

    def run(self, full: bool = False) -> Outcome:
        """Run in this thread, after waiting for a run that is in progress."""
        self._running.acquire()
        self.cancel.clear()
        return self.run_claimed(full)

    def stop(self, timeout: float) -> bool:
        """Ask a run to end after its batch, and wait for it; False if it has not ended in time."""
        self.cancel.set()
        if not self._running.acquire(timeout=timeout):
            return False
        self._running.release()
        return True
