"""A pipe taken apart.

Everything that is built once from its config and used by its pump, receiver and publisher.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.jsonio import Json
from localnode import codec
from localnode.dtl import PipeSettings
from localnode.pipes import compaction, registry
from localnode.pipes.base import DEFAULT_BATCH, BuildContext, Config, Engine, Sink, Source
from localnode.pipes.chain import Chain
from localnode.pipes.compaction import READING
from localnode.pipes.context import RunContext
from localnode.pipes.execution_log import ExecutionLog
from localnode.pipes.policy import Policy, policy
from localnode.pipes.sources.dataset import DatasetSource
from localnode.pipes.tracking import PREFIX, Tracker
from localnode.store import PipeState, Store
from localnode.store.members import MergeMembers

log = logging.getLogger(__name__)

_CONTENT = (
    "source",
    "transform",
    "sink",
    "namespaced_identifiers",
    "namespaces",
    "add_namespaces",
    "remove_namespaces",
)


@dataclass(frozen=True)
class Parts:
    """See the module. Built by `assemble`."""

    id: str
    config: Config
    engine: Engine
    source: Source
    chain: Chain
    sink: Sink
    state: PipeState
    log: ExecutionLog
    policy: Policy
    batch_size: int
    written_systems: set[str]
    content_hash: str

    @property
    def store(self) -> Store:
        """The node's store."""
        return self.engine.store

    @property
    def tracks(self) -> bool:
        """Whether dependency tracking applies: a dataset source, and a hop that does not switch it off."""
        return isinstance(self.source, DatasetSource) and any(join.track for join in self.chain.hop_joins)

    def tracker(self) -> Tracker:
        """Dependency tracking as of now."""
        return Tracker(self.store, self.state, self.chain.hop_joins if self.tracks else [])

    def context(self, tracking: bool = False, params: Mapping[str, object] | None = None) -> RunContext:
        """Return what the transforms see of the node."""
        names = self.source.input_datasets() if isinstance(self.source, DatasetSource) else []
        source = self.store.find(names[0]) if names else None
        return RunContext(self.engine, source, params, tracking)

    def reset(self) -> None:
        """Start over.

        Offsets, an unfinished full run, dependency records, merge memory and retry queue are dropped.
        """
        with self.store.transaction():
            for key in ("offset", "full", "inputs", "out_of_sync", "sequence", "runs"):
                self.state.put(key, None)
            self.state.forget(PREFIX)
            self.state.forget(READING)
            self.state.drop_probes()
            self.state.drop_retries()
            MergeMembers(self.store, self.id).clear()

    # -- compaction ----------------------------------------------------------------------------------------

    def remember_positions(self, offset: object) -> None:
        """Remember how far the source has read, so that compaction leaves what it has not seen."""
        for name, position in self.source.positions(offset).items():
            dataset, key = self.store.find(name), READING + name
            found = None
            if dataset:
                generation, history = dataset.info().generation, self.source.needs_history
                found = {"generation": generation, "offset": position, "history": history}
            if found != self.state.get(key):
                self.state.put(key, found)

    def compact(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Drop versions as `compaction` says; returns how many. `stop` is asked now and then."""
        setting = compaction.settings(self.config, self.engine)
        compaction.trim_log(self.store, self.state, self.id, setting)
        dataset = self.store.find(self.sink.dataset) if self.sink.dataset else None
        if setting is None or dataset is None:
            return 0
        return compaction.Compaction(self.store, self.state, setting, dataset).run(stop)

    # -- reprocessing --------------------------------------------------------------------------------------

    def _inputs(self) -> Json:
        """Return what must stay the same for the offset to keep its meaning."""
        generations = {}
        for name in (*self.source.input_datasets(), *sorted(self.chain.datasets)):
            dataset = self.store.find(name)
            generations[name] = dataset.info().generation if dataset else None
        return {"generations": generations, "config": self.content_hash}

    def remember_inputs(self) -> None:
        """Note that a run has come to a good end on the present inputs."""
        inputs = self._inputs()
        if inputs != self.state.get("inputs"):
            self.state.put("inputs", inputs)

    def reprocessing_check(self) -> None:
        """Reset the pipe when its inputs are no longer those it has read (`reprocessing_policy: automatic`).

        With `continue` it is only marked as out of sync.
        """
        reason = self._out_of_sync()
        if reason is None:
            return
        if self.config.get("reprocessing_policy") == "automatic":
            log.info("pipe %s is reset: %s", self.id, reason)
            self.reset()
        else:
            self.state.put("out_of_sync", reason)

    def _out_of_sync(self) -> str | None:
        before, now = self.state.get("inputs"), self._inputs()
        if before is None:
            return None
        for name, generation in now["generations"].items():
            if name not in before["generations"]:
                return f'the rules hop to dataset "{name}" now'
            known = before["generations"][name]
            if known is not None and generation != known:
                return f'dataset "{name}" has been deleted or created again'
        rescans = self.config.get(
            "rescan_when_config_changes", self.engine.default("rescan_when_config_changes", False)
        )
        if rescans and before["config"] != now["config"]:
            return "the config has changed"
        return None


def pipe_settings(config: Config, metadata: Config) -> PipeSettings:
    """Return the settings DTL needs, from a pipe's effective config and the metadata entity.

    What is of the wrong type counts as not given: the check of the config tells.
    """
    namespaces, node_namespaces = _object(config.get("namespaces")), _object(metadata.get("namespaces"))
    declared = {**_object(node_namespaces.get("default")), **_object(namespaces.get("default"))}
    identity, prop = namespaces.get("identity"), namespaces.get("property")
    return PipeSettings(
        pipe_id=str(config["_id"]),
        namespaced_identifiers=bool(
            config.get("namespaced_identifiers", metadata.get("namespaced_identifiers", False))
        ),
        identity_namespace=identity if isinstance(identity, str) else None,
        property_namespace=prop if isinstance(prop, str) else None,
        namespaces={name: uri for name, uri in declared.items() if isinstance(uri, str)},
    )


def _written_systems(config: Config, sink: Config, engine: Engine) -> list[Config]:
    """Configs of the systems that the sink, or else the transforms, of a pipe write to."""
    transform = config.get("transform") or []
    links = [*(transform if isinstance(transform, list) else [transform]), sink]
    names = [
        link["system"] for link in links if isinstance(link, Mapping) and isinstance(link.get("system"), str)
    ]
    return [engine.systems.config(name) for name in names]


def _object(value: object) -> Config:
    return value if isinstance(value, Mapping) else {}


def assemble(config: Config, engine: Engine) -> Parts:
    """Build a pipe's components. ConfigProblem names the place that cannot be used."""
    settings = pipe_settings(config, engine.metadata)
    build_context = BuildContext(
        engine, {**config, "namespaced_identifiers": settings.namespaced_identifiers}, settings
    )
    source_config, _ = registry.resolve(config["source"], (registry.SOURCE,))
    sink_config, _ = registry.resolve(config.get("sink") or {"type": "dataset"}, (registry.SINK,))
    sink_config = {"type": "dataset", **sink_config}
    return Parts(
        id=build_context.pipe_id,
        config=config,
        engine=engine,
        source=registry.build_source(config["source"], build_context),
        chain=Chain(
            registry.build_transforms(config.get("transform"), build_context),
            build_context,
            source_config,
            sink_config,
        ),
        sink=registry.build_sink(sink_config, build_context),
        state=engine.store.pipe_state(build_context.pipe_id),
        log=ExecutionLog(engine.store, build_context.pipe_id),
        policy=policy(config, _written_systems(config, sink_config, engine)),
        batch_size=int(config.get("batch_size", DEFAULT_BATCH)),
        written_systems=build_context.written_systems,
        content_hash=codec.stable_hash({name: config.get(name) for name in _CONTENT}),
    )
