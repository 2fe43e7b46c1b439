"""The compiler: JSON expressions and transforms to closures, with every problem noted at its place.

An array is a call; a string that starts with a variable or a dataset alias and a dot is a path; everything
else is a literal. Nothing here raises: what cannot be compiled is noted and replaced by null, so that all
problems are found.
"""

from __future__ import annotations

from collections.abc import Callable

from core.suggestions import did_you_mean
from localnode.dtl.kinds import CONVERTERS, INVALID, RAW_KINDS, convert
from localnode.dtl.paths import BadPath, split_path
from localnode.dtl.registry import FUNCTIONS, TRANSFORMS, Definition, Parameter, shown
from localnode.dtl.scope import Call, Expr, Scope, Step
from localnode.dtl.values import first
from localnode.dtl.variables import CONTEXTS, VARIABLES, context_reader, variable_reader

MAX_DEPTH = 100
"""How deep calls may be nested within one rule."""

NOTHING = Expr.of(None)


def compile_expression(raw: object, scope: Scope, path: str) -> Expr:
    """Return the expression that `raw` stands for."""
    if type(raw) is list:
        if scope.depth > MAX_DEPTH:
            scope.error(path, f"expressions are nested more than {MAX_DEPTH} deep")
            return NOTHING
        return _compile_call(raw, scope, path)
    if type(raw) is str:
        return _compile_string(raw, scope, path)
    return Expr.of(raw)


def _compile_string(raw: str, scope: Scope, path: str) -> Expr:
    head, dot, rest = raw.partition(".")
    if not dot or (head not in VARIABLES and head not in CONTEXTS and head not in scope.aliases):
        if raw in CONTEXTS or (raw in VARIABLES and raw != "_"):
            scope.compilation.warn(path, f'"{raw}" is just a string here; the variable is written "{raw}."')
        if dot and scope.aliases and head.isidentifier():
            scope.uses.add(f"?{head}")
        return Expr.of(raw)
    scope.uses.add(head)
    try:
        if head in CONTEXTS:
            inner = rest.removesuffix(".") if rest.endswith(("_S.", "_T.", "_P.")) else rest
            return Expr(context_reader(head, split_path(inner), scope.settings))
        elements = split_path(rest)
    except BadPath as bad:
        scope.error(path, str(bad))
        return NOTHING
    return Expr(variable_reader(head, elements, scope))


def _compile_call(raw: list[object], scope: Scope, path: str) -> Expr:
    call = _bind(raw, scope, path, FUNCTIONS, _not_a_function)
    if call is None:
        return NOTHING
    if not call.definition.pure(call):
        scope.uses.add(f"{call.name}()")
    scope.settings_read.update(call.definition.reads)
    compiled: Expr = call.definition.build(call) or NOTHING
    if compiled is not NOTHING:
        compiled.raw, compiled.args = raw, call.args
    return compiled


def compile_steps(raw: object, scope: Scope, path: str) -> tuple[list[Step], list[str]]:
    """One transform, or a list of them, as steps and their paths."""
    if type(raw) is not list:
        scope.error(path, f'a transform is an array such as ["add", "name", value], not {shown(raw)}')
        return [], []
    if raw and type(raw[0]) is str:
        step = compile_step(raw, scope, path)
        return ([step], [path]) if step else ([], [])
    steps, paths = [], []
    for index, item in enumerate(raw):
        place = f"{path}[{index}]"
        if step := compile_step(item, scope, place):
            steps.append(step)
            paths.append(place)
    return steps, paths


def compile_step(raw: object, scope: Scope, path: str) -> Step | None:
    """Return the transform that `raw` stands for.

    None if there is nothing to do (or nothing that could be compiled).
    """
    if scope.depth > MAX_DEPTH:
        scope.error(path, f"transforms are nested more than {MAX_DEPTH} deep")
        return None
    if type(raw) is not list:
        scope.error(path, f'a transform is an array such as ["add", "name", value], not {shown(raw)}')
        return None
    call = _bind(raw, scope, path, TRANSFORMS, _not_a_transform)
    step: Step | None = call.definition.build(call) if call else None
    return step


def _bind(
    raw: list[object],
    scope: Scope,
    path: str,
    table: dict[str, Definition],
    unknown: Callable[[str], str],
) -> Call | None:
    """Return a call with its arguments compiled.

    None, with the problem noted, if there is no such function or arity.
    """
    if not raw or type(raw[0]) is not str:
        found = shown(raw[0]) if raw else "nothing"
        hint = 'for a list of values write ["list", …]' if table is FUNCTIONS else "a transform is [name, …]"
        scope.error(path, f"an array is a call and starts with a function name, not with {found}; {hint}")
        return None
    definition = table.get(raw[0])
    if definition is None:
        scope.error(f"{path}[0]", unknown(raw[0]))
        return None
    count = len(raw) - 1
    parameters = definition.signature.bind(count)
    if parameters is None:
        given = "no argument" if not count else f"{count} argument{'s' * (count > 1)}"
        scope.error(path, f"{definition.name} cannot be called with {given}; usage: {definition.usage}")
        return None
    inner = scope.inner()
    args = [
        _argument(parameter, arg, inner, f"{path}[{index}]", definition)
        for index, (parameter, arg) in enumerate(zip(parameters, raw[1:], strict=True), start=1)
    ]
    return Call(definition, scope, path, parameters, args)


def _argument(parameter: Parameter, raw: object, scope: Scope, path: str, definition: Definition) -> object:
    kind = parameter.kind
    if kind in RAW_KINDS:
        if kind in ("rule", "dataset") and type(raw) is not str:
            article = f"{parameter.name} must be the name of a {kind}, written out"
            scope.error(path, f"{definition.name}: {article}, not {shown(raw)}")
        return raw
    compiled = compile_expression(raw, scope, path)
    if _is_wrong(kind, compiled):
        scope.error(
            path,
            f"{definition.name}: {parameter.name} must be {CONVERTERS[kind][1]}, not {shown(raw)}; "
            f"usage: {definition.usage}",
        )
    return compiled


def _is_wrong(kind: str, compiled: Expr) -> bool:
    """Return whether an argument is known to be of the wrong kind.

    Null is known to make the result null, which is fine.
    """
    if kind not in CONVERTERS or not compiled.constant:
        return False
    return first(compiled.value) is not None and convert(kind, compiled.value) is INVALID


def _not_a_function(name: str) -> str:
    if name in TRANSFORMS:
        return f'"{name}" is a transform and returns no value; it cannot be used in an expression'
    return f'unknown function "{name[:80]}"{did_you_mean(name, list(FUNCTIONS))}'


def _not_a_transform(name: str) -> str:
    if name in FUNCTIONS:
        example = f'["add", "property", ["{name}", …]]'
        return f'"{name}" is an expression function, not a transform; {example} keeps its value'
    return f'unknown transform "{name[:80]}"{did_you_mean(name, list(TRANSFORMS))}'
