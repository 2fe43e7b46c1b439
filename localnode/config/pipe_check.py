"""Checks of one pipe by itself.

Its own properties, its components by their schemas, its DTL rules by compiling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.jsonio import Json
from core.suggestions import did_you_mean
from localnode.config.effective import transforms
from localnode.config.numbers import with_numbers
from localnode.config.problems import ERROR, WARNING, Problem, has_errors
from localnode.config.schema_check import check
from localnode.config.schemas import PIPE, PUMP
from localnode.dtl import DtlCompileError, PipeSettings, compile_dtl
from localnode.pipes import registry
from localnode.pipes.unavailable import not_available
from localnode.scheduler.schedule import BadCron, cron

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Checked:
    """Findings about a pipe, the datasets its rules hop to, and why it does not run here, if it does not."""

    problems: list[Problem]
    tracked: frozenset[str] = frozenset()
    untracked: frozenset[str] = frozenset()
    not_runnable: str | None = None


def check_pipe(resolved: Mapping[str, object], settings: PipeSettings) -> Checked:
    """Check a pipe as posted, conditions decided and defaults not filled in; `settings` are for its rules."""
    problems = check(resolved, PIPE, ())
    problems += _pump(resolved.get("pump"))
    for kind in (registry.SOURCE, registry.SINK):
        problems += _component(kind, resolved.get(kind), (kind,))
    tracked: set[str] = set()
    every: set[str] = set()
    for path, link in transforms(resolved):
        found = _component(registry.TRANSFORM, link, path)
        problems += found
        if not has_errors(found) and link.get("type") == "dtl":
            problems += _rules(link, path, settings, tracked, every)
    missing = _not_available(resolved)
    problems += [Problem(path, reason, WARNING) for path, reason in missing]
    reason = missing[0][1] if missing else None
    return Checked(problems, frozenset(tracked), frozenset(every - tracked), reason)


def _not_available(resolved: Mapping[str, object]) -> list[tuple[Path, str]]:
    """Return the components that only a hosted node has, each with its place and what is said of it."""
    parts: list[tuple[str, Path, Any]] = [
        (kind, (kind,), resolved.get(kind)) for kind in (registry.SOURCE, registry.SINK)
    ]
    parts += [(registry.TRANSFORM, path, link) for path, link in transforms(resolved)]
    found = []
    for kind, path, part in parts:
        known = registry.find(kind, str(part.get("type"))) if isinstance(part, Mapping) else None
        if known is not None and not known.available:
            found.append(((*path, "type"), not_available(kind, known.type)))
    return found


def pipe_with_numbers(resolved: Json) -> dict[str, object]:
    """Copy a pipe with numbers for decimals such as `"~f0.1"` in settings that are numbers.

    Those of its components count as its own.
    """
    result: dict[str, Any] = with_numbers(
        resolved, {**PIPE, "properties": {**PIPE["properties"], "pump": PUMP}}
    )
    for kind in (registry.SOURCE, registry.SINK):
        if isinstance(result.get(kind), dict):
            result[kind] = _with_numbers(kind, result[kind])
    if isinstance(result.get("transform"), list):
        result["transform"] = [_with_numbers(registry.TRANSFORM, link) for link in result["transform"]]
    elif "transform" in result:
        result["transform"] = _with_numbers(registry.TRANSFORM, result["transform"])
    return result


def _with_numbers(kind: str, part: object) -> object:
    known = registry.find(kind, str(part.get("type"))) if isinstance(part, dict) else None
    if known is None:
        return part
    result: Any = with_numbers(part, known.schema)
    if known.type == "chained" and isinstance(result.get("transforms"), list):
        result["transforms"] = [_with_numbers(kind, link) for link in result["transforms"]]
    return result


def _component(kind: str, config: object, path: Path) -> list[Problem]:
    if not isinstance(config, Mapping):
        return []
    name = config.get("type", "dataset" if kind == registry.SINK else None)
    if name is None:
        return [Problem(path, f'the {kind} has no "type"')]
    known = registry.find(kind, str(name))
    if known is None:
        msg = f'unknown {kind} type "{name}"{did_you_mean(str(name), registry.types(kind))}'
        return [Problem((*path, "type"), msg)]
    return check({"type": name, **config}, known.schema, path)


def _rules(
    link: Mapping[str, Any], path: Path, settings: PipeSettings, tracked: set[str], every: set[str]
) -> Iterable[Problem]:
    """Compile one dtl transform and note the datasets it hops to."""
    rules: Path = (*path, "rules")
    try:
        program = compile_dtl(link["rules"], settings)
    except DtlCompileError as error:
        return [Problem(rules, each.message, each.level, each.path) for each in error.problems]
    tracked |= set(program.tracked_datasets)
    every |= set(program.datasets)
    return [Problem(rules, each.message, each.level, each.path) for each in program.warnings]


def _pump(pump: object) -> list[Problem]:
    if not isinstance(pump, Mapping):
        return []
    problems = check(pump, PUMP, ("pump",))
    for name in ("cron_expression", "rescan_cron_expression"):
        expression = pump.get(name)
        if isinstance(expression, str):
            try:
                cron(expression)
            except BadCron as error:
                problems.append(Problem(("pump", name), str(error), ERROR))
    if "rescan_run_count" in pump and "rescan_cron_expression" in pump:
        msg = '"rescan_run_count" and "rescan_cron_expression" exclude each other'
        problems.append(Problem(("pump", "rescan_run_count"), msg))
    return problems
