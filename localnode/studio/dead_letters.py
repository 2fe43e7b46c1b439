"""`/studio/data/letters`, `/retries`, `/breakers`: entities that failed, and changes that are held back."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from itertools import islice

from flask import Response, request

from core.jsonio import Json
from core.names import DELETES, parse_pipe
from localnode.api import parsing
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.diagnostics.decide import business_name
from localnode.diagnostics.names import Labels
from localnode.errors import BadRequest
from localnode.pipes.batches import DEAD
from localnode.pipes.policy import policy
from localnode.store import Dataset, Stored
from localnode.store.breaker import staged_count
from localnode.store.pagination import first_at
from localnode.store.state import queued_retries
from localnode.studio.browse import preview
from localnode.studio.data import data, limit, page, until_full

MAX_TEXT = 4000


def dead_letter_datasets() -> list[tuple[str, Dataset]]:
    """(pipe, dataset of its dead letters) of the pipes that have such a dataset by now."""
    found = []
    for pipe in node().pipes.values():
        name = policy(pipe.component.effective).dead_letter_dataset
        dataset = node().store.find(name) if name else None
        if dataset is not None:
            found.append((pipe.id, dataset))
    return found


@data.get("/letters")
def list_dead_letters() -> Response:
    """Return dead letters, newest first: entities that their pipe could not process; cursor `before`."""
    before = parsing.number("before", None)
    streams = [_dead_letters(pipe_id, dataset, before) for pipe_id, dataset in dead_letter_datasets()]
    found = heapq.merge(*streams, key=lambda each: each[1].ts, reverse=True)
    return until_full(((row.ts, _dead_letter(pipe_id, row)) for pipe_id, row in found), limit(50))


@data.get("/retries")
def list_retries() -> Response:
    """Return entities on the pipes' retry queues, by pipe and id; cursor `after`, both as a JSON list."""
    wanted, after = limit(50), parsing.json_parameter("after") or ["", ""]
    if not (isinstance(after, list) and len(after) == 2 and all(isinstance(each, str) for each in after)):
        raise BadRequest('the parameter "after" must be a cursor of this list')
    rows = queued_retries(node().store, (after[0], after[1]), wanted + 1)
    last = rows[wanted - 1] if len(rows) > wanted else None
    return page(rows[:wanted], json.dumps([last["pipe"], last["id"]]) if last is not None else None)


@data.get("/breakers")
def list_breakers() -> Response:
    """Return tripped circuit breakers.

    `[{"dataset", "pipe", "reason", "held": number of entities, "about", "system", "deletions"}]`. For a pipe
    that holds back deletions of a system, `about` is the kind of record (`ERP contact`), `system` its name,
    and `deletions` their consequence in the other system (the node's variable `deletes`).
    """
    writers = {pipe.component.sink_dataset: pipe.id for pipe in node().pipes.values()}
    tripped = [(each, info.breaker) for each in node().store.datasets() if (info := each.info()).breaker]
    return as_json(
        [
            {
                "dataset": each.id,
                "pipe": writers.get(each.id),
                "reason": reason,
                "held": staged_count(each),
                **_deletions(writers.get(each.id)),
            }
            for each, reason in tripped
        ]
    )


def _deletions(pipe_id: str | None) -> Json:
    """Return what is about to be deleted where a pipe finds deletions, all None for other pipes."""
    labels = Labels.of(node().config)
    found = parse_pipe(pipe_id or "", labels.systems)
    if found is None or found[1] != DELETES:
        return {"about": None, "system": None, "deletions": None}
    kind = found[0]
    follows = node().env().get("deletes")
    return {
        "about": labels.kind(kind),
        "system": labels.systems.get(kind.system, kind.system),
        "deletions": follows,
    }


@data.get("/breakers/held")
def list_held() -> Response:
    """Return the first entities that the tripped breaker of `dataset` holds back, at most `limit`.

    `[{"id", "name", "deleted"}]`.
    """
    wanted, dataset = limit(50), node().store.find(request.args.get("dataset", ""))
    held = dataset.staged() if dataset is not None else iter(())
    found = parse_pipe(dataset.id) if dataset is not None else None
    kind = found[0] if found is not None else None
    rows = [
        {
            "id": each["_id"],
            "name": business_name(node().store, kind.record(each["_id"])) if kind else "",
            "deleted": each.get("_deleted") is True,
        }
        for each in islice(held, wanted)
    ]
    return page(rows, None)


def _dead_letters(pipe_id: str, dataset: Dataset, before: int | None) -> Iterator[tuple[str, Stored]]:
    since = None if before is None else first_at(dataset, before)
    return ((pipe_id, row) for row in dataset.rows(since, reverse=True, deleted=False, page=100))


def _dead_letter(pipe_id: str, row: Stored) -> dict[str, object]:
    dead = row.entity().get(DEAD) or {}
    return {
        "pipe": pipe_id,
        **preview(row),
        "error": str(dead.get("error", ""))[:MAX_TEXT],
        "attempts": dead.get("attempts"),
    }
