"""Change stamps: from the ERP's form to text that orders bytewise, and back into a filter.

Inside the service a stamp is `YYYY-MM-DDThh:mm:ss.ffffffZ` (27 characters), or 20 digits for change numbers.
A form is one of the words that the profile's reference names, or a pattern of `strftime` such as
`%d.%m.%Y %H:%M:%S`. What names no offset is local time, see `connectors.erp.mapping.local_time`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from connectors.common.errors import InvalidResponse
from connectors.erp.mapping.local_time import Clock, instant, least_shown, shown, utc_now, zone
from core.clock import EPOCH, to_text, us_to_text

_FIXED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_DOTNET = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_DIGITS = 20
_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")

LOWEST = "0001-01-01T00:00:00.000000Z"
"""The stamp of records that have none."""


class BadStamp(InvalidResponse):
    """A change stamp is not of the form that the profile says."""


Parse = Callable[[Any], str]


def lowest(form: str) -> str:
    """Return the stamp that orders before all others."""
    return "0" * _DIGITS if form == "number" else LOWEST


def parser(form: str, timezone: str | None = None, now: Clock = utc_now) -> Parse:
    """Return a function from the ERP's value to a stamp.

    It raises `InvalidResponse` for values not of this form. Stamps that name no offset are in `timezone`.
    """
    place = zone(timezone)

    def parse(value: object) -> str:
        if (
            form == "iso"
            and isinstance(value, str)
            and len(value) == 27
            and value[26] == "Z"
            and value[10] == "T"
        ):
            return value
        try:
            return _parse(form, value, place, now)
        except (ValueError, TypeError, ArithmeticError, KeyError) as error:
            raise BadStamp(f"a change stamp is not of the form {form}") from error

    return parse


def pair_parser(
    clock: str, timezone: str | None = None, now: Clock = utc_now
) -> Callable[[object, object], str]:
    """Return a function from a day and a time of day, in fields of their own, to a stamp.

    `clock` is the form of the time. A missing time is the beginning of the day.
    """
    place = zone(timezone)

    def parse(day: object, hour: object) -> str:
        try:
            moment = datetime.combine(date.fromisoformat(str(day)[:10]), _time(clock, hour))
            return to_text(instant(moment, place, now))
        except (ValueError, TypeError, ArithmeticError) as error:
            raise BadStamp(f"a change timestamp is not a day with a time of the form {clock}") from error

    return parse


def _time(form: str, value: Any) -> time:
    if value is None or value == "":
        return time()
    if form == "seconds":
        return (datetime.min + timedelta(seconds=float(value))).time()
    if form in ("hhmm", "hhmmss"):
        digits = str(value).zfill(len(form))
        return time.fromisoformat(":".join(digits[at : at + 2] for at in range(0, len(form), 2)))
    return time.fromisoformat(str(value)).replace(tzinfo=None)


def _parse(form: str, value: Any, place: tzinfo, now: Clock) -> str:
    if form == "number":
        return str(int(value)).zfill(_DIGITS)
    if form == "dotnet":
        found = _DOTNET.fullmatch(value)
        if found is None:
            raise ValueError("not /Date(ms)/")
        form, value = "epoch_ms", found[1]
    if form in ("epoch_s", "epoch_ms"):
        micros = int(Decimal(str(value)) * (1_000_000 if form == "epoch_s" else 1_000))
        return us_to_text(micros)
    if form == "object":
        moment = datetime(*(int(value.get(part, 0)) for part in _PARTS))  # type: ignore[arg-type]
    elif "%" in form:
        moment = datetime.strptime(value, form)
    else:
        moment = datetime.fromisoformat(value)
    return to_text(instant(moment, place, now) if moment.tzinfo is None else moment)


def is_stamp(form: str, text: str) -> bool:
    """Return whether `text` is a stamp as this service writes it."""
    if form == "number":
        return len(text) == _DIGITS and text.isascii() and text.isdigit()
    if not _FIXED.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def earlier(form: str, stamp: str, seconds: float) -> str:
    """Return the stamp so many seconds earlier, or as many change numbers."""
    if form == "number":
        return str(max(0, int(stamp) - int(seconds))).zfill(_DIGITS)
    return to_text(_before(stamp, seconds)) if seconds else stamp


def to_form(
    form: str, stamp: str, timezone: str | None = None, mark: Mapping[str, object] | None = None
) -> object:
    """Return a stamp as the ERP writes it.

    Text, or for the form `object` a JSON object with the members of `mark`.
    """
    if form == "number":
        return str(int(stamp))
    moment = datetime.fromisoformat(stamp)
    return _written(form, moment, shown(moment, zone(timezone)), mark)


def to_filter(
    form: str,
    stamp: str,
    overlap_seconds: float,
    mark: Mapping[str, object] | None = None,
    timezone: str | None = None,
) -> Any:
    """Return a stamp in the form that the ERP's filter wants, `overlap_seconds` earlier.

    In local time the least that a clock shows from then on.
    """
    if form == "number":
        return str(max(0, int(stamp) - int(overlap_seconds)))
    moment = _before(stamp, overlap_seconds)
    return _written(form, moment, least_shown(moment, zone(timezone)), mark)


def _written(form: str, moment: datetime, local: datetime, mark: Mapping[str, object] | None) -> object:
    """Return a moment in a form; `local` is what is written where the form names no offset."""
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    match form:
        case "epoch_s":
            return str(micros // 1_000_000)
        case "epoch_ms":
            return str(micros // 1_000)
        case "dotnet":
            return f"/Date({micros // 1_000})/"
        case "object":
            return {**(mark or {}), **{part: getattr(local, part) for part in _PARTS}}
        case "date":
            return _text(local)[:10]
        case "iso_seconds":
            return to_text(moment)[:19] + "Z"
        case "iso_naive":
            return _text(local)
        case pattern if "%" in pattern:
            return (local if "%z" not in pattern else moment).strftime(pattern)
        case _:
            return to_text(moment)


def _before(stamp: str, seconds: float) -> datetime:
    try:
        return datetime.fromisoformat(stamp) - timedelta(seconds=seconds)
    except OverflowError:
        return datetime.fromisoformat(LOWEST)


def _text(local: datetime) -> str:
    """Local time as text of fixed width, without an offset."""
    return to_text(local.replace(tzinfo=UTC))[:26]
