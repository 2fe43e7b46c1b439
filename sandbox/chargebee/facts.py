"""Which fact about Chargebee a rule of the sandbox imitates: the ids of `facts.json`.

Every function that behaves in a documented way says so in its decorator::

    @imitates("billing-info-is-assignment")
    def update_billing_info(...)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

Rule = TypeVar("Rule", bound=Callable[..., object])

RULES: defaultdict[str, list[str]] = defaultdict(list)
"""The rules by the fact that they imitate, as `module.function`; filled as the modules are imported."""


def imitates(*facts: str) -> Callable[[Rule], Rule]:
    """Note that a function carries out these facts."""

    def noted(rule: Rule) -> Rule:
        for fact in facts:
            RULES[fact].append(f"{rule.__module__}.{rule.__qualname__}")
        return rule

    return noted
