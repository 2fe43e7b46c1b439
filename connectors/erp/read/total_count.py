"""The ERP's own count of a list: what came is held against it, and a list that shrinks is read again in part.

Pages by number move up when a record before them is deleted for good, and the records at the page's end slip
through. Where the profile says where a page holds the count (`list.count`), a smaller count than on the page
before shows it, and the read steps back as many pages as the missing records fill.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from connectors.common.errors import InvalidResponse
from connectors.common.upstream import UpstreamResponse
from connectors.erp.profile.model.reading import Count
from connectors.erp.read.paginators import PageRequest
from core.dotted import get_path

_MOST = 20
"""Steps back in one read; a list that shrinks more often than that is not read to its end."""


@dataclass(frozen=True, slots=True)
class _Page:
    step: PageRequest
    records: int


class ShortList(InvalidResponse):
    """Fewer records came than the ERP counts."""


class TotalCount:
    """The pages of one read. Without a count it lets everything pass."""

    def __init__(self, name: str, count: Count | None, size: int) -> None:
        """`size`: records asked for per page."""
        self._name = name
        self._where = count
        self._size = size
        self._pages: list[_Page] = []
        self._count: int | None = None
        self._least: int | None = None
        self._back = 0

    def back(self, step: PageRequest, url: str, answer: UpstreamResponse, records: int) -> PageRequest | None:
        """Note a page that came from `url`; gives the step to go back to if records before it are gone."""
        if self._where is None:
            return None
        count, before = self._read(answer), self._count
        self._count = count
        if count is not None:
            self._least = count if self._least is None else min(self._least, count)
        if count is not None and before is not None and count < before and self._pages:
            self._back += 1
            if self._back > _MOST:
                raise InvalidResponse(f"{self._name}: the list shrinks faster than it can be read")
            pages = min(len(self._pages), -(-(before - count) // self._size))
            first = self._pages[-pages].step
            del self._pages[-pages:]
            return first
        self._pages.append(_Page(replace(step, url=url) if step.url else step, records))
        return None

    def end(self) -> None:
        """`InvalidResponse` if fewer records came than the ERP ever counted during the read."""
        came = sum(page.records for page in self._pages)
        if self._least is not None and came < self._least:
            raise ShortList(f"{self._name}: the ERP counts {self._least} records and gave {came}")

    def _read(self, answer: UpstreamResponse) -> int | None:
        assert self._where is not None
        if self._where.header is not None:
            text = answer.headers.get(self._where.header) or ""
            return int(text) if text.isdigit() else None
        found: Any = get_path(answer.body, self._where.path or "")
        return found if type(found) is int else None
