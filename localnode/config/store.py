"""Where a node keeps what was uploaded to it: config entities, variables, secrets, pump switches, its token.

One small SQLite file per data directory, readable by its owner only (it holds secrets).
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.jsonio import Json
from localnode.store.disk import naming_the_disk

_SCHEMA = """
CREATE TABLE IF NOT EXISTS config (
    position INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, entity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS history (
    n INTEGER PRIMARY KEY, id TEXT NOT NULL, ts INTEGER NOT NULL,
    deleted INTEGER NOT NULL, entity TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS history_of ON history (id, n);
CREATE TABLE IF NOT EXISTS env (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS secrets (
    system TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (system, name));
CREATE TABLE IF NOT EXISTS pumps (pipe TEXT PRIMARY KEY, disabled INTEGER NOT NULL, comment TEXT);
CREATE TABLE IF NOT EXISTS token (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, digest TEXT UNIQUE NOT NULL,
    created REAL NOT NULL, expires REAL);
CREATE TABLE IF NOT EXISTS node (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
GLOBAL = ""


class SettingsStore:
    """Uploaded settings of one data directory; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._path = path
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        with self._transaction() as db:
            db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with naming_the_disk(self._path), self._lock, self._db:
            yield self._db

    def entities(self) -> list[Json]:
        """Return the config entities as uploaded, in that order."""
        with self._transaction() as db:
            rows = db.execute("SELECT entity FROM config ORDER BY position").fetchall()
        return [json.loads(text) for (text,) in rows]

    def replace_entities(self, entities: Iterable[Mapping[str, Any]]) -> None:
        """Store `entities` as the whole configuration; what is new, changed or gone goes into its history."""
        rows = [(entity["_id"], json.dumps(entity, ensure_ascii=False)) for entity in entities]
        with self._transaction() as db:
            _remember(db, dict(rows))
            db.execute("DELETE FROM config")
            db.executemany("INSERT INTO config (id, entity) VALUES (?, ?)", rows)

    def history(self, entity_id: str, since: int | None, limit: int | None, reverse: bool) -> list[Json]:
        """Versions of a config entity after `since` (before it, the newest first, with `reverse`)."""
        order, sign, start = ("DESC", "<", 1 << 62) if reverse else ("ASC", ">", -1)
        with self._transaction() as db:
            rows = db.execute(
                f"SELECT n, ts, deleted, entity FROM history WHERE id = ? AND n {sign} ?"  # noqa: S608
                f" ORDER BY n {order} LIMIT ?",
                (entity_id, start if since is None else since, -1 if limit is None else limit),
            ).fetchall()
        return [
            {**json.loads(text), "_updated": n, "_ts": ts, "_deleted": bool(deleted)}
            for n, ts, deleted, text in rows
        ]

    def env(self) -> Json:
        """Return the environment variables with their JSON types."""
        with self._transaction() as db:
            rows = db.execute("SELECT name, value FROM env ORDER BY name").fetchall()
        return {name: json.loads(value) for name, value in rows}

    def replace_env(self, variables: Mapping[str, object]) -> None:
        """Make `variables` all the environment variables there are."""
        rows = [(name, json.dumps(value, ensure_ascii=False)) for name, value in variables.items()]
        with self._transaction() as db:
            db.execute("DELETE FROM env")
            db.executemany("INSERT INTO env VALUES (?, ?)", rows)

    def secrets(self, system: str = GLOBAL) -> dict[str, str]:
        """Secrets by name: the node's own, or those of one system."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT name, value FROM secrets WHERE system = ? ORDER BY name", (system,)
            ).fetchall()
        return dict(rows)

    def secrets_by_system(self) -> dict[str, set[str]]:
        """Return names of all secrets; "" are the node's own."""
        names: dict[str, set[str]] = {GLOBAL: set()}
        with self._transaction() as db:
            for system, name in db.execute("SELECT system, name FROM secrets"):
                names.setdefault(system, set()).add(name)
        return names

    def put_secrets(self, secrets: Mapping[str, str], system: str = GLOBAL, replace: bool = False) -> None:
        """Add or overwrite secrets; with `replace` the others of the same scope go."""
        with self._transaction() as db:
            if replace:
                db.execute("DELETE FROM secrets WHERE system = ?", (system,))
            rows = [(system, name, value) for name, value in secrets.items()]
            db.executemany("INSERT OR REPLACE INTO secrets VALUES (?, ?, ?)", rows)

    def delete_secret(self, name: str, system: str = GLOBAL) -> bool:
        """Return False when there was no such secret."""
        with self._transaction() as db:
            return (
                db.execute("DELETE FROM secrets WHERE system = ? AND name = ?", (system, name)).rowcount > 0
            )

    def disabled_pumps(self) -> dict[str, str | None]:
        """Pipe id → comment, of the pumps that a person has disabled."""
        with self._transaction() as db:
            return dict(db.execute("SELECT pipe, comment FROM pumps WHERE disabled").fetchall())

    def set_pump_disabled(self, pipe: str, disabled: bool, comment: str | None = None) -> None:
        """Remember a pump's switch over restarts."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO pumps VALUES (?, ?, ?)", (pipe, int(disabled), comment))

    def add_token(self, name: str, role: str, digest: str, created: float, expires: float | None) -> bool:
        """Keep a token's hash; False when there is one of that name."""
        row = (name, role, digest, created, expires)
        with self._transaction() as db:
            return db.execute("INSERT OR IGNORE INTO token VALUES (?, ?, ?, ?, ?)", row).rowcount > 0

    def tokens(self) -> list[tuple[str, str, float, float | None]]:
        """(name, role, created, expires) of every token, by name."""
        with self._transaction() as db:
            return db.execute("SELECT name, role, created, expires FROM token ORDER BY name").fetchall()

    def token(self, digest: str) -> tuple[str, str, float, float | None] | None:
        """Return the same of the token with that hash."""
        query = "SELECT name, role, created, expires FROM token WHERE digest = ?"
        with self._transaction() as db:
            row: tuple[str, str, float, float | None] | None = db.execute(query, (digest,)).fetchone()
        return row

    def delete_token(self, name: str) -> bool:
        """Return False when there was no such token."""
        with self._transaction() as db:
            return db.execute("DELETE FROM token WHERE name = ?", (name,)).rowcount > 0

    def node_value(self, name: str) -> str | None:
        """Return a value the node keeps about itself, such as its token."""
        with self._transaction() as db:
            row = db.execute("SELECT value FROM node WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_node_value(self, name: str, value: str) -> None:
        """Keep a value about the node itself."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO node VALUES (?, ?)", (name, value))

    def clear(self) -> None:
        """Forget everything uploaded (a reset); what the node knows about itself stays."""
        with self._transaction() as db:
            for table in ("config", "history", "env", "secrets", "pumps"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above


def _remember(db: sqlite3.Connection, wanted: Mapping[str, str]) -> None:
    """Add to the history what differs between the stored configuration and `wanted` (JSON by id)."""
    before = dict(db.execute("SELECT id, entity FROM config").fetchall())
    now = time.time_ns() // 1000
    rows = [(name, now, 0, text) for name, text in wanted.items() if before.get(name) != text]
    rows += [(name, now, 1, text) for name, text in before.items() if name not in wanted]
    db.executemany("INSERT INTO history (id, ts, deleted, entity) VALUES (?, ?, ?, ?)", rows)
