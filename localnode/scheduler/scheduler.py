"""Start pumps when they are due, or when a dataset that they read has changed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from localnode.errors import Conflict
from localnode.scheduler.pump import Pump

log = logging.getLogger(__name__)

LONGEST_NAP = 5.0


class Scheduler:
    """Runs due pumps on `threads` worker threads. While it is held, nothing starts by itself."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pump")
        self._wake = threading.Condition()
        self._pumps: Mapping[str, Pump] = {}
        self._readers: Mapping[str, Collection[str]] = {}
        self._queued: set[str] = set()
        self._again: set[str] = set()
        self._holds = 1
        self._closed = False
        self._clock = threading.Thread(target=self._tick, name="scheduler", daemon=True)
        self._clock.start()

    def configure(self, pumps: Mapping[str, Pump], readers: Mapping[str, Collection[str]]) -> None:
        """Use a new configuration; `readers`: dataset → pipes that are signalled when it changes."""
        with self._wake:
            self._pumps, self._readers = dict(pumps), dict(readers)
            self._wake.notify()

    def hold(self) -> None:
        """Stop automatic starts until `release` has been called as often as `hold`."""
        with self._wake:
            self._holds += 1

    def release(self) -> None:
        """Undo one `hold`. A new scheduler is held once."""
        with self._wake:
            self._holds -= 1
            self._wake.notify()

    def signal(self, dataset: str) -> None:
        """Note that a dataset has changed: its readers are due now."""
        with self._wake:
            for pipe_id in self._readers.get(dataset, ()):
                pump = self._pumps.get(pipe_id)
                if pump is None or pump.schedule.mode != "scheduled":
                    continue
                if pump.is_running:
                    self._again.add(pipe_id)
                pump.next_run = min(pump.next_run, time.time())
            self._wake.notify()

    def start(self, pump: Pump, full: bool = False) -> None:
        """Start a pump now, in the background. Conflict if it is already running."""
        pump.claim()
        self._pool.submit(self._execute, pump, full)

    def close(self, timeout: float) -> bool:
        """Stop starting pumps, ask running ones to end and wait; False if one has not ended in time."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        deadline = time.monotonic() + timeout
        ended = [pump.stop(max(0.0, deadline - time.monotonic())) for pump in self._pumps.values()]
        self._pool.shutdown(wait=all(ended), cancel_futures=True)
        self._clock.join(max(0.1, deadline - time.monotonic()))
        return all(ended)

    def _tick(self) -> None:
        while True:
            with self._wake:
                if self._closed:
                    return
                nap = self._start_due(time.time())
                self._wake.wait(nap)

    def _start_due(self, now: float) -> float:
        """Start the pumps that are due; return the seconds until the next one is due."""
        if self._holds > 0:
            return LONGEST_NAP
        nap = LONGEST_NAP
        for pump in self._pumps.values():
            if pump.pipe_id in self._queued or not pump.may_run or pump.is_running:
                continue
            if pump.next_run <= now:
                self._queued.add(pump.pipe_id)
                self._pool.submit(self._run_queued, pump)
            else:
                nap = min(nap, pump.next_run - now)
        return max(nap, 0.01)

    def _run_queued(self, pump: Pump) -> None:
        with self._wake:
            self._queued.discard(pump.pipe_id)
            if (
                self._holds > 0
                or self._closed
                or not pump.may_run
                or self._pumps.get(pump.pipe_id) is not pump
            ):
                return
            try:
                pump.claim()
            except Conflict:
                return
        self._execute(pump, False)

    def _execute(self, pump: Pump, full: bool) -> None:
        outcome = pump.run_claimed(full)
        log.info("pipe %s: %s, %d changes %s", pump.pipe_id, outcome.status, outcome.changes, outcome.reason)
        with self._wake:
            if pump.pipe_id in self._again:
                self._again.discard(pump.pipe_id)
                pump.next_run = min(pump.next_run, time.time())
            self._wake.notify()
