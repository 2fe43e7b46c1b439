"""Records that cannot be read: each is told apart from the others of its page, which are read all the same.

Where not a single record can be read, it is the profile that is wrong, and the read fails with what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from connectors.common import entity_text
from connectors.common.datatype import Entity, Record
from connectors.common.errors import InvalidResponse
from connectors.erp.profile.model.datatype import DatatypeProfile
from core.dotted import get_path

_MISSHAPEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What code raises that meets a value of another shape than it was promised."""

Made = TypeVar("Made")


class Unreadable:
    """The records of one page that cannot be read, and why."""

    def __init__(self, spec: DatatypeProfile) -> None:
        self._paths = spec.id
        self._failed: list[tuple[Any, InvalidResponse]] = []

    def __bool__(self) -> bool:
        return bool(self._failed)

    @property
    def first(self) -> InvalidResponse:
        """The error of the first."""
        return self._failed[0][1]

    def note(self, record: Record, error: InvalidResponse) -> None:
        """Note a record that cannot be read."""
        key = get_path(record, self._paths[0]) if len(self._paths) == 1 else None
        is_number = isinstance(key, int) and not isinstance(key, bool)
        self._failed.append((str(key) if is_number else key, error.with_traceback(None)))

    def each(self, records: Iterable[Record], make: Callable[[Record], Made]) -> list[Made]:
        """Return what `make` makes of every record of which it can make anything."""
        made = []
        for record in records:
            try:
                made.append(make(record))
            except InvalidResponse as error:
                self.note(record, error)
            except _MISSHAPEN as error:
                said = f"the ERP's record is not of the shape that the profile says ({type(error).__name__})"
                self.note(record, InvalidResponse(said))
        return made

    def entities(self, updated: str) -> list[Entity]:
        """Return what stands for the records, at the place `updated` of the stream."""
        return [entity_text.unreadable(key, updated, error) for key, error in self._failed]
