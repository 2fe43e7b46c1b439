"""Numbers of three kinds as values and as Python numbers, and arithmetic between them.

Two kinds meet in the more precise one: integer, then float, then decimal.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal
from typing import Any

from localnode.dtl.api import Refusal
from localnode.dtl.values import DECIMAL, EXACT, MAX_EXPONENT, decimal_value, is_string, kind, to_decimal
from localnode.readings import reads

Number = int | float | Decimal


def number_of(value: Any) -> Number | None:
    """Return the number that a value is (a decimal as Decimal), or None.

    Booleans and strings are no numbers.
    """
    if type(value) is int or type(value) is float:
        return value
    if type(value) is str and value[:2] == "~f" and kind(value) == DECIMAL:
        return Decimal(value[2:])
    if reads("numeric-strings", "numbers") and is_string(value):
        return to_decimal(value)
    return None


def value_of(number: Number | None) -> object:
    """Return a number as a value; None for what is not finite or, as a decimal, out of range."""
    if isinstance(number, Decimal):
        if not number.is_finite():
            return None
        return decimal_value(number) if not number or abs(number.adjusted()) <= MAX_EXPONENT else None
    if isinstance(number, float) and not math.isfinite(number):
        return None
    return number


QUOTIENT = Context(prec=34, Emax=999_999, Emin=-999_999)
"""Where a result has no end, it is rounded to 34 digits (as IEEE decimal128 does)."""

MAX_BITS = 14_000
"""How large an integer power may get: more could not be written down (4,300 digits)."""


def alike(a: Number, b: Number) -> tuple[Any, Any]:
    """Two numbers as the more precise kind of the two."""
    if type(a) is type(b):
        return a, b
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        return to_exact(a), to_exact(b)
    return float(a), float(b)


def to_exact(number: Number) -> Decimal:
    """Return a number as decimal: a float by its shortest digits."""
    return Decimal(repr(number)) if type(number) is float else Decimal(number)


def add(a: Number, b: Number) -> Number:
    """Return a + b."""
    x, y = alike(a, b)
    total: Number = EXACT.add(x, y) if isinstance(x, Decimal) else x + y
    return total


def subtract(a: Number, b: Number) -> Number:
    """Return a - b."""
    x, y = alike(a, b)
    difference: Number = EXACT.subtract(x, y) if isinstance(x, Decimal) else x - y
    return difference


def times(a: Number, b: Number) -> Number:
    """Return a * b."""
    x, y = alike(a, b)
    product: Number = EXACT.multiply(x, y) if isinstance(x, Decimal) else x * y
    return product


def quotient(a: Number, b: Number) -> Number | None:
    """Return a / b; integers give a decimal."""
    x, y = alike(a, b)
    if not y:
        return None
    if type(x) is int and reads("integer-quotient", "float"):
        return float(x / y)
    result: Number = x / y if type(x) is float else QUOTIENT.divide(Decimal(x), Decimal(y))
    return result


def remainder(a: Number, b: Number) -> Number | None:
    """Return a - b * floor(a / b): it has the sign of b."""
    x, y = alike(a, b)
    if not y:
        return None
    rest: Number = EXACT.remainder(x, y) if isinstance(x, Decimal) else x % y
    signed_like = x if reads("remainder-sign", "dividend") else y
    if not rest or (rest < 0) == (signed_like < 0):
        return rest
    # the remainder of decimals has the sign of the dividend, that of other numbers the sign of the divisor
    return subtract(rest, y) if signed_like is x else add(rest, y)


def power(a: Number, b: Number) -> Number | None:
    """Return a to the power of b; a negative power of an integer is a decimal."""
    x, y = alike(a, b)
    if not x and y < 0:
        return None
    if type(x) is int and y >= 0:
        if abs(x) > 1 and y * x.bit_length() > MAX_BITS:
            raise Refusal(f"the power of {a} and {b} has more than {MAX_BITS:,} bits")
        return int(x**y)
    if type(x) is float:
        result = x**y
        return result if isinstance(result, float) else None
    return QUOTIENT.power(Decimal(x), Decimal(y))
