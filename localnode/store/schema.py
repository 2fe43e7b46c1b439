"""Tables of the store file.

Each dataset's log and each index have tables of their own, so that dropping them is cheap.
"""

from __future__ import annotations

import sqlite3

VERSION = 1

FIXED = """
CREATE TABLE dataset (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    generation TEXT NOT NULL,
    populated INTEGER NOT NULL DEFAULT 0,
    next_offset INTEGER NOT NULL DEFAULT 0,
    ids INTEGER NOT NULL DEFAULT 0,
    live INTEGER NOT NULL DEFAULT 0,
    completeness INTEGER,
    inherited TEXT NOT NULL DEFAULT '{}',
    breaker TEXT,
    created INTEGER NOT NULL
);
CREATE TABLE dataset_index (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset INTEGER NOT NULL,
    key TEXT NOT NULL,
    next_offset INTEGER NOT NULL DEFAULT 0,
    UNIQUE (dataset, key)
);
CREATE TABLE pipe_state (
    pipe TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (pipe, key)
) WITHOUT ROWID;
CREATE TABLE retry (
    pipe TEXT NOT NULL,
    id TEXT NOT NULL,
    entity BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    ts INTEGER NOT NULL,
    PRIMARY KEY (pipe, id)
) WITHOUT ROWID;
CREATE TABLE probe_index (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    pipe TEXT NOT NULL,
    dataset TEXT NOT NULL,
    key TEXT NOT NULL,
    UNIQUE (pipe, dataset, key)
);
CREATE TABLE probe (
    probe_index INTEGER NOT NULL,
    value TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (probe_index, value, source)
) WITHOUT ROWID;
CREATE TABLE merge_member (
    pipe TEXT NOT NULL,
    member TEXT NOT NULL,
    representative TEXT NOT NULL,
    PRIMARY KEY (pipe, member)
) WITHOUT ROWID;
"""


def create_log(db: sqlite3.Connection, no: int) -> None:
    """Create a log, its index on the latest version per `_id`, and what a run needs beside it.

    That is the ids seen by an unfinished full run, and the breaker's stage.
    """
    db.execute(
        f"CREATE TABLE log_{no} (upd INTEGER PRIMARY KEY, id TEXT NOT NULL, prev INTEGER,"
        " ts INTEGER NOT NULL, hash BLOB NOT NULL, deleted INTEGER NOT NULL, cur INTEGER NOT NULL,"
        " data BLOB NOT NULL)"
    )
    db.execute(f"CREATE INDEX latest_{no} ON log_{no} (id, upd, hash, deleted) WHERE cur = 1")
    db.execute(f"CREATE TABLE seen_{no} (id TEXT PRIMARY KEY) WITHOUT ROWID")
    db.execute(
        f"CREATE TABLE stage_{no} (n INTEGER PRIMARY KEY, id TEXT NOT NULL, hash BLOB NOT NULL,"
        " deleted INTEGER NOT NULL, data BLOB NOT NULL)"
    )
    db.execute(f"CREATE INDEX staged_{no} ON stage_{no} (id, n)")


def drop_log(db: sqlite3.Connection, no: int) -> None:
    """Drop everything `create_log` made."""
    for prefix in ("log", "seen", "stage"):
        db.execute(f"DROP TABLE {prefix}_{no}")


def create_index(db: sqlite3.Connection, no: int) -> None:
    """Create an index: join value -> offset of the version that has it.

    Superseded versions are recognised by their log row.
    """
    db.execute(
        f"CREATE TABLE ix_{no} (val TEXT NOT NULL, upd INTEGER NOT NULL,"
        " PRIMARY KEY (val, upd)) WITHOUT ROWID"
    )


def drop_index(db: sqlite3.Connection, no: int) -> None:
    """Remove an index table."""
    db.execute(f"DROP TABLE ix_{no}")
