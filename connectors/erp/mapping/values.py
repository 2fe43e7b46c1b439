"""Typed values: how an ERP writes decimals, dates and times, and how this project does.

Here a decimal is text, a date `YYYY-MM-DD`, a date with time UTC text of fixed width. There, by the profile's
`values`: `{"form": …}` for each of `decimal`, `date` and `datetime`. The form `object` is a JSON object with
the parts of the value (`year`, `month`, …; a decimal's text below `key`) and the constant members of `mark`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from connectors.erp.mapping import html_text, stamps
from connectors.erp.mapping.local_time import shown, zone
from connectors.erp.profile.model.mapping import Values
from core.clock import to_text

_TRUE = (True, 1, "1", "true", "True", "TRUE", "yes")
_MOMENTS = ("epoch_s", "epoch_ms", "dotnet")
"""Forms in which a day is the moment at which it begins."""
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_FALSE = (False, 0, "0", "false", "False", "FALSE", "no")

Convert = Callable[[Any], Any]


def reader(kind: str | None, values: Values) -> Convert:
    """Return a function from the ERP's value to ours; it raises ValueError, TypeError or ArithmeticError."""
    match kind:
        case "string":
            return _text
        case "integer":
            return int
        case "boolean" if values.boolean is not None:
            known = {values.boolean.true: True, values.boolean.false: False}
            return lambda value: known[value] if value in known else _boolean(value)
        case "boolean":
            return _boolean
        case "decimal" if values.decimal.form == "object":
            key = values.decimal.key
            return lambda value: _decimal(value[key] if isinstance(value, Mapping) else value)
        case "decimal":
            return _decimal
        case "date" if values.date.form == "object":
            return lambda value: date(value["year"], value["month"], value["day"]).isoformat()
        case "date" if "%" in values.date.form:
            return lambda value: datetime.strptime(value, values.date.form).date().isoformat()
        case "date" if values.date.form in _MOMENTS:
            return _day_reader(values.date.form, values.date.timezone)
        case "date":
            return lambda value: date.fromisoformat(str(value)[:10]).isoformat()
        case "html":
            return html_text.to_text
        case "datetime":
            return _moment_reader(values.datetime.form, values.datetime.timezone)
    return lambda value: value


def writer(kind: str | None, values: Values) -> Convert:
    """Return a function from our value to the ERP's; same errors."""
    decimal, moment, day = values.decimal, values.datetime, values.date.written or values.date.form
    match kind:
        case "boolean" if values.boolean is not None:
            yes, no = values.boolean.true, values.boolean.false
            return lambda value: yes if value else no
        case "integer":
            return int
        case "string":
            return _text
        case "number":
            return lambda value: _number(Decimal(str(value)))
        case "decimal" if decimal.form == "object":
            return lambda value: {**decimal.mark, decimal.key: str(value)}
        case "decimal" if decimal.form == "number":
            return lambda value: _number(Decimal(str(value)))
        case "date" if day == "object":
            return lambda value: {**values.date.mark, **_parts(date.fromisoformat(value))}
        case "date" if "%" in day:
            return lambda value: date.fromisoformat(value).strftime(day)
        case "date" if day in _MOMENTS:
            return _day_writer(day, values.date.timezone)
        case "html":
            return html_text.to_html
        case "datetime":
            return lambda value: stamps.to_form(
                moment.written or moment.form,
                to_text(datetime.fromisoformat(value)),
                moment.timezone,
                moment.mark,
            )
    return lambda value: value


def _moment_reader(form: str, timezone: str | None) -> Convert:
    parse = stamps.parser(form, timezone)

    def read(value: object) -> str:
        try:
            return parse(value)
        except stamps.BadStamp as error:
            raise ValueError(f"not of the form {form}") from error

    return read


def _day_reader(form: str, timezone: str | None) -> Convert:
    """Read a text that begins as YYYY-MM-DD, too: some ERPs have days in both forms."""
    parse, place = _moment_reader(form, None), zone(timezone)

    def read(value: object) -> str:
        if isinstance(value, str) and _ISO_DAY.match(value):
            return date.fromisoformat(value[:10]).isoformat()
        return shown(datetime.fromisoformat(parse(value)), place).date().isoformat()

    return read


def _day_writer(form: str, timezone: str | None) -> Convert:
    """Numbers are written as numbers, which no filter is."""
    place = zone(timezone)

    def write(value: str) -> object:
        begins = datetime.combine(date.fromisoformat(value), time(), place)
        written = stamps.to_form(form, to_text(begins))
        return written if form == "dotnet" else int(str(written))

    return write


def _text(value: object) -> str:
    if isinstance(value, bool | dict | list):
        raise ValueError("no text")
    return str(value)


def _boolean(value: object) -> bool:
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ValueError("neither true nor false")


def _decimal(value: object) -> str:
    """Exact text; a float that is a whole number is written as one."""
    if isinstance(value, bool):
        raise ValueError("no number")
    number = Decimal(str(value))
    if isinstance(value, float) and number == number.to_integral_value():
        number = number.quantize(Decimal(1))
    return format(number, "f")


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _parts(value: date) -> dict[str, int]:
    return {"year": value.year, "month": value.month, "day": value.day}
