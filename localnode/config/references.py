"""Checks that need the whole configuration: systems and datasets that pipes name, datasets written twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from core.suggestions import did_you_mean
from localnode.config.effective import Path, transforms
from localnode.config.model import NodeConfig, PipeComponent
from localnode.config.problems import WARNING, Problem


def cross_check(config: NodeConfig) -> NodeConfig:
    """`config` with the findings about references added to its pipes."""
    writers = _writers(config)
    pipes = {}
    for pipe_id, pipe in config.pipes.items():
        found = [*_systems(pipe, config), *_datasets(pipe, set(writers)), *_second_writer(pipe, writers)]
        pipes[pipe_id] = replace(pipe, problems=(*pipe.problems, *found)) if found else pipe
    return replace(config, pipes=pipes)


def _writers(config: NodeConfig) -> dict[str, list[str]]:
    """Dataset → ids of the pipes that write it, dead-letter datasets included."""
    writers: dict[str, list[str]] = defaultdict(list)
    for pipe in config.pipes.values():
        dead_letters = (pipe.effective.get("pump") or {}).get("dead_letter_dataset")
        for dataset in (pipe.sink_dataset, dead_letters):
            if isinstance(dataset, str):
                writers[dataset].append(pipe.id)
    return writers


def _systems(pipe: PipeComponent, config: NodeConfig) -> Iterator[Problem]:
    parts: list[tuple[Path, Any]] = [((name,), pipe.effective.get(name)) for name in ("source", "sink")]
    for path, part in [*parts, *transforms(pipe.effective)]:
        if not isinstance(part, dict) or part.get("type") == "embedded":
            continue
        name = part.get("system")
        if not isinstance(name, str):
            continue
        place = (*path, "system")
        if name not in config.systems:
            yield Problem(place, f'unknown system "{name}"{did_you_mean(name, config.systems)}')
        elif part.get("type") == "rest" and config.systems[name].effective.get("type") != "system:rest":
            yield Problem(place, f'"{name}" is not a system:rest, which a rest {path[0]} needs')
        elif part.get("type") == "rest" and "trigger_on" in part:
            yield from _operation(part, path, name, config)


def _operation(part: dict[str, object], path: Path, system: str, config: NodeConfig) -> Iterator[Problem]:
    """Yield a warning for an operation that there is not; a transform for some entities only fails those."""
    operation = part.get("operation")
    shared, own = config.systems[system].effective.get("operations"), part.get("operations")
    known = {*(shared if isinstance(shared, dict) else ()), *(own if isinstance(own, dict) else ())}
    if isinstance(operation, str) and operation not in known:
        msg = f'system "{system}" has no operation "{operation}"{did_you_mean(operation, known)}'
        yield Problem((*path, "operation"), f"{msg}: what asks for it fails", WARNING)


def _datasets(pipe: PipeComponent, produced: set[str]) -> Iterator[Problem]:
    for name in pipe.sources:
        if name not in produced and not name.startswith("system:"):
            yield Problem(("source",), _unproduced("reads", name, produced), WARNING)
    for name in sorted(pipe.tracked | pipe.untracked):
        if name not in produced and not name.startswith("system:"):
            yield Problem(("transform",), _unproduced("hops to", name, produced), WARNING)


def _unproduced(verb: str, name: str, produced: set[str]) -> str:
    return f'{verb} the dataset "{name}", which no pipe writes{did_you_mean(name, produced)}'


def _second_writer(pipe: PipeComponent, writers: dict[str, list[str]]) -> Iterator[Problem]:
    dataset = pipe.sink_dataset
    others = [other for other in writers.get(dataset or "", ()) if other != pipe.id]
    if others:
        yield Problem(("sink", "dataset"), f'the dataset "{dataset}" is written by {", ".join(others)} too')
