"""The `since` token of list reads: opaque to callers, versioned, and ordered bytewise along the stream.

`1.<moment>.<page>` or `1.<moment>.<page>~<resume>`. Everything up to the moment, a second, has been read. The
page counts on within the present window; the resume part says how to go on inside it: its bounds and
Chargebee's own offset, or the place of the last record given. So a reader may stop after any page and go on
there, also when thousands of records share one second, and the service itself remembers nothing.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from connectors.common.errors import BadRequest
from core import jsonio

_VERSION = "1"
_TOKEN = re.compile(r"1\.(\d{10})\.(\d{7})(?:~([A-Za-z0-9_-]+))?")


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds, both inclusive. `start` None: everything, without a filter, as the first load needs it."""

    start: int | None
    end: int


@dataclass(frozen=True, slots=True)
class Token:
    """A place in the stream.

    With `window` and `offset` the page there is fetched again; `after` is the (second, id) of the last record
    given, where a window is read as a whole and sorted here, and `end` that window's end, which stays: what
    shows up before `after` meanwhile is left to the next window.
    """

    moment: int = 0
    page: int = 0
    window: Window | None = None
    offset: str | None = None
    after: tuple[int, str] | None = None
    end: int | None = None

    def encode(self) -> str:
        """Return the token as text."""
        text = f"{_VERSION}.{self.moment:010d}.{self.page:07d}"
        if self.window is not None and self.offset is not None:
            return f"{text}~{_pack([self.window.start, self.window.end, self.offset])}"
        return f"{text}~{_pack([*self.after, self.end])}" if self.after is not None else text

    def at_end_of(self, window: Window) -> Token:
        """Return the token when all of `window` has been given."""
        if window.end > self.moment:
            return Token(window.end)
        return Token(self.moment, self.page + 1)


def decode(since: str | None) -> Token:
    """Return the token of a `since` parameter; the beginning for None.

    `BadRequest` for a text not given out.
    """
    if since is None:
        return Token()
    match = _TOKEN.fullmatch(since)
    try:
        if match is None:
            raise ValueError(since)
        moment, page, packed = int(match[1]), int(match[2]), match[3]
        return Token(moment, page) if packed is None else _resuming(moment, page, _unpack(packed))
    except (ValueError, TypeError):
        detail = "since must be an _updated value that this service gave out"
        raise BadRequest(detail, field="since", rule="format") from None


def _resuming(moment: int, page: int, parts: object) -> Token:
    match parts:
        case [int() as second, str() as record_id, int() as last]:
            return Token(moment, page, after=(second, record_id), end=last)
        case [int() | None as start, int() as end, str() as offset]:
            return Token(moment, page, Window(start, end), offset)
    raise ValueError(parts)


def _pack(parts: list[int | str | None]) -> str:
    return base64.urlsafe_b64encode(jsonio.dumps(parts)).rstrip(b"=").decode()


def _unpack(text: str) -> object:
    return jsonio.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
