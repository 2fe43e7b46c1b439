"""The pipes of a node as a collection: built from a configuration, kept when nothing about them changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from localnode import codec
from localnode.config import NodeConfig, NodeSettings, PipeComponent, Problem, SettingsStore
from localnode.node.engine import obstacle, systems_of
from localnode.node.pipe import NodePipe
from localnode.pipes import ConfigProblem, Engine, Pipe
from localnode.scheduler import Scheduler, is_signalled
from localnode.store import LOG_PREFIX, Store


@dataclass(frozen=True)
class ConfigPlan:
    """A configuration whose pipes are built but not yet in use.

    `config` holds what building found wrong, too.

    Pipes that stay as they are, are not in `built`.
    """

    config: NodeConfig
    engine: Engine
    built: Mapping[str, Pipe]
    signatures: Mapping[str, str]


class NodePipes:
    """All pipes by id. The node's lock is held around every call that changes something."""

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
        """Build the pipes that are new or changed; nothing in use is touched."""
        pipes: dict[str, PipeComponent] = {}
        built: dict[str, Pipe] = {}
        signatures: dict[str, str] = {}
        for pipe_id, component in config.pipes.items():
            signatures[pipe_id] = _signature(component, config)
            unchanged = pipe_id in self.by_id and self._signatures.get(pipe_id) == signatures[pipe_id]
            if component.valid and not unchanged:
                try:
                    built[pipe_id] = Pipe(component.effective, engine)
                except ConfigProblem as error:
                    found = Problem(error.path, error.message)
                    component = replace(component, problems=(*component.problems, found))
            pipes[pipe_id] = component
        return ConfigPlan(replace(config, pipes=pipes), engine, built, signatures)

    def stop_changed(self, plan: ConfigPlan) -> None:
        """End the runs of pipes that a plan changes or drops. Conflict when one has not ended in time."""
        changed = [
            pipe
            for pipe_id, pipe in self.by_id.items()
            if pipe_id in plan.built or pipe_id not in plan.config.pipes
        ]
        for pipe in changed:
            pipe.pump.cancel.set()
        for pipe in changed:
            pipe.stop()

    def apply(self, plan: ConfigPlan) -> None:
        """Take a plan over, after `stop_changed`.

        Datasets that nobody writes any more go with the pipes that did.
        """
        pipes: dict[str, NodePipe] = {}
        for pipe_id, component in plan.config.pipes.items():
            old = self.by_id.get(pipe_id)
            if old is not None and pipe_id not in plan.built and component.valid == old.component.valid:
                old.component = component
                pipes[pipe_id] = old
                continue
            blocked = obstacle(component, plan.config, self._settings, self._uploaded)
            engine_pipe = plan.built.get(pipe_id)
            pipes[pipe_id] = NodePipe(
                component, engine_pipe, plan.engine, self._uploaded, self._scheduler, blocked
            )
        self._drop_gone(pipes)
        self._make_logs(pipes)
        for pipe_id, engine_pipe in plan.built.items():
            if pipe_id in pipes:
                engine_pipe.on_load()
        self.by_id, self._signatures = pipes, plan.signatures
        self._scheduler.configure({name: pipe.pump for name, pipe in pipes.items()}, _readers(plan.config))

    def _make_logs(self, pipes: Mapping[str, NodePipe]) -> None:
        """Give every pipe the dataset of its execution log from the start, so that others can read it."""
        missing = [pipe_id for pipe_id in pipes if self._store.find(LOG_PREFIX + pipe_id) is None]
        with self._store.transaction():
            for pipe_id in missing:
                self._store.dataset(LOG_PREFIX + pipe_id, create=True).set_populated()

    def _drop_gone(self, pipes: Mapping[str, NodePipe]) -> None:
        written = {pipe.component.sink_dataset for pipe in pipes.values()}
        for pipe_id, old in self.by_id.items():
            dataset = old.component.sink_dataset
            if pipe_id not in pipes:
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
                pipe.engine_pipe.reset()
        self._load_all()

    def _load_all(self) -> None:
        for pipe in self.by_id.values():
            if pipe.engine_pipe is not None:
                pipe.engine_pipe.on_load()


def _signature(component: PipeComponent, config: NodeConfig) -> str:
    """Equal as long as a pipe built from the config would be the same."""
    known = [name for name in systems_of(component) if name in config.systems]
    systems = {name: config.systems[name].effective for name in known}
    return codec.stable_hash([component.effective, component.valid, systems, config.settings])


def _readers(config: NodeConfig) -> dict[str, list[str]]:
    """Dataset → pipes that a change of it makes due: those that read it, and those that follow it by hops."""
    readers: dict[str, list[str]] = defaultdict(list)
    for pipe in config.pipes.values():
        pump = pipe.original.get("pump")
        if pipe.valid and is_signalled(
            pipe.effective, config.settings, pump.keys() if isinstance(pump, dict) else ()
        ):
            for dataset in {*pipe.sources, *pipe.tracked}:
                readers[dataset].append(pipe.id)
    return readers
