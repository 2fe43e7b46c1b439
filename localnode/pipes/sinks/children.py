"""`track_children`: children that a new version of their parent no longer has stay listed, as deleted."""

from __future__ import annotations

from collections.abc import Iterable

from core.jsonio import Json
from localnode import codec
from localnode.pipes.base import Entity
from localnode.store import Dataset, Stored


def tracked(entities: Iterable[Entity | Stored], dataset: Dataset) -> list[Entity | Stored]:
    """Return the entities, each with the children of its stored version that it lost, marked `_deleted`.

    They stay from then on: a reader that skips a version must see the deletion too.
    """
    given = list(entities)
    ids = [entity.id if isinstance(entity, tuple) else str(entity.get("_id")) for entity in given]
    stored = dataset.get_many(ids)
    return [_with_lost(entity, stored.get(name)) for entity, name in zip(given, ids, strict=True)]


def _with_lost(entity: Entity | Stored, before: Stored | None) -> Entity | Stored:
    if isinstance(entity, tuple) or before is None or entity.get("_filtered") is True:
        return entity
    old = _children(codec.loads(before.data))
    if not old:
        return entity
    present = {} if entity.get("_deleted") is True else _children(entity)
    lost = [{**child, "_deleted": True} for name, child in old.items() if name not in present]
    return {**entity, "$children": [*present.values(), *lost]} if lost else entity


def _children(entity: Entity) -> dict[str, Json]:
    value = entity.get("$children")
    listed = value if isinstance(value, list) else [value]
    return {
        child["_id"]: child
        for child in listed
        if isinstance(child, dict) and isinstance(child.get("_id"), str)
    }
