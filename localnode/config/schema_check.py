"""Check a config value with a JSON Schema and say in plain words what is wrong, and where."""

from __future__ import annotations

import jsonschema

from core.schema_messages import Finding, explain
from localnode.config.problems import WARNING, Problem

MAX_SHOWN = 60


def check(value: object, schema: dict[str, object], path: tuple[str | int, ...]) -> list[Problem]:
    """Return findings about `value`, which stands at `path` of its component.

    Unknown properties are warnings: hosted nodes take them, and public configs have them.
    """
    errors = jsonschema.Draft202012Validator(schema).iter_errors(value)
    found = [_problem(finding, path) for error in errors for finding in explain(error, _shown)]
    return list(dict.fromkeys(found))


def _problem(finding: Finding, path: tuple[str | int, ...]) -> Problem:
    place = (*path, *finding.path)
    match finding.rule:
        case "additionalProperties":
            return Problem(place, f'"{place[-1]}" {finding.text}', WARNING)
        case "required":
            return Problem(place[:-1], f'"{place[-1]}" {finding.text}')
    return Problem(place, finding.text)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
