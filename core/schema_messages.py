"""Explain what a JSON Schema finds wrong with a value, so that a person can act on it.

Every text is the second half of a sentence; the first half is the place: "/email is missing".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from jsonschema.exceptions import ValidationError

from core.jsonio import type_name
from core.suggestions import did_you_mean

HINT = "x-hint"
"""A property's own keyword: what to add to the sentence about a broken rule."""

_CHOOSERS = ("type", "strategy")
"""Properties by which a value says which of several alternatives it means to be."""

_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}
_UNITS = {"Length": "characters long", "Items": "items long", "Properties": "properties large"}
_SIZED = re.compile(r"(min|max)(Length|Items|Properties)")


Show = Callable[[Any], str]


class Finding(NamedTuple):
    """One broken rule. `path` leads to the value, or to the property that is missing or not known."""

    path: tuple[str | int, ...]
    rule: str
    text: str
    value: Any = None


def explain(error: ValidationError, show: Show | None = None) -> Iterator[Finding]:
    """Yield the findings of an error: one for each missing or unknown property, otherwise a single one.

    The value is shown only through `show`; without it, only its type, since it may be secret or personal.
    """
    error = innermost(error)
    path, rule = tuple(error.absolute_path), str(error.validator)
    if rule in ("additionalProperties", "unevaluatedProperties") and error.validator_value is False:
        known = error.schema.get("properties", {})
        for name in _unknown(error):
            text = f"is not a known property{did_you_mean(name, known)}"
            yield Finding((*path, name), rule, text, error.instance[name])
    elif rule == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield Finding((*path, name), rule, "is missing")
    else:
        hint = error.schema.get(HINT) if isinstance(error.schema, dict) else None
        text = _text(error, rule, error.validator_value, show)
        yield Finding(path, rule, f"{text}; {hint}" if hint else text, error.instance)


def innermost(error: ValidationError) -> ValidationError:
    """Return the error within the alternative that the value is meant to be, by its `type` or `strategy`.

    Without alternatives, or if none is clear, return the error itself.
    """
    if error.validator not in ("oneOf", "anyOf") or not error.context:
        return error
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    chosen = [found for found in branches.values() if not any(_is_another(error, inner) for inner in found)]
    if len(chosen) > 1:
        whole = [found for found in chosen if all(inner.validator != "required" for inner in found)]
        chosen = whole or chosen
    if len(chosen) == 1:
        return innermost(chosen[0][0])
    deepest = max(error.context, key=lambda inner: len(inner.absolute_path))
    return innermost(deepest) if len(deepest.absolute_path) > len(error.absolute_path) + 1 else error


def _is_another(outer: ValidationError, inner: ValidationError) -> bool:
    """Return whether an alternative failed because the value is meant to be another one."""
    place = list(inner.absolute_path)[len(outer.absolute_path) :]
    named = outer.validator == "oneOf" and place in ([name] for name in _CHOOSERS)
    scalar = inner.validator in ("const", "enum") and isinstance(inner.instance, dict | list)
    return named or (not place and (inner.validator == "type" or scalar))


def _unknown(error: ValidationError) -> Iterator[str]:
    patterns = error.schema.get("patternProperties", {})
    for name in error.instance:
        is_named = name in error.schema.get("properties", {})
        if not is_named and not any(re.search(pattern, name) for pattern in patterns):
            yield name


def _text(error: ValidationError, rule: str, wanted: Any, show: Show | None) -> str:
    value = error.instance
    but = f", not {show(value)}" if show is not None else ""
    match rule:
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            return f"must be {' or '.join(kinds)}{but or f', not {type_name(value)}'}"
        case "enum":
            return f"must be one of {_listed(wanted)}{but}"
        case "const":
            return f"must be {_quoted(wanted)}{but}"
        case "not":
            return str(wanted.get("description", "is not allowed here"))
        case "oneOf" | "anyOf":
            return _alternatives(error)
        case "pattern" | "format":
            return f"must have the form {error.schema.get('description', wanted)}{but}"
        case "dependentRequired":
            return next(
                f"needs {_listed(also)} beside {_quoted(name)}"
                for name, also in wanted.items()
                if name in value and not set(also) <= value.keys()
            )
        case "uniqueItems":
            return "contains the same item twice"
    if rule in _BOUNDS:
        return f"must be {_BOUNDS[rule]} {wanted}{but}"
    if sized := _SIZED.fullmatch(rule):
        return _size(error, sized[1], sized[2], wanted)
    return f"breaks the rule {rule}: {error.schema.get('description', wanted)}"


def _size(error: ValidationError, bound: str, unit: str, wanted: int) -> str:
    if (bound, wanted) == ("min", 1):
        return "must not be empty"
    more = [name for name in error.schema.get("properties", {}) if name not in error.instance]
    if bound == "min" and unit == "Properties" and more:
        return f"needs one of {_listed(more)} as well"
    allowed = f"at least {wanted} are needed" if bound == "min" else f"at most {wanted} are allowed"
    return f"is {len(error.instance)} {_UNITS[unit]}; {allowed}"


def _alternatives(error: ValidationError) -> str:
    kinds = sorted(set(_choices(error.validator_value)))
    if kinds:
        return f"must have as type or strategy one of {_listed(kinds)}"
    needed = sorted({name for one in error.validator_value for name in one.get("required", ())})
    if needed:
        only = ", and only one of them" if error.validator == "oneOf" else ""
        return f"needs one of {_listed(needed)}{only}"
    return f"is of no allowed form: {error.schema.get('description', 'see its reference')}"


def _choices(alternatives: list[Mapping[str, Any]]) -> Iterator[str]:
    for alternative in alternatives:
        for name in _CHOOSERS:
            choice = alternative.get("properties", {}).get(name, {})
            yield from choice.get("enum", [choice["const"]] if "const" in choice else [])


def _listed(values: Any) -> str:
    return ", ".join(map(_quoted, values))


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
