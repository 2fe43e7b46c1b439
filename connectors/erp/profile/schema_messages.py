"""What is wrong with a profile by its schema, in words that say what to do, and where exactly.

A value is never repeated: it might be a secret that stands in the wrong place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jsonschema.exceptions import ValidationError

from connectors.common.jsonio import pointer, type_name
from core.suggestions import advice

_SECRETS = "/connection/rest/auth/"
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
}


def schema_message(errors: Iterable[ValidationError]) -> tuple[str, str] | None:
    """JSON Pointer and advice of the error that is deepest in the document; None if there is none."""
    found = sorted(errors, key=lambda error: len(error.absolute_path), reverse=True)
    if not found:
        return None
    error = _innermost(found[0])
    where = pointer(error.absolute_path)
    if error.validator == "additionalProperties":
        name = next(name for name in error.instance if name not in error.schema.get("properties", {}))
        instead = advice(name, list(error.schema.get("properties", {})))
        return f"{where}{pointer([name])}", f"there is no such key as {name}; {instead}"
    return where or "/", _advice(where, error)


def _advice(where: str, error: ValidationError) -> str:
    wanted: Any = error.validator_value
    if where.startswith(_SECRETS) and error.validator in ("pattern", "type") and "url" not in where:
        return "secrets are never written into a profile; put it in the environment and write ${NAME} here"
    match error.validator:
        case "required":
            return f"{next(name for name in wanted if name not in error.instance)} is missing"
        case "type":
            return f"must be {wanted}, not {type_name(error.instance)}"
        case "enum":
            return f"must be one of {', '.join(map(str, wanted))}"
        case "const":
            return f"must be {wanted}"
        case "not":
            return "${NAME} is allowed for base_url, token_url and secrets, and only as the whole value"
        case "minLength" | "minItems" | "minProperties":
            if wanted == 1:
                return "must not be empty"
            more = [name for name in error.schema.get("properties", {}) if name not in error.instance]
            return f"needs one of {', '.join(more)} as well"
        case "oneOf" | "anyOf":
            return _alternatives(error)
        case "pattern":
            return f"is not of the form that is wanted: {error.schema.get('description', wanted)}"
        case "dependentRequired":
            return next(
                f"{name} needs {', '.join(also)}"
                for name, also in wanted.items()
                if name in error.instance and not set(also) <= error.instance.keys()
            )
        case bound if bound in _BOUNDS:
            return f"must be {_BOUNDS[bound]} {wanted}"
    return f"breaks the rule {error.validator}: {error.schema.get('description', '')}"


def _alternatives(error: ValidationError) -> str:
    kinds = sorted(set(_choices(error.validator_value)))
    if kinds:
        return f"type or strategy must be one of {', '.join(kinds)}"
    needed = [name for one in error.validator_value for name in one.get("required", ())]
    if needed:
        return f"needs {' or '.join(needed)}, and only one of them"
    return f"is of no allowed form: {error.schema.get('description', 'see the reference of profiles')}"


def _choices(alternatives: list[dict[str, Any]]) -> Iterator[str]:
    for alternative in alternatives:
        for name in ("type", "strategy"):
            choice = alternative.get("properties", {}).get(name, {})
            yield from choice.get("enum", [choice["const"]] if "const" in choice else [])


def _innermost(error: ValidationError) -> ValidationError:
    """Of several alternatives, the one that the profile's own `type` or `strategy` chose, and what it
    breaks.
    """
    if error.validator not in ("oneOf", "anyOf") or not error.context:
        return error
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    chosen = [found for found in branches.values() if not any(_is_choice(error, inner) for inner in found)]
    if len(chosen) > 1:
        whole = [found for found in chosen if all(inner.validator != "required" for inner in found)]
        chosen = whole or chosen
    if len(chosen) == 1:
        return _innermost(chosen[0][0])
    deepest = max(error.context, key=lambda inner: len(inner.absolute_path))
    return _innermost(deepest) if len(deepest.absolute_path) > len(error.absolute_path) + 1 else error


def _is_choice(outer: ValidationError, inner: ValidationError) -> bool:
    """Whether an alternative failed because it is another one than was asked for."""
    place = list(inner.absolute_path)[len(outer.absolute_path) :]
    named = outer.validator == "oneOf" and place in (["type"], ["strategy"])
    return named or (not place and inner.validator == "type")
