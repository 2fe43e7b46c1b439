"""`dataset` sink: change detection, deletion tracking, the populated flag, circuit breaker."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from localnode.dtl import DtlError, IndexExpression
from localnode.pipes.base import BuildContext, Config, Entity, RunScope, Sink, Source
from localnode.pipes.errors import ConfigProblem, Refused
from localnode.pipes.registry import COUNT, FLAG, POSITIVE, SINK, Schema, register
from localnode.pipes.sinks import children
from localnode.pipes.sources.http_endpoint import HttpEndpointSource
from localnode.pipes.subsets import entity_index
from localnode.readings import reads
from localnode.store import BreakerTripped, Dataset, Stored, WriteOptions, WriteResult
from localnode.store.breaker import staged_count
from localnode.store.writer import MAX_ENTITY_BYTES

WHEN_POPULATED, NEVER, ALWAYS, INITIALLY, ONLOAD = (
    "if-source-populated",
    "never",
    "always",
    "initially",
    "onload",
)

_PROPERTIES: dict[str, Schema] = {
    "dataset": {"type": "string", "pattern": "^(?!system:)[^/]+$"},
    "set_initial_offset": {"enum": [WHEN_POPULATED, NEVER, ALWAYS, INITIALLY, ONLOAD]},
    "deletion_tracking": FLAG,
    "mark_deletion_tracked": FLAG,
    "indexes": {"anyOf": [{"const": "$ids"}, {"type": "array"}]},
    "track_children": FLAG,
    "enable_optimistic_locking": FLAG,
    "circuit_breaker_threshold_count": COUNT,
    "circuit_breaker_threshold_factor": {"type": "number", "minimum": 0},
    "prevent_multiple_versions": {"enum": [False, True, "ignore"]},
    "suppress_filtered": FLAG,
    "max_entity_bytes_size": POSITIVE,
}


@register(SINK, "dataset", _PROPERTIES)
class DatasetSink(Sink):
    """The default sink, on a dataset named like the pipe."""

    transactional = True

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._name = str(config.get("dataset", build_context.pipe_id))
        self._when = str(config.get("set_initial_offset", WHEN_POPULATED))
        self._indexes = _indexes(config.get("indexes"), build_context)
        tracks = _creates_children(build_context.pipe.get("transform"))
        self._tracks_children = bool(config.get("track_children", tracks))
        prevent = config.get("prevent_multiple_versions", False)
        self._options = WriteOptions(
            optimistic_locking=bool(config.get("enable_optimistic_locking", False)),
            multiple_versions="ignore" if prevent == "ignore" else not prevent,
            suppress_filtered=bool(config.get("suppress_filtered", False)),
            unknown_deletions=reads("unknown-deletion", "kept"),
            max_bytes=int(config.get("max_entity_bytes_size", MAX_ENTITY_BYTES)),
        )

    @property
    def dataset(self) -> str:
        """See Sink."""
        return self._name

    @property
    def keeps_first_versions(self) -> bool:
        """Whether what is there already stays as it is, whatever comes for it."""
        return self._options.multiple_versions == "ignore"

    def _open(self) -> Dataset:
        return self.build_context.store.dataset(self._name, create=True)

    def on_load(self, source: Source) -> None:
        """Create the dataset where it counts as populated at once: `onload`, and receivers."""
        receives = isinstance(source, HttpEndpointSource) and source.auto_populates
        if self._when == ONLOAD or receives:
            self._open().set_populated()
        if self._indexes and self.build_context.store.find(self._name):
            with suppress(DtlError):  # the run tells: an index that cannot be made fails it
                self._ensure_indexes()

    def _ensure_indexes(self) -> None:
        for index in self._indexes:
            if not index.primary_key:
                self._open().indexes.ensure(index)

    def check_ready(self) -> None:
        """See Sink."""
        dataset = self.build_context.store.find(self._name)
        message = dataset.info().breaker if dataset else None
        if message is not None:
            raise Refused(
                f'the circuit breaker of dataset "{self._name}" is tripped ({message}): look at what waits,'
                f" then let it pass (`.venv/bin/python -m localnode commit {self._name}`, or POST operation="
                f"commit-circuit-breaker to /api/datasets/{self._name}) or drop it (rollback)"
            )

    def start_full(self) -> int:
        """See Sink; the base of deletion tracking."""
        return self._open().start_full()

    def begin(self, scope: RunScope) -> None:
        """See Sink. What a crashed run left on the stage is dropped: it is read again."""
        dataset = self._open()
        self._ensure_indexes()
        if self._when == INITIALLY:
            dataset.set_populated()
        scope.staged = self._limit(dataset) is not None
        if scope.staged:
            dataset.rollback_breaker()

    def holds_back(self, scope: RunScope) -> bool:
        """See Sink."""
        return scope.staged

    def write(self, entities: Iterable[Entity | Stored], scope: RunScope) -> WriteResult:
        """See Sink."""
        dataset = self._open()
        if self._tracks_children:
            entities = children.tracked(entities, dataset)
        return dataset.write(entities, replace(self._options, full=scope.full, staged=scope.staged))

    def check_limit(self, scope: RunScope) -> None:
        """See Sink."""
        if not scope.staged:
            return
        dataset = self._open()
        limit, written = self._limit(dataset), staged_count(dataset)
        if limit is not None and written > limit:
            raise BreakerTripped(f'more than {limit:g} changes of dataset "{self._name}" in one run')

    def finish(self, scope: RunScope, source: Source) -> WriteResult:
        """Track deletions after a full run in which every entity could be written."""
        if not (
            scope.full
            and scope.complete
            and scope.base is not None
            and self.config.get("deletion_tracking", True)
        ):
            return WriteResult()
        mark = bool(self.config.get("mark_deletion_tracked", False))
        return self._open().delete_unseen(scope.base, mark, scope.staged)

    def commit(self, scope: RunScope, source: Source) -> None:
        """See Sink."""
        dataset = self._open()
        if scope.full:
            dataset.end_full()
        if scope.staged:
            dataset.commit_breaker()
        if self._when == ALWAYS or (self._when == WHEN_POPULATED and source.populated()):
            dataset.set_populated()

    def trip(self, message: str) -> None:
        """See Sink."""
        self._open().trip(message)

    def _limit(self, dataset: Dataset) -> float | None:
        """Versions one run may write; None without a breaker, and while the dataset is not populated."""
        count = self.config.get("circuit_breaker_threshold_count")
        factor = self.config.get("circuit_breaker_threshold_factor")
        if (count is None and factor is None) or not dataset.populated:
            return None
        return max(float(count or 0), float(factor or 0) * dataset.info().ids)


def _indexes(setting: Any, build_context: BuildContext) -> list[IndexExpression]:
    expressions = ["_S.$ids"] if setting == "$ids" else list(setting or ())
    try:
        return [entity_index(expression, build_context.settings) for expression in expressions]
    except ValueError as error:
        raise ConfigProblem(("indexes",), str(error)) from error


def _creates_children(transform: object) -> bool:
    return '"create-child"' in json.dumps(transform)
