"""Publish the output of a pipe, computed on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from localnode.pipes.base import Entity, Item, decoded, source_ids
from localnode.pipes.context import RunContext

if TYPE_CHECKING:
    from localnode.pipes.pipe import Pipe


class Publisher:
    """Reads a pipe's source and runs its transforms without changing its pump's state."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    @property
    def filters(self) -> bool:
        """Return whether there are transforms, so that a reader may never see the highest offset."""
        return bool(self._pipe.chain.transforms)

    def entities(
        self,
        since: Any = None,
        limit: int | None = None,
        params: Mapping[str, Any] | None = None,
        preview: bool = False,
    ) -> Iterator[Entity]:
        """Yield entities after `since`; `params` are bound to `_B`.

        A `limit` never separates the entities from one source entity, so that a reader can continue after the
        last `_updated`.
        """
        context = self._pipe.context(params=params)
        count = 0
        for group in self._groups(since, context, preview):
            if limit is not None and count and count + len(group) > limit:
                return
            yield from group
            count += len(group)
            if limit is not None and count >= limit:
                return

    def _groups(self, since: object, context: RunContext, preview: bool) -> Iterator[list[Entity]]:
        """Output by source entity."""
        self._pipe.source.check_token(since)
        for batch in self._pipe.source.preview_batches(since, self._pipe.batch_size):
            sources = [decoded(entity) for entity in batch.entities]
            groups: dict[str, list[Entity]] = {}
            for item in self._pipe.chain.items(sources, context, preview):
                if item.entity.get("_filtered") is not True:
                    groups.setdefault(item.source_id, []).append(item.entity)
            for source_id, source in zip(source_ids(sources), sources, strict=True):
                outputs = groups.pop(source_id, [])
                position = {} if "_updated" not in source else {"_updated": source["_updated"]}
                yield [{**position, **output} for output in outputs]

    def stage(self, stage: str, since: object = None, limit: int | None = None) -> Iterator[Entity]:
        """Preview of `source`, `before-transforms` or `after-transforms`; side effects are left out."""
        if stage == "after-transforms":
            return self.entities(since, limit, preview=True)
        self._pipe.source.check_token(since)
        found = self._pipe.source.entities(since, limit)
        if stage == "source":
            return found
        return (item.entity for entity in found for item in self._before(entity))

    def _before(self, entity: Entity) -> list[Item]:
        return self._pipe.chain.before([entity])
