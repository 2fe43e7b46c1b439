"""`json` sink: push entities to a receiver or microservice with the JSON push protocol."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from http import HTTPStatus

from localnode import codec
from localnode.pipes.base import DEFAULT_BATCH, BuildContext, Config, Entity, RunScope, Sink, Source, decoded
from localnode.pipes.errors import RemoteFailed, SequenceConflict
from localnode.pipes.registry import HEADERS, POSITIVE, SINK, STRING, register
from localnode.store import Stored, WriteResult

_PROPERTIES = {"system": STRING, "url": STRING, "batch_size": POSITIVE, "headers": HEADERS}


@register(SINK, "json", _PROPERTIES, ("system", "url"))
class JsonSink(Sink):
    """Entities go out with their reserved properties; a final empty request always closes the run.

    A full run is one sequence that cannot be taken up again half-way, so its offset is stored at its end
    only.
    """

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._size = int(config.get("batch_size", DEFAULT_BATCH))
        self._sequence = ""
        self._previous: str | None = None

    def begin(self, scope: RunScope) -> None:
        """Begin a new sequence."""
        self._sequence = uuid.uuid4().hex
        self._previous = None

    def holds_back(self, scope: RunScope) -> bool:
        """See Sink."""
        return scope.full

    def write(self, entities: Iterable[Entity | Stored], scope: RunScope) -> WriteResult:
        """Post the batch; filtered entities are dropped.

        RemoteFailed unless every request is answered 2xx, SequenceConflict (the run ends) on 409.
        """
        given = [decoded(entity) for entity in entities]
        sent = [entity for entity in given if entity.get("_filtered") is not True]
        for start in range(0, len(sent), self._size):
            self._post(sent[start : start + self._size], scope, last=False)
        deleted = sum(entity.get("_deleted") is True for entity in sent)
        return WriteResult(len(given), len(sent), deleted)

    def finish(self, scope: RunScope, source: Source) -> WriteResult:
        """Return the closing empty request.

        In a full run it says `is_last`, unless an entity could not be sent.
        """
        self._post([], scope, last=scope.complete)
        return WriteResult()

    def _post(self, entities: list[Entity], scope: RunScope, last: bool) -> None:
        request_id = uuid.uuid4().hex
        params = {"sequence_id": self._sequence, "is_full": str(scope.full).lower(), "request_id": request_id}
        if self._previous is not None:
            params["previous_request_id"] = self._previous
        elif scope.full:
            params["is_first"] = "true"
        if scope.full and last:
            params["is_last"] = "true"
        headers = {**(self.config.get("headers") or {}), "Content-Type": "application/json"}
        system, url = self.config["system"], self.config["url"]
        if entities or "is_last" in params:
            self.build_context.written_systems.add(str(system))
        try:
            self.build_context.engine.systems.request(
                system, "POST", url, params=params, headers=headers, data=codec.dumps(entities)
            )
        except RemoteFailed as error:
            if error.status == HTTPStatus.CONFLICT:
                raise SequenceConflict(f"the receiver gave up the sequence: {error}") from error
            raise
        self._previous = request_id
