"""Comparisons: all of them look at values, never at how they are written."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from localnode.dtl.decorators import plain
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Evaluator
from localnode.dtl.values import NULL, RANK, as_list, first, kind, order_key, same
from localnode.readings import reads


def _with_constant(call: Call) -> Evaluator | None:
    """Return `eq` with a plain value that is written out, which most comparisons are with."""
    for constant, other in (call.args, call.args[::-1]):
        written = constant.value
        if constant.constant and (
            type(written) in (bool, int) or (type(written) is str and written[:1] != "~")
        ):
            return _equals(other.run, written)
    return None


def _equals(run: Evaluator, wanted: object) -> Evaluator:
    kind_of = type(wanted)

    def equals(f: Frame, v: object) -> bool:
        found = run(f, v)
        return found == wanted if type(found) is kind_of else eq(found, wanted)

    return equals


def _but_with_constant(call: Call) -> Evaluator | None:
    """Return `neq` with a plain value that is written out."""
    equals = _with_constant(call)
    return None if equals is None else lambda f, v: not equals(f, v)


@plain("eq", signature="A B", special_case=_with_constant)
def eq(a: Any, b: Any) -> bool:
    """Return True if both sides, as lists, hold the same values in the same order.

    `["eq", 42, ["list", 42]]` is true.

    Null equals null only, neither `[]` nor `[null]`; a missing property is null. Values of different kinds
    are never equal: `1`, `1.0` and `true` differ. Within `hops` and the merge source's `equality` an `eq`
    between two datasets is the join operator.
    """
    kind_of = type(a)
    if kind_of is type(b) and ((kind_of is str and a[:1] != "~") or kind_of is bool or kind_of is int):
        return bool(a == b)
    if a is None or b is None:
        return a is b or ((a == [] or b == []) and reads("eq-null", "equal"))
    return same(as_list(a), as_list(b))


@plain("neq", signature="A B", special_case=_but_with_constant)
def neq(a: object, b: object) -> bool:
    """Return the inverse of `eq`."""
    return not eq(a, b)


def _compare(a: object, b: object, fits: Callable[[Any, Any], bool]) -> bool:
    a, b = first(a), first(b)
    rank = RANK[kind(a)]
    if (rank != RANK[kind(b)] or rank == RANK[NULL]) and reads("compare-null", "false"):
        return False
    return fits(order_key(a), order_key(b))


@plain("gt", signature="A B")
def gt(a: object, b: object) -> bool:
    """Return True if the first value of A is greater than the first value of B.

    Numbers compare by value whatever their kind; false if either side has no value or if the two are not
    comparable (a string and a number).
    """
    return a > b if type(a) is int and type(b) is int else _compare(a, b, operator.gt)


@plain("gte", signature="A B")
def gte(a: object, b: object) -> bool:
    """Return True if the first value of A is greater than or equal to the first value of B.

    Otherwise as `gt`.
    """
    return a >= b if type(a) is int and type(b) is int else _compare(a, b, operator.ge)


@plain("lt", signature="A B")
def lt(a: object, b: object) -> bool:
    """Return True if the first value of A is less than the first value of B; otherwise as `gt`."""
    return a < b if type(a) is int and type(b) is int else _compare(a, b, operator.lt)


@plain("lte", signature="A B")
def lte(a: object, b: object) -> bool:
    """Return True if the first value of A is less than or equal to the first value of B.

    Otherwise as `gt`.
    """
    return a <= b if type(a) is int and type(b) is int else _compare(a, b, operator.le)
