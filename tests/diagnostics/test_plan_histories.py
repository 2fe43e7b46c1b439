"""Random histories: after each stretch of what people do, a plan is made, the sync runs, and both must tell the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stack.processes import Stack
from stack.settings import for_tests
from tests.diagnostics.planned import ask, done, foreseen, marks
from tests.soundness.running import VARIABLES
from tests.soundness.soak import Plan, Soak
from tests.support.systems import Chargebee

SEEDS = range(100, 110)
HISTORIES, ACTS = 20, 8
VERIFIED = 5
"""Every so many histories both sides are compared again as well."""


class NoClashes:
    """Nobody takes a key that is somebody else's: only the ERP itself could say that it refuses that."""

    def begin(self) -> None:
        """A stretch ends."""

    def end(self) -> None:
        """A stretch begins."""


class Planned(Soak):
    """A soak that asks for a plan before it syncs, and compares the writes of the sync with it."""

    def __init__(self, stack: Stack, plan: Plan) -> None:
        super().__init__(stack, plan, lambda line: None)
        self.clashes = NoClashes()  # type: ignore[assignment]
        self.writes = 0
        self.histories = 0
        self.problems: list[str] = []

    def play(self, histories: int) -> None:
        """What people do, again and again; whether the sync itself is right is the business of the soaks."""
        self.world.faults()
        for _ in range(histories):
            self._window()
            self.figures.violations.clear()
            assert not self.problems, "\n".join(self.problems)

    def _sync_until_quiet(self) -> str | None:
        stack = self.world.stack
        plan = ask(stack)
        since = marks(stack)
        problem = super()._sync_until_quiet()
        said, did = foreseen(plan), done(stack, since)
        self.writes += len(did)
        found = self.problems
        found += [f"{plan['status']}: {plan['failed_pipes']}"] if plan["status"] == "failed" else []
        found += [f"planned but not done: {write}" for write in sorted(said - did)]
        found += [f"done but not planned: {write}" for write in sorted(did - said)]
        self.histories += 1
        if self.histories % VERIFIED == 0:
            found += [
                f"a fault in a sound pair: {fault}" for fault in ask(stack, "/diagnostics/verify")["faults"]
            ]
        return problem


def play(seed: int, histories: int, folder: Path) -> Planned:
    """Histories of one seed on a stack of their own."""
    settings = replace(for_tests(folder / "stack", "empty"), variables=VARIABLES)
    with Stack(settings=settings) as stack:
        # A customer who is still there when the plan is made, and gone when the sync runs, cannot be foreseen.
        Chargebee(stack.chargebee_sandbox_url).configure(customer_deletion_s=0)
        soak = Planned(stack, Plan(seed=seed, steps=histories * ACTS, faults=False, window=ACTS))
        soak.play(histories)
        return soak


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_histories(tmp_path: Path) -> None:
    assert play(7, 10, tmp_path).writes > 40


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", SEEDS)
def test_two_hundred_histories(seed: int, tmp_path: Path) -> None:
    assert play(seed, HISTORIES, tmp_path).writes > 80
