"""Join expressions as indexes: the canonical keys by which entities of a dataset are found."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from localnode.dtl import budget
from localnode.dtl.api import DtlError, Entity, PipeSettings
from localnode.dtl.runtime import NO_RUN, Frame
from localnode.dtl.scope import Evaluator
from localnode.dtl.values import as_list, key_of


@dataclass(frozen=True, eq=False)
class IndexExpression:
    """One side of a join, over the entities of one dataset.

    `key` names the expression in a canonical, alias-free form that is stable over restarts: use it to name a
    stored index. `primary_key` is true when the expression is just `_id`; its values then are the entity ids
    themselves.
    """

    key: str
    primary_key: bool
    evaluate: Callable[[Entity], Any] = field(repr=False)

    def values(self, entity: Entity) -> list[str]:
        """Return the canonical join keys of an entity, without duplicates.

        [] for nulls and for deleted entities.

        Raises DtlError if the expression cannot be worked out for this entity.
        """
        if entity.get("_deleted") is True:
            return []
        before = budget.begin()
        try:
            return join_keys(self.evaluate(entity))
        except Exception as error:
            raise DtlError("join", self.key, str(error) or type(error).__name__, entity.get("_id")) from error
        finally:
            budget.end(before)

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
        """Return whether a live entity belongs to the subset."""
        return not self.keys.isdisjoint(self.index.values(entity))


def join_keys(value: object) -> list[str]:
    """Return the canonical keys of a value or list of values, nulls left out, in first-seen order."""
    if type(value) is str:
        return [_storable(key_of(value))]
    return list(dict.fromkeys(_storable(key_of(item)) for item in as_list(value) if item is not None))


def _storable(key: str) -> str:
    """Return a key as text that can be stored.

    Halves of surrogate pairs, which no text has, become question marks.
    """
    return key if key.isascii() else key.encode("utf-8", "replace").decode()


def index_of(
    expression: object, run: Evaluator, alias: str, settings: PipeSettings, read: Collection[str]
) -> IndexExpression:
    """Return the index over the entities that `alias` stands for, of an expression.

    Its compilation comes with it, and the settings that its functions read.

    The key says all that its values depend on, so that no two expressions share an index that should not.
    """
    if expression == f"{alias}._id":
        return IndexExpression("_id", True, lambda entity: entity.get("_id"))
    key = json.dumps(_without_alias(expression, alias), sort_keys=True, ensure_ascii=False)
    key += settings.in_index_key(read)
    return IndexExpression(
        key, False, lambda entity: run(Frame(None, {}, None, None, NO_RUN, {alias: entity}), None)
    )


def uses_besides(alias: str, uses: Collection[str]) -> list[str]:
    """Return what an expression uses (see `Scope.uses`) besides the entities of `alias`.

    With anything of it, it cannot be an index.
    """
    return sorted(word for word in uses if word not in (alias, "_") and not word.startswith("?"))


def _without_alias(expression: object, alias: str) -> object:
    """Return an expression with `_S` in place of the alias: what the alias is called makes no other index."""
    if type(expression) is list:
        if expression[:1] == ["literal"]:
            return expression
        return [_without_alias(item, alias) for item in expression]
    if type(expression) is str and expression.startswith(f"{alias}."):
        return f"_S{expression[len(alias) :]}"
    return expression
