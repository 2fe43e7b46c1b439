"""`null` sink: everything is discarded."""

from __future__ import annotations

from collections.abc import Iterable

from localnode.pipes.base import Entity, RunScope, Sink
from localnode.pipes.registry import SINK, register
from localnode.store import Stored, WriteResult


@register(SINK, "null", {})
class NullSink(Sink):
    """Counts what it is given."""

    def write(self, entities: Iterable[Entity | Stored], scope: RunScope) -> WriteResult:
        """See Sink."""
        return WriteResult(total=sum(1 for _ in entities))
