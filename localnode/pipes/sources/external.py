"""What sources outside the node have in common: the since flags, the token, and batches with tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from localnode.pipes.base import Batch, BuildContext, Config, Entity, Source, unusable_id
from localnode.pipes.errors import SourceFailed
from localnode.pipes.unread import Unread

KEPT = frozenset({"_id", "_deleted", "_updated"})


class ExternalSource(Source):
    """The token is the highest `_updated` seen: numbers compare as numbers, text bytewise.

    An entity that cannot be read, or whose `_id` is no text, fails alone, as the pump's settings say. What is
    no entity, has no `_id`, or no `_updated` where `supports_since` is on, fails the read. Nothing is ever
    deleted on half an answer.
    """

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self.supports_since = bool(config.get("supports_since", False))
        self.is_since_comparable = bool(config.get("is_since_comparable", True))
        self.is_chronological = bool(config.get("is_chronological", False))

    @property
    def place(self) -> str:
        """The name of what is read, for messages."""
        return f"system {self.config['system']!r}, {self.config['url']}"

    def in_batches(self, entities: Iterable[Entity], since: object, size: int) -> Iterator[Batch]:
        """Yield checked entities as batches, each with the token to go on with."""
        top, batch, tokens = since, [], []
        for entity in entities:
            top = self._token(entity, top)
            batch.append(entity)
            tokens.append(top)
            if len(batch) == size:
                yield self._batch(batch, tokens)
                batch, tokens = [], []
        if batch:
            yield self._batch(batch, tokens)

    def _batch(self, entities: list[Entity], tokens: list[object]) -> Batch:
        if not self.is_chronological or not self.supports_since:
            return Batch(entities, tokens[-1])
        return Batch(entities, tokens[-1], tokens)

    def checked(self, entity: Any) -> Entity:
        """Return the entity without foreign reserved properties. SourceFailed when it cannot be used."""
        if isinstance(entity, Unread):
            return entity
        if (reason := unusable_id(entity, self.build_context.pipe.get("transform"))) is not None:
            if not isinstance(entity, dict) or "_id" not in entity:
                raise SourceFailed(f"{self.place}: {reason}: {str(entity)[:200]}")
            return Unread.of(entity, f"{self.place}: {reason}")
        if self.supports_since and entity.get("_updated") is None:
            raise SourceFailed(
                f"{self.place}: entity {entity.get('_id')!r} has no _updated, but supports_since is on"
            )
        return {name: value for name, value in entity.items() if name[:1] != "_" or name in KEPT}

    def _token(self, entity: Entity, top: Any) -> Any:
        if not self.supports_since:
            return None
        value = entity.get("_updated")
        if value is None:  # it could not be read
            return top
        if self.is_chronological or top is None:
            return value
        if isinstance(value, str) != isinstance(top, str):
            raise SourceFailed(
                f"{self.place}: _updated is sometimes text, sometimes a number: {top!r}, {value!r}"
            )
        if isinstance(value, str):
            return max(value, top, key=lambda text: text.encode())
        return max(value, top)
