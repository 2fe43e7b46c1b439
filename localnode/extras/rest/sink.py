"""`rest` sink: a call for each entity; the answers are not kept (use the transform for that)."""

from __future__ import annotations

from collections.abc import Iterable

from localnode.extras.rest import schema
from localnode.extras.rest.calls import call
from localnode.extras.rest.client import RestClient
from localnode.pipes.base import BuildContext, Config, Entity, RunScope, Sink, decoded
from localnode.pipes.registry import SINK, register
from localnode.store import Stored, WriteResult


@register(SINK, "rest", schema.SINK, ("system",))
class RestSink(Sink):
    """Entities say which operation they ask for; see `rest.calls`. Batches are of 1 by default."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._client = RestClient(config, build_context)

    def take_trace(self) -> list[dict[str, object]]:
        """See Sink."""
        return self._client.trace.take()

    def write(self, entities: Iterable[Entity | Stored], scope: RunScope) -> WriteResult:
        """Write the batch; filtered entities are dropped.

        EntityUnfit and RemoteFailed as in `rest.calls.call`.
        """
        given = [decoded(entity) for entity in entities]
        sent = [entity for entity in given if entity.get("_filtered") is not True]
        for entity in sent:
            call(self._client, entity, writes=True)
        deleted = sum(entity.get("_deleted") is True for entity in sent)
        return WriteResult(len(given), len(sent), deleted)
