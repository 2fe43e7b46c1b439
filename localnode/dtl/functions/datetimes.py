"""Date and time.

Datetimes are UTC with nanoseconds; a date counts as its midnight wherever a datetime is wanted.
"""

from __future__ import annotations

import re
import time
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, tzinfo
from typing import Any

from localnode.dtl.clock import (
    UNITS,
    DateFormat,
    local_offset_seconds,
    offset_seconds,
    read_clock,
)
from localnode.dtl.decorators import cast, mapped, plain
from localnode.dtl.kinds import ABSENT, INVALID
from localnode.dtl.timestamps import (
    DAY,
    EPOCH_ORDINAL,
    SECOND,
    datetime_value,
    nanoseconds_of,
    parse_timestamp,
)
from localnode.dtl.values import DATETIME, first, is_string, kind
from localnode.readings import reads

_OFFSET = re.compile(r"(.*T.*)([+-])([01]\d|2[0-3]):?([0-5]\d)", re.ASCII)


def _moment(nanoseconds: int) -> object:
    value = datetime_value(nanoseconds)
    return INVALID if value is None else value


@cast("datetime")
def datetime(value: Any) -> object:
    """Map-style cast.

    An ISO 8601 string with `Z` or an offset ("2015-07-28T09:46:00.12345Z"), or an integer: nanoseconds since
    1970, negative before. A date becomes its midnight. Everything else, times without a zone included, is
    dropped or, with DEFAULT, replaced by it.
    """
    if type(value) is int:
        return _moment(value)
    if is_string(value):
        return _from_iso(value)
    nanoseconds = nanoseconds_of(value)
    return INVALID if nanoseconds is None else _moment(nanoseconds)


def _from_iso(written: str) -> object:
    shift = 0
    if match := _OFFSET.fullmatch(written):
        shift = (int(match[3]) * 3600 + int(match[4]) * 60) * (-1 if match[2] == "-" else 1)
        written = match[1] + "Z"
    stamp = parse_timestamp(written)
    if reads("datetime-without-zone", "utc"):
        stamp = stamp or parse_timestamp(f"{written}Z")
    elif stamp is not None and stamp.is_date:
        return INVALID
    return INVALID if stamp is None else _moment(stamp.nanoseconds - shift * SECOND)


@mapped("datetime-parse", signature="[TIMEZONE:zone] FORMAT:format VALUES", over="texts")
def datetime_parse(zone: Any, form: DateFormat) -> Callable[[str], object]:
    """Map-style over strings.

    The datetime of a text in FORMAT, read as local time of TIMEZONE (default UTC) unless it
    carries an offset (`%z`). What does not match is dropped; parts that FORMAT does not have are those of
    1970-01-01T00:00:00. A local time that occurs twice is the first, a skipped one lies after the gap.
    """

    def parse(value: str) -> object:
        found = form.read(value)
        if found is None:
            return INVALID
        nanoseconds, offset = found
        if offset is None:
            offset = 0 if zone is ABSENT else local_offset_seconds(zone, nanoseconds // SECOND)
        return _moment(nanoseconds - offset * SECOND)

    return parse


@mapped("datetime-format", signature="[TIMEZONE:zone] FORMAT:format VALUES")
def datetime_format(zone: Any, form: DateFormat) -> Callable[[object], object]:
    """Map-style over datetimes: the text in FORMAT, in local time of TIMEZONE (default UTC).

    Digits finer than microseconds are cut off; `%p` gives am or pm, `%z` gives +0200. Other values are
    dropped.
    """
    write, clock = form.write, UTC if zone is ABSENT else zone
    rewrite = form.rewrite if clock is UTC else None

    rounded = reads("fraction-digits", "rounded")

    def to_text(value: object) -> object:
        if type(value) is not str or value[:2] != "~t":
            return INVALID
        written = value[2:]
        stamp = parse_timestamp(written)
        if stamp is None:
            return INVALID
        if rounded:
            return write(read_clock((stamp.nanoseconds + 500) // 1000 * 1000, clock))
        if rewrite is not None and not stamp.is_date:
            return rewrite(written)
        return write(read_clock(stamp.nanoseconds, clock))

    return to_text


@plain("datetime-diff", signature="DATEPART:datepart A B")
def datetime_diff(part: str, a: object, b: object) -> int | None:
    """Return a minus B in whole units of DATEPART, towards zero; null if one of them is not a datetime.

    Months and years are counted by the calendar: 2016-07-29 minus 2015-03-02 is 16 months and 1 year.
    """
    end, start = nanoseconds_of(first(a)), nanoseconds_of(first(b))
    if end is None or start is None:
        return None
    if part in UNITS:
        return _towards_zero(end - start, UNITS[part])
    months = _months(end, start) if end >= start else -_months(start, end)
    return months if part == "month" else _towards_zero(months, 12)


def _towards_zero(amount: int, unit: int) -> int:
    return amount // unit if amount >= 0 else -(-amount // unit)


def _months(later: int, earlier: int) -> int:
    """Whole months between two moments."""
    (late_days, late_time), (early_days, early_time) = divmod(later, DAY), divmod(earlier, DAY)
    late, early = date.fromordinal(late_days + EPOCH_ORDINAL), date.fromordinal(early_days + EPOCH_ORDINAL)
    months = (late.year - early.year) * 12 + late.month - early.month
    return months - ((late.day, late_time) < (early.day, early_time))


@mapped("datetime-plus", signature="DATEPART:datepart AMOUNT:integer VALUES")
def datetime_plus(part: str, amount: int) -> Callable[[object], object]:
    """Map-style over datetimes: AMOUNT (may be negative) units of DATEPART later.

    A day that the month does not have becomes its last one: January 31 plus a month is the last of February.
    """

    def later(value: object) -> object:
        nanoseconds = nanoseconds_of(value)
        if nanoseconds is None:
            return INVALID
        if part in UNITS:
            return _moment(nanoseconds + amount * UNITS[part])
        return _plus_months(nanoseconds, amount * (12 if part == "year" else 1))

    return later


def _plus_months(nanoseconds: int, amount: int) -> object:
    days, clock = divmod(nanoseconds, DAY)
    day = date.fromordinal(days + EPOCH_ORDINAL)
    year, month = divmod(day.year * 12 + day.month - 1 + amount, 12)
    if not date.min.year <= year <= date.max.year:
        return INVALID
    last = monthrange(year, month + 1)[1]
    moved = date(year, month + 1, min(day.day, last)).toordinal()
    if reads("month-end", "over"):
        moved += max(0, day.day - last)
    return _moment((moved - EPOCH_ORDINAL) * DAY + clock)


@mapped("datetime-shift", signature="FROM:zone TO:zone VALUES")
def datetime_shift(zone: tzinfo, to: tzinfo) -> Callable[[object], object]:
    """Map-style over datetimes.

    The clock reading is taken as local time of FROM and expressed as local time of TO. For times that were
    stored as if they were UTC.
    """

    def shift(value: object) -> object:
        nanoseconds = nanoseconds_of(value)
        if nanoseconds is None:
            return INVALID
        local = nanoseconds // SECOND
        seconds = local - local_offset_seconds(zone, local)
        return _moment(nanoseconds + (seconds - local + offset_seconds(to, seconds)) * SECOND)

    return shift


@plain("is-datetime", signature="VALUES")
def is_datetime(value: object) -> bool:
    """Return True if the value, or the first of a list, is a datetime; a string in ISO format is none."""
    return kind(first(value)) == DATETIME


@plain("now", fold=False, pure=False)
def now() -> str | None:
    """Return the present time."""
    return datetime_value(time.time_ns())
