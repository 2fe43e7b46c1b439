"""How lists are paged. A paginator is two methods: where to start, and where to go on from a page.

A `PageRequest` is what to ask for: query parameters and headers to add, values for the templates of the
profile's own query and body, or a whole URL instead of path and query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from requests.utils import parse_header_links

from connectors.common.errors import InvalidResponse
from connectors.common.upstream import UpstreamResponse
from connectors.erp.profile.model.reading import (
    AtFlag,
    AtShort,
    AtTotal,
    Cursors,
    Follow,
    KeysetPages,
    LinkHeaders,
    NextUrls,
    ODataLinks,
    Offsets,
    PageNumbers,
    Stop,
)
from connectors.erp.profile.model.reading import Paginator as PaginatorSpec
from core.dotted import get_path, has_path

Records = list[Any]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to ask for; `position` is the paginator's own note."""

    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    position: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)


class Paginator(Protocol):
    """Walks a list."""

    def first(self, size: int) -> PageRequest:
        """Return the first page of about `size` records."""

    def following(
        self, step: PageRequest, answer: UpstreamResponse, records: Records, size: int
    ) -> PageRequest | None:
        """Return the page after `step`, which gave `records`; None at the end of the list."""

    def leads(self, answer: UpstreamResponse) -> bool:
        """Return whether the page has a place for where to go on, even if that says nowhere."""


class Single:
    """The whole list is one page."""

    def first(self, size: int) -> PageRequest:
        """Everything."""
        del size
        return PageRequest()

    def following(
        self, step: PageRequest, answer: UpstreamResponse, records: Records, size: int
    ) -> PageRequest | None:
        """Return nothing more."""
        del step, answer, records, size
        return None

    def leads(self, answer: UpstreamResponse) -> bool:
        """There is no such place."""
        del answer
        return False


class Counted:
    """Page numbers (`by_records` false) or record offsets, until the stop rule says so."""

    def __init__(self, spec: PageNumbers | Offsets) -> None:
        self._param = spec.param
        self._limit_param = spec.limit_param
        self._by_records = isinstance(spec, Offsets)
        self._first = spec.first
        self._end = End(spec.stop)

    def first(self, size: int) -> PageRequest:
        """Page `first`, or the offset of the first record."""
        return self._step(self._first, size)

    def following(
        self, step: PageRequest, answer: UpstreamResponse, records: Records, size: int
    ) -> PageRequest | None:
        """Return the next number.

        By records it moves on by what came, so that a capped page loses nothing.
        """
        seen = (step.position - self._first) * (1 if self._by_records else size) + len(records)
        if self._end.reached(answer, records, size, seen):
            return None
        return self._step(step.position + (len(records) if self._by_records else 1), size)

    def leads(self, answer: UpstreamResponse) -> bool:
        """Return True: the number alone does."""
        del answer
        return True

    def _step(self, position: int, size: int) -> PageRequest:
        values = {"offset" if self._by_records else "page": position, "size": size}
        query = _query(self._param, position, self._limit_param, size)
        return PageRequest(query, position=position, values=values)


class Cursor:
    """Each page holds the cursor of the next one, in its body or in a header."""

    def __init__(self, spec: Cursors) -> None:
        self._param = spec.param
        self._path = spec.path
        self._header = spec.header
        self._into_header = spec.into == "header"
        self._more = spec.has_more
        self._limit_param = spec.limit_param

    def first(self, size: int) -> PageRequest:
        """Without a cursor."""
        return PageRequest(_limit(self._limit_param, size), values={"size": size})

    def following(
        self, step: PageRequest, answer: UpstreamResponse, records: Records, size: int
    ) -> PageRequest | None:
        """With the page's cursor, until there is none."""
        del step, records
        if self._more is not None and not _flag(answer, self._more):
            return None
        cursor = get_path(answer.body, self._path) if self._path else answer.headers.get(self._header or "")
        if cursor is None or cursor == "" or cursor is False:
            return None
        values = {"cursor": cursor, "size": size}
        if self._into_header and self._param is not None:
            return PageRequest(_limit(self._limit_param, size), {self._param: str(cursor)}, values=values)
        return PageRequest(_query(self._param, cursor, self._limit_param, size), values=values)

    def leads(self, answer: UpstreamResponse) -> bool:
        """Return whether there is something where the cursor belongs."""
        return has_path(answer.body, self._path) if self._path else (self._header or "") in answer.headers


class NextUrl:
    """Each page holds the URL of the next one, in its body."""

    def __init__(
        self,
        path: str,
        limit_param: str | None,
        follow: Follow,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._path = path
        self._follow = follow
        self._limit_param = limit_param
        self._headers = headers or {}

    def first(self, size: int) -> PageRequest:
        """Return the list's own URL."""
        headers = {name: value.replace("{size}", str(size)) for name, value in self._headers.items()}
        return PageRequest(_limit(self._limit_param, size), headers, values={"size": size})

    def following(
        self, step: PageRequest, answer: UpstreamResponse, records: Records, size: int
    ) -> PageRequest | None:
        """Return the URL that the page names, as it is."""
        del records, size
        url = get_path(answer.body, self._path)
        return PageRequest(headers=step.headers, url=followed(str(url), self._follow)) if url else None

    def leads(self, answer: UpstreamResponse) -> bool:
        """Return whether there is something where the URL belongs."""
        return has_path(answer.body, self._path)


class LinkHeader:
    """The `Link` header names the next page (RFC 8288)."""

    def __init__(self, limit_param: str | None, follow: Follow) -> None:
        self._limit_param = limit_param
        self._follow = follow

    def first(self, size: int) -> PageRequest:
        """Return the list's own URL."""
        return PageRequest(_limit(self._limit_param, size), values={"size": size})

    def following(
        self, step: PageRequest, answer: UpstreamResponse, records: Records, size: int
    ) -> PageRequest | None:
        """Return the link with rel="next"; an empty header is the end."""
        del step, records, size
        for link in parse_header_links(answer.headers.get("Link") or ""):
            names = {name.lower(): value for name, value in link.items()}
            if "next" in names.get("rel", "").lower().split():
                return PageRequest(url=followed(link["url"], self._follow))
        return None

    def leads(self, answer: UpstreamResponse) -> bool:
        """Return whether there is the header."""
        return "Link" in answer.headers


class Keyset:
    """The list is ordered by a field; each page starts after the last value of the one before."""

    def __init__(self, spec: KeysetPages) -> None:
        self._param = spec.param
        self._path = spec.field
        self._template = spec.template
        self._limit_param = spec.limit_param
        self._end = End(spec.stop)

    def first(self, size: int) -> PageRequest:
        """From the lowest value."""
        return PageRequest(_limit(self._limit_param, size), values={"size": size})

    def following(
        self, step: PageRequest, answer: UpstreamResponse, records: Records, size: int
    ) -> PageRequest | None:
        """After the last record's value."""
        seen = step.position + len(records)
        if self._end.reached(answer, records, size, seen):
            return None
        last = get_path(records[-1], self._path)
        if last is None:
            raise InvalidResponse(f"a record has no {self._path}, by which the list is paged")
        written = self._template.replace("{value}", str(last))
        query = _query(self._param, written, self._limit_param, size)
        return PageRequest(query, position=seen, values={"after": last, "size": size})

    def leads(self, answer: UpstreamResponse) -> bool:
        """Return True: the last record does."""
        del answer
        return True


class End:
    """The stop rule of a list: which of its pages is the last one. An empty page always is.

    A page shorter than asked for may also be one that the ERP has cut to its own size. So by the rule `short`
    the last page is one that is shorter than another that this ERP gave.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._longest = 0

    def reached(self, answer: UpstreamResponse, records: Records, size: int, seen: int) -> bool:
        """Return whether a page is the last; `seen` records have come with it."""
        if not records:
            return True
        match self._stop:
            case AtShort():
                self._longest = max(self._longest, len(records))
                return len(records) < min(size, self._longest)
            case AtTotal(path=path):
                total = get_path(answer.body, path)
                return str(total).isdigit() and seen >= int(total)
            case AtFlag(path=path):
                return not _flag(answer, path)
            case _:
                return False


def _flag(answer: UpstreamResponse, path: str) -> bool:
    """Return what the page says of whether there is more.

    Silence is no answer: it would cut the list short.
    """
    if not has_path(answer.body, path):
        raise InvalidResponse(f"the ERP does not say at {path} whether the list continues")
    return bool(get_path(answer.body, path))


def followed(link: str, follow: Follow) -> str:
    """Return a link with the host and the path left out that do not count."""
    if follow == "url":
        return link
    parts = urlsplit(link)
    return urlunsplit(("", "", parts.path if follow == "path" else "", parts.query, ""))


def _limit(param: str | None, size: int) -> dict[str, str]:
    return {param: str(size)} if param else {}


def _query(param: str | None, value: object, limit_param: str | None, size: int) -> dict[str, str]:
    return {**({param: str(value)} if param else {}), **_limit(limit_param, size)}


def make_paginator(spec: PaginatorSpec) -> Paginator:
    """Return the paginator that a profile describes."""
    match spec:
        case PageNumbers() | Offsets():
            return Counted(spec)
        case Cursors():
            return Cursor(spec)
        case NextUrls(path=path, limit_param=limit_param, follow=follow):
            return NextUrl(path, limit_param, follow)
        case LinkHeaders(limit_param=limit_param, follow=follow):
            return LinkHeader(limit_param, follow)
        case ODataLinks(follow=follow):
            return NextUrl("@odata.nextLink", None, follow, {"Prefer": "odata.maxpagesize={size}"})
        case KeysetPages():
            return Keyset(spec)
        case _:
            return Single()
