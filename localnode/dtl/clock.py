"""Calendar and clock for the date functions.

Parts, time zones, and the format language compiled to two functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from localnode.dtl.timestamps import DAY, EPOCH_ORDINAL, SECOND

UNITS = {
    "week": 7 * DAY, "day": DAY, "hour": 3600 * SECOND, "minute": 60 * SECOND, "second": SECOND,
    "millisecond": 1_000_000, "microsecond": 1000, "nanosecond": 1,
}  # fmt: skip
"""Clock units in nanoseconds."""

DATEPARTS = ("year", "month", *UNITS)


@lru_cache(maxsize=256)
def time_zone(name: str) -> tzinfo | None:
    """Return the time zone of an IANA name, or None."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def offset_seconds(zone: tzinfo, seconds: int) -> int:
    """Return how far local time is ahead of UTC at a moment (seconds since 1970)."""
    if zone is UTC:
        return 0
    moment = _utc(seconds)
    shift = moment.astimezone(zone).utcoffset() if moment else None
    return int(shift.total_seconds()) if shift else 0


def local_offset_seconds(zone: tzinfo, local_seconds: int) -> int:
    """Return how far a wall clock reading (seconds since 1970 on that clock) is ahead of UTC.

    A reading that occurs twice is the first of the two; one that is skipped is taken as if the clock had not
    been put forward yet.
    """
    if zone is UTC:
        return 0
    moment = _utc(local_seconds)
    shift = moment.replace(tzinfo=zone).utcoffset() if moment else None
    return int(shift.total_seconds()) if shift else 0


def _utc(seconds: int) -> datetime | None:
    """Return a moment as a datetime, kept a day off the ends of the calendar so that zones can be applied."""
    low, high = (2 - EPOCH_ORDINAL) * 86_400, (date.max.toordinal() - 1 - EPOCH_ORDINAL) * 86_400
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=min(max(seconds, low), high))


class Fields(NamedTuple):
    """A wall clock reading with the zone's offset in seconds."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    microsecond: int
    offset: int


def read_clock(nanoseconds: int, zone: tzinfo) -> Fields:
    """Return the wall clock of `zone` at a moment; what is finer than a microsecond is cut off."""
    seconds, fraction = divmod(nanoseconds, SECOND)
    offset = offset_seconds(zone, seconds)
    days, second = divmod(seconds + offset, 86_400)
    day = _date(days)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return Fields(day.year, day.month, day.day, hour, minute, second, fraction // 1000, offset)


@lru_cache(maxsize=4096)
def _date(days: int) -> date:
    return date.fromordinal(min(max(days + EPOCH_ORDINAL, 1), date.max.toordinal()))


class DateFormat(NamedTuple):
    """A compiled format: `write(fields)` gives text.

    `read(text)` nanoseconds on the clock and the offset, or None.

    `rewrite(written)` gives the same text from a datetime as it is written in UTC (`2015-07-28T09:46:00Z`, a
    fraction before the `Z` does not matter); None if the format has parts that are not written there.
    """

    write: Callable[[Fields], str]
    read: Callable[[str], tuple[int, int | None] | None]
    rewrite: Callable[[str], str] | None


_INPUT = {
    "d": r"(?P<d>0?[1-9]|[12]\d|3[01])", "e": r" ?(?P<d>0?[1-9]|[12]\d|3[01])", "m": r"(?P<m>0?[1-9]|1[0-2])",
    "Y": r"(?P<Y>\d{4})", "y": r"(?P<y>\d\d)", "H": r"(?P<H>[01]?\d|2[0-3])", "I": r"(?P<I>0?[1-9]|1[0-2])",
    "M": r"(?P<M>[0-5]?\d)", "S": r"(?P<S>[0-5]?\d)", "f": r"(?P<f>\d{1,9})", "p": r"(?P<p>[AaPp][Mm])",
    "z": r"(?P<z>[+-]\d\d:?[0-5]\d|Z)", "%": "%",
}  # fmt: skip
_OUTPUT = {
    "Y": ("%04d", 0), "m": ("%02d", 1), "d": ("%02d", 2), "e": ("%d", 2), "H": ("%02d", 3), "M": ("%02d", 4),
    "S": ("%02d", 5), "f": ("%06d", 6), "y": ("%02d", 8), "I": ("%02d", 9), "p": ("%s", 10), "z": ("%s", 11),
}  # fmt: skip
"""Token to its template and the position, in `Fields` or in what `_derived` adds, of what goes there."""

_WRITTEN = {
    "Y": slice(0, 4), "y": slice(2, 4), "m": slice(5, 7), "d": slice(8, 10), "H": slice(11, 13),
    "M": slice(14, 16), "S": slice(17, 19),
}  # fmt: skip
"""Token to its digits in a datetime as it is written."""


@lru_cache(maxsize=1024)
def compile_format(written: str) -> DateFormat | None:
    """Return a date format as functions; None if it has an unknown token, or `%z` before the end."""
    parts = re.split(r"%(.)", written, flags=re.DOTALL)
    tokens = [letter for letter in parts[1::2] if letter != "%"]
    same_field = {"e": "d"}
    if not set(parts[1::2]) <= set(_INPUT) or "%" in "".join(parts[0::2]):
        return None
    if "z" in tokens and (tokens[-1] != "z" or parts[-1]):
        return None
    repeated = len({same_field.get(letter, letter) for letter in tokens}) < len(tokens)
    return DateFormat(_writer(parts), (lambda _: None) if repeated else _reader(parts), _rewriter(parts))


def _writer(parts: list[str]) -> Callable[[Fields], str]:
    template, positions = "", []
    for index, part in enumerate(parts):
        if index % 2 == 0 or part == "%":
            template += part.replace("%", "%%")
        else:
            piece, position = _OUTPUT[part]
            template += piece
            positions.append(position)
    if not positions:
        written = template % ()
        return lambda at: written
    values = itemgetter(*positions)
    if max(positions) < len(Fields._fields):
        return lambda at: template % values(at)
    return lambda at: template % values(_derived(at))


def _rewriter(parts: list[str]) -> Callable[[str], str] | None:
    letters = [letter for letter in parts[1::2] if letter != "%"]
    if len(letters) < 2 or not set(letters) <= set(_WRITTEN):
        return None
    literals = (part.replace("%", "%%") for part in parts[0::2])
    template = next(literals)
    for letter, literal in zip(parts[1::2], literals, strict=True):
        template += ("%%" if letter == "%" else "%s") + literal
    digits = itemgetter(*(_WRITTEN[letter] for letter in letters))
    return lambda written: template % digits(written)


def _derived(at: Fields) -> tuple[object, ...]:
    """Return the fields, the year of the century, the hour of twelve, am or pm, and the offset as text."""
    return (
        *at,
        at.year % 100,
        at.hour % 12 or 12,
        "am" if at.hour < 12 else "pm",
        _offset_text(at.offset),
    )


def _offset_text(offset: int) -> str:
    minutes = abs(offset) // 60
    return f"{'-' if offset < 0 else '+'}{minutes // 60:02}{minutes % 60:02}"


def _reader(parts: list[str]) -> Callable[[str], tuple[int, int | None] | None]:
    expression = re.compile(
        "".join(_INPUT[part] if index % 2 else re.escape(part) for index, part in enumerate(parts)), re.ASCII
    )

    def read(written: str) -> tuple[int, int | None] | None:
        match = expression.fullmatch(written)
        return _assemble(match.groupdict()) if match else None

    return read


def _assemble(found: dict[str, str | None]) -> tuple[int, int | None] | None:
    """Nanoseconds since 1970 on the clock that was written down, and the offset that was written with it."""
    number = {letter: int(digits) for letter, digits in found.items() if digits and letter not in "pzf"}
    year = number.get("Y", 1970)
    if "Y" not in number and "y" in number:
        year = number["y"] + (2000 if number["y"] <= 68 else 1900)
    try:
        days = date(year, number.get("m", 1), number.get("d", 1)).toordinal() - EPOCH_ORDINAL
    except ValueError:
        return None
    hour = number.get("H", 0)
    if "I" in number and "H" not in number:
        hour = number["I"] % 12 + (12 if (found.get("p") or "").lower() == "pm" else 0)
    seconds = days * 86_400 + hour * 3600 + number.get("M", 0) * 60 + number.get("S", 0)
    fraction = int((found.get("f") or "0").ljust(9, "0"))
    return seconds * SECOND + fraction, _offset(found.get("z"))


def _offset(written: str | None) -> int | None:
    if not written:
        return None
    if written == "Z":
        return 0
    seconds = int(written[1:3]) * 3600 + int(written[-2:]) * 60
    return -seconds if written[0] == "-" else seconds
