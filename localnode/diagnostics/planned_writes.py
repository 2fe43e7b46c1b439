"""What a plan foresees: the records as they would be, and what would be written to each."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.diff import field_changes
from core.dotted import leaves
from core.jsonio import Json
from core.names import Kind, RecordName
from localnode import codec
from localnode.diagnostics.names import listed, payload_of
from localnode.dtl import IndexExpression, PipeSettings, compile_index, join_keys
from localnode.store import Store

INSERT, UPDATE, DELETE = "insert", "update", "delete"


class PlannedWrites:
    """Notes of one plan, in a store of its own (so that memory stays flat).

    A dataset per kind, an entity per record that would be written. Safe to use from several threads.
    """

    def __init__(self, path: Path) -> None:
        self._store = Store.open(path, "OFF")
        self._lock = threading.Lock()
        self._delivered: dict[Kind, int] = {}

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    # -- what would be written -----------------------------------------------------------------------------

    def note(self, kind: Kind, entity: Json, answer: Json) -> None:
        """Remember what a dry run answered to a share entity, if it would write anything.

        Several writes to one record become one: made or not, and field by field what was there before the
        first and what is there after the last of them.
        """
        operation, key = answer.get("$operation"), answer.get("$generated_id")
        if answer.get("$status") != "ok" or operation not in (INSERT, UPDATE, DELETE) or key is None:
            return
        with self._lock:
            dataset = self._store.dataset(kind.name, create=True)
            row = dataset.get(key)
            known = row.entity() if row is not None else {}
            response = answer.get("$response") or {}
            fields = sorted({*known.get("fields", []), *leaves(payload_of(entity))})
            names = {field.partition(".")[0] for field in fields}
            folded = _folded(known.get("operation"), operation)
            based_on = {} if folded == INSERT else entity.get("$based_on") or {}
            before = {**{name: based_on.get(name) for name in names}, **known.get("before", {})}
            planned = {
                "_id": key,
                "operation": folded,
                "origin": entity.get("$origin") or known.get("origin"),
                "because": listed(entity.get("$ids")),
                "before": before,
                "record": {**known.get("record", before), "deleted": True}
                if operation == DELETE
                else response,
                "fields": fields,
                "calls": known.get("calls", 0) + 1,
            }
            dataset.write([planned])

    def writes(self) -> Iterator[Json]:
        """Yield the records that would be written, by kind.

        `{"system", "datatype", "id", "ni", "operation", "origin", "because", "calls", "fields": [{"field",
        "before", "after"}]}`.
        """
        for dataset in self._store.datasets():
            kind = Kind(*dataset.id.split("-", 1))
            for entity in dataset.read():
                fields = (
                    []
                    if entity["operation"] == DELETE
                    else field_changes(entity["before"], entity["record"], entity["fields"])
                )
                if not fields and entity["operation"] == UPDATE:
                    continue  # written and put back: nothing is left of it
                yield {
                    **kind.record(entity["_id"]).as_json(),
                    **{name: entity[name] for name in ("operation", "origin", "because", "calls")},
                    "fields": fields,
                }

    def makes(self, name: RecordName) -> bool:
        """Return whether the plan makes this record."""
        dataset = self._store.find(name.kind.name)
        row = dataset.get(name.key) if dataset is not None else None
        return row is not None and row.entity()["operation"] == INSERT

    # -- what the systems would say ------------------------------------------------------------------------

    def foreseen(self, kind: Kind, entity: Json) -> Json | None:
        """Return the record that a share entity is about, as the plan has left it; None if untouched."""
        dataset = self._store.find(kind.name)
        if dataset is None:
            return None
        if entity.get("$operation") == INSERT:
            made = dataset.indexes.find(_by_origin(), join_keys(entity.get("$origin")))
            return next((row.entity()["record"] for row in made), None)
        row = dataset.get(str(entity.get("id") or entity["_id"]))
        planned = row.entity() if row is not None else None
        return planned["record"] if planned is not None and planned["operation"] != DELETE else None

    def overlaid(self, kind: Kind, since: Any, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a system's JSON array of entities as it would be after the plan's writes.

        What has been delivered is not delivered again, unless somebody reads from the start. The entities
        added carry the highest `_updated` of those read, so that they move nobody's place in the stream.
        """
        dataset = self._store.find(kind.name)
        top, separator = since, b"["
        for entity in codec.iter_array(chunks):
            updated = entity.get("_updated")
            top = updated if top is None or (isinstance(updated, type(top)) and updated > top) else top
            if dataset is None or dataset.get(str(entity.get("_id"))) is None:
                yield separator + codec.dumps(entity)
                separator = b","
        if dataset is not None:
            last = self._delivered.get(kind) if since is not None else None
            for row in dataset.read(last):
                last = row["_updated"]
                deleted = row["operation"] == DELETE
                entity = {**row["record"], "_id": row["_id"], "_deleted": deleted, "_updated": top or ""}
                yield separator + codec.dumps(entity)
                separator = b","
            if last is not None:
                self._delivered[kind] = last
        yield b"[]" if separator == b"[" else b"]"


@lru_cache(maxsize=1)
def _by_origin() -> IndexExpression:
    return compile_index("w.origin", "w", PipeSettings("diagnostics"))


def _folded(before: str | None, now: str) -> str:
    """Return what several operations on one record come to."""
    return INSERT if before == INSERT and now == UPDATE else now
