"""A datatype kept in memory, for tests of what works on any datatype."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

from connectors.common.datatype import Datatype, Deletion, Entity, Insert, Record
from connectors.common.errors import AlreadyExists, BadRequest, Conflict, NotFound, ServiceError

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "readOnly": True},
        "name": {"type": "string", "maxLength": 10},
        "note": {"type": ["string", "null"]},
        "total": {"type": "string", "readOnly": True},
        "link": {"type": "string"},
        "address": {"type": ["object", "null"], "properties": {"city": {"type": ["string", "null"]}}},
    },
}


class MemoryDatatype(Datatype):
    """Records in a dict. Hooks let a test fail a step: `before[step](key)` runs before fetch, create, update, delete,
    and `after["create"]` when the record is stored but its answer not yet given."""

    name = "thing"
    schema = SCHEMA

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.writes: list[tuple[str, str]] = []
        self.before: dict[str, Callable[[str], None]] = {}
        self.after: dict[str, Callable[[str], None]] = {}
        self.find_calls = 0
        self.count = 0
        self.lock = threading.Lock()

    def pages(self, since: str | None, limit: int | None) -> Iterator[list[Entity]]:
        if since == "bad":
            raise BadRequest("since", field="since")
        found = [self.entity(dict(record)) for record in self.records.values()]
        yield found[:limit]

    def fetch(self, key: str) -> Record:
        self._run(self.before, "fetch", key)
        if key not in self.records:
            raise NotFound(f"no {key}")
        return copy.deepcopy(self.records[key])

    def entity(self, record: Record) -> Entity:
        deleted = bool(record.get("deleted"))
        return {**record, "_id": record["id"], "_updated": f"{record['version']:04}", "_deleted": deleted}

    def find_own(self, insert: Insert) -> Record | None:
        self.find_calls += 1
        return next((r for r in list(self.records.values()) if r.get("link") == insert.origin_id), None)

    def create(self, insert: Insert) -> Record:
        with self.lock:
            self.count += 1
            key = insert.key or f"T-{self.count}"
        self._run(self.before, "create", key)
        if key in self.records:
            raise AlreadyExists(f"{key} is taken")
        with self.lock:
            self.records[key] = {"id": key, "version": 1, **insert.payload, "link": insert.origin_id}
            self.writes.append(("create", key))
        self._run(self.after, "create", key)
        return dict(self.records[key])

    def update(self, key: str, present: Record, changes: Record) -> Record:
        self._run(self.before, "update", key)
        stored = self.records[key]
        if stored["version"] != present["version"]:
            raise Conflict("moved on")
        stored.update(changes, version=stored["version"] + 1)
        self.writes.append(("update", key))
        return dict(stored)

    def delete(self, key: str) -> Deletion:
        self._run(self.before, "delete", key)
        if self.records.pop(key, None) is None:
            raise NotFound(key)
        self.writes.append(("delete", key))
        return Deletion("delete")

    @staticmethod
    def _run(hooks: dict[str, Callable[[str], None]], step: str, key: str) -> None:
        if step in hooks:
            hooks[step](key)


def failing(error: ServiceError, times: int = 1) -> Callable[[str], None]:
    """A hook that raises `error` the first `times` times."""
    left = [times]

    def hook(key: str) -> None:
        del key
        if left[0]:
            left[0] -= 1
            raise error

    return hook
