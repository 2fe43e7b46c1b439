"""Transforms that set, copy and remove properties of the target."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from localnode.dtl.decorators import step
from localnode.dtl.functions.lists import distinct_by
from localnode.dtl.functions.ni import in_namespace_of
from localnode.dtl.namespaces import name_pattern, qualified, target_name
from localnode.dtl.paths import exact_name, layout_of, selector
from localnode.dtl.patterns import Matcher
from localnode.dtl.registry import shown
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Expr, Scope, Step
from localnode.dtl.values import SHAREABLE, as_list, first, is_string, own, truthy
from localnode.readings import reads

MEMO_SIZE = 10_000
"""How many property names a pattern remembers its answer for."""


@step("add", signature="PROPERTY VALUE")
def add(call: Call) -> Step:
    """Set PROPERTY to VALUE, replacing what it had; a null is set too, but leaves `_id` as it is.

    PROPERTY may be an expression, also one that gives several names: each of them gets the value. `_id` gets
    the identity namespace, if namespaces are on.
    """
    value, finish = call.args[1].run, _finisher(call)
    if (name := _fixed_name(call)) is not None:
        if finish is not own or name == "_id":
            return _adding_checked(name, value, finish)
        return _adding(name, value)
    names = _names(call)

    def run(f: Frame) -> None:
        found = value(f, None)
        for name in names(f):
            _set(f.t, name, finish(found))

    return run


def _set(target: dict[str, object], name: str, value: object) -> None:
    """Set a property; a null leaves `_id` as it is."""
    if value is not None or name != "_id":
        target[name] = value


def _adding(name: str, value: Callable[[Frame, object], object]) -> Step:
    def run(f: Frame) -> None:
        found = value(f, None)
        f.t[name] = found if type(found) in SHAREABLE else own(found)

    def run_unshared(f: Frame) -> None:
        f.t[name] = value(f, None)

    # A name that begins with "_" never leaves the pipe, and what is made of its value elsewhere is a copy.
    # Not copying here saves a tenth of a pipe that looks up large entities.
    return run_unshared if name.startswith("_") else run


def _adding_checked(
    name: str, value: Callable[[Frame, object], object], finish: Callable[[object], object]
) -> Step:
    def run(f: Frame) -> None:
        _set(f.t, name, finish(value(f, None)))

    return run


@step("add-if", signature="PROPERTY [CONDITION:each] VALUE")
def add_if(call: Call) -> Step:
    """Like `add`, if CONDITION is truthy with `_` bound to VALUE (as a whole).

    Without CONDITION: if VALUE is not null (`[]` and `[null]` are added).
    """
    condition, value, finish = call.named("CONDITION"), call.named("VALUE").run, _finisher(call)
    test = condition.run if condition else None
    names = _names(call)

    def run(f: Frame) -> None:
        found = value(f, None)
        if (found is not None) if test is None else truthy(test(f, found)):
            for name in names(f):
                _set(f.t, name, finish(found))

    return run


@step("default", signature="PROPERTY VALUE")
def default(call: Call) -> Step:
    """Like `add`, but only if the target does not have the property (a property that is null exists)."""
    value, finish, names = call.args[1].run, _finisher(call), _names(call)

    def run(f: Frame) -> None:
        missing = [name for name in names(f) if name not in f.t]
        if missing:
            found = value(f, None)
            for name in missing:
                _set(f.t, name, finish(found))

    return run


def _finisher(call: Call) -> Callable[[object], object]:
    """Return what is done to a value before it is set: `_id` gets a namespace, everything is copied."""
    settings = call.scope.settings
    if not settings.namespaced_identifiers or not _may_be_id(call.args[0]):
        return own

    prefixes_all = reads("added-id", "prefixed")

    def finish(value: Any) -> object:
        if is_string(value) and (prefixes_all or ":" not in value):
            return qualified(value, settings.identity)
        return own(value)

    return finish


def _may_be_id(name: Expr) -> bool:
    return name.constant and name.value == "_id"


def _fixed_name(call: Call) -> str | None:
    """Return the property that is written to, if the rules spell out a single one."""
    name: Expr = call.args[0]
    if not name.constant:
        return None
    if not is_string(name.value) and not (type(name.value) is list and all(map(is_string, name.value))):
        call.error(0, "PROPERTY must be a name, a list of names or an expression that returns one")
        return None
    return target_name(name.value, call.scope.settings) if type(name.value) is str else None


def _names(call: Call) -> Callable[[Frame], list[str]]:
    """Return the properties that are written to, for each entity."""
    settings = call.scope.settings
    if (fixed := _fixed_name(call)) is not None:
        names = [fixed]
        return lambda f: names
    name = call.args[0].run
    return lambda f: [target_name(str(n), settings) for n in as_list(name(f, None)) if is_string(n)]


@step("copy", signature="INCLUDE [EXCLUDE]")
def copy(call: Call) -> Step:
    """Copy the source's properties that match INCLUDE and do not match EXCLUDE.

    Each a pattern, or a list of them (`*` any characters, `?` one). `*` means all properties, those that
    start with `_` too.
    """
    include, exclude = call.args[0], call.args[1] if len(call.args) == 2 else Expr.of([])
    scope = call.scope
    if not (include.constant and exclude.constant):
        return _copy_late(include, exclude, scope)
    for index, patterns in enumerate(call.args):
        _check_patterns(call, index, patterns)
    if len(call.args) == 1 and (names := _exact_names(include.value, scope)) is not None:
        return _copy_exact(names)
    chosen = _chooser(include.value, exclude.value, scope)
    return _copy_by_layout(chosen) if scope.settings.namespaced_identifiers else _copy_matching(chosen)


def _check_patterns(call: Call, index: int, patterns: Expr) -> None:
    if patterns.constant and not (patterns.value and all(map(is_string, as_list(patterns.value)))):
        call.error(index, 'a pattern must be a string, or a list of strings such as ["list", "a*", "b"]')


def _exact_names(patterns: object, scope: Scope) -> list[str] | None:
    names = [exact_name(pattern, scope.settings) for pattern in as_list(patterns) if is_string(pattern)]
    exact = [name for name in names if name is not None and "*" not in name and "?" not in name]
    return list(dict.fromkeys(exact)) if len(exact) == len(names) else None


def _copy_exact(names: list[str]) -> Step:
    def run(f: Frame) -> None:
        source, target = f.s, f.t
        if type(source) is dict:
            for name in names:
                if name in source:
                    value = source[name]
                    target[name] = value if type(value) in SHAREABLE else own(value)

    return run


def _copy_by_layout(chosen: Matcher) -> Step:
    def run(f: Frame) -> None:
        source, target = f.s, f.t
        if type(source) is not dict:
            return
        layout = f.layout or f.source_layout()
        names = layout.chosen.get(chosen)
        if names is None:
            names = layout.chosen[chosen] = [name for name in source if chosen(name)]
        for name in names:
            value = source[name]
            target[name] = value if type(value) in SHAREABLE else own(value)

    return run


def _copy_matching(chosen: Matcher) -> Step:
    def run(f: Frame) -> None:
        target = f.t
        if type(f.s) is dict:
            for name, value in f.s.items():
                if chosen(name):
                    target[name] = value if type(value) in SHAREABLE else own(value)

    return run


def _copy_late(include: Expr, exclude: Expr, scope: Scope) -> Step:
    def run(f: Frame) -> None:
        _copy_matching(_chooser(include.run(f, None), exclude.run(f, None), scope))(f)

    return run


def _chooser(include: object, exclude: object, scope: Scope) -> Matcher:
    """Return whether a name matches one pattern of `include` and none of `exclude`.

    Answers are remembered.
    """
    wanted = [name_pattern(pattern, scope.settings) for pattern in as_list(include) if is_string(pattern)]
    unwanted = [name_pattern(pattern, scope.settings) for pattern in as_list(exclude) if is_string(pattern)]
    memo: dict[str, bool] = {}

    def chosen(name: str) -> bool:
        answer = memo.get(name)
        if answer is None:
            answer = any(match(name) for match in wanted) and not any(match(name) for match in unwanted)
            if len(memo) < MEMO_SIZE:
                memo[name] = answer
        return answer

    everything = as_list(include) == ["*"] and not unwanted
    if everything and reads("copy-internal", "few"):
        return lambda name: name[:1] != "_" or name in ("_id", "_deleted")
    return (lambda name: True) if everything else chosen


@step("remove", signature="PATTERN")
def remove(call: Call) -> Step:
    """Remove the target's properties that match PATTERN, or one of a list of them.

    `_id` is only removed by its full name, since no target can do without it.
    """
    pattern, scope = call.args[0], call.scope
    _check_patterns(call, 0, pattern)
    fixed = _chooser(pattern.value, [], scope) if pattern.constant else None
    keeps_id = not (pattern.constant and "_id" in as_list(pattern.value))

    def run(f: Frame) -> None:
        chosen = _chooser(pattern.run(f, None), [], scope)
        for name in [name for name in f.t if chosen(name)]:
            if name != "_id":
                del f.t[name]

    return run if fixed is None else _removing(fixed, keeps_id)


def _removing(chosen: Matcher, keeps_id: bool) -> Step:
    """Return the removal of what a fixed pattern names; for properties of the same names it chooses once."""

    def run(f: Frame) -> None:
        target = f.t
        layout = layout_of(target)
        names = layout.chosen.get(run)
        if names is None:
            names = [name for name in target if chosen(name) and not (keeps_id and name == "_id")]
            layout.chosen[run] = names
        for name in names:
            del target[name]

    return run


@step("rename", signature="FROM TO")
def rename(call: Call) -> Step:
    """Set the target's property TO to the value of the source's property FROM (nulls too).

    Nothing if the source does not have it. With namespaces on and no namespace in TO, each property keeps its
    own; otherwise all values that FROM finds go to TO, as a list if there are several.
    """
    return _transfer(
        call, call.args[0], call.args[1], lambda f: own, sets_missing=reads("missing-source", "null")
    )


@step("make-ni", signature="NAMESPACE FROM [TO]")
def make_ni(call: Call) -> Step:
    """Make NIs in NAMESPACE of the source's property FROM, and set the target's property TO to them.

    TO is FROM with `-ni` behind by default. Strings and integers become NIs, a list a sorted one; other
    values are left out, and nothing is set if none is left. Namespaces of properties as with `rename`.

    The vendor's page says that values other than strings are ignored; hosted nodes were recorded making NIs
    of integers.
    """
    namespace, source = call.args[0].run, call.args[1]
    to = call.args[2] if len(call.args) == 3 else _suffixed(source)

    def maker(f: Frame) -> Callable[[object], object]:
        name = first(namespace(f, None))

        def made(value: object) -> object:
            found = in_namespace_of(name, _written(value))
            return sorted(found) if type(found) is list and reads("make-ni-order", "sorted") else found

        return made

    return _transfer(call, source, to, maker, skip_empty=True)


def _written(value: object) -> object:
    """Return a value, or each of a list, with integers as their digits."""
    if type(value) is list:
        return [_written(item) for item in value]
    return str(value) if type(value) is int else value


def _suffixed(name: Expr) -> Expr:
    if name.constant:
        return Expr.of(f"{name.value}-ni")
    return Expr(lambda f, v: f"{found}-ni" if is_string(found := name.run(f, v)) else None)


def _transfer(
    call: Call,
    source: Expr,
    target: Expr,
    converter: Callable[[Frame], Callable[[object], object]],
    skip_empty: bool = False,
    sets_missing: bool = False,
) -> Step:
    """Take what a name finds in the source to the target under another name.

    `skip_empty`: but for null and `[]`; `sets_missing`: a null, where it finds nothing.
    """
    for index, name in enumerate(call.args):
        if name.constant and not is_string(name.value):
            call.error(index, f"{call.parameters[index].name} must be a string, not {shown(name.value)}")
    scope = call.scope
    fixed = _route(source.value, target.value, scope) if source.constant and target.constant else None

    def run(f: Frame) -> None:
        if type(f.s) is not dict:
            return
        route = fixed or _route(source.run(f, None), target.run(f, None), scope)
        convert = converter(f)
        found = route(f)
        if not found and sets_missing and is_string(name := first(target.run(f, None))):
            f.t[target_name(name, scope.settings)] = None
        for name, value in found:
            converted = convert(value)
            if not skip_empty or (converted is not None and converted != []):
                f.t[name] = converted

    return run


Route = Callable[[Frame], list[tuple[str, Any]]]


def _route(source: Any, target: Any, scope: Scope) -> Route:
    """Return which properties of a source go to which names of the target."""
    source, target, settings = first(source), first(target), scope.settings
    if not is_string(source) or not is_string(target):
        return lambda f: []
    if not settings.namespaced_identifiers:
        return lambda f: [(target, f.s[source])] if source in f.s else []
    select = selector(source, settings)
    if ":" in target or target[:1] in ("_", "$"):
        name = target_name(target, settings)
        return lambda f: _collected(name, select(f.s))
    return _keeping_namespaces(source, target, scope)


def _collected(name: str, hits: list[object]) -> list[tuple[str, object]]:
    if len(hits) < 2:
        return [(name, hit) for hit in hits]
    return [(name, [item for hit in hits for item in (hit if type(hit) is list else [hit])])]


def _keeping_namespaces(source: str, target: str, scope: Scope) -> Route:
    exact = exact_name(source, scope.settings)
    if exact is not None:
        renamed = _in_same_namespace(exact, target)
        return lambda f: [(renamed, f.s[exact])] if exact in f.s else []

    def route(f: Frame) -> list[tuple[str, object]]:
        layout = f.layout or f.source_layout()
        name = layout.single.get(source)
        names = layout.several.get(source, ()) if name is None else (name,)
        return [(_in_same_namespace(name, target), f.s[name]) for name in names]

    return route


@lru_cache(maxsize=MEMO_SIZE)
def _in_same_namespace(name: str, identifier: str) -> str:
    return f"{''.join(name.rpartition(':')[:2])}{identifier}"


@step("merge", signature="VALUES")
def merge(call: Call) -> Step:
    """Copy all properties of each dict in VALUES to the target, later ones over earlier ones.

    Other values are left out, and so are their properties that start with `_`.
    """
    values = call.args[0].run

    def run(f: Frame) -> None:
        target = f.t
        for item in as_list(values(f, None)):
            if type(item) is dict:
                for name, value in list(item.items()):
                    if name[:1] != "_":
                        target[name] = own(value)

    return run


@step("merge-union", signature="VALUES")
def merge_union(call: Call) -> Step:
    """As `merge`, but values of a property that exists already are added to what it has.

    It is then a list in which equal values are there once.
    """
    values = call.args[0].run

    def run(f: Frame) -> None:
        target = f.t
        for item in as_list(values(f, None)):
            if type(item) is dict:
                for name, value in list(item.items()):
                    if name[:1] != "_":
                        _collect(target, name, own(value))

    return run


def _collect(target: dict[str, object], name: str, value: object) -> None:
    dropped = reads("union-null", "dropped")
    if name not in target or (dropped and target[name] is None):
        target[name] = value
        return
    if dropped and value is None:
        return
    present = target[name]
    target[name] = distinct_by(
        [
            *(present if type(present) is list else [present]),
            *(value if type(value) is list else [value]),
        ],
        lambda item: item,
    )
