"""A node's configuration as it is held in memory: every component with its two forms and its findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.jsonio import Json
from localnode.config.effective import part_type, sink_dataset, source_datasets
from localnode.config.problems import Problem, has_errors
from localnode.config.substitution import Undefined, without

NO_METADATA: Mapping[str, Any] = {"_id": "node", "type": "metadata", "namespaced_identifiers": True}
"""The metadata of a node to which none was uploaded. Hosted nodes come with namespaced identifiers on: the
vendor's tutorial, which uploads no metadata, switches them off pipe by pipe
(https://docs.sesam.io/hub/tutorial-getting-started-collect.html). A metadata entity that does not say so has
them off, as documented."""


@dataclass(frozen=True)
class Component:
    """One config entity: `original` verbatim as uploaded, `effective` as the node carries it out.

    `undefined` are the environment variables that it misses where they matter to this node.
    """

    original: Mapping[str, Any]
    effective: dict[str, Any]
    problems: tuple[Problem, ...] = ()
    undefined: tuple[Undefined, ...] = ()

    @property
    def defined(self) -> Json:
        """The effective form without what names a variable that is not defined."""
        return without(self.effective, [each.path for each in self.undefined])

    @property
    def misses(self) -> str | None:
        """The message about the first variable that it misses; None if it misses none."""
        first = next(iter(self.undefined), None)
        return None if first is None else f"{first.reason}, which {Problem(first.path, '').elements} names"

    @property
    def id(self) -> str:
        """The entity's `_id`."""
        return str(self.original["_id"])

    @property
    def valid(self) -> bool:
        """False when it has errors (warnings do not count)."""
        return not has_errors(self.problems)

    def validation_error(self) -> dict[str, object]:
        """Return the entry of this component in an upload's `validation_errors`."""
        return {"posted-config": self.original, "config-errors": [each.as_json() for each in self.problems]}


@dataclass(frozen=True)
class PipeComponent(Component):
    """A pipe; `tracked` and `untracked` are the datasets its transforms hop to.

    `not_runnable` says which component of it only a hosted node has, None for pipes that run here.
    """

    tracked: frozenset[str] = frozenset()
    untracked: frozenset[str] = frozenset()
    not_runnable: str | None = None

    @property
    def sources(self) -> list[str]:
        """Datasets its source reads."""
        return source_datasets(self.effective)

    @property
    def sink_dataset(self) -> str | None:
        """The dataset it writes, if its sink is one."""
        return sink_dataset(self.effective)

    @property
    def source_type(self) -> str:
        """The type of the resolved source, "" when it is missing."""
        return part_type(self.effective, "source")

    @property
    def sink_type(self) -> str:
        """The type of the resolved sink."""
        return part_type(self.effective, "sink")


@dataclass(frozen=True)
class NodeConfig:
    """Everything that is configured. `entities` are the uploaded ones, in their order."""

    entities: tuple[Mapping[str, Any], ...] = ()
    pipes: Mapping[str, PipeComponent] = field(default_factory=dict)
    systems: Mapping[str, Component] = field(default_factory=dict)
    metadata: Component | None = None

    @property
    def components(self) -> list[Component]:
        """Metadata, systems and pipes."""
        first = [self.metadata] if self.metadata else []
        return [*first, *self.systems.values(), *self.pipes.values()]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The effective metadata entity: a hosted node's where none is uploaded, {} for one with errors."""
        if self.metadata is None:
            return NO_METADATA
        return self.metadata.defined if self.metadata.valid else {}

    def validation_errors(self) -> list[Json]:
        """Return findings of all components, in the shape of an upload's answer."""
        return [component.validation_error() for component in self.components if component.problems]

    @property
    def user_pipes_disabled(self) -> bool:
        """True while `task_manager.disable_user_pipes` is on: nothing is scheduled by itself."""
        return bool((self.settings.get("task_manager") or {}).get("disable_user_pipes", False))
