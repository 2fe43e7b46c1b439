"""The store: one SQLite file, one writing connection behind a lock, a few reading connections."""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from core.clock import now_us
from localnode.store import schema
from localnode.store.dataset import Dataset
from localnode.store.disk import naming_the_disk
from localnode.store.errors import DatasetMissing
from localnode.store.state import PipeState

SYSTEM_PREFIX = "system:"
LOG_PREFIX, LOG_ALIAS = "system:pump_execution:", "system:pump:"
"""Datasets of execution logs, by the name in the documentation, and by the one that hosted nodes and the
vendor's tools use (https://github.com/sesam-community/scheduler, service/runner.py)."""
CACHE_KIB = 16_384
"""Pages that a connection may keep, so that hops into large datasets seldom read one twice. There is one
connection that writes, and as many that read as reads were ever under way at one moment: two or three. With
four times as much a hop into 200,000 entities takes 4 % less CPU time, and each connection 48 MB more."""

T = TypeVar("T")
CacheKey = tuple[str, int | str]
"""What a cached read is of: ("dataset", number), or ("state" or "retries", pipe)."""


def canonical(dataset_id: str) -> str:
    """Return the id under which a dataset is kept: an execution log may be asked for by two names."""
    if dataset_id.startswith(LOG_ALIAS):
        return LOG_PREFIX + dataset_id.removeprefix(LOG_ALIAS)
    return dataset_id


class Store:
    """All datasets and pipe states of one node. Safe to share between threads; one process per file."""

    def __init__(self, path: Path, synchronous: str = "NORMAL") -> None:
        """Open or create the file.

        `synchronous` FULL also survives a power cut, at the price of an fsync per commit.
        """
        self.path = path
        self._synchronous = synchronous
        self._lock = threading.RLock()
        self._owner = 0
        self._idle: list[sqlite3.Connection] = []
        self._writer = self._connect(cache_kib=CACHE_KIB)
        self._create()
        self._datasets: dict[str, Dataset] = {
            row[1]: Dataset(self, row[0], row[1])
            for row in self._writer.execute("SELECT no, id FROM dataset")
        }
        self._cache: dict[CacheKey, Any] = {}
        self._touched: set[CacheKey] = set()
        self._commits = 0
        self._cache_lock = threading.Lock()
        self._fresh: dict[str, Dataset] = {}
        """Made in the present transaction: other threads cannot read them before it is committed."""

    @classmethod
    def open(cls, path: str | Path, synchronous: str = "NORMAL") -> Store:
        """Open the store file at `path`, creating it and its folder when missing."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return cls(path, synchronous)

    def close(self) -> None:
        """Close every connection; the object is of no use afterwards."""
        with self._lock:
            for connection in [*self._idle, self._writer]:
                connection.close()
            self._idle.clear()

    # -- connections ---------------------------------------------------------------------------------------

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, timeout=60, isolation_level=None, check_same_thread=False, cached_statements=1024
        )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {self._synchronous}")
        db.execute(f"PRAGMA cache_size = -{cache_kib}")
        return db

    def _create(self) -> None:
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._writer.executescript(f"BEGIN;{schema.FIXED};PRAGMA user_version = {schema.VERSION};COMMIT;")
        elif version != schema.VERSION:
            raise RuntimeError(
                f"{self.path} has layout {version}, not {schema.VERSION}: use a new data folder"
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit all writes inside together or not at all; nested use joins the outer transaction."""
        with self._lock:
            if self._owner:
                yield self._writer
                return
            self._writer.execute("BEGIN IMMEDIATE")
            self._owner = threading.get_ident()
            try:
                with naming_the_disk(self.path):
                    yield self._writer
                    self._writer.execute("COMMIT")
                self._datasets.update(self._fresh)
                self._forget_touched()
            except BaseException:
                if self._writer.in_transaction:  # SQLite ends one itself where the disk is full
                    self._writer.execute("ROLLBACK")
                self._reload()
                raise
            finally:
                self._fresh.clear()
                self._touched.clear()
                self._owner = 0

    # -- cached reads --------------------------------------------------------------------------------------

    def cached(self, key: CacheKey, load: Callable[[], T]) -> T:
        """Return what `load` reads from the file, from memory unless it has been written since.

        The result is shared: callers leave it as it is. Whoever writes what it is of says so by `touch`, so
        that a transaction sees its own writes and all others what is committed.
        """
        if self._owner == threading.get_ident() and key in self._touched:
            return load()
        if key in self._cache:
            found: T = self._cache[key]
            return found
        commits = self._commits
        found = load()
        with self._cache_lock:
            # What was read before a commit must not outlive it.
            if commits == self._commits:
                self._cache[key] = found
        return found

    def touch(self, key: CacheKey) -> None:
        """Note, inside a transaction, that it writes what `key` is of."""
        self._touched.add(key)

    def _forget_touched(self) -> None:
        if self._touched:
            with self._cache_lock:
                self._commits += 1
                for key in self._touched:
                    self._cache.pop(key, None)

    # -- reading -------------------------------------------------------------------------------------------

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """Return all rows of one read.

        Of what is committed, or inside a transaction of this thread also of what it wrote.
        """
        try:
            return self._rows(sql, parameters)
        except UnicodeEncodeError:
            return []  # half of a surrogate pair: no such text is stored anywhere

    def _rows(self, sql: str, parameters: Sequence[object]) -> list[object]:
        if self._owner == threading.get_ident():
            return self._writer.execute(sql, parameters).fetchall()
        try:
            db = self._idle.pop()
        except IndexError:
            db = self._connect(cache_kib=CACHE_KIB)
            db.execute("PRAGMA query_only = 1")
        try:
            return db.execute(sql, parameters).fetchall()
        finally:
            self._idle.append(db)

    # -- datasets ------------------------------------------------------------------------------------------

    def dataset(self, dataset_id: str, create: bool = False) -> Dataset:
        """Return the dataset of that id. DatasetMissing unless it exists or `create`."""
        dataset_id = canonical(dataset_id)
        found = self.find(dataset_id)
        if found is not None:
            return found
        if not create:
            raise DatasetMissing(dataset_id)
        with self.transaction() as db:
            found = self.find(dataset_id)
            if found is None:
                found = self._fresh[dataset_id] = self._create_dataset(db, dataset_id)
            return found

    def find(self, dataset_id: str) -> Dataset | None:
        """Return the dataset of that id, or None."""
        dataset_id = canonical(dataset_id)
        found = self._datasets.get(dataset_id)
        if found is None and self._owner == threading.get_ident():
            return self._fresh.get(dataset_id)
        return found

    def datasets(self, include_system: bool = False) -> list[Dataset]:
        """Return all datasets by id; execution logs and the like (`system:…`) only when asked for."""
        found = sorted(self._datasets.items())
        return [d for name, d in found if include_system or not name.startswith(SYSTEM_PREFIX)]

    def delete_dataset(self, dataset_id: str) -> None:
        """Drop a dataset with its indexes; recreated later it has another generation.

        DatasetMissing if unknown.
        """
        dataset_id = canonical(dataset_id)
        dataset = self.dataset(dataset_id)
        with self.transaction() as db:
            for (index_no,) in db.execute(
                "SELECT no FROM dataset_index WHERE dataset = ?", (dataset.no,)
            ).fetchall():
                schema.drop_index(db, index_no)
            db.execute("DELETE FROM dataset_index WHERE dataset = ?", (dataset.no,))
            db.execute("DELETE FROM dataset WHERE no = ?", (dataset.no,))
            self.touch(("dataset", dataset.no))
            schema.drop_log(db, dataset.no)
            self._datasets.pop(dataset_id, None)
            self._fresh.pop(dataset_id, None)

    def drop_indexes(self) -> None:
        """Drop the indexes of all datasets; each is built again when somebody asks for it."""
        for dataset in self.datasets(include_system=True):
            for key in list(dataset.indexes.keys()):
                dataset.indexes.drop(key)

    def _create_dataset(self, db: sqlite3.Connection, dataset_id: str) -> Dataset:
        cursor = db.execute(
            "INSERT INTO dataset (id, generation, created) VALUES (?, ?, ?)",
            (dataset_id, str(uuid.uuid4()), now_us()),
        )
        number = int(cursor.lastrowid or 0)
        self.touch(("dataset", number))
        schema.create_log(db, number)
        return Dataset(self, number, dataset_id)

    def _reload(self) -> None:
        """After a rollback.

        Forget datasets that were never committed, and take back those that were not deleted.
        """
        known = {row[1]: row[0] for row in self._writer.execute("SELECT no, id FROM dataset")}
        kept = {name: d for name, d in self._datasets.items() if known.get(name) == d.no}
        for name, number in known.items():
            kept.setdefault(name, Dataset(self, number, name))
        for dataset in kept.values():
            dataset.indexes.forget()
        self._datasets = kept

    # -- pipes ---------------------------------------------------------------------------------------------

    def pipe_state(self, pipe_id: str) -> PipeState:
        """Offsets, flags, retry queue and dependency records of one pipe."""
        return PipeState(self, pipe_id)

    def positions_of(self, keys: Sequence[str]) -> list[Any]:
        """Return what all pipes keep under one of `keys` (see `PipeState.get`)."""
        marks = ", ".join("?" * len(keys))
        return [
            json.loads(row[0])
            for row in self.query(f"SELECT value FROM pipe_state WHERE key IN ({marks})", keys)
        ]
