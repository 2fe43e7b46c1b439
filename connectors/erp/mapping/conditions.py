"""Conditions on an ERP record, as profiles state them: tests on single fields that must all hold."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from connectors.erp.profile.model.mapping import Condition
from core.dotted import get_all


def fits(conditions: Sequence[Condition], record: object) -> bool:
    """Return whether all conditions hold for the record as the ERP gives it."""
    return all(_holds(condition, record) for condition in conditions)


def _holds(condition: Condition, record: object) -> bool:
    """One test; where the path goes through a list (`*`), one item that passes is enough."""
    values = get_all(record, condition.field)
    if condition.present is not None and bool(values) != condition.present:
        return False
    if condition.equals is not UNSET and not _any_in(values, [condition.equals]):
        return False
    if condition.among is not None and not _any_in(values, condition.among):
        return False
    if condition.not_in is not None and _any_in(values, condition.not_in):
        return False
    start = condition.starts_with
    return start is None or any(isinstance(value, str) and value.startswith(start) for value in values)


def _any_in(values: Sequence[object], wanted: Sequence[object]) -> bool:
    return any(_same(value, one) for value in values for one in wanted)


def _same(value: object, wanted: object) -> bool:
    """JSON equality, but a truth value may be written as 0 or 1."""
    if isinstance(value, bool | int) and isinstance(wanted, bool | int):
        return int(value) == int(wanted)
    return bool(value == wanted)
