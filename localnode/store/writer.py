"""The write rule: change detection, new versions, indexes, all in one transaction."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.jsonio import Json
from localnode import codec
from localnode.store.errors import (
    DatasetMissing,
    DuplicateVersion,
    EntityTooLarge,
    InvalidEntity,
    StaleEntity,
)

if TYPE_CHECKING:
    from localnode.store.dataset import Dataset, Stored

MAX_ENTITY_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True)
class WriteOptions:
    """How to write. `force` skips change detection (repair only). `full` remembers ids for deletion tracking.

    `staged` keeps the writes invisible under a circuit breaker. `multiple_versions` is True, False (a second
    version is an error) or "ignore". `suppress_filtered` drops `_filtered` entities instead of deleting them.
    `unknown_deletions` stores deleted entities of ids that the dataset has never had.
    """

    force: bool = False
    full: bool = False
    staged: bool = False
    optimistic_locking: bool = False
    multiple_versions: bool | str = True
    suppress_filtered: bool = False
    unknown_deletions: bool = True
    max_bytes: int = MAX_ENTITY_BYTES


PLAIN = WriteOptions()


@dataclass(frozen=True)
class WriteResult:
    """What a write did: new versions and, among them, deletions; `total` is the number of entities given."""

    total: int = 0
    changed: int = 0
    deleted: int = 0

    def __add__(self, other: WriteResult) -> WriteResult:
        return WriteResult(
            self.total + other.total, self.changed + other.changed, self.deleted + other.deleted
        )


class Prepared:
    """An entity ready to be stored: canonical text, hash, and the entity itself if it had to be decoded."""

    __slots__ = ("_entity", "data", "deleted", "filtered", "hash", "id")

    def __init__(self, entity_id: str, deleted: bool, data: bytes, content_hash: bytes, entity: Json | None):
        self.id = entity_id
        self.deleted = deleted
        self.filtered = False
        self.data = data
        self.hash = content_hash
        self._entity = entity

    def entity(self) -> Json:
        """Return the entity as a dict, without store properties."""
        if self._entity is None:
            self._entity = codec.loads(self.data)
        return self._entity

    def as_deleted(self, extra: dict[str, object] | None = None) -> Prepared:
        """Return the same content, deleted; `extra` properties are added."""
        return prepare({**self.entity(), **(extra or {}), "_deleted": True})


def prepare(entity: dict[str, object], max_bytes: int = MAX_ENTITY_BYTES) -> Prepared:
    """Strip reserved properties and render. Raises InvalidEntity or EntityTooLarge."""
    entity_id = entity.get("_id") if isinstance(entity, dict) else None
    if not isinstance(entity_id, str) or not entity_id:
        raise InvalidEntity(f"entity without a non-empty string _id: {str(entity)[:200]}")
    if not entity_id.isascii() and not is_text(entity_id):
        raise InvalidEntity(f"the _id {entity_id!a:.200} has half of a surrogate pair in it")
    content = {name: value for name, value in entity.items() if name[:1] != "_"}
    deleted = entity.get("_deleted") is True
    content["_deleted"] = deleted
    content["_id"] = entity_id
    try:
        data = codec.dumps(content)
    except RecursionError as error:
        raise InvalidEntity(f"entity {entity_id[:200]!r} is nested too deep") from error
    if len(data) > max_bytes:
        raise EntityTooLarge(
            f"entity {entity_id!r} has {len(data)} bytes, max_entity_bytes_size is {max_bytes}"
        )
    prepared = Prepared(entity_id, deleted, data, codec.digest(data), content)
    prepared.filtered = entity.get("_filtered") is True
    return prepared


def is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def stored_as_prepared(row: Stored) -> Prepared:
    """Return a stored version, ready to be written again without decoding it."""
    return Prepared(row.id, bool(row.deleted), row.data, row.hash, None)


def prepare_all(entities: Iterable[dict[str, object] | Stored], options: WriteOptions) -> list[Prepared]:
    """Return everything of one write call."""
    return [
        stored_as_prepared(e) if isinstance(e, tuple) else prepare(e, options.max_bytes) for e in entities
    ]


def latest_states(dataset: Dataset, ids: Sequence[str]) -> dict[str, tuple[int, bytes, int]]:
    """(offset, hash, deleted) of the latest committed version of each id that has one."""
    if len(ids) == 1:
        where, parameter = "id = ?", ids[0]
    else:
        where, parameter = "id IN (SELECT value FROM json_each(?))", json.dumps(ids)
    sql = f"SELECT id, upd, hash, deleted FROM log_{dataset.no} WHERE cur = 1 AND {where}"
    return {row[0]: row[1:] for row in dataset.query(sql, (parameter,))}


class _Writing:
    """State of one write call: what is latest, and the rows to add."""

    def __init__(self, dataset: Dataset, options: WriteOptions, ids: Sequence[str]) -> None:
        self.dataset = dataset
        self.options = options
        self.latest = latest_states(dataset, ids)
        self.first = self.offset = next_offset(dataset)
        self.now = time.time_ns() // 1000
        self.rows: list[tuple[Any, ...]] = []
        self.written: dict[str, Prepared] = {}
        self.superseded: list[tuple[int]] = []
        self.unchanged: list[tuple[str]] = []
        self.ids = self.live = self.deleted = 0

    def add(self, item: Prepared) -> None:
        """Decide what becomes of one entity."""
        state = self.latest.get(item.id)
        if item.filtered:
            if state is None or state[2] or self.options.suppress_filtered:
                return
            item = self._latest_content(item.id).as_deleted()
        if state is None and item.deleted and not self.options.unknown_deletions:
            return
        if state is not None and not self.options.force:
            if state[1] == item.hash:
                self.unchanged.append((item.id,))
                return
            if self.options.multiple_versions is not True:
                if self.options.multiple_versions != "ignore":
                    raise DuplicateVersion(
                        f"entity {item.id!r} exists already; prevent_multiple_versions is set"
                    )
                self.unchanged.append((item.id,))
                return
        self._append(item, state)

    def _append(self, item: Prepared, state: tuple[int, bytes, int] | None) -> None:
        previous = None if state is None else state[0]
        if previous is not None:
            self.superseded.append((previous,))
        self.ids += state is None
        self.live += (not item.deleted) - (state is not None and not state[2])
        self.deleted += item.deleted
        self.rows.append(
            (self.offset, item.id, previous, self.now, item.hash, int(item.deleted), 1, item.data)
        )
        self.written[item.id] = item
        self.latest[item.id] = (self.offset, item.hash, int(item.deleted))
        self.offset += 1

    def _latest_content(self, entity_id: str) -> Prepared:
        pending = self.written.get(entity_id)
        if pending is not None:
            return pending
        row = self.dataset.get(entity_id)
        if row is None:
            raise DatasetMissing(self.dataset.id)
        return stored_as_prepared(row)

    def flush(self, db: sqlite3.Connection) -> None:
        """Store the rows; a version superseded within this very call is stored as such."""
        no = self.dataset.no
        if self.rows:
            # Superseded within this very call: such a row is not in the log yet, so UPDATE would not find it.
            late = {upd for (upd,) in self.superseded if upd >= self.first}
            rows = (
                [(*row[:6], 0, row[7]) if row[0] in late else row for row in self.rows] if late else self.rows
            )
            db.executemany(f"UPDATE log_{no} SET cur = 0 WHERE upd = ?", self.superseded)
            db.executemany(f"INSERT INTO log_{no} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            db.execute(
                "UPDATE dataset SET next_offset = ?, ids = ids + ?, live = live + ? WHERE no = ?",
                (self.offset, self.ids, self.live, no),
            )
            self.dataset.touch()
            old = [upd for (upd,) in self.superseded if upd < self.first]
            new = [(self.latest[name][0], item) for name, item in self.written.items()]
            self.dataset.indexes.update(db, self.first, self.offset, old, new)
        if self.options.full and self.unchanged:
            db.executemany(f"INSERT OR IGNORE INTO seen_{no} VALUES (?)", self.unchanged)


def next_offset(dataset: Dataset) -> int:
    """Return the offset the next version gets. DatasetMissing when the dataset is gone."""
    rows = dataset.query("SELECT next_offset FROM dataset WHERE no = ?", (dataset.no,))
    if not rows:
        raise DatasetMissing(dataset.id)
    return int(rows[0][0])


def write(dataset: Dataset, entities: Iterable[Json | Stored], options: WriteOptions) -> WriteResult:
    """See `Dataset.write`."""
    given = list(entities)
    items = prepare_all(given, options)
    if not items:
        return WriteResult()
    with dataset.store.transaction() as db:
        writing = _Writing(dataset, options, [item.id for item in items])
        if options.optimistic_locking:
            for entity in given:
                _check_latest(dataset, entity, writing.latest)
        for item in items:
            writing.add(item)
        writing.flush(db)
    return WriteResult(len(items), len(writing.rows), writing.deleted)


def _check_latest(dataset: Dataset, entity: Json | Stored, latest: dict[str, tuple[int, bytes, int]]) -> None:
    """StaleEntity when an entity names an `_updated` that is not the latest version's."""
    if isinstance(entity, tuple) or entity.get("_updated") is None:
        return
    state, based_on = latest.get(entity["_id"]), entity["_updated"]
    if state is None or state[0] == based_on:
        return
    existing, ancestor = dataset.get(entity["_id"]), None
    if isinstance(based_on, int):
        ancestor = dataset.version(based_on)
    known = ancestor is not None and ancestor.id == entity["_id"]
    raise StaleEntity(
        entity, existing.entity() if existing else {}, ancestor.entity() if ancestor and known else None
    )
