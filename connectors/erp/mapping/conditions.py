"""Conditions on an ERP record, as profiles state them: tests on single fields that must all hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.dotted import get_all

Condition = Mapping[str, Any]


def fits(conditions: Sequence[Condition], record: Any) -> bool:
    """Whether all conditions hold for the record as the ERP gives it."""
    return all(_holds(condition, record) for condition in conditions)


def _holds(condition: Condition, record: Any) -> bool:
    """One test; where the path goes through a list (`*`), one item that passes is enough."""
    values = get_all(record, condition["field"])
    if "present" in condition and bool(values) != condition["present"]:
        return False
    if "equals" in condition and not any(_same(value, condition["equals"]) for value in values):
        return False
    if "in" in condition and not any(_same(value, one) for value in values for one in condition["in"]):
        return False
    if "not_in" in condition and any(_same(value, one) for value in values for one in condition["not_in"]):
        return False
    start = condition.get("starts_with")
    return start is None or any(isinstance(value, str) and value.startswith(start) for value in values)


def _same(value: Any, wanted: Any) -> bool:
    """JSON equality, but a truth value may be written as 0 or 1."""
    if isinstance(value, bool | int) and isinstance(wanted, bool | int):
        return int(value) == int(wanted)
    return bool(value == wanted)
