"""Phone numbers, as URIs by RFC 3966."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from localnode.dtl.arithmetic import number_of
from localnode.dtl.decorators import mapped
from localnode.dtl.kinds import ABSENT, INVALID
from localnode.dtl.values import URI, is_string, kind, text


@mapped("phonenumber-parse", signature="[REGION:string] VALUES")
def phonenumber_parse(region: Any) -> Callable[[object], object]:
    """Map-style over strings and whole numbers: the phone number as a URI (`~rtel:+47-22-22-22-22`).

    REGION, an ISO code such as NO, supplies a missing country code; what cannot be read is dropped.
    """
    country = None if region is ABSENT else region.upper()

    def parse(value: Any) -> object:
        digits = value if is_string(value) else _digits(value)
        number = _read(digits, country) if digits else None
        return (
            INVALID
            if number is None
            else f"~r{phonenumbers.format_number(number, PhoneNumberFormat.RFC3966)}"
        )

    return parse


@mapped("phonenumber-format", signature="FORMAT:phoneformat VALUES")
def phonenumber_format(form: str) -> Callable[[object], object]:
    """Map-style over phone number URIs.

    `e164` 4722222222, `national-e164` 22222222, `national` 22 22 22 22, `international` +47 22 22 22 22,
    `rfc3966` tel:+47-22-22-22-22, `isocode` NO, `country-code` 47, all strings.
    """
    write = _WRITERS[form]

    def to_text(value: Any) -> object:
        number = _read(value[2:], None) if kind(value) == URI and value.startswith("~rtel:") else None
        written = write(number) if number else None
        return INVALID if written is None else text(written)

    return to_text


def _digits(value: object) -> str | None:
    """Return the digits of a whole number."""
    number = number_of(value)
    return str(int(number)) if number is not None and number == number // 1 else None


def _read(written: str, country: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(written, country)
    except NumberParseException:
        return None


def _styled(style: int) -> Callable[[PhoneNumber], str | None]:
    return lambda number: phonenumbers.format_number(number, style)


_WRITERS: dict[str, Callable[[PhoneNumber], str | None]] = {
    "e164": lambda number: phonenumbers.format_number(number, PhoneNumberFormat.E164).lstrip("+"),
    "national-e164": phonenumbers.national_significant_number,
    "national": _styled(PhoneNumberFormat.NATIONAL),
    "international": _styled(PhoneNumberFormat.INTERNATIONAL),
    "rfc3966": _styled(PhoneNumberFormat.RFC3966),
    "isocode": phonenumbers.region_code_for_number,
    "country-code": lambda number: str(number.country_code),
}
