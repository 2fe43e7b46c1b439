"""What the node remembers per pipe: offsets and flags, retry queue, dependency records."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.jsonio import Json
from localnode import codec

if TYPE_CHECKING:
    from localnode.store.store import Store

Probe = tuple[str, str, str]
"""(dataset, index key, join value) that a source entity looked at."""


@dataclass(frozen=True)
class RetryEntry:
    """A source entity that could not be written and waits for its next attempt."""

    id: str
    entity: dict[str, Any]
    attempts: int
    error: str


class PipeState:
    """State of one pipe; every method is its own transaction unless called inside one."""

    def __init__(self, store: Store, pipe_id: str) -> None:
        self.store = store
        self.pipe_id = pipe_id

    # -- values --------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        """Return a JSON value kept under `key`."""
        text = self._texts().get(key)
        return default if text is None else json.loads(text)

    def put(self, key: str, value: object) -> None:
        """Keep a JSON value; None forgets it."""
        with self.store.transaction() as db:
            if value is None:
                db.execute("DELETE FROM pipe_state WHERE pipe = ? AND key = ?", (self.pipe_id, key))
            else:
                db.execute(
                    "INSERT INTO pipe_state VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET value = excluded.value",
                    (self.pipe_id, key, json.dumps(value)),
                )
            self.store.touch(("state", self.pipe_id))

    def values(self, prefix: str = "") -> Json:
        """Return all values whose key starts with `prefix`."""
        return {key: json.loads(value) for key, value in self._texts().items() if key.startswith(prefix)}

    def _texts(self) -> Mapping[str, str]:
        return self.store.cached(("state", self.pipe_id), self._read_texts)

    def _read_texts(self) -> dict[str, str]:
        return dict(self.store.query("SELECT key, value FROM pipe_state WHERE pipe = ?", (self.pipe_id,)))

    def forget(self, prefix: str) -> None:
        """Drop all values whose key starts with `prefix`."""
        with self.store.transaction():
            for key in self.values(prefix):
                self.put(key, None)

    def drop(self) -> None:
        """Drop everything about a pipe that is gone."""
        with self.store.transaction() as db:
            self.drop_probes()
            for table in ("pipe_state", "retry", "merge_member"):
                db.execute(f"DELETE FROM {table} WHERE pipe = ?", (self.pipe_id,))
            self.store.touch(("state", self.pipe_id))
            self.store.touch(("retries", self.pipe_id))

    # -- retry queue ---------------------------------------------------------------------------------------

    def retries(self) -> list[RetryEntry]:
        """Return entities waiting for another attempt, oldest first."""
        if not self.retry_count():
            return []
        rows = self.store.query(
            "SELECT id, entity, attempts, error FROM retry WHERE pipe = ? ORDER BY ts, id", (self.pipe_id,)
        )
        return [RetryEntry(row[0], codec.loads(row[1]), row[2], row[3]) for row in rows]

    def retry_count(self) -> int:
        """Length of the retry queue."""
        return self.store.cached(("retries", self.pipe_id), self._count_retries)

    def _count_retries(self) -> int:
        return int(self.store.query("SELECT count(*) FROM retry WHERE pipe = ?", (self.pipe_id,))[0][0])

    def put_retry(self, entity: dict[str, object], attempts: int, error: str) -> None:
        """Queue an entity, replacing an earlier one of the same `_id`; it keeps its place."""
        with self.store.transaction() as db:
            db.execute(
                "INSERT INTO retry VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " entity = excluded.entity, attempts = excluded.attempts, error = excluded.error",
                (self.pipe_id, entity["_id"], codec.dumps(entity), attempts, error, time.time_ns() // 1000),
            )
            self.store.touch(("retries", self.pipe_id))

    def drop_retries(self, ids: Iterable[str] | None = None) -> None:
        """Take entities off the queue; all of them without `ids`."""
        with self.store.transaction() as db:
            if ids is None:
                db.execute("DELETE FROM retry WHERE pipe = ?", (self.pipe_id,))
            else:
                db.executemany(
                    "DELETE FROM retry WHERE pipe = ? AND id = ?", [(self.pipe_id, i) for i in ids]
                )
            self.store.touch(("retries", self.pipe_id))

    # -- dependency records --------------------------------------------------------------------------------

    def add_probes(self, probes: Iterable[tuple[Probe, str]]) -> None:
        """Remember that source entities (`_id`) looked at join values of other datasets."""
        with self.store.transaction() as db:
            numbers: dict[tuple[str, str], int] = {}
            rows = []
            for (dataset, key, value), source in probes:
                number = numbers.get((dataset, key))
                if number is None:
                    number = numbers[dataset, key] = self._probe_index(dataset, key)
                rows.append((number, value, source))
            db.executemany("INSERT OR IGNORE INTO probe VALUES (?, ?, ?)", rows)

    def _probe_index(self, dataset: str, key: str) -> int:
        with self.store.transaction() as db:
            where = (self.pipe_id, dataset, key)
            db.execute("INSERT OR IGNORE INTO probe_index (pipe, dataset, key) VALUES (?, ?, ?)", where)
            row = db.execute(
                "SELECT no FROM probe_index WHERE pipe = ? AND dataset = ? AND key = ?", where
            ).fetchone()
            return int(row[0])

    def probing_sources(self, dataset: str, key: str, values: Sequence[str]) -> Iterator[tuple[str, str]]:
        """(source `_id`, value) of the records that looked at one of `values`."""
        rows = self.store.query(
            "SELECT p.source, p.value FROM json_each(?) j CROSS JOIN probe p ON p.value = j.value"
            " AND p.probe_index = (SELECT no FROM probe_index WHERE pipe = ? AND dataset = ? AND key = ?)",
            (json.dumps(list(values)), self.pipe_id, dataset, key),
        )
        return iter(rows)

    def drop_records(self, records: Iterable[tuple[Probe, str]]) -> None:
        """Forget records that have proved stale."""
        with self.store.transaction() as db:
            db.executemany(
                "DELETE FROM probe WHERE value = ? AND source = ? AND probe_index ="
                " (SELECT no FROM probe_index WHERE pipe = ? AND dataset = ? AND key = ?)",
                [(probe[2], source, self.pipe_id, probe[0], probe[1]) for probe, source in records],
            )

    def drop_probes(self, keep: set[tuple[str, str]] | None = None) -> None:
        """Forget the records of all (dataset, index key) pairs except those in `keep`."""
        with self.store.transaction() as db:
            rows = db.execute(
                "SELECT no, dataset, key FROM probe_index WHERE pipe = ?", (self.pipe_id,)
            ).fetchall()
            for number, dataset, key in rows:
                if keep is None or (dataset, key) not in keep:
                    db.execute("DELETE FROM probe WHERE probe_index = ?", (number,))
                    db.execute("DELETE FROM probe_index WHERE no = ?", (number,))


def retry_counts(store: Store) -> dict[str, int]:
    """Return how many entities wait for another attempt, by pipe."""
    return dict(store.query("SELECT pipe, count(*) FROM retry GROUP BY pipe"))


def queued_retries(store: Store, after: tuple[str, str], limit: int) -> list[dict[str, object]]:
    """Return the rows of the retry queues after (pipe, `_id`), in that order, without the entities."""
    rows = store.query(
        "SELECT pipe, id, attempts, error, ts FROM retry WHERE (pipe, id) > (?, ?) ORDER BY pipe, id LIMIT ?",
        (*after, limit),
    )
    names = ("pipe", "id", "attempts", "error", "ts")
    return [dict(zip(names, row, strict=True)) for row in rows]
