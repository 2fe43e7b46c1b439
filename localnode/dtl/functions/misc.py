"""Miscellaneous functions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import mmh3

from localnode.dtl.api import Refusal
from localnode.dtl.budget import spend_results
from localnode.dtl.decorators import mapped, special
from localnode.dtl.functions.bytes import bytes_of
from localnode.dtl.kinds import ABSENT, INVALID
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Expr
from localnode.dtl.timestamps import datetime_value
from localnode.dtl.values import as_list, first, is_string, same
from localnode.readings import reads

MAX_TUPLES = 1_000_000


@mapped("hash128", signature="ALGORITHM:algorithm [SEED:integer] VALUES")
def hash128(_algorithm: str, seed: Any) -> Callable[[object], object]:
    """Map-style over strings (as utf-8) and bytes: the MurmurHash3_x64_128 hash as an integer.

    SEED (default 0) is taken modulo 2^32.
    """
    start = 0 if seed is ABSENT else seed

    def hashed(value: Any) -> object:
        content = value.encode("utf-8", "surrogatepass") if is_string(value) else bytes_of(value)
        return INVALID if content is None else mmh3.hash128(content, start & 0xFFFFFFFF)

    return hashed


@special("is-changed", signature="FUNCTION:each", pure=False)
def is_changed(call: Call) -> Expr:
    """Return whether FUNCTION returns different values for the source entity and its previous version.

    `_` is bound to the entity. True if either is deleted. Null if there is no previous version, or the source
    is not a dataset.
    """
    function = call.args[0].run

    def run(f: Frame, v: object) -> bool | None:
        current = f.run.source
        previous = f.run.context.previous(current["_id"]) if "_id" in current else None
        if previous is None:
            return True if current.get("_deleted") is True and reads("first-change", "true") else None
        if current.get("_deleted") is True or previous.get("_deleted") is True:
            return True
        return not same(function(f, current), function(f, previous))

    return Expr(run)


@special("literal", signature="VALUE:raw")
def literal(call: Call) -> Expr:
    """VALUE as it is written, not evaluated."""
    return Expr.of(call.args[0])


@special("tuples", signature="VALUES*")
def tuples(call: Call) -> Expr:
    """Return all combinations of one value of each argument, as a list of lists.

    The first argument varies slowest; nulls are left out. `[]` without arguments. For joins by several values
    at once.
    """
    runs = [arg.run for arg in call.args]

    def run(f: Frame, v: object) -> list[list[object]]:
        columns = [[item for item in as_list(run(f, v)) if item is not None] for run in runs]
        size = 1
        for column in columns:
            size *= len(column)
        if size > MAX_TUPLES:
            raise Refusal(f"tuples: {size:,} combinations, more than {MAX_TUPLES:,}")
        spend_results(size * len(columns))
        return [list(combination) for combination in product(*columns)] if columns else []

    return Expr(run)


@special("completeness", signature="VIA DATASET", pure=False)
def completeness(call: Call) -> Expr:
    """Return the completeness timestamp of DATASET as known by the dataset VIA, a datetime.

    Null if either is missing.
    """
    via, dataset = call.args[0].run, call.args[1].run

    def run(f: Frame, v: object) -> str | None:
        names = first(via(f, v)), first(dataset(f, v))
        if not all(map(is_string, names)):
            return None
        microseconds = f.run.context.completeness(*names)
        return None if microseconds is None else datetime_value(microseconds * 1000)

    return Expr(run)
