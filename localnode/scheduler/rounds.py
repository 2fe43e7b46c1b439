"""Run one round of a run-all: every pipe with possible work, once, after the pipes it reads from."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

from localnode.scheduler.order import Reads, ordered, predecessors

SUCCESS, FAILED, NOT_READY, NOT_RUNNABLE = "success", "failed", "not-ready", "not-runnable"


@dataclass(frozen=True)
class Outcome:
    """How one pump run ended. `changes` counts versions written and entities sent out.

    `status` is success, failed, not-ready (it waits for a dataset) or not-runnable (only a hosted node can
    carry it out). `blocked`: it failed because the pipe cannot run on this node at all. `wrote_to`: systems
    to which entities were sent because of data in the node; this excludes pipes that read from outside, and
    pipes whose entities only failed again. `ends_run_all`: no other pipe can succeed now, because the node's
    disk is full.
    """

    status: str
    changes: int = 0
    reason: str = ""
    waits_for: tuple[str, ...] = ()
    blocked: bool = False
    wrote_to: frozenset[str] = frozenset()
    ends_run_all: bool = False


class Runnable(Protocol):
    """A pipe with a pump, as a run-all uses it."""

    @property
    def id(self) -> str:
        """The pipe's id."""

    @property
    def reads(self) -> Reads:
        """Its place in the flow."""

    @property
    def is_input(self) -> bool:
        """Whether its source is outside the node."""

    @property
    def source_system(self) -> str | None:
        """Id of the system that its source reads, None if it reads none."""

    def change_token(self) -> object:
        """Return a value that stays the same only if a run would find nothing new.

        Returns None if that is unknown.
        """

    def is_settled(self) -> bool:
        """Return whether a run would find nothing new, so that it takes no time."""

    def run(self) -> Outcome:
        """Run the pump once; never raises."""


@dataclass
class PipeTotals:
    """What a pipe did over all rounds so far.

    `due`: whether a pipe that reads from outside must run in the next round. `changed`: whether it changed
    anything in the last round.
    """

    due: bool = True
    runs: int = 0
    changes: int = 0
    seconds: float = 0.0
    outcome: Outcome | None = None
    change_token: Any = None
    changed: bool = False

    def add(self, outcome: Outcome, seconds: float, change_token: Any) -> None:
        """Count one run; `change_token` was taken before it."""
        self.runs += 1
        self.changes += outcome.changes
        self.seconds += seconds
        self.outcome = outcome
        self.changed = outcome.changes > 0
        self.change_token = change_token if outcome.status == SUCCESS else None


class Rounds:
    """Runs rounds over a fixed set of pipes; independent pipes share `workers` threads.

    Pipes that read from outside the node run until they have succeeded once, usually in the first round.
    Sesam's runner leaves them out of all others (service/scheduler.py and runner.py of
    https://github.com/sesam-community/scheduler); otherwise a run would never end if they return something
    new each time. They run again after a pipe has written to the system that they read, because that round
    shows the result of a sync.
    """

    def __init__(
        self, pipes: Sequence[Runnable], workers: int, report: Callable[[str, Outcome], None]
    ) -> None:
        by_id = {pipe.id: pipe for pipe in pipes}
        reads = {pipe.id: pipe.reads for pipe in pipes}
        self.pipes: Mapping[str, Runnable] = {pipe_id: by_id[pipe_id] for pipe_id in ordered(reads)}
        self.totals = {pipe_id: PipeTotals() for pipe_id in self.pipes}
        self._before = predecessors(reads)
        self._after: dict[str, list[str]] = {pipe_id: [] for pipe_id in self.pipes}
        for pipe_id in self.pipes:
            for earlier in self._before[pipe_id]:
                self._after[earlier].append(pipe_id)
        self._workers = workers
        self._report = report
        self.ended_by: Outcome | None = None
        """The outcome of a pipe after which no other is started."""

    def run(self, stop: threading.Event, deadline: float) -> int:
        """Run one round; return the number of changes.

        Starts nothing more once `stop` is set, `deadline` passed or a pipe ended it all (`ended_by`).
        """
        total = 0
        left = {pipe_id: len(before) for pipe_id, before in self._before.items()}
        ready = deque(pipe_id for pipe_id in self.pipes if not left[pipe_id])
        running: dict[Future[int], str] = {}
        with ThreadPoolExecutor(self._workers, thread_name_prefix="run-all") as pool:
            while ready or running:
                if stop.is_set() or self.ended_by or time.monotonic() > deadline:
                    ready.clear()
                done = []
                while ready:
                    pipe_id = ready.popleft()
                    pipe = self.pipes[pipe_id]
                    if self._takes_no_time(pipe):
                        total += self._visit(pipe, stop)
                        done.append(pipe_id)
                    else:
                        running[pool.submit(self._visit, pipe, stop)] = pipe_id
                if running and not done:
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        total += future.result()
                        done.append(running.pop(future))
                for reader in chain.from_iterable(self._after[pipe_id] for pipe_id in done):
                    left[reader] -= 1
                    if not left[reader]:
                        ready.append(reader)
        return total

    def _takes_no_time(self, pipe: Runnable) -> bool:
        """Return whether a run would end at once, so that it needs no separate thread."""
        totals = self.totals[pipe.id]
        if pipe.is_input:
            return not totals.due
        return pipe.is_settled()

    def are_sources_due(self) -> bool:
        """Return whether a system was written to after a pipe last read it to the end."""
        return any(
            pipe.is_input and totals.due and totals.outcome is not None and totals.outcome.status == SUCCESS
            for pipe, totals in zip(self.pipes.values(), self.totals.values(), strict=True)
        )

    def failures(self) -> frozenset[tuple[str, str]]:
        """(pipe, status) of the pipes whose last run did not succeed."""
        last = ((name, totals.outcome) for name, totals in self.totals.items())
        return frozenset(
            (name, outcome.status) for name, outcome in last if outcome and outcome.status != SUCCESS
        )

    def _visit(self, pipe: Runnable, stop: threading.Event) -> int:
        totals = self.totals[pipe.id]
        # Taken before the run: what arrives while it runs must make it run again.
        change_token = pipe.change_token()
        totals.changed = False
        if stop.is_set() or self.ended_by:
            return 0
        if change_token is not None and change_token == totals.change_token:
            return 0
        if pipe.is_input and not totals.due:
            return 0
        # Before the run too, so that a write to its system by a pipe beside it is not forgotten.
        totals.due = False
        started = time.monotonic()
        outcome = pipe.run()
        totals.add(outcome, time.monotonic() - started, change_token)
        totals.due = totals.due or outcome.status != SUCCESS
        if outcome.wrote_to:
            for reader in self.pipes.values():
                if reader.source_system in outcome.wrote_to:
                    self.totals[reader.id].due = True
        if outcome.ends_run_all:
            self.ended_by = outcome
        self._report(pipe.id, outcome)
        return outcome.changes
