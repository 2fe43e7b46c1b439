"""The kinds of arguments, as signatures name them.

value       any expression                          each       evaluated per value, with `_` bound to it
boolean     an expression, by its truth             default    evaluated with what did not convert as `_`
raw         JSON as written, never evaluated        rule       the name of a rule
transforms  one transform or a list of them         spec       a hops specification
dataset     the name of a dataset, written out

All others ask for particular values. Where such an argument is written out, a wrong value is a compile error;
where it is computed, a wrong value makes the result null. A list contributes its first value. What the
function then gets is the converted value: the time zone for its name, the matcher for its pattern.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from localnode.dtl.clock import DATEPARTS, compile_format, time_zone
from localnode.dtl.patterns import wildcard
from localnode.dtl.values import first, is_string
from localnode.readings import reads

RAW_KINDS = frozenset({"raw", "rule", "transforms", "spec", "dataset"})
"""Kinds whose arguments are not compiled as expressions."""


class Invalid:
    """The type of INVALID and ABSENT, which no value of an expression ever is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


INVALID: Final = Invalid("INVALID")
"""What a converter gives for a value of the wrong kind."""
ABSENT: Final = Invalid("ABSENT")
"""What a function gets for an optional argument that was not given."""


def _string(value: object) -> object:
    return str(value) if is_string(value) else INVALID


def _integer(value: object) -> object:
    return value if type(value) is int else INVALID


def _step(value: object) -> object:
    return value if type(value) is int and value != 0 else INVALID


def _pattern(value: object) -> object:
    return wildcard(value) if is_string(value) else INVALID


def _datepart(value: object) -> object:
    return value if value in DATEPARTS else INVALID


def _zone(value: object) -> object:
    return (time_zone(value) or INVALID) if is_string(value) else INVALID


def _format(value: object) -> object:
    return (compile_format(value) or INVALID) if is_string(value) else INVALID


def _choice(*choices: str) -> Callable[[object], object]:
    return lambda value: value if is_string(value) and value in choices else INVALID


PHONE_FORMATS = ("e164", "national-e164", "national", "international", "rfc3966", "isocode", "country-code")

CONVERTERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "string": (_string, "a string"),
    "integer": (_integer, "an integer"),
    "bound": (_integer, "an integer or null"),
    "step": (_step, "an integer other than 0"),
    "pattern": (_pattern, "a pattern (a string)"),
    "datepart": (_datepart, f"one of {', '.join(DATEPARTS)}"),
    "zone": (_zone, "an IANA time zone such as Europe/Oslo"),
    "format": (_format, "a date format (%Y %m %d %e %H %I %p %M %S %f %y %z %%)"),
    "algorithm": (_choice("murmur3"), '"murmur3"'),
    "phoneformat": (_choice(*PHONE_FORMATS), f"one of {', '.join(PHONE_FORMATS)}"),
}
"""Kind to converter and to the words for what it takes."""


def convert(kind: str, value: object) -> object:
    """Return the first value of `value` as an argument of this kind, INVALID for a wrong value and for null.

    A `bound` (of a slice) may be null: ABSENT (but for the reading `null-position`).
    """
    value = first(value)
    if value is None:
        return ABSENT if kind == "bound" and reads("null-position", "bound") else INVALID
    return CONVERTERS[kind][0](value)
