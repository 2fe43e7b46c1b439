"""Change stamps: from the ERP's form to text that orders bytewise, and back into a filter.

Inside the service a stamp is `YYYY-MM-DDThh:mm:ss.ffffffZ` (27 characters), or 20 digits for change numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.common.errors import InvalidResponse
from core.clock import EPOCH, to_text, us_to_text

_FIXED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_DOTNET = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_DIGITS = 20
_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")

LOWEST = "0001-01-01T00:00:00.000000Z"
"""The stamp of records that have none."""


def lowest(form: str) -> str:
    """The stamp that orders before all others."""
    return "0" * _DIGITS if form == "number" else LOWEST


@cache
def zone(name: str | None) -> tzinfo:
    """The time zone of that name, UTC for None; ValueError if there is none."""
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name}") from None


def parser(form: str, timezone: str | None = None) -> Callable[[Any], str]:
    """A function from the ERP's value to a stamp; it raises `InvalidResponse` for values not of this form.
    Stamps that name no offset are in `timezone`.
    """
    place = zone(timezone)

    def parse(value: Any) -> str:
        if (
            form == "iso"
            and isinstance(value, str)
            and len(value) == 27
            and value[26] == "Z"
            and value[10] == "T"
        ):
            return value
        try:
            return _parse(form, value, place)
        except (ValueError, TypeError, ArithmeticError, KeyError) as error:
            raise InvalidResponse(f"a change stamp is not of the form {form}") from error

    return parse


def _parse(form: str, value: Any, place: tzinfo) -> str:
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
    else:
        moment = datetime.fromisoformat(value)
    return to_text(moment.replace(tzinfo=place) if moment.tzinfo is None else moment)


def is_stamp(form: str, text: str) -> bool:
    """Whether `text` is a stamp as this service writes it."""
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
    """The stamp so many seconds earlier, or as many change numbers."""
    if form == "number":
        return str(max(0, int(stamp) - int(seconds))).zfill(_DIGITS)
    return to_text(_before(stamp, seconds)) if seconds else stamp


def to_filter(
    form: str,
    stamp: str,
    overlap_seconds: float,
    mark: Mapping[str, Any] | None = None,
    timezone: str | None = None,
) -> Any:
    """A stamp in the form that the ERP's filter wants, `overlap_seconds` earlier: text, or for the form
    `object` a JSON object with the members of `mark`.
    """
    if form == "number":
        return str(max(0, int(stamp) - int(overlap_seconds)))
    moment = _before(stamp, overlap_seconds)
    micros = (moment - EPOCH) // timedelta(microseconds=1)
    match form:
        case "epoch_s":
            return str(micros // 1_000_000)
        case "epoch_ms":
            return str(micros // 1_000)
        case "dotnet":
            return f"/Date({micros // 1_000})/"
        case "object":
            return {**(mark or {}), **{part: getattr(moment, part) for part in _PARTS}}
        case "date":
            return _local(moment, timezone)[:10]
        case "iso_seconds":
            return to_text(moment)[:19] + "Z"
        case "iso_naive":
            return _local(moment, timezone)
        case _:
            return to_text(moment)


def _before(stamp: str, seconds: float) -> datetime:
    try:
        return datetime.fromisoformat(stamp) - timedelta(seconds=seconds)
    except OverflowError:
        return datetime.fromisoformat(LOWEST)


def _local(moment: datetime, timezone: str | None) -> str:
    """The moment as the ERP's clock shows it, without an offset."""
    try:
        local = moment.astimezone(zone(timezone))
    except OverflowError:
        local = moment
    return to_text(local.replace(tzinfo=UTC))[:26]
