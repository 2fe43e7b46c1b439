"""Streams of entities from feeds: windows that overlap and stop short of now, and the tokens to go on from.

An incremental read asks for what changed from a little before the moment up to which everything is known, to
`lag` seconds before now, both inclusive: neither a record of the same second nor one that shows late is
missed. A record that changes while it is paged leaves the window, whose end is fixed, and the next window
finds it. The moment moves on only when a window has been given whole; until then tokens say where in it to go
on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from connectors.chargebee.clock import NEAR_S, SiteClock
from connectors.chargebee.feeds import ListFeed, Page
from connectors.chargebee.tokens import Token, Window, decode
from connectors.common.datatype import Entity, Record
from connectors.common.errors import InvalidResponse, Rejected

OVERLAP = 3
"""Seconds that a window reaches back before the moment up to which everything is known: more than what whole
seconds and an unnoticed difference of the clocks (`connectors.chargebee.clock`) make out."""

Rows = list[tuple[int, Record]]


class Progress(Protocol):
    """Told how far a first load has come."""

    def page(self, updated_at: int) -> None:
        """Note that a page was read, to this second."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How one datatype is read: `lag` in seconds, `page_size` a page, which records are shown, and how.

    `clock` gives Chargebee's time; it may find, with the first answer, that it was earlier than it seemed.
    `watch` is entered for a first load and told of its progress.
    """

    lag: int
    page_size: int
    shows: Callable[[Record], bool]
    entity: Callable[[Record, str], Entity]
    clock: SiteClock
    watch: Callable[[], AbstractContextManager[Progress | None]] = nullcontext

    def paged(self, feed: ListFeed, since: str | None, limit: int | None) -> Iterator[list[Entity]]:
        """Yield pages of a list that upstream sorts by `updated_at`: one call a page, flat memory."""
        token = decode(since)
        left = _Left(limit)
        if token.window is not None:
            token = yield from self._resumed(feed, token, token.window, left)
        window = self._window(token, self.clock.local())
        if window is not None and token.window is None and not left.used_up:
            yield from self._pages(feed, Token(token.moment, token.page), window, left, is_new=True)

    def whole(
        self, rows_of: Callable[[Window], Rows], since: str | None, limit: int | None
    ) -> Iterator[list[Entity]]:
        """Yield one page of all rows of the window.

        This is for sources that are small and cannot be sorted upstream.
        """
        token = decode(since)
        asked = self.clock.local()
        window = self._window(token, asked)
        if window is None or limit == 0:
            return
        rows = sorted(rows_of(window), key=_place)
        window = self._earlier(token, window, asked) or window
        end = window.end if token.end is None else min(window.end, token.end)
        if token.after is not None:
            rows = [row for row in rows if _place(row) > token.after]
        shown = [row for row in rows if self.shows(row[1])]
        entities = []
        for number, row in enumerate(shown[:limit], token.page + 1):
            here = Token(token.moment, number, after=_place(row), end=end)
            if row is shown[-1]:
                here = Token(token.moment, number).at_end_of(Window(window.start, end))
            entities.append(self.entity(row[1], here.encode()))
        yield entities

    def _window(self, token: Token, asked: float) -> Window | None:
        """Return what to ask for when our clock shows `asked`.

        All at first, None while it is behind the token.
        """
        end = int(self.clock.at(asked)) - self.lag
        if token.moment == 0:
            return Window(None, end)
        start = max(0, token.moment - OVERLAP)
        return Window(start, end) if end >= start else None

    def _opened(self, feed: ListFeed, token: Token, window: Window, size: int) -> tuple[Window, Page]:
        """Return the first page of a window.

        Of an earlier one if the answer tells that our clock is ahead.
        """
        asked = self.clock.local()
        page = feed.page(window, None, size)
        earlier = self._earlier(token, window, asked)
        if earlier is None or earlier.start is None:
            return earlier or window, page
        return earlier, feed.page(earlier, None, size) if earlier.end > token.moment else Page([], None)

    def _earlier(self, token: Token, window: Window, asked: float) -> Window | None:
        """Return the window to ask for instead, if our clock turns out to have been ahead of Chargebee's.

        What was not shown yet when our clock showed `asked` may be by now, however long the answer took.
        """
        if int(self.clock.at(asked)) - self.lag >= window.end - NEAR_S:
            return None
        return self._window(token, asked) or Window(window.start, token.moment)

    def _resumed(
        self, feed: ListFeed, token: Token, window: Window, left: _Left
    ) -> Generator[list[Entity], None, Token]:
        """Yield the rest of a window; from its start again if upstream does not know the offset any more."""
        try:
            return (yield from self._pages(feed, token, window, left))
        except Rejected as refused:
            if refused.field != "/offset":
                raise
            return Token(token.moment, token.page)

    def _pages(
        self, feed: ListFeed, token: Token, window: Window, left: _Left, is_new: bool = False
    ) -> Generator[list[Entity], None, Token]:
        """Yield the pages of a window from `token` on, to its end or the limit; returns where to go on."""
        seen: set[str] = set()
        with self.watch() if window.start is None else nullcontext() as progress:
            while not left.used_up:
                size = left.page_size(self.page_size)
                if is_new:
                    window, page = self._opened(feed, token, window, size)
                    is_new = False
                else:
                    page = feed.page(window, token.offset, size)
                if progress is not None and page.rows:
                    progress.page(page.rows[-1][0])
                after = _after(token, window, page)
                entities = self._entities(page, token, after)
                left.take(len(entities))
                yield entities
                token = after
                if token.offset is None:
                    break
                if token.offset in seen:
                    raise InvalidResponse(
                        "Chargebee gave the same next_offset twice; the list would never end"
                    )
                seen.add(token.offset)
        return token

    def _entities(self, page: Page, token: Token, after: Token) -> list[Entity]:
        """Return the entities of a page; all resume at it but the last, which resumes after it."""
        shown = [record for _, record in page.rows if self.shows(record)]
        if not shown:
            return []
        here = token.encode()
        entities = [self.entity(record, here) for record in shown[:-1]]
        return [*entities, self.entity(shown[-1], after.encode())]


def _after(token: Token, window: Window, page: Page) -> Token:
    if page.next_offset is None:
        return Token(token.moment, token.page).at_end_of(window)
    return Token(token.moment, token.page + 1, window, page.next_offset)


def _place(row: tuple[int, Record]) -> tuple[int, str]:
    return row[0], str(row[1]["id"])


class _Left:
    """How many more entities a request may give."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit

    @property
    def used_up(self) -> bool:
        """Whether no more may be given."""
        return self._limit is not None and self._limit <= 0

    def page_size(self, usual: int) -> int:
        """Return how many to ask upstream for."""
        return usual if self._limit is None else min(usual, self._limit)

    def take(self, count: int) -> None:
        """Count what was given."""
        if self._limit is not None:
            self._limit -= count
