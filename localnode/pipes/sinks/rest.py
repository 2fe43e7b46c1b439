"""`rest` sink: a call for each entity; the answers are not kept (use the transform for that)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localnode.pipes.base import Config, Entity, RunScope, Sink, Surroundings, decoded
from localnode.pipes.registry import SINK, register
from localnode.pipes.rest import schema
from localnode.pipes.rest.calls import call
from localnode.pipes.rest.exchange import RestLine
from localnode.store import Stored, WriteResult


@register(SINK, "rest", schema.SINK, ("system",))
class RestSink(Sink):
    """Entities say which operation they ask for; see `rest.calls`. Batches are of 1 by default."""

    def __init__(self, config: Config, around: Surroundings) -> None:
        super().__init__(config, around)
        self._line = RestLine(config, around)

    def take_trace(self) -> list[dict[str, Any]]:
        """See Sink."""
        return self._line.trace.take()

    def write(self, entities: Iterable[Entity | Stored], scope: RunScope) -> WriteResult:
        """Filtered entities are dropped. EntityUnfit and RemoteFailed as in `rest.calls.call`."""
        given = [decoded(entity) for entity in entities]
        sent = [entity for entity in given if entity.get("_filtered") is not True]
        for entity in sent:
            call(self._line, entity)
        deleted = sum(entity.get("_deleted") is True for entity in sent)
        return WriteResult(len(given), len(sent), deleted)
