"""Limits how many requests hold something large at a time, so that a service fits into 128 MB."""

from __future__ import annotations

import threading
from contextvars import ContextVar

from connectors.common.errors import Unavailable
from core.jsonio import values_in

LARGE = 1024 * 1024
"""Bytes from which on something is large. As Python objects it takes up to twenty times as much."""

VALUE = 20
"""Bytes of a JSON text that a value counts for at least: as an object it takes 60 or more."""

AT_ONCE = 1
"""Requests that may have something large in memory; the others wait."""


class _Request:
    """What one request holds in memory, over all its threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.has_body = False
        self.has_answer = False


class InFlight:
    """Places for large bodies: a request takes at most one, for its own body and for upstream's answers."""

    def __init__(self, places: int = AT_ONCE) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._request: ContextVar[_Request | None] = ContextVar("in_flight", default=None)

    def begin(self) -> None:
        """Start a request; `end` releases what it takes."""
        self._request.set(_Request())

    def text(self, body: bytes, max_wait: float) -> None:
        """Note the request's own body by its content."""
        self.body(values_in(body) * VALUE, max_wait)

    def body(self, size: int, max_wait: float) -> None:
        """Note the request's own body. `Unavailable` if no place is free within `max_wait` seconds."""
        mine = self._request.get()
        if mine is not None and size > LARGE:
            with mine.lock:
                self._take(mine, max_wait)
                mine.has_body = True

    def answer(self, size: int, max_wait: float) -> None:
        """Note an answer of upstream's. `Unavailable` if no place is free within `max_wait` seconds."""
        mine = self._request.get()
        if mine is not None and size > LARGE and not mine.has_answer:
            with mine.lock:
                self._take(mine, max_wait)
                mine.has_answer = True

    def next_answer(self) -> None:
        """Note that the last answer from upstream has been processed."""
        mine = self._request.get()
        if mine is not None and mine.has_answer:
            with mine.lock:
                self._drop(mine, has_body=mine.has_body)

    def end(self) -> None:
        """Release what the request holds."""
        mine = self._request.get()
        if mine is not None:
            with mine.lock:
                self._drop(mine, has_body=False)

    def _take(self, mine: _Request, max_wait: float) -> None:
        if not (mine.has_body or mine.has_answer) and not self._places.acquire(timeout=max_wait):
            raise Unavailable("too many large requests are being worked on at once", retry_after=5.0)

    def _drop(self, mine: _Request, has_body: bool) -> None:
        had = mine.has_body or mine.has_answer
        mine.has_body, mine.has_answer = has_body, False
        if had and not has_body:
            self._places.release()


IN_FLIGHT = InFlight()
"""Those of this process."""
