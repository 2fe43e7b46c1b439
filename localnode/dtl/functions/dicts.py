"""Dictionaries and paths."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from core.suggestions import did_you_mean
from localnode.dtl.api import NAMESPACE
from localnode.dtl.budget import spend_items, spend_results
from localnode.dtl.decorators import broadcast, fold_constant, mapped, plain, special
from localnode.dtl.functions.strings import string as key_text
from localnode.dtl.kinds import INVALID
from localnode.dtl.namespaces import Namespacing, add_namespaces, strip_namespaces
from localnode.dtl.paths import path_reader
from localnode.dtl.registry import shown
from localnode.dtl.runtime import Frame, Rule
from localnode.dtl.scope import Call, Expr
from localnode.dtl.values import as_list, first, is_string
from localnode.readings import reads

KEPT_READERS = 256
"""Readers of computed paths that one call keeps."""


@special("dict", signature="[ITEMS] | (KEY VALUE)+")
def dict_(call: Call) -> Expr:
    """Return a dict: empty, or of a list of `[key, value]` lists, or of alternating keys and values.

    The last of equal keys wins; keys that are not strings, and ITEMS that are not pairs, are left out.
    """
    if len(call.args) < 2:
        items = call.args[0].run if call.args else lambda f, v: []
        return fold_constant(lambda f, v: _of_pairs(as_list(items(f, v))), call.args)
    pairs = [(call.args[i].run, call.args[i + 1].run) for i in range(0, len(call.args), 2)]
    return fold_constant(
        lambda f, v: _of_pairs([[key(f, v), value(f, v)] for key, value in pairs]), call.args
    )


def _of_pairs(items: list[object]) -> dict[str, object]:
    spend_items(2 * len(items))
    pairs = (item for item in items if type(item) is list and len(item) == 2)
    if reads("dict-keys", "text"):
        named = ((None if key is None else key_text(key), value) for key, value in pairs)
        return {str(key): value for key, value in named if is_string(key)}
    return {str(key): value for key, value in pairs if is_string(key)}


@plain("has-key", signature="KEY:string VALUES")
def has_key(key: str, values: object) -> bool | None:
    """Return whether the dict, or the first of a list, has the property KEY; null if it is not a dict."""
    value = first(values)
    return key in value if type(value) is dict else None


@plain("is-dict", signature="VALUES")
def is_dict(values: object) -> bool:
    """Return True if the value, or the first of a list, is a dict. Entities are dicts."""
    return type(first(values)) is dict


def _dicts(values: object) -> list[dict[str, object]]:
    """Return the dicts among the values; what is made of their entries is counted."""
    dicts = [item for item in as_list(values) if type(item) is dict]
    for item in dicts:
        spend_results(2 * len(item))
    return dicts


@plain("items", signature="VALUES")
def items(values: object) -> object:
    """Return a list of `[key, value]` for all dicts in order; other values are left out."""
    return _of_one_entry(values, pairs_of(values))


def pairs_of(values: object) -> list[list[object]]:
    """Return a list of `[key, value]` for all dicts in order; other values are left out."""
    return [[key, value] for item in _dicts(values) for key, value in item.items()]


@plain("key-values", signature="VALUES")
def key_values(values: object) -> object:
    """Return a list of `{"key": …, "value": …}` for all dicts in order.

    A lone dict with one entry gives a lone dict. Other values are left out.
    """
    pairs = [{"key": key, "value": value} for item in _dicts(values) for key, value in item.items()]
    lone = type(values) is dict or reads("one-pair", "lone")
    return pairs[0] if lone and len(pairs) == 1 else pairs


@plain("keys", signature="VALUES")
def keys(values: object) -> object:
    """Return a list of all keys of all dicts in order, duplicates kept; other values are left out."""
    return _of_one_entry(values, [key for item in _dicts(values) for key in item])


@plain("values", signature="VALUES")
def values_(values: object) -> object:
    """Return a list of all values of all dicts in order; other values are left out."""
    return _of_one_entry(values, [value for item in _dicts(values) for value in item.values()])


def _of_one_entry(values: object, found: list[Any]) -> object:
    """Return what was found in dicts; of a lone dict with one entry it may be what is in the list."""
    lone = type(values) is dict and len(found) == 1 and reads("one-entry", "lone")
    return found[0] if lone else found


@special("path", signature="PROPERTIES VALUES")
def path(call: Call) -> Expr:
    """Return what is found in VALUES by following PROPERTIES, one name or a list of names.

    Other values are ignored.

    Elements of lists on the way are all visited and lists that are found are spliced in, giving a list; from
    one dict without lists the bare value. Null if nothing is found. Names are taken literally, with
    namespaces as in paths.
    """
    settings = call.scope.settings
    names, values = call.args

    @lru_cache(maxsize=KEPT_READERS)
    def reader(elements: tuple[str, ...]) -> Callable[[object], object]:
        return path_reader(elements, settings)

    def elements_of(value: object) -> tuple[str, ...]:
        return tuple(str(name) for name in as_list(value) if is_string(name))

    source = values.run
    if names.constant:
        read = reader(elements_of(names.value))
        return fold_constant(lambda f, v: read(source(f, v)), call.args)
    wanted = names.run
    known: dict[Any, Callable[[Any], Any]] = {}
    namespaced = settings.namespaced_identifiers

    def run(f: Frame, v: object) -> object:
        name, value = wanted(f, v), source(f, v)
        if type(name) is str and name[:1] != "~":
            if type(value) is dict and not namespaced:
                return value.get(name)
            found: Any = name
        elif type(name) is list and all(type(one) is str and one[:1] != "~" for one in name):
            found = tuple(name)
        else:
            return reader(elements_of(name))(value)
        read = known.get(found)
        if read is None:
            if len(known) >= KEPT_READERS:
                known.clear()
            read = known[found] = path_reader(elements_of(name), settings)
        return read(value)

    return Expr(run)


@special("apply", signature="RULE:rule VALUES", pure=False)
def apply(call: Call) -> Expr:
    """Run RULE on the value, or on each value of a list, with `_S` bound to it and an empty target.

    The result is the target. Values whose rule ended in `filter` or `discard` are dropped. `_P` is the
    context of the call, `_R` that of the default rule. A RULE that hops has to be called with `apply-hops`.
    """
    name, values = call.args
    rule = named_rule(call, name)
    if rule is None:
        return Expr.of(None)
    call.scope.compilation.applied.append((call.path, name))
    source, run_rule = values.run, rule.apply

    def run(f: Frame, v: object) -> object:
        def one(value: object) -> object:
            spend_items(0)
            frame = f.applied(value)
            return frame.t if run_rule(frame) is None else INVALID

        value = source(f, v)
        if value is None and reads("applied-null", "yes"):
            result = one(None)
            return None if result is INVALID else result
        return broadcast(one, value)

    return Expr(run)


def named_rule(call: Call, name: object) -> Rule | None:
    """Return the rule that the first argument of a call names.

    None, with the problem noted, if there is none.
    """
    rules = call.scope.compilation.rules
    rule = rules.get(name) if isinstance(name, str) else None
    if rule is None and isinstance(name, str):
        known = ", ".join(rules)
        call.error(0, f"there is no rule {shown(name)}{did_you_mean(name, rules)}; rules: {known}")
    return rule


@special("apply-ns", signature="NAMESPACE VALUES", reads=[NAMESPACE])
def apply_ns(call: Call) -> Expr:
    """Map-style over dicts.

    Add namespaces to property names and to `_id`, as `add_namespaces` of a pipe does.

    NAMESPACE is a string (for both), or a dict with `property_namespace` and `identity_namespace` (default:
    those of the pipe; null: none), `skip_underscore`, `skip_dollar` and `recursive` (default true). Names
    that have another namespace get this one in front. Other values stay unchanged.
    """
    settings = call.scope.settings
    config, values = call.args[0].run, call.args[1].run

    def run(f: Frame, v: object) -> object:
        how = Namespacing.of(first(config(f, v)), settings)
        return None if how is None else broadcast(lambda value: add_namespaces(value, how), values(f, v))

    return fold_constant(run, call.args)


@mapped("strip-ns")
def strip_ns(value: object) -> object:
    """Map-style over dicts: remove namespaces from property names, in nested dicts too.

    Values stay as they are.
    """
    return strip_namespaces(value)
