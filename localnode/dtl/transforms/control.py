"""Transforms that decide what happens next."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from localnode.dtl.api import DtlError, DtlTrip
from localnode.dtl.arithmetic import number_of
from localnode.dtl.compiler import compile_steps
from localnode.dtl.decorators import step
from localnode.dtl.functions.comparisons import eq
from localnode.dtl.functions.json import json_text
from localnode.dtl.runtime import DISCARDED, FILTERED, Frame, run_steps
from localnode.dtl.scope import Call, Step
from localnode.dtl.values import first, is_string, truthy


def _branch(call: Call, index: int) -> Step:
    """Return the transforms of one argument as a single step."""
    scope = call.scope.inner()
    steps, paths = compile_steps(call.args[index], scope, call.place(index))
    rule = scope.rule
    return (lambda f: run_steps(rule, steps, paths, f)) if steps else _nothing


def _nothing(_frame: Frame) -> None:
    return None


@step("if", signature="CONDITION:boolean THEN:transforms [ELSE:transforms]")
def if_(call: Call) -> Step:
    """Run THEN if CONDITION is truthy, else ELSE. Both are a transform or a list of them, possibly empty."""
    test, then = call.args[0].run, _branch(call, 1)
    otherwise = _branch(call, 2) if len(call.args) == 3 else _nothing
    return lambda f: then(f) if truthy(test(f, None)) else otherwise(f)


@step("case", signature="(CONDITION:boolean THEN:transforms)+ [ELSE:transforms]")
def case(call: Call) -> Step:
    """Run the THEN of the first CONDITION that is truthy; if there is none, ELSE."""
    pairs = range(0, len(call.args) - 1, 2)
    branches = [(call.args[i].run, _branch(call, i + 1)) for i in pairs]
    otherwise = _branch(call, len(call.args) - 1) if len(call.args) % 2 else _nothing

    def run(f: Frame) -> str | None:
        for test, then in branches:
            if truthy(test(f, None)):
                return then(f)
        return otherwise(f)

    return run


@step("case-eq", signature="VALUE (WHEN THEN:transforms)+ [ELSE:transforms]")
def case_eq(call: Call) -> Step:
    """Run the THEN of the first WHEN that is equal to VALUE (see function `eq`); if there is none, ELSE."""
    value, pairs = call.args[0].run, range(1, len(call.args) - 1, 2)
    branches = [(call.args[i].run, _branch(call, i + 1)) for i in pairs]
    otherwise = _nothing if len(call.args) % 2 else _branch(call, len(call.args) - 1)

    def run(f: Frame) -> str | None:
        wanted = value(f, None)
        for when, then in branches:
            if eq(wanted, when(f, None)):
                return then(f)
        return otherwise(f)

    return run


@step("filter", signature="[CONDITION:boolean]")
def filter_(call: Call) -> Step:
    """Go on if CONDITION is truthy.

    Otherwise (or without CONDITION) stop: the target carries `_filtered: true`, by which a dataset sink
    deletes an earlier version and other sinks drop it. What `create` has emitted stays.
    """
    return _stop_unless(call, FILTERED)


@step("discard", signature="[CONDITION:boolean]")
def discard(call: Call) -> Step:
    """As `filter`, but a target that is stopped just vanishes: an earlier version in the sink stays."""
    return _stop_unless(call, DISCARDED)


def _stop_unless(call: Call, signal: str) -> Step:
    if not call.args:
        return lambda f: signal
    test = call.args[0].run
    return lambda f: None if truthy(test(f, None)) else signal


@step("comment", signature="TEXT:raw*")
def comment(_call: Call) -> None:
    """Do nothing; the arguments are not evaluated."""
    return


def _message(call: Call) -> Callable[[Frame], str]:
    message = call.args[0].run

    def text(f: Frame) -> str:
        value = message(f, None)
        return str(first(value)) if is_string(first(value)) else json_text(value)

    return text


@step("fail!", signature="MESSAGE")
def fail(call: Call) -> Step:
    """Stop the run of the pipe with MESSAGE."""
    message, rule, path = _message(call), call.scope.rule, call.path

    def run(f: Frame) -> None:
        raise DtlError(rule, path, message(f), f.run.entity_id)

    return run


@step("trip!", signature="MESSAGE")
def trip(call: Call) -> Step:
    """As `fail!`, and the circuit breaker of the sink dataset trips."""
    message, rule, path = _message(call), call.scope.rule, call.path

    def run(f: Frame) -> None:
        raise DtlTrip(rule, path, message(f), f.run.entity_id)

    return run


MAX_SLEEP = 3600


@step("sleep!", signature="SECONDS")
def sleep(call: Call) -> Step:
    """Pause for SECONDS (at most an hour); nothing if that is not a positive number."""
    seconds = call.args[0].run

    def run(f: Frame) -> None:
        pause: Any = number_of(first(seconds(f, None)))
        if pause is not None and pause > 0:
            time.sleep(min(float(pause), MAX_SLEEP))

    return run
