"""Conditional expressions: only the branch that is chosen is evaluated."""

from __future__ import annotations

from localnode.dtl.decorators import special
from localnode.dtl.functions.comparisons import eq
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Evaluator, Expr
from localnode.dtl.values import truthy


@special("if", signature="CONDITION:boolean THEN [ELSE]")
def if_(call: Call) -> Expr:
    """THEN if CONDITION is truthy, else ELSE; null without ELSE."""
    condition, then = call.args[0], call.args[1]
    otherwise = call.args[2] if len(call.args) == 3 else Expr.of(None)
    if condition.constant:
        return then if truthy(condition.value) else otherwise
    test, yes, no = condition.run, then.run, otherwise.run

    def run(f: Frame, v: object) -> object:
        held = test(f, v)
        return yes(f, v) if held is True or (held is not False and truthy(held)) else no(f, v)

    return Expr(run)


@special("case", signature="(CONDITION:boolean THEN)+ [ELSE]")
def case(call: Call) -> Expr:
    """Return the THEN of the first CONDITION that is truthy; if there is none, ELSE, or null without ELSE."""
    branches, otherwise = branches_of([arg.run for arg in call.args])

    def run(f: Frame, v: object) -> object:
        for condition, then in branches:
            held = condition(f, v)
            if held is True or (held is not False and truthy(held)):
                return then(f, v)
        return otherwise(f, v) if otherwise else None

    return Expr(run)


@special("case-eq", signature="VALUE (WHEN THEN)+ [ELSE]")
def case_eq(call: Call) -> Expr:
    """Return the THEN of the first WHEN that is equal to VALUE (see `eq`).

    If there is none, ELSE, or null without ELSE.
    """
    value, runs = call.args[0].run, [arg.run for arg in call.args[1:]]
    branches, otherwise = branches_of(runs)

    def run(f: Frame, v: object) -> object:
        wanted = value(f, v)
        for when, then in branches:
            if eq(wanted, when(f, v)):
                return then(f, v)
        return otherwise(f, v) if otherwise else None

    return Expr(run)


def branches_of(runs: list[Evaluator]) -> tuple[list[tuple[Evaluator, Evaluator]], Evaluator | None]:
    """Return pairs of condition and result, and the odd one at the end."""
    return list(zip(runs[0::2], runs[1::2], strict=False)), runs[-1] if len(runs) % 2 else None
