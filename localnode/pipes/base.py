"""The three kinds of components and what flows between them.

A source yields batches of entities, each with the token to continue after it; transforms turn items (an
entity and the id of the source entity it came from) into items; a sink takes what is left.
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
    """Return what each source entity is known by while it is on its way.

    Its `_id` or, where the transforms are to make one, its place in the batch (after a character that no id
    begins with).
    """
    return [entity.get("_id") or f"\0{at}" for at, entity in enumerate(entities)]


def unusable_id(entity: object, may_lack_it: object = True) -> str | None:
    """Return why an entity that comes from outside cannot be taken; None if it can.

    It needs no `_id` where the pipe has transforms, since they may make one: hosted nodes were recorded
    taking such entities from embedded sources, and the vendor's tutorial reads them with a json source
    (https://docs.sesam.io/hub/tutorial-getting-started-collect.html). What has none after the transforms is
    refused by the sink.
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

    `offset` is the token that continues after the last, `offsets` after each (if known).

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
    """What a component is built in: its node, and the effective config of its pipe.

    `written_systems`: ids of the systems that were sent something to keep in the present run.
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
        """Whether it reads versions that are not the latest of their entity."""
        return bool(self.config.get("include_previous_versions", False) or "subset" in self.config)

    @property
    def strategy(self) -> str:
        """How the token is stored: `chronological`, `max` or `none`.

        As the run goes, at the end of a good run, or never (all is read each time).
        """
        if not self.supports_since:
            return NONE
        if self.is_chronological:
            return CHRONOLOGICAL
        return MAX if self.is_since_comparable else NONE

    def input_datasets(self) -> list[str]:
        """Datasets it reads; their changes should start the pipe, their completeness flows on."""
        return []

    def positions(self, offset: object) -> dict[str, int | None]:
        """Return how far each of `input_datasets` has been read when the token to go on with is `offset`."""
        return {}

    def check_token(self, token: object) -> None:
        """BadToken for a token that is none of this source's.

        One of a source outside the node may be anything.
        """

    def populated(self) -> bool:
        """Return whether what it reads is populated.

        A source outside the node counts as populated once consumed.
        """
        return True

    def check_ready(self) -> None:
        """NotReady when the run has to wait (`initial_completeness`, `require_populated_input`)."""

    @abstractmethod
    def batches(self, since: object, size: int) -> Iterator[Batch]:
        """Yield everything after the token `since` (None: from the start), in batches.

        Each has about `size` entities.

        Raises SourceFailed when the end could not be reached.
        """

    def entities(self, since: Any = None, limit: int | None = None) -> Iterator[Entity]:
        """Yield the same entity by entity, for previews and publishers.

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
        """`batches` without use of state that belongs to the pump."""
        return self.batches(since, size)

    def latest(self, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """Return the present versions of source entities by id, where a source can look them up."""
        return {}

    def take_trace(self) -> list[dict[str, object]]:
        """Return what `trace` collected in this run, for the execution log; the next run begins again."""
        return []


class Transform(ABC):
    """One link of a pipe's chain. `side_effects` keeps it out of previews."""

    side_effects = False

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        self.config = config
        self.build_context = build_context
        self.side_effects = bool(config.get("side_effects", type(self).side_effects))

    def begin(self) -> None:
        """Begin a run."""

    def finish(self) -> None:
        """Finish a run whose entities all went through; raises when it may not end like this."""

    def take_trace(self) -> list[dict[str, object]]:
        """Return what `trace` collected in this run, for the execution log; the next run begins again."""
        return []

    @abstractmethod
    def apply(self, items: Sequence[Item], context: TransformContext) -> list[Item]:
        """Return the output for `items`; may be shorter or longer.

        Raises when the batch cannot be transformed.
        """


@dataclass
class RunScope:
    """The run a sink writes in. `base` is what `start_full` answered when this full run began.

    `staged`: writes wait under a circuit breaker. `complete` turns False when an entity could not be
    written, after which nothing may be deleted as unseen.
    """

    full: bool = False
    base: Any = None
    staged: bool = False
    complete: bool = True


class Sink(ABC):
    """Where a pipe writes. `has_pump` is False for endpoints that compute on demand.

    `transactional`: `write` goes into the store, so it belongs into the transaction that stores the offset.
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
        """Refused when no run may start (a tripped circuit breaker)."""

    def start_full(self) -> Any:
        """Begin a full run; the answer (JSON) is remembered until it has ended, also over crashes."""
        return None

    def begin(self, scope: RunScope) -> None:
        """Begin a run; may set `scope.staged`."""

    def holds_back(self, scope: RunScope) -> bool:
        """Return whether the offset may only be stored when the run has come to its end."""
        return False

    @abstractmethod
    def write(self, entities: Iterable[Entity | Stored], scope: RunScope) -> WriteResult:
        """Write one batch, all or nothing as far as the target can."""

    def check_limit(self, scope: RunScope) -> None:
        """BreakerTripped when the run has written more than it may."""

    def finish(self, scope: RunScope, source: Source) -> WriteResult:
        """Do what belongs last, when all entities are written (deletion tracking, the closing request)."""
        return WriteResult()

    def commit(self, scope: RunScope, source: Source) -> None:
        """Inside the transaction that stores the offset of the run: publish, set the populated flag."""

    def trip(self, message: str) -> None:
        """`trip!` was reached."""

    def take_trace(self) -> list[dict[str, object]]:
        """Return what `trace` collected in this run, for the execution log; the next run begins again."""
        return []
