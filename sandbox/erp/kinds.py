"""The kinds of values a field can hold: each checks a JSON value and returns it in the ERP's normal form.

A check is a function of one non-null value that raises BrokenRule. Null means "no value" for every field, and
an empty text is kept as null.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.common.iso import COUNTRIES, CURRENCIES

Check = Callable[[Any], Any]
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
MAX_DIGITS = 18


class BrokenRule(ValueError):
    """A value breaks a rule; `path` leads from the field to the part that does, as in `.country`."""

    def __init__(self, rule: str, message: str, path: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.path = path


def _need(value: object, kind: type, name: str) -> None:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BrokenRule("type", f"must be {name}, not {type(value).__name__}")


def text(limit: int) -> Check:
    """Return a text of at most `limit` characters, kept exactly as given."""

    def check(value: Any) -> str | None:
        _need(value, str, "a text")
        if len(value) > limit:
            raise BrokenRule("max_length", f"has {len(value)} characters, at most {limit} are allowed")
        if "\0" in value:
            raise BrokenRule("characters", "must not contain a NUL character")
        return value or None

    return check


def email(limit: int = 70) -> Check:
    """Return an e-mail address; blanks around it are kept, as sloppy input is in real systems."""
    as_text = text(limit)

    def check(value: object) -> str | None:
        checked: str | None = as_text(value)
        if checked is not None and not EMAIL.fullmatch(checked.strip()):
            raise BrokenRule("email", "is not an e-mail address")
        return checked

    return check


def choice(*allowed: str) -> Check:
    """One of the given words."""

    def check(value: object) -> str:
        _need(value, str, "a text")
        if value not in allowed:
            raise BrokenRule("enum", f"must be one of {', '.join(allowed)}")
        return str(value)

    return check


def code(known: frozenset[str], what: str) -> Check:
    """Return a code of a published list, in its own letters."""

    def check(value: Any) -> str | None:
        _need(value, str, "a text")
        if value and value not in known:
            raise BrokenRule("enum", f"is not {what}")
        return value or None

    return check


country = code(COUNTRIES, "an ISO 3166-1 alpha-2 country code")
currency = code(CURRENCIES, "an ISO 4217 currency code")


def boolean(value: object) -> bool:
    """Return True or false."""
    _need(value, bool, "true or false")
    return bool(value)


def integer(low: int, high: int = 2**31 - 1) -> Check:
    """Return a whole number from `low` to `high`."""

    def check(value: Any) -> int:
        _need(value, int, "a whole number")
        if not low <= value <= high:
            raise BrokenRule("range", f"must be from {low} to {high}")
        return int(value)

    return check


def decimal(low: Decimal, high: Decimal | None = None, places: int = 4) -> Check:
    """Return a decimal number as a text (or a whole number), never a binary fraction.

    Kept without end zeros.
    """

    def check(value: object) -> str | None:
        if value == "":
            return None
        number = to_decimal(value)
        if number < low:
            raise BrokenRule("range", f"must be at least {low}")
        if high is not None and number > high:
            raise BrokenRule("range", f"must be at most {high}")
        if number != round(number, places):
            raise BrokenRule("scale", f"has more than {places} decimals")
        return format(number.normalize() + 0, "f")

    return check


def to_decimal(value: object) -> Decimal:
    """Return the number a text such as "49.90" or a JSON integer stands for; raises BrokenRule."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BrokenRule("type", 'must be a decimal number as a text, such as "49.90"')
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise BrokenRule("decimal", "is not a decimal number") from error
    if not number.is_finite() or number.adjusted() >= MAX_DIGITS:
        raise BrokenRule("range", f"must be a finite number of at most {MAX_DIGITS} digits")
    return number


def money(value: object) -> str | None:
    """Return an amount.

    Its decimals are those of the record's currency, which `sandbox.erp.totals` sees to.
    """
    return None if value == "" else format(to_decimal(value), "f")


def day(value: Any) -> str | None:
    """Return a date `YYYY-MM-DD`."""
    _need(value, str, "a date as YYYY-MM-DD")
    if not value:
        return None
    try:
        parsed = date.fromisoformat(value)
    except ValueError as error:
        raise BrokenRule("date", "is not a date YYYY-MM-DD") from error
    if parsed.isoformat() != value:
        raise BrokenRule("date", "is not a date YYYY-MM-DD")
    return str(value)


def instant(value: Any) -> str | None:
    """Return an instant with its offset, kept as fixed-width UTC `YYYY-MM-DDThh:mm:ss.ffffffZ`."""
    _need(value, str, "an instant as YYYY-MM-DDThh:mm:ssZ")
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError as error:
        raise BrokenRule("datetime", "is not an instant YYYY-MM-DDThh:mm:ssZ") from error
    if parsed.tzinfo is None:
        raise BrokenRule("datetime", "needs an offset from UTC, such as Z")
    return parsed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def texts(value: Any) -> dict[str, str]:
    """Return an object whose values are texts; keys with null are left out."""
    _need(value, dict, "an object")
    for name, item in value.items():
        if item is not None and not isinstance(item, str):
            raise BrokenRule("type", "must be a text", f".{name}")
    return {name: item for name, item in value.items() if item}


def scalars(value: Any) -> dict[str, object]:
    """Return an object whose values are texts, numbers or booleans; keys with null are left out."""
    _need(value, dict, "an object")
    for name, item in value.items():
        if isinstance(item, dict | list):
            raise BrokenRule("type", "must be a text, a number or a boolean", f".{name}")
    return {name: item for name, item in value.items() if item is not None}


def json_object(value: Any) -> dict[str, object]:
    """Any JSON object."""
    _need(value, dict, "an object")
    return dict(value)


def objects(value: Any) -> list[dict[str, object]]:
    """Return a list of JSON objects."""
    _need(value, list, "a list")
    for place, item in enumerate(value):
        if not isinstance(item, dict):
            raise BrokenRule("type", "must be an object", f".{place}")
    return list(value)
