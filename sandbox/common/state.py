"""The state file: records as JSON rows in SQLite, with the sorted keys that lists and look-ups need.

Every record is kept in versions, so that a list may lag behind (the `list_lag_s` fault) and show what was
true some seconds ago, as an eventually consistent API does. Without lag only the newest version is kept.
A committed transaction survives `kill -9` of the process.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from core.clock import now_us

Record = dict[str, Any]
KeyValue = int | str
KeyFunction = Callable[[Record], Mapping[str, KeyValue | Collection[KeyValue]]]
"""Names a record's index values, such as `{"modified_at": "2024-…", "sku": ["A", "B"]}`; absent: left out."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS versions (
  version INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, json BLOB NOT NULL,
  since INTEGER NOT NULL, until INTEGER);
CREATE INDEX IF NOT EXISTS versions_by_id ON versions (type, id, until);
CREATE TABLE IF NOT EXISTS keys (
  type TEXT NOT NULL, name TEXT NOT NULL, value NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
  PRIMARY KEY (type, name, value, id, version)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_by_version ON keys (version);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, json BLOB NOT NULL);
"""


@dataclass(frozen=True)
class Row:
    """One record of a list together with the place where the next page may start: `(value, id)`."""

    record: Record
    value: KeyValue
    id: str

    @property
    def place(self) -> tuple[KeyValue, str]:
        return self.value, self.id


@dataclass(frozen=True)
class Range:
    """Which part of a key's order to list: inclusive bounds, and `after`, the place of the last row seen."""

    first: KeyValue | None = None
    last: KeyValue | None = None
    after: tuple[KeyValue, str] | None = None
    descending: bool = False


class State:
    """One sandbox's records. Safe for many threads: readers see the last commit, writers take turns."""

    def __init__(self, path: Path | str, keys: Mapping[str, KeyFunction]) -> None:
        """Open or create the file; `keys` maps each record type to the function naming its index values."""
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._keys = keys
        self._local = threading.local()
        self._writing = threading.Lock()
        self.list_lag_s = 0.0
        self.clock_skew_us = 0
        self.listener: Callable[[list[tuple[str, str, Record]]], None] | None = None
        """Told type, id and record of what was put, once it is committed; demo data is no news."""
        with self._connection() as connection:
            connection.executescript(SCHEMA)

    @property
    def is_new(self) -> bool:
        """True until data, demo or empty, has been loaded once."""
        return self.setting("loaded") is None

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
        return connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Make all that is done in the block true together, or nothing of it when the block raises."""
        with self._writing:
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                transaction = Transaction(connection, self._keys, self.list_lag_s, self.clock_skew_us)
                yield transaction
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        if self.listener is not None and transaction.changed:
            self.listener(transaction.changed)

    def get(self, kind: str, record_id: str) -> Record | None:
        """Return the newest version of one record, never lagging; None when there is none."""
        return _get(self._connection(), kind, record_id)

    def find(self, kind: str, key: str, value: KeyValue) -> list[Record]:
        """Return the records whose index `key` has exactly `value`, in the order of their ids.

        They never lag.
        """
        return _find(self._connection(), kind, key, value)

    def page(
        self,
        kind: str,
        key: str,
        limit: int,
        part: Range | None = None,
        where: Callable[[Record], bool] | None = None,
    ) -> list[Row]:
        """Up to `limit` rows in the order of (`key`, id), as seen `list_lag_s` seconds ago.

        Ask for one more than the page size to learn whether another page follows. Memory stays flat: rows
        that `where` refuses are passed over one by one.
        """
        rows: list[Row] = []
        for row in self.scan(kind, key, part):
            if where is None or where(row.record):
                rows.append(row)
                if len(rows) >= limit:
                    break
        return rows

    def scan(self, kind: str, key: str, part: Range | None = None, fresh: bool = False) -> Iterator[Row]:
        """Yield all rows of a list, one by one, in the order of (`key`, id); `fresh`: never lagging."""
        sql, values = _list_query(kind, key, part or Range(), 0 if fresh else self.list_lag_s)
        for value, record_id, text in self._connection().execute(sql, values):
            yield Row(orjson.loads(text), value, record_id)

    def count(self, kind: str, key: str) -> int:
        """Return how many records have the index `key`."""
        sql = (
            "SELECT count(*) FROM keys JOIN versions USING (version) "
            "WHERE keys.type = ? AND keys.name = ? AND until IS NULL"
        )
        return int(self._connection().execute(sql, (kind, key)).fetchone()[0])

    def setting(self, name: str) -> Any:
        """Return a JSON value kept beside the records, or None."""
        return _setting(self._connection(), name)


class Transaction:
    """The writing half of a state, alive within `State.write()`. Reads in it see its own writes."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        keys: Mapping[str, KeyFunction],
        lag_s: float,
        skew_us: int = 0,
    ) -> None:
        self._connection = connection
        self._skew_us = skew_us
        self._keys = keys
        self._lag_us = int(lag_s * 1_000_000)
        self.changed: list[tuple[str, str, Record]] = []

    def wall_us(self) -> int:
        """Return what the system's clock shows: ours, and how far it is ahead."""
        return now_us() + self._skew_us

    def now(self) -> int:
        """Return a new instant of the sandbox clock in microseconds.

        It is later than all before it, restarts included.
        """
        moment = max(self.wall_us(), int(self.setting("_clock") or 0) + 1)
        self.set_setting("_clock", moment)
        return moment

    def next(self, sequence: str, start: int = 1) -> int:
        """Return the next number of a named sequence, counting from `start`."""
        number = int(self.setting(f"sequence:{sequence}") or start - 1) + 1
        self.set_setting(f"sequence:{sequence}", number)
        return number

    def get(self, kind: str, record_id: str) -> Record | None:
        """Return the newest version of one record, or None."""
        return _get(self._connection, kind, record_id)

    def find(self, kind: str, key: str, value: KeyValue) -> list[Record]:
        """Return the records whose index `key` has exactly `value`, in the order of their ids.

        They never lag.
        """
        return _find(self._connection, kind, key, value)

    def put(self, kind: str, record_id: str, record: Record, since: int | None = None) -> None:
        """Store a record whole. `since` is when it became visible (wall clock µs); demo data says 0."""
        now = now_us() if since is None else since
        if since is None:
            self.changed.append((kind, record_id, record))
        self._retire(kind, record_id, now)
        cursor = self._connection.execute(
            "INSERT INTO versions (type, id, json, since) VALUES (?, ?, ?, ?)",
            (kind, record_id, orjson.dumps(record), now),
        )
        rows = [
            (kind, name, value, record_id, cursor.lastrowid)
            for name, values in self._keys[kind](record).items()
            for value in ({values} if isinstance(values, int | str) else set(values))
        ]
        self._connection.executemany("INSERT INTO keys VALUES (?, ?, ?, ?, ?)", rows)

    def remove(self, kind: str, record_id: str) -> None:
        """Forget a record without a tombstone (a soft delete is a `put` of the marked record)."""
        self._retire(kind, record_id, now_us())

    def _retire(self, kind: str, record_id: str, now: int) -> None:
        where = "type = ? AND id = ?"
        values: tuple[object, ...] = (kind, record_id)
        if self._lag_us:
            self._connection.execute(
                f"UPDATE versions SET until = ? WHERE {where} AND until IS NULL", (now, *values)
            )
            where, values = where + " AND until <= ?", (*values, now - self._lag_us)
        select = f"SELECT version FROM versions WHERE {where}"
        self._connection.execute(f"DELETE FROM keys WHERE version IN ({select})", values)
        self._connection.execute(f"DELETE FROM versions WHERE {where}", values)

    def setting(self, name: str) -> Any:
        """Return a JSON value kept beside the records, or None."""
        return _setting(self._connection, name)

    def set_setting(self, name: str, value: Any) -> None:
        """Keep a JSON value beside the records; names that begin with `_` survive `clear`."""
        sql = "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET json = excluded.json"
        self._connection.execute(sql, (name, orjson.dumps(value)))

    def clear(self) -> None:
        """Forget every record and number sequence; settings named `_…` stay."""
        self._connection.execute("DELETE FROM versions")
        self._connection.execute("DELETE FROM keys")
        self._connection.execute("DELETE FROM settings WHERE substr(name, 1, 1) <> '_'")


def _get(connection: sqlite3.Connection, kind: str, record_id: str) -> Record | None:
    sql = "SELECT json FROM versions WHERE type = ? AND id = ? AND until IS NULL"
    row = connection.execute(sql, (kind, record_id)).fetchone()
    return orjson.loads(row[0]) if row else None


def _find(connection: sqlite3.Connection, kind: str, key: str, value: KeyValue) -> list[Record]:
    sql = (
        "SELECT json FROM keys JOIN versions USING (version) "
        "WHERE keys.type = ? AND keys.name = ? AND keys.value = ? AND until IS NULL ORDER BY keys.id"
    )
    return [orjson.loads(text) for (text,) in connection.execute(sql, (kind, key, value))]


def _setting(connection: sqlite3.Connection, name: str) -> Any:
    row = connection.execute("SELECT json FROM settings WHERE name = ?", (name,)).fetchone()
    return orjson.loads(row[0]) if row else None


def _list_query(kind: str, key: str, part: Range, lag_s: float) -> tuple[str, list[object]]:
    conditions = ["keys.type = ?", "keys.name = ?"]
    values: list[object] = [kind, key]
    onward, order = ("<", "DESC") if part.descending else (">", "ASC")
    for bound, operator in ((part.first, ">="), (part.last, "<=")):
        if bound is not None:
            conditions.append(f"keys.value {operator} ?")
            values.append(bound)
    if part.after is not None:
        conditions.append(f"(keys.value, keys.id) {onward} (?, ?)")
        values.extend(part.after)
    if lag_s:
        moment = now_us() - int(lag_s * 1_000_000)
        conditions.append("versions.since <= ? AND (versions.until IS NULL OR versions.until > ?)")
        values.extend((moment, moment))
    else:
        conditions.append("versions.until IS NULL")
    sql = (
        "SELECT keys.value, keys.id, versions.json FROM keys JOIN versions USING (version) "
        f"WHERE {' AND '.join(conditions)} ORDER BY keys.value {order}, keys.id {order}"
    )
    return sql, values
