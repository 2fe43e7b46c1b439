"""Changes that an ERP does not take as a written value but by a call of their own, such as POST …/confirm."""

from __future__ import annotations

from collections.abc import Callable

from connectors.common.datatype import Record
from connectors.common.errors import Rejected
from connectors.erp.mapping.conditions import fits
from connectors.erp.profile.model.writing import Actions, TransitionStep

Call = Callable[[TransitionStep, str, Record], None]
"""Carries out one step for the record of that key, given as the ERP holds it."""


class Transitions:
    """The fields of one datatype that are changed by calls, and the steps to each of their values."""

    def __init__(self, actions: Actions) -> None:
        self._fields = actions

    def split(self, changes: Record) -> tuple[Record, Record]:
        """Return what is written, and what is called for."""
        called = {name: value for name, value in changes.items() if name in self._fields}
        return {name: value for name, value in changes.items() if name not in called}, called

    def check(self, wanted: Record) -> None:
        """`Rejected` for a value that no action leads to; before anything is written."""
        for name, value in wanted.items():
            if value not in self._fields[name]:
                known = ", ".join(self._fields[name])
                raise Rejected(
                    f"{name} cannot become {value} in this ERP; it can become {known}",
                    field=f"/{name}",
                    rule="enum",
                )

    def execute(self, wanted: Record, key: str, raw: Record, call: Call) -> None:
        """Execute the steps to the values wanted, but for those whose `when` does not fit the record."""
        for name, value in wanted.items():
            for step in self._fields[name][value]:
                if fits(step.when, raw):
                    call(step, key, raw)
