"""Change stamps: from the ERP's form to text that orders bytewise, and back into a filter.

Inside the service a stamp is `YYYY-MM-DDThh:mm:ss.ffffffZ` (27 characters), or 20 digits for change numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.common.errors import BrokenAnswer

_FIXED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 20

LOWEST = "0001-01-01T00:00:00.000000Z"
"""The stamp of records that have none."""


def fixed(moment: datetime) -> str:
    """A moment as text of fixed width, in UTC; a naive one counts as UTC."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0") + "Z"


def lowest(form: str) -> str:
    """The stamp that orders before all others."""
    return "0" * _DIGITS if form == "number" else LOWEST


def parser(form: str) -> Callable[[Any], str]:
    """A function from the ERP's value to a stamp; it raises `BrokenAnswer` for values not of this form."""

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
            return _parse(form, value)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise BrokenAnswer(f"a change stamp is not of the form {form}") from error

    return parse


def _parse(form: str, value: Any) -> str:
    if form == "number":
        return str(int(value)).zfill(_DIGITS)
    if form in ("epoch_s", "epoch_ms"):
        micros = int(Decimal(str(value)) * (1_000_000 if form == "epoch_s" else 1_000))
        return fixed(_EPOCH + timedelta(microseconds=micros))
    return fixed(datetime.fromisoformat(value))


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


def to_filter(form: str, stamp: str, overlap_seconds: float) -> str:
    """A stamp in the form that the ERP's filter wants, `overlap_seconds` earlier."""
    if form == "number":
        return str(max(0, int(stamp) - int(overlap_seconds)))
    try:
        moment = datetime.fromisoformat(stamp) - timedelta(seconds=overlap_seconds)
    except OverflowError:
        moment = datetime.fromisoformat(LOWEST)
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    match form:
        case "epoch_s":
            return str(micros // 1_000_000)
        case "epoch_ms":
            return str(micros // 1_000)
        case "date":
            return fixed(moment)[:10]
        case "iso_seconds":
            return fixed(moment)[:19] + "Z"
        case _:
            return fixed(moment)
