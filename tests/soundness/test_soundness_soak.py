"""Seeded soaks of the whole stack: a short one for every run, the long ones and the broken rules when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.process_manager import StackError
from tests.soundness.mutations import MUTATIONS
from tests.soundness.report import summary
from tests.soundness.running import soak
from tests.soundness.soak import Plan


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(seed=12, steps=160, faults=False), marks=pytest.mark.slow),
        Plan(seed=48, steps=40, kills=1, window=20, drift=True),
    ],
    ids=["calm", "storm"],
)
def test_a_short_soak(plan: Plan, tmp_path: Path) -> None:
    figures = soak(plan, tmp_path)
    assert figures.violations == [], summary(plan, figures)
    assert figures.kills >= plan.kills


LONG = {30: True, 31: False, 32: True, 33: False, 34: True}
"""Seeds of the long soak, 10,000 acts and 105 kills in all, and whether clocks are wrong and lists late as well."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", LONG)
def test_two_thousand_acts_and_twenty_one_kills(seed: int, tmp_path: Path) -> None:
    plan = Plan(seed=seed, steps=2000, kills=21, window=100, drift=LONG[seed])
    figures = soak(plan, tmp_path)
    assert figures.violations == [], summary(plan, figures)
    assert figures.kills >= plan.kills


STORMY = ("no_echo_rule", "no_comparison", "no_insert_guard", "events_are_believed")
"""Rules whose breaking shows where systems fail and people edit while the sync runs; elsewhere it is certain at once
what must be.
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MUTATIONS)
def test_every_broken_rule_is_noticed(name: str, tmp_path: Path) -> None:
    plan = Plan(seed=12, steps=1200, window=60, drift=name == "clocks_are_believed", faults=name in STORMY)
    try:
        figures = soak(plan, tmp_path, mutation=MUTATIONS[name])
    except StackError as error:
        pytest.fail(f"the stack broke instead of the rule: {error}")
    assert figures.violations, f"{name} went unnoticed"
