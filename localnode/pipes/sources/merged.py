"""How the members of one component become one entity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from localnode import codec
from localnode.pipes.base import Entity
from localnode.pipes.sources.connected_components import GraphNode
from localnode.readings import reads
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
        """Return the entity that members (in order) add up to."""
        entities = [row.entity() for _, row in members]
        result = self._properties(entities)
        result["$ids"] = self._ids(entities)
        result["_id"] = self.entity_id([node for node, _ in members])
        result["_deleted"] = all(row.deleted for _, row in members)
        return result

    def _ids(self, entities: Sequence[Entity]) -> list[object]:
        ids: list[Any] = []
        for entity in entities:
            own = f"~:{entity['_id']}" if self._as_ni else entity["_id"]
            ids += _listed(entity["$ids"]) if entity.get("$ids") is not None else [own]
        return _distinct(ids)

    def _properties(self, entities: Sequence[Entity]) -> Entity:
        if self._strategy == "list":
            return {"$merged": [self._public(entity) for entity in entities]}
        contributed: dict[str, list[Any]] = {}
        for entity in entities:
            for name, value in entity.items():
                if name[:1] != "_" and name != "$ids":
                    contributed.setdefault(name, []).append(value)
        if self._strategy == "compact":
            return _compacted(contributed)
        return {name: _union(values) for name, values in contributed.items()}

    def _public(self, entity: Entity) -> Entity:
        if self._internal:
            return entity
        has_id = reads("merged-id", "yes")
        return {
            name: value for name, value in entity.items() if name[:1] != "_" or (has_id and name == "_id")
        }


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _distinct(values: Iterable[object]) -> list[object]:
    """First occurrences; 1, 1.0 and true are three values."""
    found: dict[bytes, Any] = {}
    for value in values:
        found.setdefault(codec.dumps(value), value)
    return list(found.values())


def _union(values: list[object]) -> object:
    """Return what the members have of one property.

    The value of a single one as it is, those of several as a list.
    """
    if len(values) > 1 and reads("merge-nulls", "dropped"):
        values = [value for value in values if value is not None] or [None]
    return values[0] if len(values) == 1 else [item for value in values for item in _listed(value)]


def _compacted(contributed: dict[str, list[object]]) -> Entity:
    """Return properties without nulls, empty lists and duplicates; a single value stands alone.

    A list of one that a single member has stays a list, as hosted nodes were recorded doing.
    """
    unwraps = reads("merged-one", "lone")
    result: Entity = {}
    for name, values in contributed.items():
        given = [value for value in values if any(item is not None for item in _listed(value))]
        distinct = _distinct(item for value in given for item in _listed(value) if item is not None)
        if len(distinct) == 1 and (unwraps or len(given) > 1 or len(_listed(given[0])) > 1):
            result[name] = distinct[0]
        elif distinct:
            result[name] = distinct if len(distinct) > 1 else given[0]
    return result
