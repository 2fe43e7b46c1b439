"""Deleted records that lists do not show: found as gaps in the sequence of whole numbers that ids are.

The service remembers nothing, so it cannot compare with an earlier read. But an id below the highest one that
no record has was deleted (or never used), and saying so again and again does no harm. Two strategies:

* `full_compare` lists all ids on each incremental read and reports every gap.
* `lookup` asks the ERP's log first, whether anything was deleted since the token; if so, it asks the log
  about the gaps, half by half, until those are found that were deleted since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from connectors.common.errors import FixSettings
from connectors.erp.http.client import ErpClient
from connectors.erp.mapping import stamps
from connectors.erp.mapping.key import Key
from connectors.erp.mapping.templates import Values, render
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import FullCompare, LogLookup
from connectors.erp.read.lists import Lists, Source
from core.dotted import get_path

_MOST = 100
"""Ids asked about in one look-up; more would make the question too long for a URL."""


_BEYOND = 10_000
"""How far above the highest id is looked: the newest records may be the ones that were deleted."""


@dataclass(frozen=True, slots=True)
class DeletedRecord:
    """The key of a deleted record, and when it was deleted, if that is known."""

    key: str
    stamp: str | None = None


class GapDetector:
    """Finds deleted records of one datatype."""

    def __init__(self, client: ErpClient, datatype: str, spec: DatatypeProfile, size: int) -> None:
        deleted = spec.deleted
        assert isinstance(deleted, FullCompare | LogLookup)
        source = Source.of(spec)
        self._datatype = datatype
        self._key = Key(spec.id, datatype)
        self._parse = stamps.parser(spec.modified_format, spec.timezone)
        self._ids = Lists(client, f"{datatype}.ids", replace(source, listing=deleted.ids), size)
        self._modified, self._named, self._log = "", "", None
        if isinstance(deleted, LogLookup):
            self._modified, self._named = deleted.modified, deleted.named
            self._log = Lists(client, f"{datatype}.log", replace(source, listing=deleted.log), size)

    def find(self, values: Values) -> Iterator[DeletedRecord]:
        """Yield what was deleted since `values["since"]`."""
        if self._log is None:
            live = self._live()
            yield from (DeletedRecord(str(key)) for key in range(1, max(live, default=0)) if key not in live)
            return
        left = len(self._logged(values))
        if left == 0:
            return
        for suspects in self._suspects():
            for gone in self._confirmed(values, suspects):
                yield gone
                left -= 1
            if left <= 0:
                return
        raise FixSettings(
            f"{self._datatype}: the log tells of more deletions than it confirms; see deleted.as",
            setting="ERP_PROFILE",
        )

    def _suspects(self) -> Iterator[list[int]]:
        """Unused ids, so many at a time: those below the highest, newest first, then those above it."""
        live = self._live()
        top = max(live, default=0)
        yield from _chunks([key for key in range(top - 1, 0, -1) if key not in live])
        yield from _chunks(list(range(top + 1, top + _BEYOND + 1)))

    def _live(self) -> set[int]:
        """Return the ids of all records."""
        live = set[int]()
        for page in self._ids.pages({}):
            for record in page:
                key = self._key(record)
                if not (key.isascii() and key.isdigit()):
                    raise FixSettings(
                        f"{self._datatype}: ids are no whole numbers, so deleted.strategy cannot be this one",
                        setting="ERP_PROFILE",
                    )
                live.add(int(key))
        return live

    def _confirmed(self, values: Values, suspects: Sequence[int]) -> Iterator[DeletedRecord]:
        named = [render(self._named, {"id": key}) for key in suspects]
        rows = self._logged({**values, "ids": named}) if suspects else []
        if len(rows) >= len(suspects):
            yield from (DeletedRecord(str(key), stamp) for key, stamp in zip(suspects, rows, strict=False))
        elif rows:
            half = len(suspects) // 2
            yield from self._confirmed(values, suspects[:half])
            yield from self._confirmed(values, suspects[half:])

    def _logged(self, values: Values) -> list[str | None]:
        """When records were deleted, as the log has it; with `ids` only of those."""
        assert self._log is not None
        found = (get_path(row, self._modified) for page in self._log.pages({}, values=values) for row in page)
        return [None if stamp is None else self._parse(stamp) for stamp in found]


def _chunks(keys: list[int]) -> Iterator[list[int]]:
    return (keys[start : start + _MOST] for start in range(0, len(keys), _MOST))
