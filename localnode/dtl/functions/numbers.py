"""Numbers: casts, tests and hexadecimal text. Integers are unbounded, floats IEEE doubles, decimals exact."""

from __future__ import annotations

import math
import re
from typing import Any

from localnode.dtl.arithmetic import Number, number_of, to_exact
from localnode.dtl.decorators import cast, mapped, plain
from localnode.dtl.kinds import INVALID
from localnode.dtl.timestamps import nanoseconds_of
from localnode.dtl.values import (
    DECIMAL,
    FLOAT,
    INTEGER,
    decimal_value,
    first,
    is_string,
    kind,
    to_decimal,
)
from localnode.readings import reads

_HEX = re.compile(r"0[xX]([0-9a-fA-F]+)")


def numeric(value: Any) -> Number | None:
    """Return the number that a value is or, as a string, spells."""
    if is_string(value):
        return to_decimal(value.strip() if reads("number-with-spaces", "number") else value)
    if type(value) is bool and reads("boolean-to-number", "number"):
        return int(value)
    return number_of(value)


@cast("decimal")
def decimal(value: object) -> object:
    """Map-style cast to a decimal, from numbers and from strings such as "1.0" or "1E2".

    What does not convert is dropped or replaced by DEFAULT. The decimal of 2.2 is exactly 2.2, and digits are
    kept as written.
    """
    number = numeric(value)
    if number is None or (type(number) is float and not math.isfinite(number)):
        return INVALID
    return decimal_value(to_exact(number))


@cast("float")
def float_(value: object) -> object:
    """Map-style cast to a float, from numbers and numeric strings.

    What does not convert is dropped or replaced.
    """
    number = numeric(value)
    try:
        result = math.nan if number is None else float(number)
    except OverflowError:
        return INVALID
    return result if math.isfinite(result) else INVALID


@cast("integer")
def integer(value: Any) -> object:
    """Map-style cast to an integer, from numbers, numeric strings and datetimes (nanoseconds since 1970).

    Fractions are cut off (124.4 becomes 124, -1.5 becomes -1). "0x…" is read as two's complement of the width
    written: "0xff" is -1, "0x00ff" is 255.
    """
    if type(value) is int:
        return value
    # Transform completeness waits for `["gt", ["integer", <datetime>], 0]`, see "Transform completeness" of
    # https://docs.sesam.io/hub/documentation/best-practices/bidirectional-synchronization.html
    if reads("integer-of-datetime", "nanoseconds") and (moment := nanoseconds_of(value)) is not None:
        return moment
    if is_string(value) and (match := _HEX.fullmatch(value)):
        digits = match[1]
        number = int(digits, 16)
        return number - 16 ** len(digits) if int(digits[0], 16) >= 8 else number
    number_found = numeric(value)
    if number_found is None or (type(number_found) is float and not math.isfinite(number_found)):
        return INVALID
    return math.floor(number_found) if reads("integer-of-negative", "floored") else int(number_found)


@mapped("hex")
def hex_(value: object) -> object:
    """Map-style over integers: "0x" and the bytes of the two's complement, as few as the sign allows."""
    if type(value) is not int:
        return INVALID
    size = ((value if value >= 0 else ~value).bit_length() + 8) // 8
    return f"0x{value % (1 << 8 * size):0{2 * size}x}"


@plain("is-integer", signature="VALUES")
def is_integer(value: object) -> bool:
    """Return True if the value, or the first of a list, is an integer."""
    return kind(first(value)) == INTEGER


@plain("is-float", signature="VALUES")
def is_float(value: object) -> bool:
    """Return True if the value, or the first of a list, is a float; the literal 1.0 is one."""
    return kind(first(value)) == FLOAT


@plain("is-decimal", signature="VALUES")
def is_decimal(value: object) -> bool:
    """Return True if the value, or the first of a list, is a decimal (`"~f1.0"`)."""
    return kind(first(value)) == DECIMAL
