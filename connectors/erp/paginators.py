"""How lists are paged. A paginator is two methods: where to start, and where to go on from a page.

A `Step` is what to ask for: query parameters and headers to add, or a whole URL instead of path and query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from requests.utils import parse_header_links

from connectors.common.upstream import Answer
from connectors.erp.paths import dig

Records = list[Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One page to ask for; `position` is the paginator's own note."""

    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    position: int = 0


class Paginator(Protocol):
    """Walks a list."""

    def first(self, size: int) -> Step:
        """The first page of about `size` records."""

    def following(self, step: Step, answer: Answer, records: Records, size: int) -> Step | None:
        """The page after `step`, which gave `records`; None at the end of the list."""


class Single:
    """The whole list is one page."""

    def first(self, size: int) -> Step:
        """Everything."""
        del size
        return Step()

    def following(self, step: Step, answer: Answer, records: Records, size: int) -> Step | None:
        """Nothing more."""
        del step, answer, records, size
        return None


class Counted:
    """Page numbers (`by_records` false) or record offsets, until the stop rule says so."""

    def __init__(
        self, param: str, limit_param: str | None, first: int, by_records: bool, stop: Mapping[str, Any]
    ) -> None:
        self._param = param
        self._limit_param = limit_param
        self._first = first
        self._by_records = by_records
        self._stop = stop

    def first(self, size: int) -> Step:
        """Page `first`, or offset 0."""
        return self._step(self._first, size)

    def following(self, step: Step, answer: Answer, records: Records, size: int) -> Step | None:
        """The next number; by records it moves on by what came, so that a capped page loses nothing."""
        seen = (
            step.position + len(records)
            if self._by_records
            else (step.position - self._first) * size + len(records)
        )
        if at_end(self._stop, answer, records, size, seen):
            return None
        return self._step(step.position + (len(records) if self._by_records else 1), size)

    def _step(self, position: int, size: int) -> Step:
        return Step({self._param: str(position), **_limit(self._limit_param, size)}, position=position)


class Cursor:
    """Each page holds the cursor of the next one."""

    def __init__(self, param: str, path: str, limit_param: str | None) -> None:
        self._param = param
        self._path = path
        self._limit_param = limit_param

    def first(self, size: int) -> Step:
        """Without a cursor."""
        return Step(_limit(self._limit_param, size))

    def following(self, step: Step, answer: Answer, records: Records, size: int) -> Step | None:
        """With the page's cursor, until there is none."""
        del step, records
        cursor = dig(answer.body, self._path)
        if cursor is None or cursor == "" or cursor is False:
            return None
        return Step({self._param: str(cursor), **_limit(self._limit_param, size)})


class NextUrl:
    """Each page holds the URL of the next one, in its body."""

    def __init__(self, path: str, limit_param: str | None, headers: Mapping[str, str] | None = None) -> None:
        self._path = path
        self._limit_param = limit_param
        self._headers = headers or {}

    def first(self, size: int) -> Step:
        """The list's own URL."""
        headers = {name: value.replace("{size}", str(size)) for name, value in self._headers.items()}
        return Step(_limit(self._limit_param, size), headers)

    def following(self, step: Step, answer: Answer, records: Records, size: int) -> Step | None:
        """The URL that the page names, as it is."""
        del records, size
        url = dig(answer.body, self._path)
        return Step(headers=step.headers, url=str(url)) if url else None


class LinkHeader:
    """The `Link` header names the next page (RFC 8288)."""

    def __init__(self, limit_param: str | None) -> None:
        self._limit_param = limit_param

    def first(self, size: int) -> Step:
        """The list's own URL."""
        return Step(_limit(self._limit_param, size))

    def following(self, step: Step, answer: Answer, records: Records, size: int) -> Step | None:
        """The link with rel="next"; an empty header is the end."""
        del step, records, size
        for link in parse_header_links(answer.headers.get("Link") or ""):
            if link.get("rel") == "next":
                return Step(url=link["url"])
        return None


class Keyset:
    """The list is ordered by a field; each page starts after the last value of the one before."""

    def __init__(
        self, param: str, path: str, template: str, limit_param: str | None, stop: Mapping[str, Any]
    ) -> None:
        self._param = param
        self._path = path
        self._template = template
        self._limit_param = limit_param
        self._stop = stop

    def first(self, size: int) -> Step:
        """From the lowest value."""
        return Step(_limit(self._limit_param, size))

    def following(self, step: Step, answer: Answer, records: Records, size: int) -> Step | None:
        """After the last record's value."""
        seen = step.position + len(records)
        if at_end(self._stop, answer, records, size, seen):
            return None
        value = self._template.replace("{value}", str(dig(records[-1], self._path)))
        return Step({self._param: value, **_limit(self._limit_param, size)}, position=seen)


def at_end(stop: Mapping[str, Any], answer: Answer, records: Records, size: int, seen: int) -> bool:
    """Whether a page is the last one by the profile's stop rule; an empty page always is."""
    if not records:
        return True
    match stop["type"]:
        case "short":
            return len(records) < size
        case "total":
            total = dig(answer.body, stop["path"])
            return isinstance(total, int) and seen >= total
        case "has_more":
            return not dig(answer.body, stop["path"])
        case _:
            return False


def _limit(param: str | None, size: int) -> dict[str, str]:
    return {param: str(size)} if param else {}


def make_paginator(spec: Mapping[str, Any]) -> Paginator:
    """The paginator that a profile describes (already validated)."""
    limit_param, stop = spec.get("limit_param"), spec.get("stop", {"type": "empty"})
    match spec["type"]:
        case "page":
            return Counted(spec["param"], limit_param, spec.get("first", 1), False, stop)
        case "offset":
            return Counted(spec["param"], limit_param, 0, True, stop)
        case "cursor":
            return Cursor(spec["param"], spec["path"], limit_param)
        case "next_url":
            return NextUrl(spec["path"], limit_param)
        case "link_header":
            return LinkHeader(limit_param)
        case "odata":
            return NextUrl("@odata.nextLink", None, {"Prefer": "odata.maxpagesize={size}"})
        case "keyset":
            return Keyset(spec["param"], spec["field"], spec.get("template", "{value}"), limit_param, stop)
        case _:
            return Single()
