"""What a read of one datatype consists of: its list, and what the list alone does not show.

Records that left the datatype, records whose children changed, and records that were deleted; each only where
the profile asks for it, and only when reading from a token: a full read shows them by their absence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from connectors.common.datatype import Entity, Record
from connectors.common.errors import InvalidResponse, NotFound
from connectors.erp.http.client import ErpClient
from connectors.erp.mapping.shape import Shape
from connectors.erp.mapping.templates import Values
from connectors.erp.profile.model.base import Template
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import FullCompare, LogLookup
from connectors.erp.read.children import Children
from connectors.erp.read.deletion_detection import GapDetector
from connectors.erp.read.lists import Lists

_MANY = 100
"""A list that had so many records before and has none now is not believed."""


class IncrementalReader:
    """Pages of entities, before tokens are put in place."""

    def __init__(
        self,
        client: ErpClient,
        datatype: str,
        spec: DatatypeProfile,
        size: int,
        lists: Lists,
        shape: Shape,
        children: Children,
    ) -> None:
        self._name = datatype
        self._lists = lists
        self._shape = shape
        self._children = children
        by_gaps = isinstance(spec.deleted, FullCompare | LogLookup)
        self._gap_detector = GapDetector(client, datatype, spec, size) if by_gaps else None
        self._embeds = bool(spec.children)
        self._follows = any(child.changed is not None for child in spec.children.values())
        self._must_hold = spec.listing.empty == "refuse"
        self._most = 0

    def pages(
        self,
        query: Mapping[str, Template],
        values: Values,
        since: str | None,
        limit: int | None,
        fetch: Callable[[str], Record],
    ) -> Iterator[list[Entity]]:
        """The list's entities, then those it does not show; `since` None is a full read."""
        last, seen, count = since or "", set[str](), 0
        for page in self._lists.pages(query, limit, values):
            count += len(page)
            whole = self._children.embed(page) if self._embeds else page
            entities = self._shape.entities(whole, leaving=since is not None)
            if since is not None:
                last = max([last, *(entity["_updated"] for entity in entities)])
                if self._follows:
                    seen |= {entity["_id"] for entity in entities}
            yield entities
        if since is None:
            self._check(count, limit)
        elif limit is None:
            yield from self._touched(values, last, seen, fetch)
            if self._gap_detector is not None:
                yield [
                    self._shape.gone(gone.key, gone.stamp or last) for gone in self._gap_detector.find(values)
                ]

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
