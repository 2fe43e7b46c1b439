"""`/studio/data/datasets`: datasets, their entities page by page, search, the versions of an entity."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from flask import Response, request

from core.diff import differences
from core.jsonio import Json
from core.names import Kind
from localnode.api import parsing
from localnode.api.current import node
from localnode.api.responses import as_json
from localnode.diagnostics.names import concept_of
from localnode.errors import BadRequest, NotFound
from localnode.store import Dataset, Stored
from localnode.store import pagination as store_browse
from localnode.studio import names
from localnode.studio.data import data, dataset, limit, page
from localnode.studio.flow import counts

WINDOW = 5_000
SEARCH_SECONDS = 0.25
PREVIEW_PROPERTIES = 6
PREVIEW_TEXT = 80
PREVIEW_DEPTH = 1
TELLING = (("name",), ("title", "sku", "number"), ("mail",), ("phone", "company"), ("status", "total"))
TECHNICAL = ("_at", "_id", "id", "version", "object", "type")


@data.get("/datasets")
def list_datasets() -> Response:
    """Return datasets whose id contains `q`, by id; `after` is a cursor, `internal` adds execution logs."""
    wanted, text, after = limit(100), request.args.get("q", "").lower(), request.args.get("after", "")
    found = node().store.datasets(include_system=parsing.flag("internal", False))
    matching = [each for each in found if text in each.id.lower()]
    shown = [each for each in matching if each.id > after][: wanted + 1]
    writers = {pipe.component.sink_dataset: pipe.id for pipe in node().pipes.values()}
    rows = [{"id": each.id, "pipe": writers.get(each.id), **counts(each)} for each in shown[:wanted]]
    return page(rows, shown[wanted - 1].id if len(shown) > wanted else None, total=len(matching))


@data.get("/kinds")
def list_kinds() -> Response:
    """Return the kinds of records of the systems, from the pipes that collect them.

    `[{"system", "datatype", "concept", "dataset", "live"}]`; records of one concept can be the same thing.
    """
    kinds = []
    for pipe in node().pipes.values():
        system, datatype, stage = names.parts(pipe.id, node().config.systems)
        if stage == "collect" and system and pipe.sink_dataset is not None:
            found = {"dataset": pipe.sink_dataset.id, "live": pipe.sink_dataset.info().live}
            concept = concept_of(node().config, Kind(system, datatype))
            kinds.append({"system": system, "datatype": datatype, "concept": concept, **found})
    return as_json(sorted(kinds, key=lambda kind: (kind["system"], kind["datatype"])))


@data.get("/datasets/<path:dataset_id>/info")
def dataset_info(dataset_id: str) -> Response:
    """Return figures of one dataset, with the pipes that write, read and hop to it."""
    found = dataset(dataset_id)
    pipes = [pipe.component for pipe in node().pipes.values()]
    return as_json(
        {
            "id": dataset_id,
            **counts(found),
            "writer": [each.id for each in pipes if each.sink_dataset == dataset_id],
            "readers": [each.id for each in pipes if dataset_id in each.sources],
            "hoppers": [each.id for each in pipes if dataset_id in each.tracked | each.untracked],
            "indexes": found.indexes.keys(),
        }
    )


@data.get("/datasets/<path:dataset_id>/entities")
def list_entities(dataset_id: str) -> Response:
    """Return a page of entities in `order`.

    `newest` is the default (cursor `before`, an offset); the other is `id` (cursor `after`, an id; `prefix`
    narrows). `deleted` (default true) also shows deleted ones.
    """
    found, wanted = dataset(dataset_id), limit(50)
    order = request.args.get("order", "newest")
    if order == "id":
        rows = store_browse.by_id(
            found, request.args.get("prefix", ""), request.args.get("after", ""), wanted + 1
        )
        return page(
            [preview(row) for row in rows[:wanted]], rows[wanted - 1].id if len(rows) > wanted else None
        )
    if order != "newest":
        raise BadRequest(f'the order must be newest or id, not "{order}"')
    deleted = parsing.flag("deleted", True)
    rows = list(
        found.rows(parsing.offset("before"), wanted + 1, reverse=True, deleted=deleted, page=wanted + 1)
    )
    return page(
        [preview(row) for row in rows[:wanted]], rows[wanted - 1].updated if len(rows) > wanted else None
    )


@data.get("/datasets/<path:dataset_id>/search")
def search(dataset_id: str) -> Response:
    """Return entities whose text is `q`, begins with it or contains it, newest first.

    Reads backwards from `before` for at most a quarter of a second; `searched` of `total` offsets are then
    done, and `cursor` says where to continue.
    """
    found, wanted, text = dataset(dataset_id), limit(50), request.args.get("q", "")
    if not text.strip():
        raise BadRequest('the parameter "q" is needed: what to look for')
    total = (found.max_updated if found.max_updated is not None else -1) + 1
    start = parsing.offset("before")
    rows = _named(found, text) if start is None else []
    known = {row.updated for row in rows}
    at = total if start is None else min(start, total)
    deadline = time.monotonic() + SEARCH_SECONDS
    while at > 0 and len(rows) < wanted and time.monotonic() < deadline:
        rows += [row for row in _holding(found, text, at) if row.updated not in known]
        at = max(0, at - WINDOW)
    shown = rows[:wanted]
    if len(rows) > wanted:
        at = shown[-1].updated
    return page([preview(row) for row in shown], at or None, searched=total - at, total=total)


def _holding(found: Dataset, text: str, before: int) -> list[Stored]:
    """Return entities of the window before `before` that have `text` in a value.

    Names of properties do not count.
    """
    folded = text.casefold()
    return [
        row
        for row in store_browse.containing(found, text, before, WINDOW)
        if any(folded in each.casefold() for each in _texts(row.entity()))
    ]


def _texts(value: object) -> Iterator[str]:
    """Yield every plain value inside, as text."""
    if isinstance(value, dict):
        for name, content in value.items():
            if name[:1] != "_" or name == "_id":
                yield from _texts(content)
    elif isinstance(value, list):
        for content in value:
            yield from _texts(content)
    else:
        yield str(value)


def _named(found: Dataset, text: str) -> list[Stored]:
    """Return the entity with that id, and a few whose id begins with it."""
    return store_browse.by_id(found, text.strip(), "", 5)


@data.get("/datasets/<path:dataset_id>/entity")
def entity(dataset_id: str) -> Response:
    """Return the latest version of the entity `id`, complete. Raises NotFound if there is none."""
    return as_json(_latest(dataset(dataset_id)).entity())


@data.get("/datasets/<path:dataset_id>/versions")
def versions(dataset_id: str) -> Response:
    """Return versions of the entity `id`, newest first, each with what changed; cursor `at` (an offset)."""
    found, wanted, at = dataset(dataset_id), limit(20), parsing.offset("at")
    row = _latest(found) if at is None else found.version(at)
    rows: list[dict[str, Any]] = []
    while row is not None and row.id == request.args.get("id") and len(rows) < wanted:
        before = found.previous(row)
        rows.append(_version(row, before))
        row = before
    return page(rows, row.updated if row is not None and rows else None)


def _version(row: Stored, before: Stored | None) -> dict[str, object]:
    after = row.entity()
    return {
        "updated": row.updated,
        "ts": row.ts,
        "deleted": bool(row.deleted),
        "first": row.previous is None,
        "changes": changes(before.entity() if before else {}, after),
        "entity": after,
    }


def _latest(found: Dataset) -> Stored:
    entity_id = request.args.get("id", "")
    row = found.get(entity_id)
    if row is None:
        raise NotFound(f'dataset "{found.id}" has no entity "{entity_id[:200]}"')
    return row


def preview(row: Stored) -> Json:
    """Return an entity as one line of a list: only its first meaningful values."""
    shown: dict[str, Any] = {}
    found = [(name, value) for name, value in _plain(row.entity()) if value != row.id]
    for name, value in sorted(found, key=lambda each: _rank(each[0])):
        shown.setdefault(name, value[:PREVIEW_TEXT] if isinstance(value, str) else value)
        if len(shown) == PREVIEW_PROPERTIES:
            break
    return {"id": row.id, "updated": row.updated, "ts": row.ts, "deleted": bool(row.deleted), "values": shown}


def _rank(name: str) -> int:
    """Return the rank of a property: names and addresses first, values for programs last."""
    for rank, words in enumerate(TELLING):
        if any(word in name for word in words):
            return rank
    return len(TELLING) if not name.endswith(TECHNICAL) else len(TELLING) + 1


def _plain(value: dict[str, object], depth: int = 0) -> Iterator[tuple[str, object]]:
    """Return texts and numbers by name, first those of the entity itself, then those inside it.

    `{"v": …}`, the form of values with a clock, counts as its `v`.
    """
    inner: list[dict[str, Any]] = []
    for name, content in value.items():
        if isinstance(content, dict) and "v" in content:
            content = content["v"]
        if name[:1] in "_$" or content in (None, "") or isinstance(content, bool | list):
            continue
        if isinstance(content, dict):
            inner.append(content)
        else:
            yield name, content
    if depth < PREVIEW_DEPTH:
        for each in inner:
            yield from _plain(each, depth + 1)


def changes(before: Json, after: Json) -> list[Json]:
    """Return the differences between two versions, see `core.diff`; of `_…` only `_deleted` counts."""
    return list(differences(_content(before), _content(after)))


def _content(entity: Json) -> Json:
    return {k: v for k, v in entity.items() if not k.startswith("_") or (k == "_deleted" and v)}
