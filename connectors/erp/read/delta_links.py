"""Deletions by OData's delta links (OData V4, 11.3; Business Central: "Using delta links with APIs").

https://learn.microsoft.com/dynamics365/business-central/dev-itpro/developer/devenv-connect-apps-delta
A list that is asked with `Prefer: odata.track-changes` ends with a link; asked again by that link, the ERP
shows what changed since, and what was deleted. The link is the ERP's own and is kept in memory: a service
that was just started reads the list once to get one, and what was deleted before that is found by full reads.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from connectors.common.datatype import Record
from connectors.common.errors import InvalidResponse, NotFound
from connectors.erp.http.client import ErpClient
from connectors.erp.mapping.key import Key, key_in_address
from connectors.erp.mapping.templates import Values, fill_path, parameters
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import DeltaLinks
from connectors.erp.read.deleted_record import DeletedRecord
from connectors.erp.read.paginators import followed
from core.dotted import get_path

LOG = logging.getLogger(__name__)
_SAID_FOR_S = 24 * 3600.0
"""A deletion is said again with each read for so long: the ERP tells it once, and an answer may be lost."""

_NEXT, _DELTA, _CONTEXT = "@odata.nextLink", "@odata.deltaLink", "@odata.context"


class DeltaReader:
    """Finds deleted records of one datatype."""

    def __init__(self, client: ErpClient, datatype: str, spec: DatatypeProfile, deleted: DeltaLinks) -> None:
        self._client = client
        self._datatype = datatype
        self._first = fill_path(spec.listing.path, spec.path, {}, None, client.quotes)
        self._query = parameters(deleted.query, {})
        self._follow = deleted.follow
        self._records = spec.listing.records
        self._id = spec.id
        self._key = Key(spec.id, datatype)
        self._link: str | None = None
        self._has_links = True
        self._gone: dict[str, float] = {}
        self._lock = threading.Lock()

    def find(self, values: Values, least: str) -> Iterator[DeletedRecord]:
        """Yield what was deleted since the first read, for a day each; the ERP does not say when it was."""
        del values, least
        with self._lock:
            if self._has_links:
                self._follow_on()
            now = time.monotonic()
            self._gone = {key: at for key, at in self._gone.items() if now - at < _SAID_FOR_S}
            keys = list(self._gone)
        yield from (DeletedRecord(key) for key in keys)

    def _follow_on(self) -> None:
        """Read on from the link, or from the beginning where there is none, or where it has ended."""
        try:
            self._read()
        except NotFound:
            if self._link is None:
                raise
            # 410: the ERP has forgotten the link. What was deleted meanwhile, full reads find.
            LOG.warning("%s: the ERP's delta link has ended; the list is read for another", self._datatype)
            self._link = None
            self._read()

    def _read(self) -> None:
        """Follow the link, or the list from its beginning, to the next link."""
        url, is_first, asked = self._link or self._first, self._link is None, set[str]()
        while url not in asked:
            asked.add(url)
            answer = self._client.call(
                "GET",
                url,
                operation=f"{self._datatype}.delta",
                headers={"Prefer": "odata.track-changes"},
                params=self._query if is_first and url == self._first else [],
            )
            if not is_first:
                self._note(get_path(answer.body, self._records))
            link = get_path(answer.body, _DELTA)
            following = link or get_path(answer.body, _NEXT)
            if not isinstance(following, str):
                # Not every entity has them, and an ERP that has none may answer as if it was not asked.
                LOG.warning(
                    "%s: the ERP returns no delta link, so only full reads find deletions",
                    self._datatype,
                )
                self._has_links = False
                return
            url = self._client.join(url, followed(following, self._follow))
            if link:
                self._link = url
                return
        raise InvalidResponse(f"{self._datatype}: a page of the delta link leads to itself")

    def _note(self, rows: object) -> None:
        if not isinstance(rows, list):
            raise InvalidResponse(f"{self._datatype}: the ERP's answer to a delta link has no list")
        for row in (row for row in rows if isinstance(row, dict)):
            if "@removed" in row or str(row.get(_CONTEXT, "")).endswith("/$deletedEntity"):
                self._gone[self._removed(row)] = time.monotonic()
            else:
                self._gone.pop(self._key(row), None)

    def _removed(self, row: Record) -> str:
        """Return the key of a deleted record: its own, or what its id names, as an address or alone."""
        named = row.get("@id") or row.get("@odata.id") or row.get("id")
        if isinstance(named, str) and named.endswith(")"):
            named = key_in_address(named)
        elif all(get_path(row, path) is not None for path in self._id):
            return self._key(row)
        if named is None or named == "":
            raise InvalidResponse(f"{self._datatype}: a deleted entity of the delta link names no key")
        return str(named)
