"""Sub-resources, such as the lines of an order, read from lists of their own and put into their parents.

In bulk (`parent` says where a child names its parent): one list for each `batch` of parents, asked for by
`{ids}` in the query. Otherwise one list per parent, below `{id}` in the path. Only the children of one page
of parents are ever held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.common.datatype import Record
from connectors.erp.http.client import ErpClient
from connectors.erp.mapping.key import Key, raw_key
from connectors.erp.mapping.templates import Values, names_in_path
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import ChildSpec, ListCall, SinglePage
from connectors.erp.read.lists import Lists, Source
from core.dotted import get_path, is_shown, set_path


class Children:
    """All sub-resources of one datatype."""

    def __init__(self, client: ErpClient, datatype: str, spec: DatatypeProfile, size: int) -> None:
        self._parts = [
            _Part(client, f"{datatype}.{name}", child, spec, size) for name, child in spec.children.items()
        ]

    def embed(self, page: list[Record]) -> list[Record]:
        """Return the page with every record's children in it; the records given are changed."""
        for part in self._parts:
            part.embed(page)
        return page

    def touched(self, values: Values) -> Iterator[str]:
        """Yield keys of parents, one of whose children changed since `values["since"]`.

        Where the profile says how to ask. A key may come more than once.
        """
        for part in self._parts:
            yield from part.touched(values)


class _Part:
    def __init__(
        self, client: ErpClient, name: str, child: ChildSpec, spec: DatatypeProfile, size: int
    ) -> None:
        listing = ListCall(
            method=child.method,
            path=child.path,
            query=child.query,
            headers=child.headers,
            body=child.body,
            records=child.records,
            page_size=child.page_size,
        )
        paginator = SinglePage() if child.record else child.paginator or spec.paginator
        source = Source(listing, paginator, spec.path, [child.id], child.record)
        self._record = child.record
        self._optional = child.optional
        self._named = names_in_path(child.path) - {"path", "id"}
        self._lists = Lists(client, name, source, size)
        self._into = child.into
        self._parent = child.parent
        self._batch = child.batch
        self._changed = child.changed
        self._key = Key(spec.id, name)
        self._id = spec.id

    def embed(self, page: list[Record]) -> None:
        if self._parent is None:
            for record in page:
                set_path(record, self._into, self._of(record))
            return
        for start in range(0, len(page), self._batch):
            self._embed_batch(page[start : start + self._batch])

    def _of(self, record: Record) -> object:
        """Return the children of one record, or the one that belongs to it; none where it names none."""
        values = self._key.values(self._key(record))
        nothing: Any = None if self._record else []
        for name in self._named - values.keys():
            if get_path(record, name) in (None, "", False) and (self._optional or is_shown(record, name)):
                return nothing
        found = _all(self._lists.pages({}, values=values, raw=record))
        return (found[0] if found else None) if self._record else found

    def _embed_batch(self, batch: Sequence[Record]) -> None:
        found: dict[str, list[Record]] = {self._key(record): [] for record in batch}
        keys = [raw_key(record, self._id) for record in batch]
        for page in self._lists.pages({}, values={"ids": keys}):
            for child in page:
                owner = found.get(str(get_path(child, self._parent or "")))
                if owner is not None:
                    owner.append(child)
        for record in batch:
            set_path(record, self._into, found[self._key(record)])

    def touched(self, values: Values) -> Iterator[str]:
        if self._changed is None:
            return
        for page in self._lists.pages(self._changed, values=values):
            for child in page:
                yield str(get_path(child, self._parent or ""))


def _all(pages: Iterator[list[Record]]) -> list[Record]:
    return [record for page in pages for record in page]
