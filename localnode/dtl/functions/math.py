"""Mathematics. Two kinds of numbers meet in the more precise one: integer, then float, then decimal.

The signs (`+ - * / % ^`) take two single values in natural order and give null if either is missing or no
number; the words (`plus minus …`) are map-style and take the operand first: `["minus", 1, V]` is V-1.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, DecimalException
from typing import Any

from localnode.dtl.arithmetic import (
    add,
    number_of,
    power,
    quotient,
    remainder,
    subtract,
    times,
    to_exact,
    value_of,
)
from localnode.dtl.decorators import broadcast, mapped, special
from localnode.dtl.kinds import ABSENT, INVALID
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Expr
from localnode.dtl.values import EXACT, MAX_EXPONENT, first

Operation = Callable[[Any, Any], Any]


INTEGERS: dict[Operation, Operation] = {add: operator.add, subtract: operator.sub, times: operator.mul}
"""Operations whose result is an integer if both numbers are."""


def calculate(operation: Operation, a: object, b: object) -> object:
    """Return the result of an operation on two values as a value.

    INVALID if one is not a number, None if there is no result.
    """
    if type(a) is int and type(b) is int and operation in INTEGERS:
        return INTEGERS[operation](a, b)
    left, right = number_of(a), number_of(b)
    if left is None or right is None:
        return INVALID
    try:
        return value_of(operation(left, right))
    except (DecimalException, OverflowError):
        return None


def _sign(operation: Operation, call: Call) -> Expr:
    left, right = call.args[0].run, call.args[1].run
    of_integers = INTEGERS.get(operation)

    def run(f: Frame, v: object) -> object:
        a, b = left(f, v), right(f, v)
        if of_integers is not None and type(a) is int and type(b) is int:
            return of_integers(a, b)
        result = calculate(operation, first(a), first(b))
        return None if result is INVALID else result

    return Expr(run)


def _word(operation: Operation, call: Call) -> Expr:
    operand, values = call.args[0].run, call.args[1].run

    def run(f: Frame, v: object) -> object:
        by = first(operand(f, v))
        if number_of(by) is None:
            return None
        return broadcast(lambda value: calculate(operation, value, by), values(f, v))

    return Expr(run)


@special("+", signature="A B")
def plus_sign(call: Call) -> Expr:
    """Return the sum of the first values of A and B; null if either is null."""
    return _sign(add, call)


@special("-", signature="A B")
def minus_sign(call: Call) -> Expr:
    """Return a minus B."""
    return _sign(subtract, call)


@special("*", signature="A B")
def times_sign(call: Call) -> Expr:
    """Return a times B."""
    return _sign(times, call)


@special("/", signature="A B")
def divide_sign(call: Call) -> Expr:
    """Return a divided by B; null if B is 0. Two integers give a decimal, with up to 34 digits."""
    return _sign(quotient, call)


@special("%", signature="A B")
def mod_sign(call: Call) -> Expr:
    """Return the remainder of A divided by B, with the sign of B; null if B is 0."""
    return _sign(remainder, call)


@special("^", signature="A B")
def power_sign(call: Call) -> Expr:
    """Return a to the power of B; null if that is not a real number."""
    return _sign(power, call)


@special("plus", signature="NUMBER VALUES")
def plus(call: Call) -> Expr:
    """Map-style: the value plus NUMBER."""
    return _word(add, call)


@special("minus", signature="NUMBER VALUES")
def minus(call: Call) -> Expr:
    """Map-style: the value minus NUMBER."""
    return _word(subtract, call)


@special("multiply", signature="NUMBER VALUES")
def multiply(call: Call) -> Expr:
    """Map-style: the value times NUMBER."""
    return _word(times, call)


@special("divide", signature="NUMBER VALUES")
def divide(call: Call) -> Expr:
    """Map-style: the value divided by NUMBER; null for each value if NUMBER is 0."""
    return _word(quotient, call)


@special("mod", signature="NUMBER VALUES")
def mod(call: Call) -> Expr:
    """Map-style: the remainder of the value divided by NUMBER, with the sign of NUMBER; null for NUMBER 0."""
    return _word(remainder, call)


@special("pow", signature="NUMBER VALUES")
def pow_(call: Call) -> Expr:
    """Map-style: the value to the power of NUMBER."""
    return _word(power, call)


@mapped("abs")
def abs_(value: object) -> object:
    """Map-style: the number without its sign; it keeps its kind."""
    number = number_of(value)
    if number is None:
        return INVALID
    return value_of(number.copy_abs() if isinstance(number, Decimal) else abs(number))


def _rounding(mode: str, digits: Any) -> Callable[[object], object]:
    places = 0 if digits is ABSENT else max(min(digits, MAX_EXPONENT), -MAX_EXPONENT)

    def one(value: object) -> object:
        number = number_of(value)
        if number is None or (type(number) is float and not math.isfinite(number)):
            return INVALID
        if type(number) is int and places >= 0:
            return number
        rounded = to_exact(number).quantize(Decimal(1).scaleb(-places, EXACT), mode, EXACT)
        if places == 0 or type(number) is int:
            return int(rounded)
        return float(rounded) if type(number) is float else value_of(rounded)

    return one


@mapped("ceil", signature="[DIGITS:integer] VALUES")
def ceil(digits: object) -> Callable[[object], object]:
    """Map-style: rounded up. Without DIGITS (or with 0) to an integer, otherwise to so many decimals."""
    return _rounding(ROUND_CEILING, digits)


@mapped("floor", signature="[DIGITS:integer] VALUES")
def floor(digits: object) -> Callable[[object], object]:
    """Map-style: rounded down; DIGITS as for `ceil`."""
    return _rounding(ROUND_FLOOR, digits)


@mapped("round", signature="[DIGITS:integer] VALUES")
def round_(digits: object) -> Callable[[object], object]:
    """Map-style: rounded to the nearest, halves to the even neighbour (4.5 to 4, 3.5 to 4).

    DIGITS as for `ceil`.
    """
    return _rounding(ROUND_HALF_EVEN, digits)


def _real(function: Callable[[float], float], value: object) -> object:
    number = number_of(value)
    if number is None:
        return INVALID
    try:
        return value_of(function(float(number)))
    except (ValueError, OverflowError):
        return None


@mapped("cos")
def cos(value: object) -> object:
    """Map-style: the cosine of an angle in radians, a float."""
    return _real(math.cos, value)


@mapped("sin")
def sin(value: object) -> object:
    """Map-style: the sine of an angle in radians, a float."""
    return _real(math.sin, value)


POLE = 1e-7
"""How small the cosine of an angle may get before its tangent counts as infinite."""


@mapped("tan")
def tan(value: object) -> object:
    """Map-style: the tangent of an angle in radians, a float; null very close to its poles."""
    return _real(lambda angle: math.nan if abs(math.cos(angle)) < POLE else math.tan(angle), value)


@mapped("sqrt")
def sqrt(value: object) -> object:
    """Map-style: the square root, a float; null for negative numbers."""
    return _real(math.sqrt, value)
