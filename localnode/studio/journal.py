"""`/studio/data/audit`, `/events`, `/log`: writes to the systems, problems of the pumps, the node's log."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator

from flask import Response, request

from core.jsonio import Json
from core.names import parse_pipe
from localnode.api import parsing
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.diagnostics.decide import business_name
from localnode.diagnostics.names import payload_of
from localnode.store import LOG_PREFIX, Dataset, Stored
from localnode.store.pagination import first_at
from localnode.studio.browse import changes
from localnode.studio.data import data, limit, until_full
from localnode.studio.flow import written_to
from localnode.studio.node_log import NodeLog
from localnode.studio.runs import was_stopped

WRITES = frozenset({"insert", "update", "delete"})
TROUBLE = frozenset({"pump-failed", "read-error", "write-error"})
MAX_TEXT = 4000


@data.get("/audit")
def audit() -> Response:
    """Return writes to the systems, newest first; `before` (µs) is a cursor.

    Every write is a version in the dataset of a pipe that writes to a system.
    """
    return until_full(_found(_writing(), _write), limit(50))


def writes_since(moment: int) -> Iterator[tuple[int, str]]:
    """(when, operation) of the writes since a moment (both in µs), newest first."""
    for _, row in _newest(_writing()):
        if row.ts < moment:
            return
        if _is_write(row):
            yield row.ts, row.entity()["$operation"]


def _writing() -> list[str]:
    """Return the datasets of the pipes that write to systems."""
    pipes = [pipe.component for pipe in node().pipes.values()]
    return [pipe.sink_dataset for pipe in pipes if pipe.sink_dataset and written_to(pipe.effective)]


def _is_write(row: Stored) -> bool:
    entity = row.entity()
    return not row.deleted and entity.get("$operation") in WRITES and entity.get("$status") == "ok"


def _write(dataset_id: str, row: Stored) -> dict[str, object] | None:
    """Return a version as a write, None when it is none that was carried out.

    What a write leaves out of an object stays there, so nothing counts as removed.
    """
    if not _is_write(row):
        return None
    entity = row.entity()
    was = entity["$was"] if isinstance(entity.get("$was"), dict) else {}
    after = payload_of(entity)
    found = parse_pipe(dataset_id, node().config.systems)
    key = entity.get("$generated_id") or row.id
    name = found[0].record(str(key)) if found is not None else None
    return {
        "record": name.as_json() if name is not None else None,
        "called": business_name(node().store, name) if name is not None else "",
        "dataset": dataset_id,
        "id": row.id,
        "ts": row.ts,
        "updated": row.updated,
        "operation": entity["$operation"],
        "written": entity.get("$written"),
        "key": entity.get("$generated_id"),
        "changes": [each for each in changes(was, after) if each["kind"] != "removed"],
    }


@data.get("/events")
def events() -> Response:
    """Return problems that the pumps reported, newest first; cursor `before` (µs); `pipe` selects one."""
    chosen = request.args.get("pipe")
    pipe_ids = [chosen] if chosen else list(node().pipes)
    return until_full(_found((f"{LOG_PREFIX}{each}" for each in pipe_ids), _event), limit(50))


def _event(dataset_id: str, row: Stored) -> dict[str, object] | None:
    event = row.entity()
    if event.get("event_type") not in TROUBLE or was_stopped(event):
        return None
    return {
        "pipe": dataset_id.removeprefix(LOG_PREFIX),
        "ts": row.ts,
        "kind": event["event_type"],
        "entity": (event.get("entity") or {}).get("_id"),
        "resolved": event.get("resolved") is True,
        "message": str(event.get("reason_why_stopped") or event.get("original_error_message") or "")[
            :MAX_TEXT
        ],
    }


@data.get("/log")
def log() -> Response:
    """Return lines of the node's own log after number `since`, oldest first, as far as they are in memory."""
    return as_json({"rows": NodeLog.current().since(parsing.number("since", 0) or 0)})


def _found(
    dataset_ids: Iterable[str], tell: Callable[[str, Stored], dict[str, object] | None]
) -> Iterator[tuple[int, Json | None]]:
    return ((row.ts, tell(name, row)) for name, row in _newest(dataset_ids))


def _newest(dataset_ids: Iterable[str]) -> Iterator[tuple[str, Stored]]:
    """Versions of several datasets from before `before`, newest first."""
    before = parsing.number("before", None)
    found = [(name, node().store.find(name)) for name in dataset_ids]
    streams = [_back(name, dataset, before) for name, dataset in found if dataset is not None]
    return heapq.merge(*streams, key=lambda each: each[1].ts, reverse=True)


def _back(name: str, dataset: Dataset, before: int | None) -> Iterator[tuple[str, Stored]]:
    since = None if before is None else first_at(dataset, before)
    for row in dataset.rows(since, history=True, reverse=True, page=100):
        yield name, row
