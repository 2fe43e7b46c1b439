"""One dataset: an append-only log of entity versions, its latest versions by `_id`, its metadata."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from core.jsonio import Json
from localnode import codec
from localnode.store import breaker, deletion_tracking, writer
from localnode.store.errors import DatasetMissing
from localnode.store.indexes import DatasetIndexes

if TYPE_CHECKING:
    from localnode.store.store import Store

PAGE = 1000
COUNTED = 20_000
_COLUMNS = "upd, id, prev, ts, hash, deleted, data"
Subset = Callable[[dict[str, Any]], bool]


class Stored(NamedTuple):
    """One version of an entity as it lies in the log.

    `data` is the canonical JSON of content, `_id` and `_deleted`.
    """

    updated: int
    id: str
    previous: int | None
    ts: int
    hash: bytes
    deleted: int
    data: bytes

    def entity(self) -> Json:
        """Return the entity with its reserved properties.

        `_updated`, `_previous`, `_ts` in µs, `_hash` as 32 hex digits.
        """
        entity: dict[str, Any] = codec.loads(self.data)
        entity["_updated"] = self.updated
        entity["_previous"] = self.previous
        entity["_ts"] = self.ts
        entity["_hash"] = self.hash.hex()
        return entity


@dataclass(frozen=True)
class DatasetInfo:
    """Metadata at one moment. `ids` counts distinct ids, deleted ones too; `live` those that are not deleted.

    `completeness` and the values of `inherited` (by upstream dataset) are µs since the epoch; `breaker` is
    the message of a tripped circuit breaker; `max_updated` is None while the log is empty.
    """

    generation: str
    populated: bool
    max_updated: int | None
    ids: int
    live: int
    completeness: int | None
    inherited: Mapping[str, int]
    breaker: str | None
    created: int


class Dataset:
    """Handle of one dataset; cheap, thread-safe, valid until the dataset is deleted (then DatasetMissing)."""

    def __init__(self, store: Store, no: int, dataset_id: str) -> None:
        self.store = store
        self.no = no
        self.id = dataset_id
        self.indexes = DatasetIndexes(self)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Return rows of one read; DatasetMissing when the dataset has been deleted meanwhile."""
        try:
            return self.store.query(sql, parameters)
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                raise DatasetMissing(self.id) from error
            raise

    # -- reading -------------------------------------------------------------------------------------------

    def rows(
        self,
        since: int | None = None,
        limit: int | None = None,
        *,
        history: bool = False,
        reverse: bool = False,
        deleted: bool = True,
        subset: Subset | None = None,
        page: int = PAGE,
    ) -> Iterator[Stored]:
        """Versions after offset `since` in `_updated` order (before it and backwards with `reverse`).

        Latest version per `_id`, or all of them with `history`; without deleted ones unless `deleted`. With
        `subset` only its members, and a deleted version for each entity that left it after `since`.
        Read page by page, so memory does not grow with the log.
        """
        left = -1 if limit is None else limit
        at = since
        where = "" if history else " AND cur = 1"
        where += "" if deleted else " AND deleted = 0"
        step, order, start = ("<", "DESC", 1 << 62) if reverse else (">", "ASC", -1)
        sql = f"SELECT {_COLUMNS} FROM log_{self.no} WHERE upd {step} ?{where} ORDER BY upd {order} LIMIT ?"
        while left:
            take = page if left < 0 or subset else min(page, left)
            batch = self.query(sql, (start if at is None else at, take))
            for row in map(Stored._make, batch):
                at = row.updated
                member = row if subset is None else self._in_subset(row, subset, since)
                if member is not None:
                    yield member
                    left -= 1
                    if not left:
                        return
            if len(batch) < take:
                return

    def read(self, since: int | None = None, limit: int | None = None, **options: Any) -> Iterator[Json]:
        """`rows` as entities."""
        return (row.entity() for row in self.rows(since, limit, **options))

    def get(self, entity_id: str) -> Stored | None:
        """Return the latest version of an id, deleted or not; None if there is none."""
        return self._one("id = ? AND cur = 1", entity_id)

    def get_many(self, entity_ids: Sequence[str]) -> dict[str, Stored]:
        """Return the latest versions of several ids; unknown ids are left out."""
        if len(entity_ids) == 1:
            row = self.get(entity_ids[0])
            return {row.id: row} if row else {}
        rows = self.query(
            f"SELECT {_COLUMNS} FROM log_{self.no} WHERE cur = 1 AND id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(entity_ids)),),
        )
        return {row[1]: Stored._make(row) for row in rows}

    @staticmethod
    def stored(rows: Iterable[Sequence[object]]) -> list[Stored]:
        """Return rows of (upd, id, prev, ts, hash, deleted, data) as versions."""
        return [Stored._make(row) for row in rows]

    def version(self, offset: int) -> Stored | None:
        """Return the version stored at an offset, or None."""
        return self._one("upd = ?", offset)

    def previous(self, row: Stored) -> Stored | None:
        """Return the version before `row` of the same entity.

        None for the first, or when compaction has dropped it.
        """
        return None if row.previous is None else self.version(row.previous)

    def _one(self, where: str, value: object) -> Stored | None:
        rows = self.query(f"SELECT {_COLUMNS} FROM log_{self.no} WHERE {where}", (value,))
        return Stored._make(rows[0]) if rows else None

    def _in_subset(self, row: Stored, subset: Subset, since: int | None) -> Stored | None:
        """`row` if it is a member; marked deleted if the reader at `since` had it as a member; else None."""
        if not row.deleted and subset(row.entity()):
            return row
        if since is None:
            return None
        before: Stored | None = row
        while before is not None and before.updated > since:
            before = self.previous(before)
        if before is None or before.deleted or not subset(before.entity()):
            return None
        content = {**codec.loads(row.data), "_deleted": True}
        return row._replace(deleted=1, data=codec.dumps(content))

    def count_since(self, offset: int | None) -> int:
        """Return how many entities have a latest version after `offset`.

        No less than that, but perhaps more, when more than `COUNTED` versions lie there: it is asked often
        and may not take long.
        """
        info = self.info()
        if offset is None or info.max_updated is None:
            return info.ids
        if info.max_updated - offset > COUNTED:
            return min(info.max_updated - offset, info.ids)
        rows = self.query(f"SELECT count(*) FROM log_{self.no} WHERE upd > ? AND cur = 1", (offset,))
        return int(rows[0][0])

    # -- metadata ------------------------------------------------------------------------------------------

    def info(self) -> DatasetInfo:
        """Metadata now."""
        return self.store.cached(("dataset", self.no), self._read_info)

    def _read_info(self) -> DatasetInfo:
        rows = self.query(
            "SELECT generation, populated, next_offset, ids, live, completeness, inherited, breaker, created"
            " FROM dataset WHERE no = ?",
            (self.no,),
        )
        if not rows:
            raise DatasetMissing(self.id)
        generation, populated, following, ids, live, completeness, inherited, breaker_message, created = rows[
            0
        ]
        top = following - 1 if following else None
        return DatasetInfo(
            generation,
            bool(populated),
            top,
            ids,
            live,
            completeness,
            json.loads(inherited),
            breaker_message,
            created,
        )

    @property
    def populated(self) -> bool:
        """Whether the initial offset is set: readers that hop here may go ahead."""
        return self.info().populated

    @property
    def max_updated(self) -> int | None:
        """The highest committed offset, None while the log is empty."""
        return self.info().max_updated

    def set_populated(self, populated: bool = True) -> None:
        """Set the flag that hopping pipes wait for."""
        self._set("populated", int(populated))

    def set_completeness(self, completeness: int | None, inherited: Mapping[str, int]) -> None:
        """Set the µs up to which all input is in here, and what was seen of each upstream dataset."""
        known = self.info()
        if (known.completeness, known.inherited) == (completeness, inherited):
            return
        with self.store.transaction() as db:
            db.execute(
                "UPDATE dataset SET completeness = ?, inherited = ? WHERE no = ?",
                (completeness, json.dumps(dict(inherited)), self.no),
            )
            self.touch()

    def _set(self, column: str, value: object) -> None:
        with self.store.transaction() as db:
            db.execute(f"UPDATE dataset SET {column} = ? WHERE no = ?", (value, self.no))
            self.touch()

    def touch(self) -> None:
        """Note, inside a transaction, that it changes the metadata."""
        self.store.touch(("dataset", self.no))

    # -- writing -------------------------------------------------------------------------------------------

    def write(
        self, entities: Iterable[Json | Stored], options: writer.WriteOptions = writer.PLAIN
    ) -> writer.WriteResult:
        """Append the entities that differ from their latest version, all or none; see `writer.WriteOptions`.

        Raises InvalidEntity (or a kind of it) naming the entity; nothing of the call is stored then.
        """
        return (
            breaker.write(self, entities, options)
            if options.staged
            else writer.write(self, entities, options)
        )

    def start_full(self) -> int:
        """Begin to remember which ids are written (with `WriteOptions.full`).

        Returns the base for `delete_unseen`.
        """
        return deletion_tracking.start(self)

    def delete_unseen(self, base: int, mark: bool = False, staged: bool = False) -> writer.WriteResult:
        """Delete every live id not written since `start_full` returned `base`.

        `mark` adds `$deletion_tracked: true`; `staged` keeps the deletions under the circuit breaker.
        """
        return deletion_tracking.delete_unseen(self, base, mark, staged)

    def end_full(self) -> None:
        """End a full run, in the transaction that says so: forget which ids it wrote."""
        deletion_tracking.clear(self)

    # -- circuit breaker -----------------------------------------------------------------------------------

    def trip(self, message: str) -> None:
        """Trip the circuit breaker: staged writes stay unpublished until somebody decides."""
        self._set("breaker", message)

    def staged(self) -> Iterator[Json]:
        """Return entities under an open or tripped circuit breaker, in the order written."""
        return breaker.staged(self)

    def commit_breaker(self) -> int:
        """Publish what is staged and close the breaker; returns the number of versions written."""
        return breaker.commit(self)

    def rollback_breaker(self) -> int:
        """Drop what is staged and close the breaker; returns the number of entities dropped."""
        return breaker.rollback(self)
