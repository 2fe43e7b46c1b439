"""Handle JSON push: full and incremental sequences of requests, as a json sink sends them.

A full sequence contains all records. When its last request has arrived and nothing was missing or refused,
records that it did not name are deleted. An incremental request only contains changes. The state of a
sequence is kept in this process: services run as one process (see gunicorn.conf.py). After a restart the next
request of a running sequence is answered 409, and a json sink then starts a new sequence from the beginning.
Nothing is deleted in that case.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.common.errors import BadRequest, Conflict
from connectors.common.query import flag


@dataclass(frozen=True, slots=True)
class PushRequest:
    """The query parameters of one push request."""

    sequence_id: str | None
    is_full: bool
    is_first: bool
    is_last: bool
    request_id: str | None
    previous_request_id: str | None

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> PushRequest:
        """Read the parameters from the query.

        `BadRequest` for a flag that is not true or false, or a full request without sequence_id.
        """
        request = cls(
            query.get("sequence_id"),
            flag(query, "is_full"),
            flag(query, "is_first"),
            flag(query, "is_last"),
            query.get("request_id"),
            query.get("previous_request_id"),
        )
        if request.is_full and not request.sequence_id:
            raise BadRequest("a full push needs sequence_id", field="sequence_id", rule="required")
        return request


@dataclass(slots=True)
class _Sequence:
    sequence_id: str
    last_request_id: str | None = None
    complete: bool = True
    requests: int = 0
    seen: set[str] = field(default_factory=set)


class PushSequences:
    """The active full sequence of one datatype, if any."""

    def __init__(self) -> None:
        self._active: _Sequence | None = None
        self._lock = threading.RLock()

    def begin(self, request: PushRequest) -> None:
        """Admit a request; `Conflict` (409) if it does not continue its sequence."""
        with self._lock:
            active = self._active
            known = active is not None and active.sequence_id == request.sequence_id
            if not request.is_full:
                if known:
                    raise Conflict("is_full differs from the sequence's earlier requests", rule="is_full")
                return
            if active is None or not known:
                active = _Sequence(str(request.sequence_id), complete=request.is_first)
            _admit(active, request)
            self._active = active
            active.last_request_id = request.request_id
            active.requests += 1

    def note(self, request: PushRequest, keys: set[str], faultless: bool) -> None:
        """Record the records that a request named, and whether all of it was carried out."""
        with self._lock:
            active = self._active
            if request.is_full and active is not None and active.sequence_id == request.sequence_id:
                active.seen |= keys
                active.complete = active.complete and faultless

    def finish(self, request: PushRequest) -> set[str] | None:
        """End the sequence; return the keys that it named, or None if it was incomplete."""
        with self._lock:
            active = self._active
            if not (request.is_full and request.is_last):
                return None
            if active is None or active.sequence_id != request.sequence_id:
                return None
            self._active = None
            return active.seen if active.complete else None


def _admit(active: _Sequence, request: PushRequest) -> None:
    if request.is_first and active.requests:
        raise Conflict("is_first is true, but the sequence has requests already", rule="is_first")
    if request.previous_request_id != active.last_request_id:
        raise Conflict(
            "previous_request_id is not the request_id of the sequence's last request",
            rule="previous_request_id",
        )
