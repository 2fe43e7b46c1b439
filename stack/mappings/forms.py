"""Forms of DTL of which Sesam's documentation does not say what they mean, and what stands in their place."""

from __future__ import annotations

from typing import Any

NEVER_NULL = {"filter", "flatten", "hops", "list", "map", "sorted"}
"""Functions whose result is a list here, be it an empty one."""

NO_NULLS = ["is-not-null", "_."]


def without_nulls(dtl: Any, is_safe: bool = False) -> Any:
    """Return the DTL with every `combine` of what may be null so that nulls are left out.

    Whether a null among several arguments is a value, nobody says. `is_safe`: what is around leaves them out.
    """
    if isinstance(dtl, dict):
        return {name: without_nulls(each) for name, each in dtl.items()}
    if not isinstance(dtl, list):
        return dtl
    safe = [without_nulls(each, _leaves_nulls_out(dtl)) for each in dtl]
    if dtl[:1] != ["combine"] or is_safe or len(dtl) < 3 or not any(map(may_be_null, dtl[1:])):
        return safe
    return ["filter", NO_NULLS, safe]


def _leaves_nulls_out(dtl: list[Any]) -> bool:
    """Return whether nulls among the values of an expression count for nothing: a null has no properties."""
    match dtl:
        case ["path", _, _]:
            return True
        case ["filter", condition, _]:
            return condition == NO_NULLS or condition[:1] in (["has-key"], ["in"])
    return False


def may_be_null(dtl: Any) -> bool:
    """Return whether an expression may give null: all but constants and lists."""
    match dtl:
        case ["if", _, one, other] | ["case", _, one, other]:
            return may_be_null(one) or may_be_null(other)
        case ["combine", *_]:
            return False
        case [str(function), *_]:
            return function not in NEVER_NULL
        case str():
            return bool(dtl.startswith("_"))
    return dtl is None
