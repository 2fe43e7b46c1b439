"""Trace the history of a record: its versions in the node's datasets, and the writes made to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.diff import field_changes
from core.dotted import leaves
from core.jsonio import Json
from core.names import COLLECT, ENRICH, SHARE, RecordName
from localnode.diagnostics.names import listed, members, payload_of
from localnode.dtl import IndexExpression, PipeSettings, compile_index, join_keys
from localnode.store import Dataset, Store, Stored

WRITES = ("insert", "update", "delete")
_MOST = 1000
"""Versions that are looked at to find where something began."""


@dataclass(frozen=True)
class Version:
    """One version in a dataset: its offset there and when the node stored it (µs)."""

    dataset: str
    offset: int
    stored: int
    entity: Json


def versions(dataset: Dataset | None, entity_id: str) -> Iterator[Version]:
    """Return versions of an entity, newest first."""
    row: Stored | None = dataset.get(entity_id) if dataset is not None else None
    for _ in range(_MOST):
        if row is None or dataset is None:
            return
        yield Version(dataset.id, row.updated, row.ts, row.entity())
        row = dataset.previous(row)


def collected(store: Store, name: RecordName) -> Version | None:
    """Return the record as last collected."""
    return next(versions(store.find(name.kind.pipe(COLLECT)), name.key), None)


def first_said(store: Store, name: RecordName, enriched: str, prop: str, claim: Json) -> Version | None:
    """Return the collected version of a record from which on it made `claim` (value and clock) of `prop`.

    `enriched`: `_id` of the enriched entity that the record is a member of, and its dataset's kind.
    """
    kind, _, _ = enriched.partition(":")
    began: Any = None
    for version in versions(store.find(f"{kind}-{ENRICH}"), enriched):
        said = next((m for who, m in members(version.entity) if who == name), None)
        mine = ((said or {}).get("claims") or {}).get(prop)
        if said is None or mine is None or (mine.get("v"), mine.get("t")) != (claim.get("v"), claim.get("t")):
            break
        began = said.get("modified")
    oldest = None
    for version in versions(store.find(name.kind.pipe(COLLECT)), name.key):
        if version.entity.get("$last-modified") == began:
            oldest = version
        elif oldest is not None:
            break
    return oldest


def writes(store: Store, name: RecordName) -> list[Version]:
    """Return the share rows of the writes to a record, newest first.

    These are its own row's, and the one that created it.
    """
    dataset = store.find(name.kind.pipe(SHARE))
    if dataset is None:
        return []
    rows = dataset.indexes.find(_by_generated_id(), join_keys(name.key))
    found: dict[str, Version] = {}
    for row in rows:
        for version in versions(dataset, row.id):
            at = version.entity.get("$written")
            if version.entity.get("$operation") in WRITES and version.entity.get("$status") == "ok" and at:
                found[at] = version  # what is settled or reported keeps the stamp of the write before
    return [found[at] for at in sorted(found, reverse=True)]


def stored_otherwise(store: Store, name: RecordName) -> list[Json]:
    """Return the values that a record's system stored differently from what was sent.

    `[{"field" (a dotted path), "sent", "kept"}]`, of all writes to it.
    """
    found = [each for version in writes(store, name) for each in listed(version.entity.get("$kept"))]
    return [{**each, "field": str(each["field"]).strip("/").replace("/", ".")} for each in found]


def open_cases(store: Store, name: RecordName, golden_id: str | None) -> list[Json]:
    """Return the open cases of a record: `{"pipe", "status", "rule", "detail"}`."""
    dataset = store.find(name.kind.pipe(SHARE))
    ids = [name.key, *([f"new:{golden_id}"] if golden_id else [])]
    rows = dataset.get_many(ids).values() if dataset is not None else []
    found = []
    for row in rows:
        entity = row.entity()
        if not row.deleted and entity.get("$status") not in (None, "ok"):
            error = entity.get("$error") or {}
            found.append(
                {
                    "pipe": name.kind.pipe(SHARE),
                    "status": entity["$status"],
                    "rule": error.get("rule"),
                    "detail": error.get("detail"),
                }
            )
    return found


def sent(version: Version, prop: str) -> Json:
    """Return the golden claim that a write carried for a shared property, {} for none."""
    return next((s for s in listed((version.entity.get("$sent") or {}).get(prop)) if isinstance(s, dict)), {})


def changes(version: Version) -> list[Json]:
    """Return the changes of a write, field by field: `[{"field", "before", "after"}]`, dotted paths."""
    payload = payload_of(version.entity)
    return field_changes(version.entity.get("$was") or {}, payload, sorted(leaves(payload)))


@lru_cache(maxsize=1)
def _by_generated_id() -> IndexExpression:
    """Return the index that collect pipes keep for the same question."""
    return compile_index("s.$generated_id", "s", PipeSettings("diagnostics"))
