"""Starting a stack for a soak, with the shipped pipes or mutated ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from stack.processes import Stack
from stack.settings import for_tests
from tests.soundness.mutations import Mutation, mutated
from tests.soundness.soak import Figures, Plan, Soak
from tests.soundness.world import LIST_LAG_S

VARIABLES = {"write-budget": "1000000"}
"""People who edit a record hundreds of times within an hour are no loop."""


def soak(
    plan: Plan,
    folder: Path,
    say: Callable[[str], None] = lambda line: None,
    mutation: Mutation | None = None,
    environment: Mapping[str, str] | None = None,
) -> Figures:
    """Run a plan on a stack of its own, whose data and logs go to `folder`; `environment`: for its processes."""
    lag = math.ceil(LIST_LAG_S) if plan.drift else 0
    settings = for_tests(folder / "stack", "empty")
    given = {**settings.environment, **(environment or {}), "CHARGEBEE_LIST_LAG_SECONDS": str(lag)}
    settings = replace(settings, variables=VARIABLES, environment=given)
    if mutation is not None:
        copy = folder / "config"
        copy.mkdir()
        settings = replace(settings, config=mutated(mutation, copy))
    with Stack(settings=settings) as stack:
        return Soak(stack, plan, say).run()
