"""Carry out push requests: every entity is an unconditional upsert or delete."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from connectors.common import entity_text
from connectors.common.datatype import Datatype, Entity, Record
from connectors.common.errors import NotFound, Rejected
from connectors.common.outcome import Outcome
from connectors.common.push import PushRequest
from connectors.common.service import Runtime
from connectors.common.share_request import ShareRequest, payload_of
from connectors.common.transit import escaped, unescaped

_MOST = 20
"""Failed entities named in one problem document."""


def push(parts: Runtime, kind: Datatype, query: Mapping[str, str], entities: list[Entity]) -> None:
    """Carry out one push request.

    Raises `Rejected` with the entities that failed, after all others are done. The last request of a full
    sequence deletes the records that the sequence did not name, if it was complete.
    """
    request = PushRequest.parse(query)
    sequences = parts.sequences[kind.name]
    sequences.begin(request)
    keys: set[str] = set()
    failed: list[dict[str, Any]] = []
    try:
        for entity in entities:
            outcome = _write(parts, kind, entity)
            if outcome.error is not None:
                failed.append({**outcome.error.as_dict(), "entity": entity.get("_id")})
            elif outcome.key is not None:
                keys.add(outcome.key)
                failed += [{**left, "entity": entity.get("_id")} for left in outcome.refused]
    except BaseException:
        sequences.note(request, keys, faultless=False)
        raise
    sequences.note(request, keys, faultless=not failed)
    named = sequences.finish(request)
    if named is not None:
        failed += _delete_others(parts, kind, named)
    if failed:
        raise Rejected(
            f"{len(failed)} entities or properties were not written; the others are done",
            errors=failed[:_MOST],
            failed=len(failed),
        )


def _write(parts: Runtime, kind: Datatype, given: Entity) -> Outcome:
    try:
        entity_text.check(given, given.get("_id"))
    except Rejected as error:
        return Outcome("none", "rejected", error=error.with_traceback(None))
    entity = unescaped(given)
    key = entity["_id"]
    if entity.get("_deleted") is True:
        return parts.engine.outcome(kind, partial(ShareRequest, "delete", key, {}))
    return parts.engine.outcome(kind, partial(_upsert, kind, key, payload_of(entity)))


def _upsert(kind: Datatype, key: str, payload: Record) -> ShareRequest:
    """Return an update of the record with the pushed `_id`, by its key or its origin.

    Otherwise return an insert.
    """
    origin = f"~:push:{escaped(key)}"
    request = ShareRequest("insert", None if kind.assigns_keys else key, payload, origin=origin)
    record: Record | None
    try:
        record = kind.fetch(key)
    except NotFound:
        record = kind.find_own(request.insert)
    if record is None or kind.entity(dict(record))["_deleted"]:
        return request
    return ShareRequest("update", kind.key_of(record), payload, check_version=False)


def _delete_others(parts: Runtime, kind: Datatype, named: set[str]) -> list[dict[str, object]]:
    """Delete live records that a complete full sequence did not name.

    Returns those that could not be deleted.
    """
    doomed = [
        kind.key_of(entity)
        for page in kind.pages(None, None)
        for entity in page
        if not entity["_deleted"] and kind.key_of(entity) not in named
    ]
    failed = []
    for key in doomed:
        outcome = parts.engine.outcome(kind, partial(ShareRequest, "delete", key, {}))
        if outcome.error is not None:
            failed.append({**outcome.error.as_dict(), "entity": key})
    return failed
