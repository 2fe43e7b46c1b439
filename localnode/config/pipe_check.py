"""Checks of one pipe by itself.

Its own properties, its components by their schemas, its DTL rules by compiling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.suggestions import did_you_mean
from localnode.config.effective import transforms
from localnode.config.problems import ERROR, Problem
from localnode.config.schema_check import check
from localnode.config.schemas import PIPE, PUMP
from localnode.dtl import DtlCompileError, PipeSettings, compile_dtl
from localnode.pipes import registry
from localnode.scheduler.schedule import BadCron, cron

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Checked:
    """Findings about a pipe, and the datasets its rules hop to."""

    problems: list[Problem]
    tracked: frozenset[str] = frozenset()
    untracked: frozenset[str] = frozenset()


def check_pipe(resolved: Mapping[str, Any], settings: PipeSettings) -> Checked:
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
        if not found and link.get("type") == "dtl":
            problems += _rules(link, path, settings, tracked, every)
    return Checked(problems, frozenset(tracked), frozenset(every - tracked))


def _component(kind: str, config: Any, path: Path) -> list[Problem]:
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


def _pump(pump: Any) -> list[Problem]:
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
