"""A seeded run: people act, the sync runs, processes die; every now and then all must be as the model says."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from core.jsonio import Json
from stack.processes import Stack
from tests.soundness.claims import wrong_claims
from tests.soundness.clashes import Clashes
from tests.soundness.judge import Judge, Systems
from tests.soundness.people import CONCEPTS, People
from tests.soundness.rows import Rows, member_of, reason
from tests.soundness.tally import needed
from tests.soundness.world import Drift, Syncing, World

SETTLE_RUNS = 8
FAULTS = {
    "error_rate": 0.04,
    "throttle_rate": 0.01,
    "drop_before_rate": 0.02,
    "drop_after_rate": 0.03,
    "latency_ms": 2,
    "jitter_ms": 2,
    "webhook_delay_ms": 400,
    "webhook_duplicate_rate": 0.2,
    "webhook_loss_rate": 0.05,
}
LIST_LAG_S = 0.9
PROCESSES = ("erp-sandbox", "chargebee-sandbox", "erp-service", "chargebee-service", "node")
LOSS = 200
"""After how many acts, again and again, the node is killed and loses all that it stored."""
DISTURBED = 0.7
"""The share of windows with faults, kills and edits while the sync runs; in the others clocks decide exactly."""


@dataclass
class Plan:
    """What to do: how many edits, between how many kills, with which faults, in windows of how many edits.

    `drift`: the systems' clocks are wrong, and Chargebee's lists may be late.
    """

    seed: int = 1
    steps: int = 200
    kills: int = 0
    faults: bool = True
    window: int = 40
    concepts: tuple[str, ...] = CONCEPTS
    drift: bool = False

    def clocks(self) -> Drift:
        """How wrong the clocks are, the same for a seed."""
        if not self.drift:
            return Drift()
        rng = random.Random(f"drift {self.seed}")
        return Drift(
            erp=rng.choice((-60.0, -3.0, 0.5, 45.0)), chargebee=rng.choice((-0.8, 0.0, 1.5)), lags=True
        )


@dataclass
class Figures:
    """What happened. `needed` and `made` count writes of the sync in windows where nothing disturbed it, `echoes`
    those that no record needed.
    """

    acts: int = 0
    kills: int = 0
    losses: int = 0
    windows: int = 0
    syncs: int = 0
    failed_syncs: int = 0
    outside_writes: int = 0
    sync_writes: int = 0
    needed: int = 0
    made: int = 0
    echoes: int = 0
    losers: int = 0
    writes_after_settling: int = 0
    writes_after_restart: int = 0
    did: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Soak:
    """One run of a plan on a running, empty stack."""

    def __init__(self, stack: Stack, plan: Plan, say: Callable[[str], None]) -> None:
        self.plan, self.say = plan, say
        self.world = World(stack, plan.clocks())
        self.rng = random.Random(plan.seed)
        self.people = People(self.world, self.rng, plan.concepts)
        self.clashes = Clashes(self.people)
        self.rows = Rows(stack)
        self.figures = Figures()

    def run(self) -> Figures:
        """Windows until the steps are done or something is wrong; at the end everything starts again."""
        started = time.monotonic()
        figures = self.figures
        self.world.faults()
        while figures.acts < self.plan.steps and not figures.violations:
            self._window()
            figures.windows += 1
            if (
                figures.acts // LOSS > figures.losses
                and figures.acts < self.plan.steps
                and not figures.violations
            ):
                self._set_right()
                self._lose()
            figures.seconds = time.monotonic() - started
            self.say(f"{figures.acts} acts, {figures.kills} kills, {figures.outside_writes} outside writes, "
                     f"{figures.sync_writes} by the sync, {figures.seconds:.0f} s")  # fmt: skip
        if not figures.violations:
            self._end()
        figures.did = self.people.did
        figures.seconds = time.monotonic() - started
        return figures

    # --- a window

    def _window(self) -> None:
        people = self.people
        size = min(self.plan.window, self.plan.steps - self.figures.acts)
        before, typed = sum(self.world.writes().values()), self.world.outside_writes
        self.clashes.end()
        may_be = self.plan.faults or self.plan.kills > 0
        people.disturbed = may_be and self.rng.random() < DISTURBED
        if people.disturbed:
            self._disturbed(size)
            self.world.faults()
            self._settle(before, typed, None)
        else:
            self._act(size)
            self.clashes.begin()
            systems = Systems(self.world)
            self._close_spans(systems)
            self._settle(before, typed, systems)

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
            lag = LIST_LAG_S if self.plan.drift and self.rng.random() < 0.5 else 0
            self.world.faults(**FAULTS, list_lag_s=lag, seed=self.rng.randrange(1 << 30))
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

    # --- after a window

    def _settle(self, before: int, typed: int, start: Systems | None) -> None:
        """`start`: how the systems were when the sync could look first, if nothing disturbed it."""
        began = self.world.writes()
        problem = self._sync_until_quiet()
        figures = self.figures
        figures.outside_writes += self.world.outside_writes - typed
        now = self.world.writes()
        total = sum(now.values())
        figures.sync_writes += total - before - (self.world.outside_writes - typed)
        systems = Systems(self.world)
        apart = self.world.drift.apart_us
        judge = Judge(systems, self.people.groups, self.world.clock, apart, exact=start is not None)
        figures.violations += judge.check()
        if problem:
            figures.violations.append(problem)
        figures.violations += wrong_claims(self.world, systems)
        self._check_rows(judge)
        if start is not None:
            self._check_count(start, systems, began, now)
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
        self.world.await_visible()
        syncing = Syncing(self.world.stack)
        self._joined(syncing)
        return syncing.problem

    def _check_count(self, start: Systems, end: Systems, began: dict[str, int], now: dict[str, int]) -> None:
        """One write for each record that had to change, none for any other, and no calls beside these."""
        figures = self.figures
        wanted = needed(start, end)
        made = {route: count - began.get(route, 0) for route, count in now.items()}
        figures.needed += wanted.total()
        figures.made += sum(made.values())
        surplus = +(self.rows.written - wanted)
        figures.echoes += surplus.total()
        if surplus:
            figures.violations.append(f"needless writes of {dict(surplus)}, needed were {dict(wanted)}")
        elif sum(made.values()) > wanted.total():
            done = {route: count for route, count in made.items() if count}
            figures.violations.append(f"{sum(made.values())} calls, needed were {dict(wanted)}: {done}")

    def _check_rows(self, judge: Judge) -> None:
        """What was refused for good is refused with cause and names its reason; what lost is on record."""
        figures = self.figures
        self.rows.refresh()
        clashing = {m.name: group for group in self.people.groups if group.clash for m in group.members}
        reported = set()
        for pipe, row in self.rows.bad():
            why = reason(row)
            if member_of(pipe, row) in clashing and why:
                reported.add(id(clashing[member_of(pipe, row)]))
                figures.refused[f"{pipe} {row['$status']}: {(row['$error'] or {}).get('rule')}"] += 1
            elif (row["$error"] or {}).get("rule") == "notEmpty" and self._differs(judge.systems, pipe, row):
                figures.refused[f"{pipe} {row['$status']}: notEmpty"] += 1
            else:
                figures.violations.append(f"{pipe} {row['_id']}: {row['$status']}: {why}")
        for group in {id(each): each for each in clashing.values()}.values():
            if id(group) not in reported:
                figures.violations.append(f"clash of {group.clash} in {group.clash_of} is not reported")
        losers = [each for each in judge.losers if not (self.people.disturbed and each.is_chargebees)]
        figures.losers += len(losers)
        for loser in self.rows.unrecorded(losers, died=self.figures.kills > 0):
            figures.violations.append(f"not in the audit trail: {loser}")

    @staticmethod
    def _differs(systems: Systems, pipe: str, row: Json) -> bool:
        kind, _, key = member_of(pipe, row).partition(":")
        return systems.differs(kind, key)

    def _close_spans(self, systems: Systems) -> None:
        """Nothing has looked yet: what each edited record says of its last change bounds its edits' spans."""
        for group in self.people.groups:
            edited = {edit.member for edits in group.edits.values() for edit in edits}
            for member in group.members:
                record = systems.record(member)
                if member.name in edited:
                    group.close_spans(member.name, self.world.clock(record))
                if f"price:{member.id}" in edited:
                    group.close_spans(
                        f"price:{member.id}", self.world.clock(record["price_record"] or record)
                    )

    # --- the end

    def _end(self) -> None:
        """Everything restarts, and then the node loses all it knew: nothing may be written for that."""
        self._set_right()
        stack = self.world.stack
        for name in PROCESSES:
            stack.stop(name)
        for name in PROCESSES:
            stack.start(name)
        self._check_still("a restart of everything")
        if not self.figures.violations:
            self._lose()

    def _set_right(self) -> None:
        """Let people end what clashes, and everything settle."""
        before, typed = sum(self.world.writes().values()), self.world.outside_writes
        self.people.disturbed = False
        self.clashes.end()
        systems = Systems(self.world)
        self._close_spans(systems)
        self._settle(before, typed, systems)

    def _lose(self) -> None:
        """The node dies with all that it stored: nothing is written for that, and nothing that is alike reported."""
        stack = self.world.stack
        stack.wipe_node()
        self.figures.losses += 1
        self.rows = Rows(stack)
        self._check_still(f"loss {self.figures.losses} of every dataset of the node")
        systems = Systems(self.world)
        self._check_rows(Judge(systems, [], self.world.clock))
        for pipe, row in self.rows.differences():
            if not self._differs(systems, pipe, row):
                self.figures.violations.append(
                    f"{pipe} {row['_id']} is reported, and is not different: {reason(row)}"
                )

    def _check_still(self, event: str) -> None:
        before = self.world.writes()
        for _ in range(2):
            problem = self._sync()
            if problem:
                self.figures.violations.append(f"after {event}: {problem}")
        now = self.world.writes()
        done = {
            route: count - before.get(route, 0) for route, count in now.items() if count != before.get(route)
        }
        self.figures.writes_after_restart += sum(done.values())
        if done:
            self.figures.violations.append(f"writes after {event}: {done}")
