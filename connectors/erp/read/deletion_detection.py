"""Deleted records that lists do not show: named by a log or a link, or found as gaps in a sequence of ids.

A log that names the keys (`log`), or a delta link, says it all. Without one, ids must be whole numbers given
in sequence. The service remembers nothing, so it cannot compare with an earlier read. But an id below the
highest one that no record has was deleted (or never used), and saying so again and again does no harm. Two
strategies:

* `full_compare` lists all ids on each incremental read and reports every gap.
* `lookup` asks the ERP's log first, whether anything was deleted since the token; if so, it asks the log
  about the gaps, half by half, until those are found that were deleted since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from connectors.common.datatype import Record
from connectors.common.errors import FixSettings
from connectors.erp.http.client import ErpClient
from connectors.erp.mapping import stamps
from connectors.erp.mapping.conditions import fits
from connectors.erp.mapping.key import Key, NoKey
from connectors.erp.mapping.templates import Values, render
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import DeltaLinks, FullCompare, KeyLog, LogLookup
from connectors.erp.read.deleted_record import DeletedRecord
from connectors.erp.read.delta_links import DeltaReader
from connectors.erp.read.lists import Lists, Source
from core.dotted import get_path

_MOST = 100
"""Ids asked about in one look-up; more would make the question too long for a URL."""


_BEYOND = 10_000
"""How far above the highest id is looked: the newest records may be the ones that were deleted."""


class DeletionFinder(Protocol):
    """Finds deleted records of one datatype."""

    def find(self, values: Values, least: str) -> Iterator[DeletedRecord]:
        """Yield what was deleted since `values["since"]`; `least` is that as a stamp of this service."""


def deletion_finder(
    client: ErpClient, datatype: str, spec: DatatypeProfile, size: int
) -> DeletionFinder | None:
    """Return what finds deleted records that the list does not show; None where nothing does."""
    match spec.deleted:
        case FullCompare() | LogLookup():
            return GapDetector(client, datatype, spec, size)
        case KeyLog() as log:
            return LogReader(client, datatype, spec, log, size)
        case DeltaLinks() as links:
            return DeltaReader(client, datatype, spec, links)
        case _:
            return None


class LogReader:
    """Reads deletions from a log that names the keys."""

    def __init__(
        self, client: ErpClient, datatype: str, spec: DatatypeProfile, log: KeyLog, size: int
    ) -> None:
        source = Source(log.log, log.paginator or spec.paginator, spec.path, [log.key])
        self._lists = Lists(client, f"{datatype}.log", source, size)
        self._parse = stamps.parser(log.format or spec.modified_format, spec.timezone)
        self._datatype = datatype
        self._log = log
        self._pattern = None if log.pattern is None else re.compile(log.pattern)

    def find(self, values: Values, least: str) -> Iterator[DeletedRecord]:
        """Yield what the log has since then; a row of a key that is not of the profile's pattern is none."""
        for page in self._lists.pages({}, values=values):
            for row in page:
                if fits(self._log.where, row):
                    stamp = self._parse(get_path(row, self._log.modified))
                    key = self._key(row)
                    if key is not None and stamp >= least:
                        yield DeletedRecord(key, stamp)

    def _key(self, row: Record) -> str | None:
        named = get_path(row, self._log.key)
        if named is None or isinstance(named, dict | list | bool):
            raise NoKey(f"{self._datatype}: a row of the deletion log has no {self._log.key}")
        if self._pattern is None:
            return str(named)
        found = self._pattern.search(str(named))
        return found[1] if found else None


class GapDetector:
    """Finds deleted records of one datatype."""

    def __init__(self, client: ErpClient, datatype: str, spec: DatatypeProfile, size: int) -> None:
        deleted = spec.deleted
        assert isinstance(deleted, FullCompare | LogLookup)
        source = Source.of(spec)
        self._datatype = datatype
        self._highest = 0
        self._key = Key(spec.id, datatype)
        self._parse = stamps.parser(spec.modified_format, spec.timezone)
        self._ids = Lists(client, f"{datatype}.ids", replace(source, listing=deleted.ids), size)
        self._modified, self._named, self._log = "", "", None
        if isinstance(deleted, LogLookup):
            self._modified, self._named = deleted.modified, deleted.named
            self._log = Lists(client, f"{datatype}.log", replace(source, listing=deleted.log), size)

    def find(self, values: Values, least: str) -> Iterator[DeletedRecord]:
        """Yield what was deleted since `values["since"]`."""
        del least
        if self._log is None:
            live = self._live()
            # The newest record leaves no gap; but what was there once was given an id.
            self._highest = max(self._highest, *live, 0)
            yield from (DeletedRecord(str(key)) for key in range(1, self._highest + 1) if key not in live)
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
                        f"{self._datatype}: ids are not whole numbers, so deleted.strategy cannot be used",
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
