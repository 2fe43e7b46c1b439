"""Define the three kinds of components and what flows between them.

A source yields batches of entities, each with the token to continue after it; transforms turn items (an
entity and the id of the source entity it came from) into items; a sink takes the result.
"""

# ruff: noqa: B027 - hooks that most components leave empty

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from localnode.dtl import PipeSettings, TransformContext
from localnode.store import Store, Stored, WriteResult

if TYPE_CHECKING:
    from localnode.pipes.systems import Systems

Entity = dict[str, Any]
Config = Mapping[str, Any]

CHRONOLOGICAL, MAX, NONE = "chronological", "max", "none"
DEFAULT_BATCH = 100


def decoded(entity: Entity | Stored) -> Entity:
    """Return an entity of a batch as a dict."""
    return entity.entity() if isinstance(entity, tuple) else entity


def position(entity: Entity | Stored) -> Any:
    """Return `_updated` of an entity of a batch."""
    return entity.updated if isinstance(entity, tuple) else entity["_updated"]


class Item(NamedTuple):
    """An entity on its way, and the id of the source entity it came from (see `source_ids`)."""

    source_id: str
    entity: Entity


def source_ids(entities: Sequence[Entity]) -> list[str]:
    """Return the name of each source entity while it is processed.

    It is the `_id` or, if the transforms create it, the place in the batch (after a character that no id
    begins with).
    """
    return [entity.get("_id") or f"\0{at}" for at, entity in enumerate(entities)]


def unusable_id(entity: object, may_lack_it: object = True) -> str | None:
    """Return why an entity from outside cannot be accepted; None if it can.

    It needs no `_id` if the pipe has transforms, because they may create one: hosted nodes were recorded
    accepting such entities from embedded sources, and Sesam's tutorial reads them with a json source
    (https://docs.sesam.io/hub/tutorial-getting-started-collect.html). The sink refuses entities without one
    after the transforms.
    """
    if not isinstance(entity, dict):
        return "an entity must be an object"
    if "_id" not in entity and not may_lack_it:
        return "an entity without _id, and the pipe has no transform that could create one"
    if "_id" in entity and (not isinstance(entity["_id"], str) or not entity["_id"]):
        return f"_id must be a non-empty string, not {str(entity['_id'])[:100]!r}"
    return None


@dataclass(frozen=True)
class Batch:
    """Entities read together.

    `offset` is the token that continues after the last entity, `offsets` those after each (if known).
    `on_commit` is called inside the transaction that stores `offset`.
    """

    entities: Sequence[Entity | Stored]
    offset: Any
    offsets: Sequence[Any] | None = None
    on_commit: Callable[[], None] | None = None


def _no_secret(name: str) -> str:
    raise KeyError(name)


@dataclass(frozen=True)
class Engine:
    """What pipes need from their node: the store, the systems, the effective metadata entity, and secrets.

    `secret(name)` returns the value of `$SECRET(name)` or raises KeyError.
    """

    store: Store
    systems: Systems
    metadata: Config = field(default_factory=dict)
    secret: Callable[[str], str] = _no_secret

    def default(self, name: str, otherwise: object = None) -> Any:
        """Return a value of the metadata's `global_defaults`."""
        return (self.metadata.get("global_defaults") or {}).get(name, otherwise)


@dataclass(frozen=True)
class BuildContext:
    """What a component needs to be built: its node, and the effective config of its pipe.

    `written_systems`: ids of the systems to which something was sent in the present run.
    """

    engine: Engine
    pipe: Config
    settings: PipeSettings
    written_systems: set[str] = field(default_factory=set)

    @property
    def pipe_id(self) -> str:
        """`_id` of the pipe."""
        return str(self.pipe["_id"])

    @property
    def store(self) -> Store:
        """The node's store."""
        return self.engine.store

    @property
    def batch_size(self) -> int:
        """Entities per batch."""
        return int(self.pipe.get("batch_size", DEFAULT_BATCH))


class Source(ABC):
    """Where a pipe reads. Built once per pipe; `batches` is called once per run."""

    supports_since = False
    is_since_comparable = True
    is_chronological = False
    has_pump = True

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        self.config = config
        self.build_context = build_context

    @property
    def needs_history(self) -> bool:
        """Return whether it reads versions that are not the latest of their entity."""
        return bool(self.config.get("include_previous_versions", False) or "subset" in self.config)

    @property
    def strategy(self) -> str:
        """Return how the token is stored: `chronological`, `max` or `none`.

        That is: during the run, at the end of a successful run, or never (everything is read each time).
        """
        if not self.supports_since:
            return NONE
        if self.is_chronological:
            return CHRONOLOGICAL
        return MAX if self.is_since_comparable else NONE

    def input_datasets(self) -> list[str]:
        """Return the datasets it reads; their changes start the pipe, their completeness is inherited."""
        return []

    def positions(self, offset: object) -> dict[str, int | None]:
        """Return how far each of `input_datasets` has been read if the next token is `offset`."""
        return {}

    def check_token(self, token: object) -> None:
        """Raise BadToken for a token that this source never returns.

        A token of a source outside the node may be anything.
        """

    def populated(self) -> bool:
        """Return whether its input is populated.

        A source outside the node counts as populated once it has been read.
        """
        return True

    def check_ready(self) -> None:
        """Raise NotReady if the run must wait (`initial_completeness`, `require_populated_input`)."""

    @abstractmethod
    def batches(self, since: object, size: int) -> Iterator[Batch]:
        """Yield everything after the token `since` (None: from the start), in batches.

        Each has about `size` entities.

        Raises SourceFailed when the end could not be reached.
        """

    def entities(self, since: Any = None, limit: int | None = None) -> Iterator[Entity]:
        """Yield single entities, for previews and publishers.

        Leaves no trace in the pipe's state.
        """
        left = -1 if limit is None else limit
        if not left:
            return
        for batch in self.preview_batches(since, DEFAULT_BATCH):
            for entity in batch.entities:
                yield decoded(entity)
                left -= 1
                if not left:
                    return

    def preview_batches(self, since: object, size: int) -> Iterator[Batch]:
        """Yield batches without using the pump's state."""
        return self.batches(since, size)

    def latest(self, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """Return the present versions of source entities by id, if a source can look them up."""
        return {}

    def take_trace(self) -> list[dict[str, object]]:
        """Return what `trace` collected in this run, for the execution log; the next run starts empty."""
        return []


class Transform(ABC):
    """One transform of a pipe's chain. `side_effects` excludes it from previews."""

    side_effects = False

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        self.config = config
        self.build_context = build_context
        self.side_effects = bool(config.get("side_effects", type(self).side_effects))

    def begin(self) -> None:
        """Begin a run."""

    def finish(self) -> None:
        """Finish a run whose entities all succeeded; raises if it may not end like this."""

    def take_trace(self) -> list[dict[str, object]]:
        """Return what `trace` collected in this run, for the execution log; the next run starts empty."""
        return []

    @abstractmethod
    def apply(self, items: Sequence[Item], context: TransformContext) -> list[Item]:
        """Return the output for `items`; may be shorter or longer.

        Raises when the batch cannot be transformed.
        """


@dataclass
class RunScope:
    """The run in which a sink writes. `base` is the result of `start_full` when this full run started.

    `staged`: writes wait behind a circuit breaker. `complete` becomes False when an entity could not be
    written; after that nothing may be deleted as unseen.
    """

    full: bool = False
    base: Any = None
    staged: bool = False
    complete: bool = True


class Sink(ABC):
    """Where a pipe writes. `has_pump` is False for endpoints that compute on demand.

    `transactional`: `write` goes into the store, so it belongs in the transaction that stores the offset.
    """

    has_pump = True
    transactional = False

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        self.config = config
        self.build_context = build_context

    @property
    def dataset(self) -> str | None:
        """The dataset it writes, None for other sinks."""
        return None

    def on_load(self, source: Source) -> None:
        """Prepare, once the pipe has been configured."""

    def check_ready(self) -> None:
        """Raise Refused if no run may start (a tripped circuit breaker)."""

    def start_full(self) -> Any:
        """Start a full run; the result (JSON) is stored until the run has ended, even across crashes."""
        return None

    def begin(self, scope: RunScope) -> None:
        """Start a run; may set `scope.staged`."""

    def holds_back(self, scope: RunScope) -> bool:
        """Return whether the offset may only be stored when the run has reached its end."""
        return False

    @abstractmethod
    def write(self, entities: Iterable[Entity | Stored], scope: RunScope) -> WriteResult:
        """Write one batch, all or nothing as far as the target allows."""

    def check_limit(self, scope: RunScope) -> None:
        """Raise BreakerTripped if the run has written more than it may."""

    def finish(self, scope: RunScope, source: Source) -> WriteResult:
        """Do the final work after all entities are written (deletion tracking, the closing request)."""
        return WriteResult()

    def commit(self, scope: RunScope, source: Source) -> None:
        """Publish and set the populated flag, inside the transaction that stores the offset of the run."""

    def trip(self, message: str) -> None:
        """Handle `trip!`."""

    def take_trace(self) -> list[dict[str, object]]:
        """Return what `trace` collected in this run, for the execution log; the next run starts empty."""
        return []
