"""Reading lists from the ERP: page after page of records, and never the same page twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import UNSET

from connectors.common.datatype import Record
from connectors.common.errors import FixSettings, InvalidResponse, NotFound
from connectors.common.upstream import UpstreamResponse
from connectors.erp.http.client import ErpClient
from connectors.erp.http.responses import NoRecord
from connectors.erp.mapping.key import raw_key
from connectors.erp.mapping.templates import Values, fill_path, names, parameters, render
from connectors.erp.profile.model.base import Template
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.reading import ListCall, ODataLinks, Paginator, SinglePage
from connectors.erp.read.error_in_200 import error_in_200
from connectors.erp.read.loop_detection import LoopDetector
from connectors.erp.read.next_page_hints import next_page_hint
from connectors.erp.read.paginators import PageRequest, make_paginator
from connectors.erp.read.total_count import TotalCount
from core.dotted import get_path
from core.jsonio import Json, type_name

_NONE = UpstreamResponse(200, {}, None)
"""Stands for the answer of an ERP that says by its status that there is no record."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a list is and how it goes on.

    `path` stands for `{path}`, and at the paths of `id` a record has its key.
    """

    listing: ListCall
    paginator: Paginator
    path: str
    id: Sequence[str]
    alone: bool = False
    """Whether the answer is one record instead of a list; null, or a 404, is none."""

    @classmethod
    def of(cls, spec: DatatypeProfile) -> Source:
        """Return the list of a datatype's records."""
        return cls(spec.listing, spec.paginator, spec.path, spec.id)


class Lists:
    """One list of the ERP: that of a datatype's records, or of something below it."""

    def __init__(self, client: ErpClient, name: str, source: Source, size: int) -> None:
        """`name` is for messages and metrics, `size` what the settings say of a page."""
        self._client = client
        self._name = name
        self._source = source
        self._list = source.listing
        self._paginator = make_paginator(source.paginator)
        self._size = self._list.page_size or size
        asked = names([self._list.query, self._list.headers, self._list.body])
        limited = getattr(source.paginator, "limit_param", None) is not None
        self._sized = "size" in asked or limited or isinstance(source.paginator, ODataLinks)
        self._sized &= not isinstance(source.paginator, SinglePage)
        self._trusted = self._list.count is not None

    def pages(
        self,
        query: Mapping[str, Template],
        size: int | None = None,
        values: Values | None = None,
        raw: Record | None = None,
    ) -> Iterator[list[Record]]:
        """Yield the ERP's records as they are, one list per page.

        `query` is added to the profile's own, `values` are for its templates, and `raw`, a record, for its
        path.

        `InvalidResponse` if a page is not a list of objects or comes twice, or if the ERP counts more records
        than it gave: the read then never ends as a short success. A record may come twice.
        """
        size = min(size or self._size, self._size)
        given = {**(values or {})}
        step: PageRequest | None = self._paginator.first(size)
        url, loops = "", LoopDetector(self._name)
        total = TotalCount(self._name, self._list.count, size)
        while step is not None:
            url = self._client.join(url, step.url) if step.url else self._address(step, given, raw)
            question, answer, records = self._page(url, step, query, given)
            back = total.back(step, url, answer, len(records))
            if back is not None:
                step, loops = back, LoopDetector(self._name)
                continue
            loops.note(question, [raw_key(record, self._source.id) for record in records], records)
            yield records
            following = None if answer is _NONE else self._paginator.following(step, answer, records, size)
            if following is not None or self._paginator.leads(answer):
                self._trusted = True
            elif not self._trusted and records:
                self._doubt(answer, len(records), url, query, given, size)
            step = following
        total.end()

    def _address(self, step: PageRequest, given: Values, raw: Record | None) -> str:
        values = {**given, **step.values}
        return fill_path(self._list.path, self._source.path, values, raw, self._client.quotes)

    def _page(
        self, url: str, step: PageRequest, query: Mapping[str, Template], given: Values
    ) -> tuple[int, UpstreamResponse, list[Record]]:
        """Return a hash of the question, the answer and its records."""
        question, asked = self._question(url, step, query, {**given, **step.values})
        try:
            answer = self._client.call(self._list.method, url, operation=f"{self._name}.list", **asked)
        except NoRecord:
            return question, _NONE, []
        except NotFound:
            if self._source.alone:
                return question, _NONE, []
            raise
        return question, answer, self._select(answer.body)

    def _doubt(
        self,
        last: UpstreamResponse,
        came: int,
        url: str,
        query: Mapping[str, Template],
        given: Values,
        size: int,
    ) -> None:
        """Doubt that the list has ended, on a page that has no place for where to go on.

        Is that all, or does the profile look in the wrong place? A first page as long as was asked for tells:
        were a record fewer asked for, there would be more.
        """
        sign = next_page_hint(last, self._list.records)
        if sign is None and self._sized and came == size > 1:
            _, answer, records = self._page(url, self._paginator.first(size - 1), query, given)
            self._trusted = self._paginator.leads(answer)
            sign = None if self._trusted or len(records) != size - 1 else "its length"
        if sign is not None:
            raise FixSettings(
                f"{self._name}: by {sign} the list continues, but not as the profile says; see its paginator",
                setting="ERP_PROFILE",
            )

    def _question(
        self, url: str, step: PageRequest, query: Mapping[str, Template], values: Values
    ) -> tuple[int, Json]:
        """Return a hash of what is asked, and how the client is told to."""
        given = [] if step.url else self._parameters(query, step, values)
        headers = {**dict(parameters(self._list.headers, values)), **step.headers}
        body = (
            None
            if self._list.body is UNSET or step.url
            else render(self._list.body, values, self._client.quotes)
        )
        question = hash((url, tuple(given), repr(body), tuple(sorted(headers.items()))))
        return question, {"params": given, "json": body, "headers": headers, "repeatable": True}

    def _parameters(
        self, query: Mapping[str, Template], step: PageRequest, values: Values
    ) -> list[tuple[str, str]]:
        fixed = parameters({**self._list.query, **query}, values, self._client.quotes)
        return [pair for pair in fixed if pair[0] not in step.query] + list(step.query.items())

    def _select(self, body: object) -> list[Record]:
        records = get_path(body, self._list.records)
        if self._source.alone and not isinstance(records, list):
            records = [] if records is None else [records]
        if not isinstance(records, list):
            place = self._list.records or "the answer"
            raise InvalidResponse(
                f"{self._name}: {place} must be a list of records, not {type_name(records)}"
            )
        if not all(type(record) is dict for record in records):
            raise InvalidResponse(f"{self._name}: a record in the list is not an object")
        problem = None if records else error_in_200(body, self._list.records)
        if problem is not None:
            raise InvalidResponse(f"{self._name}: the ERP gave an empty list and {problem} with it")
        return records
