"""`/api/datasets`: datasets, their entities with paging and history, single entities, circuit breakers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, request

from localnode.api import parsing, views
from localnode.api.current import node
from localnode.api.responses import as_json, entity_array
from localnode.errors import BadRequest, NotFound
from localnode.store import Dataset, WriteOptions

datasets = Blueprint("datasets", __name__, url_prefix="/api/datasets")


@datasets.get("")
def list_datasets() -> Response:
    """Return all datasets; `include-internal-datasets` adds execution logs and other internal ones."""
    internal = parsing.flag("include-internal-datasets", False)
    return as_json([views.dataset_view(each) for each in node().store.datasets(include_system=internal)])


@datasets.get("/<dataset_id>")
def get_dataset(dataset_id: str) -> Response:
    """Return one dataset."""
    return as_json(views.dataset_view(_dataset(dataset_id)))


@datasets.delete("/<dataset_id>")
def delete_dataset(dataset_id: str) -> Response:
    """Delete a dataset with its history."""
    _dataset(dataset_id)
    node().delete_dataset(dataset_id)
    return as_json({"message": "OK"})


@datasets.post("/<dataset_id>")
def operate_dataset(dataset_id: str) -> Response:
    """Carry out `operation` on the dataset.

    `rollback-circuit-breaker` drops what a tripped breaker holds back, `commit-circuit-breaker` publishes it.
    """
    dataset = _dataset(dataset_id)
    operation = parsing.form().get("operation")
    if operation == "rollback-circuit-breaker":
        dataset.rollback_breaker()
    elif operation == "commit-circuit-breaker":
        dataset.commit_breaker()
        node().signal(dataset_id)
    else:
        raise BadRequest(f'datasets do not support the operation "{operation}"')
    return as_json(views.dataset_view(dataset))


@datasets.get("/<dataset_id>/entities")
def get_entities(dataset_id: str) -> Response:
    """Return entities in `_updated` order, streamed.

    `since` (an offset; with `reverse`, entities before it), `limit`, `history` (default true: all versions),
    `deleted` (default true), `reverse`, `populated` (404 until the dataset is populated), `uncommitted` (also
    what a tripped breaker holds back), `subset` (JSON).
    """
    dataset = _dataset(dataset_id)
    info = dataset.info()
    if parsing.flag("populated", False) and not info.populated:
        raise NotFound(f'dataset "{dataset_id}" is not populated yet')
    entities: Iterator[dict[str, Any]] = dataset.read(
        parsing.offset(),
        parsing.number("limit", None),
        history=parsing.flag("history", True),
        reverse=parsing.flag("reverse", False),
        deleted=parsing.flag("deleted", True),
        subset=node().subset(parsing.json_parameter("subset")),
    )
    if parsing.flag("uncommitted", False):
        entities = _and_staged(entities, dataset)
    return entity_array(entities, _headers(dataset))


@datasets.get("/<dataset_id>/uncommitted")
def get_uncommitted(dataset_id: str) -> Response:
    """Return only what a tripped circuit breaker holds back. This call is an addition to Sesam's API."""
    return entity_array(_dataset(dataset_id).staged())


@datasets.post("/<dataset_id>/entities")
def post_entities(dataset_id: str) -> Response:
    """Write entities directly, for repairs; `force` also stores versions that change nothing."""
    body = parsing.json_body()
    entities = body if isinstance(body, list) else [body]
    result = _dataset(dataset_id).write(entities, WriteOptions(force=parsing.flag("force", False)))
    node().signal(dataset_id)
    return as_json({"written": result.changed})


@datasets.get("/<dataset_id>/entity")
def get_entity(dataset_id: str) -> Response:
    """Return one entity: the latest version of `entity_id`, or the version at `offset`."""
    dataset = _dataset(dataset_id)
    at = parsing.offset("offset")
    entity_id = request.args.get("entity_id")
    if at is None and entity_id is None:
        raise BadRequest('either "entity_id" or "offset" is needed')
    if parsing.flag("uncommitted", False) and entity_id is not None:
        held = [entity for entity in dataset.staged() if entity["_id"] == entity_id]
        if held:
            return as_json(held[-1])
    row = dataset.version(at) if at is not None else dataset.get(entity_id or "")
    subset = node().subset(parsing.json_parameter("subset"))
    if row is None or (entity_id is not None and row.id != entity_id):
        raise NotFound(f'dataset "{dataset_id}" has no such entity')
    entity = row.entity()
    if subset is not None and not subset(entity):
        raise NotFound(f'the entity "{row.id}" is not in that subset')
    return as_json(entity)


@datasets.get("/<dataset_id>/indexes")
def get_indexes(dataset_id: str) -> Response:
    """Return the names of the dataset's indexes."""
    keys: list[str] = _dataset(dataset_id).indexes.keys()
    return as_json([{"index_int_id": number, "name": key} for number, key in enumerate(keys)])


@datasets.delete("/<dataset_id>/indexes/<int:index_no>")
def delete_index(dataset_id: str, index_no: int) -> Response:
    """Drop the index at that position of the list; it is built again when a pipe needs it."""
    found = _dataset(dataset_id).indexes
    keys = found.keys()
    if index_no >= len(keys):
        raise NotFound(f'dataset "{dataset_id}" has no index {index_no}')
    found.drop(keys[index_no])
    return as_json({"message": "OK"})


def _dataset(dataset_id: str) -> Dataset:
    found = node().store.find(dataset_id)
    if found is None:
        raise NotFound(f'there is no dataset "{dataset_id}"')
    return found


def _headers(dataset: Dataset) -> dict[str, str]:
    """Return the X-Dataset headers of the JSON pull protocol."""
    info = dataset.info()
    headers = {
        "X-Dataset-Populated": str(info.populated).lower(),
        "X-Dataset-Max-Updated": json.dumps(info.max_updated),
        "X-Dataset-Generation": info.generation,
    }
    if info.completeness is not None:
        headers["X-Dataset-Completeness"] = str(info.completeness)
    return headers


def _and_staged(entities: Iterator[dict[str, object]], dataset: Dataset) -> Iterator[dict[str, object]]:
    yield from entities
    yield from dataset.staged()
