"""Nulls."""

from __future__ import annotations

from localnode.dtl.decorators import fold_constant, plain, special
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Expr
from localnode.dtl.values import as_list, first, truthy


@special("coalesce", signature="[FUNCTION:each] VALUES")
def coalesce(call: Call) -> Expr:
    """Return the first value that is not null or, with FUNCTION, the first of which FUNCTION is truthy.

    Otherwise null.
    """
    function, values = call.named("FUNCTION"), call.named("VALUES").run
    if function is None:
        return fold_constant(
            lambda f, v: next((item for item in as_list(values(f, v)) if item is not None), None), call.args
        )
    test = function.run
    return Expr(lambda f, v: next((item for item in as_list(values(f, v)) if truthy(test(f, item))), None))


@special("coalesce-args", signature="VALUES+")
def coalesce_args(call: Call) -> Expr:
    """Return the first argument that is not null (`[]` is not null).

    They are evaluated left to right, as far as needed.
    """
    runs = [arg.run for arg in call.args]

    def run(f: Frame, v: object) -> object:
        for argument in runs:
            if (value := argument(f, v)) is not None:
                return value
        return None

    return fold_constant(run, call.args)


@special("if-null", signature="VALUES FALLBACK")
def if_null(call: Call) -> Expr:
    """VALUES, unless `is-null` VALUES, then FALLBACK."""
    values, fallback = call.args[0].run, call.args[1].run

    def run(f: Frame, v: object) -> object:
        value = values(f, v)
        return fallback(f, v) if first(value) is None else value

    return fold_constant(run, call.args)


@plain("is-null", signature="VALUES")
def is_null(value: object) -> bool:
    """Return True for null, for `[]`, and for a list that starts with null."""
    return first(value) is None


@plain("is-not-null", signature="VALUES")
def is_not_null(value: object) -> bool:
    """Return the inverse of `is-null`."""
    return first(value) is not None
