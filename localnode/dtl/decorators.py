"""Decorators that enter functions in the registry, one for each way a DTL function works on its arguments.

* `plain`: gets the values of its arguments and returns the result.
* `mapped`: map-style. Works on one value; called for a lone value, or for each value of a list.
* `cast`: map-style with a default. Returns the converted value, or INVALID for what does not convert.
* `special`: gets the compiled arguments and returns a compiled expression (lazy arguments, `_` per value).
* `step`: a transform. Gets the compiled arguments and returns a step.

`pure` (whether a call gives the same for the same arguments whenever it is made, so that it may be part of an
index) and `reads` (which settings of the pipe the result depends on, see `PipeSettings`) stand with each.

`plain` and `mapped` share the rule for arguments of a particular kind (see `kinds.py`): if such an argument
is null or computed to a wrong value, the result is null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from localnode.dtl.budget import spend_results
from localnode.dtl.kinds import ABSENT, CONVERTERS, INVALID, convert
from localnode.dtl.registry import FUNCTIONS, TRANSFORMS, define
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Evaluator, Expr
from localnode.dtl.values import is_string, text

F = TypeVar("F", bound=Callable[..., Any])
Scalar = Callable[[Any], Any]


def plain(
    *names: str,
    signature: str = "",
    fold: bool = True,
    pure: bool = True,
    special_case: Callable[[Call], Evaluator | None] | None = None,
) -> Callable[[F], F]:
    """Enter a function of values. With `fold`, a call whose arguments are constant is worked out once.

    `special_case` gives a faster evaluator of the same for calls that it knows one for, None for others.
    """

    def builder(implementation: F) -> Callable[[Call], Expr]:
        def build(call: Call) -> Expr:
            faster = special_case(call) if special_case else None
            if faster is not None:
                return fold_constant(faster, call.args, fold)
            return _build_plain(implementation, fold, call)

        return build

    return _register(names, signature, builder, pure)


def mapped(*names: str, signature: str = "VALUES", over: str = "any", fold: bool = True) -> Callable[[F], F]:
    """Enter a map-style function of one value, which gives INVALID for a value to be dropped.

    With further parameters before VALUES it is a factory: called with them it gives the function of one
    value, or None if the result is null. `over` is "any" (nulls excepted), "strings" (all else is dropped; a
    string that comes out is a plain string) or "texts" (strings again, but `~…` that comes out is a tagged
    value).
    """
    return _register(
        names, signature, lambda implementation: partial(_build_mapped, implementation, over, fold)
    )


def cast(*names: str, nulls: bool = False) -> Callable[[F], F]:
    """Enter a cast. Nulls are skipped unless `nulls`."""
    signature = "[DEFAULT:default] VALUES"
    return _register(names, signature, lambda implementation: partial(_build_cast, implementation, nulls))


def special(
    *names: str,
    signature: str = "",
    pure: bool | Callable[[Call], bool] = True,
    reads: Sequence[str] = (),
) -> Callable[[F], F]:
    """Enter a function that compiles its calls itself: `(Call) -> Expr`."""

    def register(implementation: F) -> F:
        define(FUNCTIONS, names, signature, implementation, implementation, pure, reads)
        return implementation

    return register


def step(*names: str, signature: str = "") -> Callable[[F], F]:
    """Enter a transform: `(Call) -> Step`, or None if there is nothing to do."""

    def register(implementation: F) -> F:
        define(TRANSFORMS, names, signature, implementation, implementation)
        return implementation

    return register


def _register(
    names: tuple[str, ...],
    signature: str,
    builder: Callable[[F], Callable[[Call], Expr]],
    pure: bool = True,
) -> Callable[[F], F]:
    def register(implementation: F) -> F:
        define(FUNCTIONS, names, signature, implementation, builder(implementation), pure)
        return implementation

    return register


def broadcast(scalar: Scalar, value: object) -> object:
    """Apply a function of one value map-style: list in, list out; INVALID is dropped (lone: null)."""
    if type(value) is list:
        spend_results(len(value))
        return [result for item in value if item is not None and (result := scalar(item)) is not INVALID]
    if value is None:
        return None
    result = scalar(value)
    return None if result is INVALID else result


def aligned(call: Call) -> list[Expr]:
    """Return the arguments of a call, one per parameter of the signature.

    ABSENT stands for those that were not given.

    For signatures with a repeated group: just the arguments. Arguments of a particular kind are converted.
    """
    every = call.definition.signature.parameters
    args = [
        _converted(arg, parameter.kind) for arg, parameter in zip(call.args, call.parameters, strict=True)
    ]
    if len(every) == len(args) or call.definition.signature.alternatives[0].group:
        return args
    given = {parameter.name: arg for parameter, arg in zip(call.parameters, args, strict=True)}
    return [given.get(parameter.name) or Expr.of(ABSENT) for parameter in every]


def _converted(arg: Expr, kind: str) -> Expr:
    if kind not in CONVERTERS:
        return arg
    if arg.constant:
        return Expr.of(convert(kind, arg.value))
    run = arg.run
    return Expr(lambda f, v: convert(kind, run(f, v)))


def fold_constant(run: Evaluator, args: list[Expr], fold: bool = True) -> Expr:
    """Return the expression of `run`, worked out now if its arguments are constant."""
    if fold and all(arg.constant for arg in args):
        try:
            return Expr.of(run(None, None))  # type: ignore[arg-type]
        except Exception:  # what cannot be worked out now fails, with its place, when it is run
            return Expr(run)
    return Expr(run)


def _build_plain(implementation: Callable[..., object], fold: bool, call: Call) -> Expr:
    args = aligned(call)
    runs = [arg.run for arg in args]
    if any(_may_be_invalid(arg, each.kind) for arg, each in zip(call.args, call.parameters, strict=True)):

        def checked(f: Frame, v: object) -> object:
            values = [run(f, v) for run in runs]
            return None if INVALID in values else implementation(*values)

        return fold_constant(checked, args, fold)
    return fold_constant(_call_run(implementation, args), args, fold)


def _may_be_invalid(arg: Expr, kind: str) -> bool:
    """Return whether an argument has to be looked at each time: it is of a kind, and not known to be fit."""
    return kind in CONVERTERS and not (arg.constant and convert(kind, arg.value) is not INVALID)


def _call_run(implementation: Callable[..., object], args: list[Expr]) -> Evaluator:
    """Return the evaluator of a call; constant arguments need no call of their own."""
    runs = [arg.run for arg in args]
    if len(runs) == 1:
        only = runs[0]
        return lambda f, v: implementation(only(f, v))
    if len(runs) == 2:
        left, right = runs
        if args[0].constant:
            given = args[0].value
            return lambda f, v: implementation(given, right(f, v))
        if args[1].constant:
            given = args[1].value
            return lambda f, v: implementation(left(f, v), given)
        return lambda f, v: implementation(left(f, v), right(f, v))
    return lambda f, v: implementation(*[run(f, v) for run in runs])


def _build_mapped(implementation: Callable[..., Any], over: str, fold: bool, call: Call) -> Expr:
    *settings, values = aligned(call)
    wrap = _WRAPS[over]
    if not all(setting.constant for setting in settings):
        return _build_late(implementation, wrap, [s.run for s in settings], values.run)
    given = [setting.value for setting in settings]
    if INVALID in given:
        return Expr.of(None)
    scalar = implementation(*given) if settings else implementation
    if scalar is None:
        return Expr.of(None)
    run = _strings_run(scalar, values.run) if over == "strings" else _values_run(wrap(scalar), values.run)
    return fold_constant(run, [values], fold)


def _build_late(
    implementation: Callable[..., Any],
    wrap: Callable[[Scalar], Scalar],
    settings: list[Evaluator],
    values: Evaluator,
) -> Expr:
    """Return a map-style call whose further arguments are only known for each entity."""

    def run(f: Frame, v: object) -> object:
        given = [setting(f, v) for setting in settings]
        scalar = None if INVALID in given else implementation(*given)
        return None if scalar is None else broadcast(wrap(scalar), values(f, v))

    return Expr(run)


def _same(scalar: Scalar) -> Scalar:
    return scalar


def string_scalar(function: Scalar) -> Scalar:
    """Return a function of strings as a function of any value.

    A string that it gives is a string, whatever it looks like.
    """

    def scalar(value: object) -> object:
        if not is_string(value):
            return INVALID
        result = function(str(value))
        return text(result) if type(result) is str else result

    return scalar


def text_scalar(function: Scalar) -> Scalar:
    """Return a function of strings as a function of any value; what it gives is taken as it is."""
    return lambda value: function(str(value)) if is_string(value) else INVALID


_WRAPS: dict[str, Callable[[Scalar], Scalar]] = {"any": _same, "strings": string_scalar, "texts": text_scalar}


def _strings_run(function: Scalar, values: Evaluator) -> Evaluator:
    scalar = string_scalar(function)

    def run(f: Frame, v: object) -> object:
        value = values(f, v)
        if type(value) is str and value[:1] != "~":
            result = function(value)
            if type(result) is str:
                return text(result) if result[:1] == "~" else result
            return None if result is INVALID else result
        return broadcast(scalar, value)

    return run


def _values_run(scalar: Scalar, values: Evaluator) -> Evaluator:
    def run(f: Frame, v: Any) -> Any:
        value = values(f, v)
        if value is None or type(value) is list:
            return broadcast(scalar, value)
        result = scalar(value)
        return None if result is INVALID else result

    return run


def _build_cast(convert_value: Scalar, nulls: bool, call: Call) -> Expr:
    default, values = call.named("DEFAULT"), call.named("VALUES").run
    if default is None:
        wrap = (
            (lambda f, v: cast_values(convert_value, nulls, values(f, v)))
            if nulls
            else _values_run(convert_value, values)
        )
        return fold_constant(wrap, [call.args[-1]])
    fallback = default.run

    def run(f: Frame, v: object) -> object:
        def one(item: object) -> object:
            result = convert_value(item)
            return fallback(f, item) if result is INVALID else result

        return cast_values(one, nulls, values(f, v))

    return fold_constant(run, call.args)


def cast_values(convert_value: Scalar, nulls: bool, value: object) -> object:
    """`broadcast`, where with `nulls` null is a value like any other (and may convert to null)."""
    if not nulls:
        return broadcast(convert_value, value)
    if type(value) is list:
        spend_results(len(value))
        return [result for item in value if (result := convert_value(item)) is not INVALID]
    result = convert_value(value)
    return None if result is INVALID else result
