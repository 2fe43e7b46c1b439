"""Secondary indexes.

(dataset, join expression) -> versions, kept in the transaction that writes the entities.

An index is a reader of the log with an offset of its own. Indexes in use are kept up to date by every
write; one that nobody has asked for since the program started catches up from its offset when it is first
used again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol

from core.jsonio import Json
from localnode import codec
from localnode.store import schema
from localnode.store.errors import DatasetMissing

if TYPE_CHECKING:
    from localnode.store.dataset import Dataset, Stored
    from localnode.store.writer import Prepared

CHUNK = 2000
_BY_ID = itemgetter(1)


class Index(Protocol):
    """A join expression over one dataset."""

    @property
    def key(self) -> str:
        """Names the expression; equal over restarts."""

    @property
    def primary_key(self) -> bool:
        """Whether the expression is just `_id`, so that keys are ids and no table of its own is needed."""

    def values(self, entity: Json) -> list[str]:
        """Canonical join keys of an entity; empty for null and for deleted entities."""


class DatasetIndexes:
    """The indexes of one dataset."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._ready: dict[str, tuple[int, Index]] = {}

    def forget(self) -> None:
        """Trust nothing remembered in memory (after a rollback)."""
        self._ready.clear()

    def ensure(self, index: Index) -> int:
        """Create the index or let it catch up with the log; returns its table number."""
        while True:
            with self._dataset.store.transaction() as db:
                no, at = self._row(db, index.key)
                rows = db.execute(
                    f"SELECT upd, prev, deleted, cur, data FROM log_{self._dataset.no}"
                    " WHERE upd >= ? ORDER BY upd LIMIT ?",
                    (at, CHUNK),
                ).fetchall()
                if not rows:
                    self._ready[index.key] = (no, index)
                    return no
                old = [row[1] for row in rows if row[1] is not None and row[1] < at]
                self._remove(db, [(no, index)], old)
                live = ((row[0], codec.loads(row[4])) for row in rows if row[3] and not row[2])
                _insert(db, no, index, live)
                db.execute("UPDATE dataset_index SET next_offset = ? WHERE no = ?", (rows[-1][0] + 1, no))

    def _row(self, db: sqlite3.Connection, key: str) -> tuple[int, int]:
        """Return (number, offset) of an index, created when new."""
        found = db.execute(
            "SELECT no, next_offset FROM dataset_index WHERE dataset = ? AND key = ?", (self._dataset.no, key)
        ).fetchone()
        if found:
            return int(found[0]), int(found[1])
        if self._dataset.store.find(self._dataset.id) is not self._dataset:
            raise DatasetMissing(self._dataset.id)
        cursor = db.execute("INSERT INTO dataset_index (dataset, key) VALUES (?, ?)", (self._dataset.no, key))
        number = int(cursor.lastrowid or 0)
        schema.create_index(db, number)
        return number, 0

    def find(self, index: Index, keys: Sequence[str]) -> list[Stored]:
        """Live latest versions whose values overlap `keys`, ordered by `_id`."""
        if index.primary_key:
            found = self._dataset.get_many(keys)
            return [found[name] for name in sorted(found) if not found[name].deleted]
        ready = self._ready.get(index.key)
        no = ready[0] if ready else self.ensure(index)
        columns, log = "l.upd, l.id, l.prev, l.ts, l.hash, l.deleted, l.data", f"log_{self._dataset.no}"
        if len(keys) == 1:
            rows = self._dataset.query(
                f"SELECT {columns} FROM ix_{no} x CROSS JOIN {log} l ON l.upd = x.upd"
                " WHERE l.cur = 1 AND x.val = ?",
                (keys[0],),
            )
        else:
            rows = self._dataset.query(
                f"SELECT {columns} FROM {log} l WHERE l.cur = 1 AND l.upd IN"
                f" (SELECT upd FROM ix_{no} WHERE val IN (SELECT value FROM json_each(?)))",
                (json.dumps(list(keys)),),
            )
        if len(rows) > 1:
            rows.sort(key=_BY_ID)
        return self._dataset.stored(rows)

    def tally(self, index: Index) -> dict[str, int]:
        """Return how many live latest versions have each value; not for the primary key."""
        ready = self._ready.get(index.key)
        no = ready[0] if ready else self.ensure(index)
        return dict(self._dataset.query(f"SELECT val, count(*) FROM ix_{no} GROUP BY val"))

    def find_ids(self, index: Index, keys: Iterable[str]) -> list[tuple[str, str]]:
        """(key, `_id`) of every live entity that has one of `keys`, for many keys at once."""
        if index.primary_key:
            rows = self._dataset.query(
                f"SELECT id, id FROM log_{self._dataset.no} WHERE cur = 1 AND deleted = 0"
                " AND id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(keys)),),
            )
            return [(row[0], row[1]) for row in rows]
        ready = self._ready.get(index.key)
        no = ready[0] if ready else self.ensure(index)
        rows = self._dataset.query(
            f"SELECT x.val, l.id FROM json_each(?) j CROSS JOIN ix_{no} x ON x.val = j.value"
            f" CROSS JOIN log_{self._dataset.no} l ON l.upd = x.upd WHERE l.cur = 1",
            (json.dumps(list(keys)),),
        )
        return [(row[0], row[1]) for row in rows]

    def update(
        self,
        db: sqlite3.Connection,
        first: int,
        following: int,
        old: list[int],
        new: list[tuple[int, Prepared]],
    ) -> None:
        """After a write of offsets `first` to `following`.

        Drop values of `old` versions, add those of `new` ones.
        """
        if not self._ready:
            return
        self._remove(db, [*self._ready.values()], old)
        for no, index in self._ready.values():
            _insert(db, no, index, ((upd, item.entity()) for upd, item in new if not item.deleted))
            db.execute(
                "UPDATE dataset_index SET next_offset = ? WHERE no = ? AND next_offset = ?",
                (following, no, first),
            )

    def forget_versions(self, db: sqlite3.Connection, offsets: list[int]) -> None:
        """Drop the values of latest versions that are about to leave the log."""
        self._remove(db, [*self._ready.values()], offsets)

    def _remove(
        self, db: sqlite3.Connection, indexes: Sequence[tuple[int, Index]], offsets: list[int]
    ) -> None:
        """Drop the values of versions from several indexes; each version is read once."""
        if not offsets or not indexes:
            return
        rows = db.execute(
            f"SELECT upd, data FROM log_{self._dataset.no}"
            " WHERE deleted = 0 AND upd IN (SELECT value FROM json_each(?))",
            (json.dumps(offsets),),
        ).fetchall()
        gone: dict[int, list[tuple[str, int]]] = {no: [] for no, _ in indexes}
        for upd, data in rows:
            entity = codec.loads(data)
            for no, index in indexes:
                gone[no] += [(value, upd) for value in index.values(entity)]
        for no, values in gone.items():
            db.executemany(f"DELETE FROM ix_{no} WHERE val = ? AND upd = ?", values)

    def keys(self) -> list[str]:
        """Return keys of all indexes that exist, used or not."""
        rows = self._dataset.query(
            "SELECT key FROM dataset_index WHERE dataset = ? ORDER BY no", (self._dataset.no,)
        )
        return [row[0] for row in rows]

    def drop(self, key: str) -> None:
        """Drop an index; it is built again when somebody asks for it. Harmless when it does not exist."""
        with self._dataset.store.transaction() as db:
            found = db.execute(
                "SELECT no FROM dataset_index WHERE dataset = ? AND key = ?", (self._dataset.no, key)
            ).fetchone()
            self._ready.pop(key, None)
            if found:
                schema.drop_index(db, found[0])
                db.execute("DELETE FROM dataset_index WHERE no = ?", found)


def _insert(db: sqlite3.Connection, no: int, index: Index, entities: Iterable[tuple[int, Json]]) -> None:
    rows = [(value, upd) for upd, entity in entities for value in index.values(entity)]
    db.executemany(f"INSERT OR IGNORE INTO ix_{no} VALUES (?, ?)", rows)
