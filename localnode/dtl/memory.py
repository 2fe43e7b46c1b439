"""Datasets in memory: enough of a node to run programs over a few entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from localnode.dtl.api import Entity, HopJoin
from localnode.dtl.joins import IndexExpression
from localnode.readings import reads


class MemoryContext:
    """A `TransformContext` over datasets that are dicts from `_id` to entity, deleted ones included.

    `previous_versions` answers `is-changed`; `completeness_of` maps (via, dataset) to microseconds.
    """

    def __init__(
        self,
        datasets: Mapping[str, Iterable[Entity]] | None = None,
        previous_versions: Mapping[str, Entity] | None = None,
        completeness_of: Mapping[tuple[str, str], int] | None = None,
        secrets: Mapping[str, str] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> None:
        self.datasets: dict[str, dict[str, Entity]] = {}
        self.params: Mapping[str, Any] = params or {}
        self._previous = previous_versions or {}
        self._completeness = completeness_of or {}
        self._secrets = secrets or {}
        self._indexes: dict[tuple[str, str], dict[str, set[str]]] = {}
        for name, entities in (datasets or {}).items():
            self.load(name, entities)

    def load(self, dataset: str, entities: Iterable[Entity]) -> None:
        """Write entities to a dataset; the last one of an `_id` stays."""
        self.datasets.setdefault(dataset, {}).update({entity["_id"]: entity for entity in entities})
        self._indexes = {key: index for key, index in self._indexes.items() if key[0] != dataset}

    def lookup(self, dataset: str, entity_id: str) -> Entity | None:
        """Return the latest version of a live entity, or None."""
        entity = self.datasets.get(dataset, {}).get(entity_id)
        if entity is not None and entity.get("_deleted") is True and reads("lookup-deleted", "null"):
            return None
        return entity

    def join(self, hop: HopJoin, keys: Sequence[str]) -> list[Entity]:
        """Live entities, ordered by `_id`, of which the values of the hop's index overlap `keys`."""
        table = self._index(hop.dataset, hop.index)
        ids = sorted(set().union(*(table.get(key, ()) for key in keys)))
        entities = [self.datasets[hop.dataset][entity_id] for entity_id in ids]
        return [entity for entity in entities if hop.subset is None or hop.subset.holds(entity)]

    def _index(self, dataset: str, index: IndexExpression) -> dict[str, set[str]]:
        table = self._indexes.get((dataset, index.key))
        if table is None:
            table = {}
            for entity_id, entity in self.datasets.get(dataset, {}).items():
                for key in index.values(entity):
                    table.setdefault(key, set()).add(entity_id)
            self._indexes[dataset, index.key] = table
        return table

    def trace_hop(self, trace: str, join: str, rows: int) -> None:
        """See TransformContext; nothing is logged here."""

    def previous(self, entity_id: str) -> Entity | None:
        """Return the previous version of a source entity, if one was given."""
        return self._previous.get(entity_id)

    def completeness(self, via: str, dataset: str) -> int | None:
        """Completeness of a dataset as known by another, if one was given."""
        return self._completeness.get((via, dataset))

    def secret(self, name: str) -> str:
        """Return a secret that was given; KeyError otherwise."""
        return self._secrets[name]
