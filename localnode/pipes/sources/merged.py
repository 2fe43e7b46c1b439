"""How the members of one component become one entity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from localnode import codec
from localnode.pipes.base import Entity
from localnode.pipes.sources.connected_components import GraphNode
from localnode.store import Stored

Member = tuple[GraphNode, Stored]


class Merger:
    """Ids and properties of merged entities. `as_ni` writes ids in `$ids` as namespaced identifiers."""

    def __init__(self, identity: str, strategy: str, as_ni: bool, internal: bool) -> None:
        self._first = identity == "first"
        self._strategy = strategy
        self._as_ni = as_ni
        self._internal = internal

    def entity_id(self, nodes: Sequence[GraphNode]) -> str:
        """`_id` for members in order: that of the first, or all as `position|id`."""
        return nodes[0].id if self._first else "|".join(f"{node.at}|{node.id}" for node in nodes)

    def merge(self, members: Sequence[Member]) -> Entity:
        """The entity that members (in order) add up to."""
        entities = [row.entity() for _, row in members]
        result = self._properties(entities)
        result["$ids"] = self._ids(entities)
        result["_id"] = self.entity_id([node for node, _ in members])
        result["_deleted"] = all(row.deleted for _, row in members)
        return result

    def _ids(self, entities: Sequence[Entity]) -> list[Any]:
        ids: list[Any] = []
        for entity in entities:
            own = f"~:{entity['_id']}" if self._as_ni else entity["_id"]
            ids += _listed(entity["$ids"]) if entity.get("$ids") is not None else [own]
        return _distinct(ids)

    def _properties(self, entities: Sequence[Entity]) -> Entity:
        if self._strategy == "list":
            return {"$merged": [self._public(entity) for entity in entities]}
        merged: Entity = {}
        for entity in entities:
            for name, value in entity.items():
                if name[:1] == "_" or name == "$ids":
                    continue
                merged[name] = [*_listed(merged[name]), *_listed(value)] if name in merged else value
        return _compacted(merged) if self._strategy == "compact" else merged

    def _public(self, entity: Entity) -> Entity:
        if self._internal:
            return entity
        return {name: value for name, value in entity.items() if name[:1] != "_" or name == "_id"}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _distinct(values: Iterable[Any]) -> list[Any]:
    """First occurrences; 1, 1.0 and true are three values."""
    found: dict[bytes, Any] = {}
    for value in values:
        found.setdefault(codec.dumps(value), value)
    return list(found.values())


def _compacted(entity: Entity) -> Entity:
    """Lists without duplicates, nulls and empty lists; a single value stands alone."""
    result: Entity = {}
    for name, value in entity.items():
        if not isinstance(value, list):
            result[name] = value
            continue
        distinct = _distinct(item for item in value if item is not None)
        if distinct:
            result[name] = distinct[0] if len(distinct) == 1 else distinct
    return result
