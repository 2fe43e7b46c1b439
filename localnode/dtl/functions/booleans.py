"""Boolean logic and booleans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localnode.dtl.decorators import cast, fold_constant, plain, special
from localnode.dtl.kinds import INVALID
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Expr
from localnode.dtl.values import as_list, first, is_string, truthy
from localnode.readings import reads


@special("all", signature="[FUNCTION:each] VALUES")
def all_(call: Call) -> Expr:
    """Return True if every value, or FUNCTION of every value, is truthy. True without any values."""
    return _quantified(call, all if reads("all-of-none", "true") else _all_of_some)


@special("any", signature="[FUNCTION:each] VALUES")
def any_(call: Call) -> Expr:
    """Return True if at least one value, or FUNCTION of one, is truthy. False without any values."""
    return _quantified(call, any)


def _all_of_some(found: Iterator[bool]) -> bool:
    held = list(found)
    return bool(held) and all(held)


def _quantified(call: Call, quantifier: Any) -> Expr:
    function, values = call.named("FUNCTION"), call.named("VALUES").run
    if function is None:
        return fold_constant(
            lambda f, v: quantifier(truthy(item) for item in as_list(values(f, v))), call.args
        )
    test = function.run
    return Expr(lambda f, v: quantifier(truthy(test(f, item)) for item in as_list(values(f, v))))


@special("and", signature="CONDITION:boolean+")
def and_(call: Call) -> Expr:
    """Return True if all arguments are truthy; those after the first that is not are not evaluated."""
    runs = [arg.run for arg in call.args]

    def run(f: Frame, v: object) -> bool:
        for condition in runs:
            held = condition(f, v)
            if held is not True and (held is False or not truthy(held)):
                return False
        return True

    return fold_constant(run, call.args)


@special("or", signature="CONDITION:boolean+")
def or_(call: Call) -> Expr:
    """Return True if any argument is truthy; those after the first that is are not evaluated."""
    runs = [arg.run for arg in call.args]

    def run(f: Frame, v: object) -> bool:
        for condition in runs:
            held = condition(f, v)
            if held is True or (held is not False and truthy(held)):
                return True
        return False

    return fold_constant(run, call.args)


@special("not", signature="CONDITION:boolean+")
def not_(call: Call) -> Expr:
    """Return the inverse of `and` over all arguments."""
    both = and_(call)
    if both.constant:
        return Expr.of(not both.value)
    run = both.run
    return Expr(lambda f, v: not run(f, v))


@cast("boolean")
def boolean(value: Any) -> object:
    """Map-style cast.

    Booleans convert, and the strings "true" and "false" in any letter case. Everything else is dropped or,
    with DEFAULT, replaced by it. Null gives null.
    """
    if type(value) is bool:
        return value
    if is_string(value) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return INVALID


@plain("is-boolean", signature="VALUES")
def is_boolean(value: object) -> bool:
    """Return True if the value, or the first of a list, is a boolean."""
    return type(first(value)) is bool
