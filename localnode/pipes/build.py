"""Build a pipe's components from its config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localnode import codec
from localnode.dtl import PipeSettings
from localnode.pipes import registry
from localnode.pipes.base import BuildContext, Config, Engine, Sink, Source
from localnode.pipes.chain import Chain
from localnode.pipes.policy import Policy, policy

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
class Components:
    """What a pipe is made of. `content_hash` changes with what decides about its entities.

    `written_systems`: ids of the systems that were sent something to keep in the present run.
    """

    source: Source
    chain: Chain
    sink: Sink
    policy: Policy
    written_systems: set[str]
    content_hash: str


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


def build(config: Config, engine: Engine) -> Components:
    """Build a pipe's components. ConfigProblem names the place that cannot be used."""
    settings = pipe_settings(config, engine.metadata)
    build_context = BuildContext(
        engine, {**config, "namespaced_identifiers": settings.namespaced_identifiers}, settings
    )
    source_config, _ = registry.resolve(config["source"], (registry.SOURCE,))
    sink_config, _ = registry.resolve(config.get("sink") or {"type": "dataset"}, (registry.SINK,))
    sink_config = {"type": "dataset", **sink_config}
    transforms = registry.build_transforms(config.get("transform"), build_context)
    return Components(
        source=registry.build_source(config["source"], build_context),
        chain=Chain(transforms, build_context, source_config, sink_config),
        sink=registry.build_sink(sink_config, build_context),
        policy=policy(config, _written_systems(config, sink_config, engine)),
        written_systems=build_context.written_systems,
        content_hash=codec.stable_hash({name: config.get(name) for name in _CONTENT}),
    )
