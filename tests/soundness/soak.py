"""A seeded run: people act, the sync runs, processes die; every now and then all must be as the model says."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from stack.processes import Stack
from tests.soundness.judge import Judge, Systems
from tests.soundness.people import CONCEPTS, People
from tests.soundness.world import Syncing, World

SETTLE_RUNS = 8
FAULTS = {
    "error_rate": 0.04,
    "drop_before_rate": 0.02,
    "drop_after_rate": 0.03,
    "latency_ms": 2,
    "jitter_ms": 2,
}
PROCESSES = ("node", "erp-service", "chargebee-service", "erp-sandbox", "chargebee-sandbox")
DISTURBED = 0.7
"""The share of windows with faults, kills and edits while the sync runs; in the others clocks decide exactly."""
BAD = ("conflict", "rejected", "gone", "quarantined")


@dataclass
class Plan:
    """What to do: how many edits, between how many kills, with which faults, in windows of how many edits."""

    seed: int = 1
    steps: int = 200
    kills: int = 0
    faults: bool = True
    window: int = 40
    concepts: tuple[str, ...] = CONCEPTS


@dataclass
class Figures:
    """What happened."""

    acts: int = 0
    kills: int = 0
    windows: int = 0
    syncs: int = 0
    failed_syncs: int = 0
    outside_writes: int = 0
    sync_writes: int = 0
    writes_after_settling: int = 0
    did: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Soak:
    """One run of a plan on a running, empty stack."""

    def __init__(self, stack: Stack, plan: Plan, say: Callable[[str], None]) -> None:
        self.plan, self.say = plan, say
        self.world = World(stack)
        self.rng = random.Random(plan.seed)
        self.people = People(self.world, self.rng, plan.concepts)
        self.figures = Figures()

    def run(self) -> Figures:
        """Windows until the steps are done or something is wrong."""
        started = time.monotonic()
        figures = self.figures
        while figures.acts < self.plan.steps and not figures.violations:
            self._window()
            figures.windows += 1
            figures.seconds = time.monotonic() - started
            self.say(f"{figures.acts} acts, {figures.kills} kills, {figures.outside_writes} outside writes, "
                     f"{figures.sync_writes} by the sync, {figures.seconds:.0f} s")  # fmt: skip
        figures.did = self.people.did
        return figures

    def _window(self) -> None:
        people = self.people
        size = min(self.plan.window, self.plan.steps - self.figures.acts)
        before, typed = sum(self.world.writes().values()), self.world.outside_writes
        people.disturbed = (self.plan.faults or self.plan.kills > 0) and self.rng.random() < DISTURBED
        if people.disturbed:
            self._disturbed(size)
            self.world.faults()
        else:
            self._act(size)
            self._close_spans()
        self._settle(before, typed)

    def _act(self, times: int) -> None:
        for _ in range(times):
            self.people.act()
            self.figures.acts += 1

    def _disturbed(self, times: int) -> None:
        """The sync runs, and fails, and runs again while people go on and processes die.

        Some of the edits happen before the first of the runs: all of them meet the faults.
        """
        head = times // 3
        self._act(head)
        times -= head
        if self.plan.faults:
            self.world.faults(**FAULTS, seed=self.rng.randrange(1 << 30))
        left = self.plan.kills - self.figures.kills
        windows = max(1.0, (self.plan.steps - self.figures.acts + times) / self.plan.window * DISTURBED)
        victims = [self.rng.choice(PROCESSES) for _ in range(math.ceil(left / windows) if left > 0 else 0)]
        syncing = None
        while times > 0 or victims:
            if syncing is None or not syncing.is_alive():
                self._joined(syncing)
                syncing = Syncing(self.world.stack)
            burst = min(times, self.rng.randint(1, 5))
            self._act(burst)
            times -= burst
            if victims:
                time.sleep(self.rng.random() * 0.5)
                self.world.crash(victims.pop())
                self.figures.kills += 1
        self._joined(syncing)

    def _joined(self, syncing: Syncing | None) -> None:
        if syncing is not None:
            syncing.join()
            self.figures.syncs += 1
            self.figures.failed_syncs += syncing.problem is not None

    def _settle(self, before: int, typed: int) -> None:
        problem = self._sync_until_quiet()
        figures = self.figures
        figures.outside_writes += self.world.outside_writes - typed
        total = sum(self.world.writes().values())
        figures.sync_writes += total - before - (self.world.outside_writes - typed)
        judge = Judge(Systems(self.world), self.people.groups, self.world.clock)
        figures.violations += judge.check()
        if problem:
            figures.violations.append(problem)
        self._check_rows()
        self._sync()
        late = sum(self.world.writes().values()) - total
        figures.writes_after_settling += late
        if late:
            figures.violations.append(f"{late} writes after everything had settled")

    def _sync_until_quiet(self) -> str | None:
        last = -1
        for _ in range(SETTLE_RUNS):
            problem = self._sync()
            now = sum(self.world.writes().values())
            if now == last and problem is None:
                return None
            last = now
        return problem or f"writes go on after {SETTLE_RUNS} runs"

    def _sync(self) -> str | None:
        syncing = Syncing(self.world.stack)
        self._joined(syncing)
        return syncing.problem

    def _check_rows(self) -> None:
        """Every write that was refused for good names its reason."""
        for pipe in self.world.stack.share_pipes():
            for row in self.world.stack.entities(f"{pipe}-share"):
                if row.get("$status") in BAD and not row.get("_deleted"):
                    error = row.get("$error") or {}
                    self.figures.refused[
                        f"{pipe} {row['$status']}: {error.get('rule') or error.get('kind')}"
                    ] += 1
                    self.figures.violations.append(
                        f"{pipe} {row['_id']}: {row['$status']}: {error.get('detail')}"
                    )

    def _close_spans(self) -> None:
        """Nothing has looked yet: what each edited record says of its last change bounds its edits' spans."""
        systems = Systems(self.world)
        for group in self.people.groups:
            edited = {edit.member for edits in group.edits.values() for edit in edits}
            for member in group.members:
                record = systems.record(member)
                if member.name in edited:
                    group.close_spans(member.name, self.world.clock(record))
                if f"price:{member.id}" in edited:
                    group.close_spans(f"price:{member.id}", self.world.clock(record["price_record"]))
