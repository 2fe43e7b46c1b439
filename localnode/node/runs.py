"""Run all pipes as an operation of the node: one at a time, with a token, a lasting log, and a stop."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from core.jsonio import Json
from localnode.errors import Conflict
from localnode.scheduler import FAILED, RunAll, RunAllOptions, RunLog
from localnode.scheduler.rounds import Runnable

log = logging.getLogger(__name__)


class RunHandle:
    """One run-all, identified by its token."""

    def __init__(self, run_all: RunAll) -> None:
        self.token = uuid.uuid4().hex
        self.run_all = run_all
        self.result: dict[str, Any] | None = None
        self._done = threading.Event()

    def finish(self, result: dict[str, object]) -> None:
        """Set the result."""
        self.result = result
        self._done.set()

    def wait(self, timeout: float | None = None) -> Json:
        """Block until it is done; `{"status": "running"}` if that takes longer than `timeout` seconds."""
        self._done.wait(timeout)
        return self.result or {"status": "running"}

    @property
    def running(self) -> bool:
        """Return whether it is in progress."""
        return not self._done.is_set()


class Runs:
    """Starts and stops runs.

    `prepare(reset, delete_input)` holds the scheduler, stops the pumps, resets if requested and returns the
    pipes to run; `conclude()` undoes the hold; `cancel()` asks all pumps to end.
    """

    def __init__(
        self,
        prepare: Callable[[bool, bool], Sequence[Runnable]],
        conclude: Callable[[], None],
        cancel: Callable[[], None],
        workers: int,
    ) -> None:
        self.log = RunLog()
        self._prepare, self._conclude, self._cancel = prepare, conclude, cancel
        self._workers = workers
        self._lock = threading.Lock()
        self._current: RunHandle | None = None

    def start(self, options: RunAllOptions, reset: bool, delete_input: bool) -> RunHandle:
        """Start a run in the background. Conflict if one is in progress."""
        with self._lock:
            if self._current is not None and self._current.running:
                raise Conflict("all pipes are being run already; stop that run first")
            pipes = self._prepare(reset, delete_input)
            self.log.clear()
            self.log.info(f"running {len(pipes)} pipes" + (", from scratch" if reset else ""))
            run = self._current = RunHandle(RunAll(pipes, options, self.log, self._workers))
        threading.Thread(target=self._execute, args=(run,), name="run-all", daemon=True).start()
        return run

    def _execute(self, run: RunHandle) -> None:
        result: dict[str, Any] = {"status": FAILED, "additional_info": {"message": "the run broke off"}}
        try:
            result = run.run_all.run()
        except Exception as error:
            log.exception("run-all ended by an unexpected error")
            result["additional_info"]["message"] = f"{type(error).__name__}: {error}"
            self.log.error(result["additional_info"]["message"])
        finally:
            self._conclude()
            run.finish(result)

    def ask_to_end(self) -> None:
        """Ask the current run to end; returns at once."""
        if self._current is not None:
            self._current.run_all.stop.set()

    def stop(self, timeout: float) -> bool:
        """Ask the current run and its pumps to end and wait; True if nothing is running any more."""
        run = self._current
        if run is None or not run.running:
            return True
        self.ask_to_end()
        self._cancel()
        run.wait(timeout)
        return not run.running

    def status(self, token: str | None) -> Json:
        """Return the status of the run with that token, or of the latest without one."""
        run = self._current
        if run is None or (token and token != run.token):
            return {"status": "not-running"}
        return run.wait(0)
