"""Give DTL access to the node while a pipe transforms.

Other datasets, earlier versions, completeness, secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from localnode.dtl import HopJoin, IndexExpression
from localnode.pipes.base import Engine, Entity
from localnode.readings import reads
from localnode.store import Dataset, Stored
from localnode.store.state import Probe

DECODED = 64
"""How many rows are kept decoded: enough for one entity's hops, so that memory does not grow with a batch."""


class RunContext:
    """A `localnode.dtl.TransformContext` over the store.

    Also keeps dependency records while `tracking` is on. Reads see committed data, so a pipe that hops to its
    own sink sees every flushed batch.
    """

    def __init__(
        self,
        engine: Engine,
        source: Dataset | None = None,
        params: Mapping[str, Any] | None = None,
        tracking: bool = False,
    ) -> None:
        self.params: Mapping[str, Any] = params or {}
        self.source_id = ""
        self.hops_trace: dict[str, dict[str, int]] = {}
        self.probes: dict[tuple[Probe, str], None] = {}
        self._decoded: dict[tuple[str, int], Entity] = {}
        self._joined: dict[tuple[str, ...], list[Entity]] = {}
        self._joined_for = ""
        self._engine = engine
        self._store = engine.store
        self._source = source
        self._tracking = tracking

    def lookup(self, dataset: str, entity_id: str) -> Entity | None:
        """See TransformContext."""
        found = self._store.find(dataset)
        row = found.get(entity_id) if found else None
        if row and (not row.deleted or reads("lookup-deleted", "entity")):
            return self._entity(dataset, row)
        return None

    def _entity(self, dataset: str, row: Stored) -> Entity:
        """Return the entity of a row; cached, because several hops of a rule often reach the same one."""
        key = dataset, row.updated
        entity = self._decoded.get(key)
        if entity is None:
            if len(self._decoded) >= DECODED:
                self._decoded.clear()
            entity = self._decoded[key] = row.entity()
        return entity

    def join(self, hop: HopJoin, keys: Sequence[str]) -> Iterable[Entity]:
        """See TransformContext."""
        if hop.track and self._tracking:
            for key in keys:
                self.probes[(hop.dataset, hop.index.key, key), self.source_id] = None
        entities = self._found(hop.dataset, hop.index, keys) if keys else []
        return entities if hop.subset is None else [each for each in entities if hop.subset.holds(each)]

    def _found(self, dataset: str, index: IndexExpression, keys: Sequence[str]) -> list[Entity]:
        """Return the result of a join; it is looked up once for each source entity."""
        if self._joined_for != self.source_id:
            self._joined_for = self.source_id
            self._joined.clear()
        key = dataset, index.key, *keys
        entities = self._joined.get(key)
        if entities is None:
            found = self._store.find(dataset)
            # An index of a dataset that nobody has ever written to need not be asked.
            is_empty = found is None or found.max_updated is None
            rows = [] if found is None or is_empty else found.indexes.find(index, keys)
            entities = self._joined[key] = [self._entity(dataset, row) for row in rows]
        return entities

    def forget(self) -> None:
        """Start a batch: drop the caches of the previous one."""
        self.probes.clear()
        self.look_again()

    def look_again(self) -> None:
        """Drop cached joins, because a previous transform may have changed their result."""
        self._joined.clear()

    def trace_hop(self, trace: str, join: str, rows: int) -> None:
        """See TransformContext: the most rows of each join are kept in `hops_trace`."""
        joins = self.hops_trace.setdefault(trace, {})
        joins[join] = max(rows, joins.get(join, 0))

    def previous(self, entity_id: str) -> Entity | None:
        """See TransformContext."""
        row = self._source.get(entity_id) if self._source else None
        before = self._source.previous(row) if self._source and row else None
        return before.entity() if before else None

    def completeness(self, via: str, dataset: str) -> int | None:
        """See TransformContext."""
        found = self._store.find(via)
        if found is None:
            return None
        info = found.info()
        return info.completeness if via == dataset else info.inherited.get(dataset)

    def secret(self, name: str) -> str:
        """See TransformContext."""
        return self._engine.secret(name)
