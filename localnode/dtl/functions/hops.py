"""Hops: from the source entity to entities in other datasets."""

from __future__ import annotations

from typing import Any

from localnode.dtl.budget import spend_items
from localnode.dtl.decorators import special
from localnode.dtl.functions.dicts import named_rule
from localnode.dtl.hops import compile_hops
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Expr
from localnode.dtl.values import as_list, first, is_string


@special("hops", signature="SPEC:spec+", pure=False)
def hops(call: Call) -> Expr:
    """Return a list of what is reached from `_S` by the joins of SPEC.

    With several, each goes on from what the last found.

    SPEC is an object with `datasets` (`"dataset alias"`), `where` (an expression or a list of them), and
    optionally `return`, `recurse`, `exclude_root`, `max_depth` (10; null: no limit), `subsets`,
    `track-dependencies`, `trace`. An `eq` whose sides read one dataset variable each (`_S` or an alias) is a
    join: the two have a value in common, nulls apart. So are those within an `and`, and those within an `or`
    where an alias is joined there only: what any of its alternatives reaches comes out once, and an alias of
    which it says nothing is null there. Everything else in `where` filters. Deleted entities are never
    reached; aliases without a partner give no row. Without `return` the entities of the last alias come out,
    once for each row; what a `return` expression gives is one value for each row, a list too, nulls are left
    out. The order follows `_id` within each dataset.
    """
    return Expr(compile_hops(call, 0))


@special("apply-hops", signature="RULE:rule SPEC:spec+", pure=False)
def apply_hops(call: Call) -> Expr:
    """RULE applied to each entity that `hops` finds, or to each value of a list that it finds.

    A list of the targets, without those that were filtered or discarded.
    """
    name = call.args[0]
    found = compile_hops(call, 1)
    rule = named_rule(call, name)
    if rule is None:
        return Expr.of(None)
    run_rule = rule.apply

    def run(f: Frame, v: object) -> list[Any]:
        targets = []
        for value in (each for item in found(f, v) for each in as_list(item)):
            spend_items(0)
            frame = f.applied(value)
            if run_rule(frame) is None:
                targets.append(frame.t)
        return targets

    return Expr(run)


@special("lookup-entity", signature="DATASET:dataset ID", pure=False)
def lookup_entity(call: Call) -> Expr:
    """Return the entity of DATASET with this `_id`, or null.

    Null also if it is deleted, or there is no such dataset. There is no dependency tracking: a later change
    of it does not bring the source entity back.
    """
    dataset, entity_id = call.args[0], call.args[1].run
    if not isinstance(dataset, str):  # noted as a problem already
        return Expr.of(None)
    call.scope.compilation.lookups.add(dataset)

    def run(f: Frame, v: object) -> object:
        key = first(entity_id(f, v))
        return f.run.context.lookup(dataset, str(key)) if is_string(key) else None

    return Expr(run)
