"""Join expressions as indexes: the canonical keys by which entities of a dataset are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localnode.dtl.values import as_list, key_of

Entity = dict[str, Any]


@dataclass(frozen=True, eq=False)
class IndexExpression:
    """One side of a join, over the entities of one dataset.

    `key` names the expression in a canonical, alias-free form that is stable over restarts: use it to name a stored
    index. `primary_key` is true when the expression is just `_id`; its values then are the entity ids themselves.
    """

    key: str
    primary_key: bool
    evaluate: Callable[[Entity], Any] = field(repr=False)

    def values(self, entity: Entity) -> list[str]:
        """The canonical join keys of an entity, without duplicates; [] for nulls and for deleted entities."""
        return [] if entity.get("_deleted") is True else join_keys(self.evaluate(entity))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IndexExpression) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True)
class Subset:
    """A part of a dataset: the entities of which the values of `index` overlap `keys`."""

    index: IndexExpression
    keys: frozenset[str]

    def holds(self, entity: Entity) -> bool:
        """Whether a live entity belongs to the subset."""
        return not self.keys.isdisjoint(self.index.values(entity))


def join_keys(value: Any) -> list[str]:
    """The canonical keys of a value or list of values, nulls left out, in first-seen order."""
    if type(value) is str:
        return [key_of(value)]
    return list(dict.fromkeys(key_of(item) for item in as_list(value) if item is not None))
