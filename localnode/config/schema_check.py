"""Check a config value with a JSON Schema and say in plain words what is wrong, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema

from core.suggestions import did_you_mean
from localnode.config.problems import ERROR, Problem

MAX_SHOWN = 60


def check(
    value: Any, schema: dict[str, Any], path: tuple[str | int, ...], level: str = ERROR
) -> list[Problem]:
    """Findings about `value`, which stands at `path` of its component. Unknown properties get `level`."""
    found: list[Problem] = []
    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        found.extend(_problems(error, path, level))
    return list(dict.fromkeys(found))


def _problems(
    error: jsonschema.ValidationError, path: tuple[str | int, ...], level: str
) -> Iterator[Problem]:
    place = (*path, *error.absolute_path)
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = error.schema.get("properties", {})
        for name in error.instance:
            if name not in known:
                yield Problem((*place, name), f'unknown property "{name}"{did_you_mean(name, known)}', level)
    elif error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        yield Problem(place, f"missing the required property {_quoted(missing)}")
    elif error.validator in ("anyOf", "oneOf") and error.context:
        yield from _problems(min(error.context, key=lambda each: len(each.absolute_path)), path, level)
    else:
        yield Problem(place, _sentence(error))


def _sentence(error: jsonschema.ValidationError) -> str:
    expected = error.validator_value
    if error.validator == "type":
        kinds = expected if isinstance(expected, list) else [expected]
        return f"must be {' or '.join(kinds)}, not {_shown(error.instance)}"
    if error.validator in ("enum", "const"):
        values = expected if error.validator == "enum" else [expected]
        return f"must be one of {_quoted(values)}, not {_shown(error.instance)}"
    return error.message


def _quoted(values: list[Any]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
