"""What a read of one datatype consists of: its list, and what the list alone does not show.

Records that left the datatype, records whose children changed, and records that were deleted; each only where
the profile asks for it, and only when reading from a token: a full read shows them by their absence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.common.datatype import Entity, Record
from connectors.common.errors import InvalidResponse, NotFound
from connectors.erp.http.client import ErpClient
from connectors.erp.mapping import stamps
from connectors.erp.mapping.first_seen import asks_for_changes
from connectors.erp.mapping.local_time import Clock
from connectors.erp.mapping.shape import Shape
from connectors.erp.mapping.templates import Values
from connectors.erp.profile.model.base import Template
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import KeyLog, LogLookup
from connectors.erp.read.children import Children
from connectors.erp.read.deletion_detection import deletion_finder
from connectors.erp.read.detail import DetailReader
from connectors.erp.read.known_deletions import KnownDeletions, Shared, ValuesOf, any_deletion, every_seconds
from connectors.erp.read.lists import Lists, Source
from connectors.erp.read.newest_first import NewestFirst
from connectors.erp.read.single import SingleReader
from connectors.erp.read.summary_check import SummaryCheck
from connectors.erp.read.unreadable import Unreadable

_MANY = 100
"""A list that had so many records before and has none now is not believed."""


@dataclass(frozen=True, slots=True)
class Read:
    """What is read: `query` and `values` are the question.

    `since` is the token's stamp, None for a full read, and `least` the least stamp that the read is about;
    `seen` stands for stamps that the ERP does not give. `deletions_at`: the moment that what is known of
    deletions is from, None if the ERP is yet to be asked.
    """

    query: Mapping[str, Template]
    values: Values
    since: str | None = None
    least: str | None = None
    seen: str | None = None
    deletions_at: datetime | None = None


class IncrementalReader:
    """Pages of entities, before tokens are put in place."""

    def __init__(
        self,
        client: ErpClient,
        datatype: str,
        spec: DatatypeProfile,
        size: int,
        shape: Shape,
        children: Children,
        single: SingleReader,
        now: Clock,
        values_of: ValuesOf,
        shared: Shared,
    ) -> None:
        """`values_of` a stamp gives what templates may use; `shared` are questions of all datatypes."""
        self._name = datatype
        self._now = now
        self._lists = Lists(client, datatype, Source.of(spec), size)
        self._newest = NewestFirst(datatype, spec, shape)
        self._shape = shape
        self._children = children
        finder = deletion_finder(client, datatype, spec, size)
        self._deletions = (
            None
            if finder is None
            else KnownDeletions(
                finder.find,
                every_seconds(spec),
                any_deletion(client, spec, size, now, shared),
                values_of,
                now,
            )
        )
        self._by_stamp = isinstance(spec.deleted, KeyLog | LogLookup)
        self._embeds = bool(spec.children)
        # Without a filter all records are listed each time, and older ones left out later: their children
        # need not be asked for, unless they have stamps that count.
        self._passes_over = not (asks_for_changes(spec) or spec.modified_also or self._deletions)
        self._follows = any(child.changed is not None for child in spec.children.values())
        self._spec = spec
        self._lowest = stamps.lowest(spec.modified_format)
        self._reads = False
        self._must_hold = spec.listing.empty == "refuse"
        self._most = 0
        detail = spec.listing.detail
        self._detail: DetailReader | None = None
        self._summary_check: SummaryCheck | None = None
        if detail is not None:
            self._detail = DetailReader(single, shape.key, shape.stamp, self._lowest, detail.concurrency, now)
        else:
            self._summary_check = SummaryCheck(datatype, spec, single, shape.key)

    def deletions_at(self, least: str | None) -> datetime | None:
        """Return the moment after which deletions are yet to be asked for, by this read and later ones.

        None if this read asks for them itself, or if they are found whenever it is asked. A full read (no
        `least`) asks for none.
        """
        if self._deletions is None:
            return None
        if least is None:
            return self._now() if self._by_stamp else None
        return self._deletions.known_at(least)

    def pages(self, read: Read, limit: int | None, fetch: Callable[[str], Record]) -> Iterator[list[Entity]]:
        """Yield the list's entities, then those it does not show."""
        last, seen, count = read.since or self._lowest, set[str](), 0

        def ask() -> Iterator[list[Record]]:
            return self._lists.pages(read.query, limit, read.values)

        for page in self._newest.pages(ask, read.least, limit is None):
            count += len(page)
            entities, failed = self._readable(page, read)
            # In front, where their place in the stream disturbs no order and is nobody's token.
            before = failed.entities(last)
            last = max([last, *(entity["_updated"] for entity in entities)])
            if read.since is not None and (self._follows or self._deletions is not None):
                seen |= {entity["_id"] for entity in before + entities}
            yield before + entities
        if read.since is None:
            self._check(count, limit)
        elif limit is None:
            yield from self._touched(read.values, last, seen, fetch)
            if self._deletions is not None:
                # What the list has just shown was deleted since, or made again under the key of one deleted.
                yield [
                    self._shape.gone(gone.key, max(last, gone.stamp or last))
                    for gone in self._deletions.find(read.values, read.least or read.since, read.deletions_at)
                    if gone.key not in seen or not _is_there(gone.key, fetch)
                ]

    def _readable(self, page: list[Record], read: Read) -> tuple[list[Entity], Unreadable]:
        """Return the entities of a page, and those of its records that cannot be read.

        `InvalidResponse` if that is not one record, but the first page of all that there are.
        """
        failed = Unreadable(self._spec)
        whole = self._whole(failed.each(page, self._shape.identified), read, failed)
        entities = self._shape.entities(whole, read.since is not None, read.seen, failed.each)
        if failed and not entities and not self._reads:
            self._reads = self._is_any_readable()
            if not self._reads:
                raise failed.first
        self._reads = self._reads or bool(entities)
        return entities, failed

    def _is_any_readable(self) -> bool:
        """Return whether the ERP's first page of all records holds one that the profile fits."""
        failed = Unreadable(self._spec)
        first = next(self._lists.pages({}), [])
        known = failed.each(first, self._shape.identified)
        return bool(self._shape.entities(known, False, None, failed.each))

    def _whole(self, page: list[Record], read: Read, failed: Unreadable) -> list[Record]:
        """Return the records of a page with all that the profile says belongs to them."""
        if self._detail is not None:
            page = self._detail.whole(page, read.least, failed)
        elif self._summary_check is not None:
            self._summary_check.look(page)
        if self._embeds and self._passes_over and read.least is not None:
            page = [record for record in page if self._may_be_new(record, read.least)]
        return self._children.embed(page) if self._embeds else page

    def _may_be_new(self, record: Record, least: str) -> bool:
        stamp = self._shape.stamp(record)
        return stamp == self._lowest or stamp >= least

    def _touched(
        self, values: Values, last: str, seen: set[str], fetch: Callable[[str], Record]
    ) -> Iterator[list[Entity]]:
        """Parents whose children changed, but not they themselves."""
        if not self._follows:
            return
        for key in self._children.touched(values):
            if key in seen:
                continue
            seen.add(key)
            try:
                entity = dict(fetch(key))
            except NotFound:
                continue
            entity["_updated"] = max(last, entity["_updated"])
            yield [entity]

    def _check(self, count: int, limit: int | None) -> None:
        """Refuse an empty list where the profile says so, or where this process saw many records before."""
        if count == 0 and (self._must_hold or self._most >= _MANY):
            raise InvalidResponse(
                f"{self._name}: the ERP gave an empty list; before, it had {self._most or 'records'};"
                " if that is right, restart the service"
            )
        if limit is None:
            self._most = count


def _is_there(key: str, fetch: Callable[[str], Record]) -> bool:
    """Return whether the ERP has the record, and it is still of this datatype."""
    try:
        return not fetch(key)["_deleted"]
    except NotFound:
        return False
