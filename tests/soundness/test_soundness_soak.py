"""Seeded soaks of the whole stack: a short one for every run, the long ones and the broken rules when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.children import StackError
from tests.soundness.mutations import MUTATIONS
from tests.soundness.report import summary
from tests.soundness.running import soak
from tests.soundness.soak import Plan


@pytest.mark.parametrize(
    "plan", [Plan(seed=12, steps=160, faults=False), Plan(seed=2, steps=160, kills=3)], ids=["calm", "storm"]
)
def test_a_short_soak(plan: Plan, tmp_path: Path) -> None:
    figures = soak(plan, tmp_path)
    assert figures.violations == [], summary(plan, figures)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_acts_and_a_hundred_kills(tmp_path: Path) -> None:
    plan = Plan(seed=20, steps=10_000, kills=100, window=100)
    figures = soak(plan, tmp_path)
    assert figures.violations == [], summary(plan, figures)
    assert figures.kills >= plan.kills


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MUTATIONS)
def test_every_broken_rule_is_noticed(name: str, tmp_path: Path) -> None:
    try:
        figures = soak(Plan(seed=12, steps=1200, faults=True, window=60), tmp_path, mutation=MUTATIONS[name])
    except StackError as error:
        pytest.fail(f"the stack broke instead of the rule: {error}")
    assert figures.violations, f"{name} went unnoticed"
