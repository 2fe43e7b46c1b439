"""Hold the pipes of a node: built from a configuration, and kept while nothing about them changes."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from localnode import codec
from localnode.config import NodeConfig, NodeSettings, PipeComponent, Problem, SettingsStore
from localnode.node.engine import obstacle, systems_of
from localnode.node.pipe import NodePipe
from localnode.pipes import ConfigProblem, Engine, Pipe
from localnode.scheduler import Scheduler, is_signalled
from localnode.store import LOG_PREFIX, Store

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConfigPlan:
    """A configuration whose pipes are built but not yet in use.

    `config` includes the findings from building. Unchanged pipes are `kept` and not built.
    """

    config: NodeConfig
    engine: Engine
    built: Mapping[str, Pipe]
    kept: frozenset[str]
    signatures: Mapping[str, str]


class NodePipes:
    """All pipes by id. The node's lock is held during every call that changes something."""

    def __init__(
        self, store: Store, uploaded: SettingsStore, scheduler: Scheduler, settings: NodeSettings
    ) -> None:
        self.by_id: dict[str, NodePipe] = {}
        self._store, self._uploaded, self._scheduler = store, uploaded, scheduler
        self._settings = settings
        self._signatures: Mapping[str, str] = {}

    def forget_signatures(self) -> None:
        """Build every pipe again with the next plan."""
        self._signatures = {}

    def plan(self, config: NodeConfig, engine: Engine) -> ConfigPlan:
        """Build new and changed pipes; nothing in use is changed."""
        pipes: dict[str, PipeComponent] = dict(config.pipes)
        built: dict[str, Pipe] = {}
        signatures = {pipe_id: _signature(component, config) for pipe_id, component in pipes.items()}
        kept = frozenset(pipe_id for pipe_id in pipes if self._is_unchanged(pipes[pipe_id], signatures))
        for pipe_id, component in config.pipes.items():
            if pipe_id not in kept and component.valid and _is_complete(component):
                try:
                    built[pipe_id] = Pipe(component.defined, engine)
                except Exception as error:
                    if not component.undefined:
                        found = _finding(pipe_id, error)
                        pipes[pipe_id] = replace(component, problems=(*component.problems, found))
        return ConfigPlan(replace(config, pipes=pipes), engine, built, kept, signatures)

    def _is_unchanged(self, component: PipeComponent, signatures: Mapping[str, str]) -> bool:
        old = self.by_id.get(component.id)
        same = self._signatures.get(component.id) == signatures[component.id]
        return old is not None and same and old.component.valid == component.valid

    def stop_changed(self, plan: ConfigPlan) -> None:
        """End the runs of pipes that a plan changes or drops. Conflict if one does not end in time."""
        changed = [pipe for pipe_id, pipe in self.by_id.items() if pipe_id not in plan.kept]
        for pipe in changed:
            pipe.pump.cancel.set()
        for pipe in changed:
            pipe.stop()

    def apply(self, plan: ConfigPlan, save: Callable[[], None] | None) -> None:
        """Use a plan, after `stop_changed`, and `save` it.

        Datasets without a writer are deleted with their pipes, last of all.
        """
        pipes: dict[str, NodePipe] = {}
        for pipe_id, component in plan.config.pipes.items():
            if pipe_id in plan.kept:
                pipes[pipe_id] = self.by_id[pipe_id]
                continue
            blocked = obstacle(component, plan.config, self._settings, self._uploaded)
            engine_pipe = plan.built.get(pipe_id)
            pipes[pipe_id] = NodePipe(
                component, engine_pipe, plan.engine, self._uploaded, self._scheduler, blocked
            )
        readers = _readers(plan.config)
        for engine_pipe in plan.built.values():
            engine_pipe.on_load()
        self._make_logs(pipes)
        before, self.by_id, self._signatures = self.by_id, pipes, plan.signatures
        for pipe_id in plan.kept:
            pipes[pipe_id].component = plan.config.pipes[pipe_id]
        self._scheduler.configure({name: pipe.pump for name, pipe in pipes.items()}, readers)
        if save is not None:
            save()
        self._drop_gone(before)

    def _make_logs(self, pipes: Mapping[str, NodePipe]) -> None:
        """Give every pipe the dataset of its execution log from the start, so that others can read it."""
        missing = [pipe_id for pipe_id in pipes if self._store.find(LOG_PREFIX + pipe_id) is None]
        with self._store.transaction():
            for pipe_id in missing:
                self._store.dataset(LOG_PREFIX + pipe_id, create=True).set_populated()

    def _drop_gone(self, before: Mapping[str, NodePipe]) -> None:
        written = {pipe.component.sink_dataset for pipe in self.by_id.values()}
        for pipe_id, old in before.items():
            dataset = old.component.sink_dataset
            if pipe_id not in self.by_id:
                self._store.pipe_state(pipe_id).drop()
                self._delete(LOG_PREFIX + pipe_id)
            if dataset is not None and dataset not in written:
                self._delete(dataset)

    def _delete(self, dataset_id: str) -> bool:
        if self._store.find(dataset_id) is None:
            return False
        self._store.delete_dataset(dataset_id)
        return True

    def reset(self, delete_input: bool) -> list[str]:
        """Reset all pumps and delete the sink datasets; those of receivers only with `delete_input`."""
        deleted = []
        valid = [pipe for pipe in self.by_id.values() if pipe.engine_pipe is not None]
        for pipe in valid:
            if pipe.engine_pipe is None or (pipe.engine_pipe.is_receiver and not delete_input):
                continue
            with pipe.pump.standing_still():
                pipe.engine_pipe.reset()
            dataset = pipe.component.sink_dataset
            if dataset is not None and self._delete(dataset):
                deleted.append(dataset)
        self._load_all()
        return deleted

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete a dataset; the pipe that writes it starts over."""
        self._delete(dataset_id)
        for pipe in self.by_id.values():
            if pipe.component.sink_dataset == dataset_id and pipe.engine_pipe is not None:
                pipe.stop()
                with pipe.pump.standing_still():
                    pipe.engine_pipe.reset()
        self._load_all()

    def _load_all(self) -> None:
        for pipe in self.by_id.values():
            if pipe.engine_pipe is not None:
                pipe.engine_pipe.on_load()


def _is_complete(component: PipeComponent) -> bool:
    """Return whether the output of a pipe can be determined.

    Undefined variables may leave open when it runs, and how its sink reaches a system.
    """
    elsewhere = ("pump",) if component.sink_type == "dataset" else ("pump", "sink")
    return all(each.path[0] in elsewhere for each in component.undefined)


def _finding(pipe_id: str, error: Exception) -> Problem:
    """Return why a pipe cannot be built."""
    if isinstance(error, ConfigProblem):
        return Problem(error.path, error.message)
    log.exception("pipe %s: its config passed all checks and cannot be carried out", pipe_id)
    return Problem((), f"this cannot be carried out: {type(error).__name__}: {error}")


def _signature(component: PipeComponent, config: NodeConfig) -> str:
    """Return a value that stays equal as long as a pipe built from the config would be the same."""
    known = [name for name in systems_of(component) if name in config.systems]
    systems = {name: config.systems[name].effective for name in known}
    state = [component.effective, component.valid, component.misses, systems, config.settings]
    return codec.stable_hash(state)


def _readers(config: NodeConfig) -> dict[str, list[str]]:
    """Return dataset → pipes that are due when it changes: pipes that read it or follow it by hops."""
    readers: dict[str, list[str]] = defaultdict(list)
    for pipe in config.pipes.values():
        pump = pipe.original.get("pump")
        given = pump.keys() if isinstance(pump, dict) else ()
        runs = pipe.valid and not pipe.not_runnable and not pipe.undefined
        if runs and is_signalled(pipe.effective, config.settings, given):
            for dataset in {*pipe.sources, *pipe.tracked}:
                readers[dataset].append(pipe.id)
    return readers
