"""Lists that begin with the latest change, read only as far as there is something new.

For an ERP that sorts by change stamp and has no filter: what lies behind the last known change is not asked
for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator

from connectors.common.datatype import Record
from connectors.common.errors import FixSettings, InvalidResponse
from connectors.erp.mapping import stamps
from connectors.erp.mapping.shape import Shape
from connectors.erp.profile.model.datatype import DatatypeProfile

_HOUR_S = 3600.0
_LOOKS = 8
"""Times that the beginning of a list is read again after all of it."""

Ask = Callable[[], Iterator[list[Record]]]
"""Asks for the list once more."""

Beginning = list[tuple[str, str]]
"""Stamps and keys of the first page."""


class NewestFirst:
    """How far one datatype's list is read."""

    def __init__(self, datatype: str, spec: DatatypeProfile, shape: Shape) -> None:
        """`shape` reads a listed record's change stamp and key."""
        incremental = spec.incremental
        self._is_sorted = incremental is not None and incremental.order == "newest_first"
        self._datatype = datatype
        self._shape = shape
        self._form: str = spec.modified_format
        # A local hour that comes twice is read as its first time: stamps of it may stand an hour early.
        self._doubt_s = _HOUR_S if spec.timezone not in (None, "UTC") else 0.0

    def pages(self, ask: Ask, least: str | None, is_whole: bool) -> Iterator[list[Record]]:
        """Yield the list's pages, up to the one that ends before the stamp `least`; None yields all.

        What changes while all are read (`is_whole`) goes back to where the read has been: the list's
        beginning is read again until it is as it was. `FixSettings` if a later record is listed behind an
        earlier one.
        """
        if not self._is_sorted:
            yield from ask()
            return
        first = yield from self._pass(ask, least)
        if least is not None or not is_whole or not first:
            return
        for _ in range(_LOOKS):
            before = first
            first = yield from self._pass(ask, before[0][0], before)
            if first == before:
                return
        raise InvalidResponse(f"{self._datatype}: the list changes faster than it can be read")

    def _pass(
        self, ask: Ask, least: str | None, known: Beginning | None = None
    ) -> Generator[list[Record], None, Beginning]:
        """Yield the pages up to `least`, none where the list begins as is `known`; returns its beginning."""
        end = None if least is None else self._earlier(least)
        beginning: Beginning | None = None
        for page in ask():
            shown = list(self._stamps(page))
            beginning = shown if beginning is None else beginning
            if beginning == known:
                break
            self._check(shown)
            yield page
            if end is not None and shown and shown[-1][0] < end:
                break
        return beginning or []

    def _check(self, shown: Beginning) -> None:
        # Within a page alone: what changes meanwhile moves others from one page to the next.
        if any(self._earlier(later) > former for (former, _), (later, _) in itertools.pairwise(shown)):
            raise FixSettings(
                f"{self._datatype}: the list does not begin with the latest change as the profile says;"
                " set incremental.order to none",
                setting="ERP_PROFILE",
            )

    def _stamps(self, page: list[Record]) -> Iterator[tuple[str, str]]:
        for record in page:
            try:
                yield self._shape.stamp(record), self._shape.key(record)
            except InvalidResponse:
                continue  # reported where the record is read

    def _earlier(self, stamp: str) -> str:
        return stamps.earlier(self._form, stamp, self._doubt_s)
