"""Compaction: versions that nobody needs any more leave the log, in small transactions.

Only the log shrinks; offsets are never used again, and `_previous` may lead to a version that is gone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localnode import codec

if TYPE_CHECKING:
    from localnode.store.dataset import Dataset

PAGE = 500


@dataclass(frozen=True)
class Limits:
    """What may go: versions beyond the newest `keep` of their entity that are older than `before` (µs).

    A superseded version only if what superseded it lies at an offset up to `seen`, the latest version (`keep`
    0, or deletions) only if it lies there itself.
    """

    keep: int
    before: int
    seen: int


@dataclass(frozen=True)
class Progress:
    """The offset that was looked at last, and how many versions went; `done` when that was the end."""

    at: int
    dropped: int
    done: bool


def changed(dataset: Dataset, at: int, limits: Limits) -> Progress:
    """Compact the entities of the next page of versions after offset `at`."""
    rows = dataset.query(
        f"SELECT upd, id FROM log_{dataset.no} WHERE upd > ? AND upd <= ? AND ts < ? ORDER BY upd LIMIT ?",
        (at, limits.seen, limits.before, PAGE),
    )
    if not rows:
        return Progress(at, 0, True)
    dropped = _drop_old(dataset, sorted({row[1] for row in rows}), limits)
    return Progress(rows[-1][0], dropped, len(rows) < PAGE)


def _drop_old(dataset: Dataset, ids: Sequence[str], limits: Limits) -> int:
    with dataset.store.transaction() as db:
        found = db.execute(
            "SELECT upd, id, cur, deleted FROM (SELECT upd, id, cur, deleted, ts,"
            " LEAD(upd, 1, upd) OVER (PARTITION BY id ORDER BY upd) AS following,"
            " ROW_NUMBER() OVER (PARTITION BY id ORDER BY upd DESC) AS place"
            f" FROM log_{dataset.no} WHERE id IN (SELECT value FROM json_each(?)))"
            " WHERE place > ? AND following <= ? AND ts < ?",
            (json.dumps(ids), limits.keep, limits.seen, limits.before),
        ).fetchall()
        return _drop(dataset, db, found)


def deletions(dataset: Dataset, at: int, limits: Limits) -> Progress:
    """Return all versions of the entities whose deletion lies in the next page after offset `at`."""
    rows = dataset.query(
        f"SELECT upd, id FROM log_{dataset.no} WHERE upd > ? AND upd <= ? AND ts < ?"
        " AND cur = 1 AND deleted = 1 ORDER BY upd LIMIT ?",
        (at, limits.seen, limits.before, PAGE),
    )
    if not rows:
        return Progress(at, 0, True)
    with dataset.store.transaction() as db:
        found = db.execute(
            f"SELECT v.upd, v.id, v.cur, v.deleted FROM json_each(?) j CROSS JOIN log_{dataset.no} v"
            " ON v.id = j.value",
            (json.dumps([row[1] for row in rows]),),
        ).fetchall()
        dropped = _drop(dataset, db, found)
    return Progress(rows[-1][0], dropped, len(rows) < PAGE)


def retracted(dataset: Dataset, at: int) -> Progress:
    """Return what went before versions with `$retract: true`, in the next page after offset `at`."""
    rows = dataset.query(
        f"SELECT upd, id, data FROM log_{dataset.no} WHERE upd > ? ORDER BY upd LIMIT ?", (at, PAGE)
    )
    if not rows:
        return Progress(at, 0, True)
    marked = {row[1]: row[0] for row in rows if _retracts(row[2])}
    dropped = 0
    for entity_id, offset in marked.items():
        with dataset.store.transaction() as db:
            found = db.execute(
                f"SELECT upd, id, cur, deleted FROM log_{dataset.no} WHERE id = ? AND upd < ?",
                (entity_id, offset),
            ).fetchall()
            dropped += _drop(dataset, db, found)
    return Progress(rows[-1][0], dropped, len(rows) < PAGE)


def _retracts(data: bytes) -> bool:
    return b"$retract" in data and codec.loads(data).get("$retract") is True


def _drop(dataset: Dataset, db: sqlite3.Connection, rows: Sequence[tuple[int, str, int, int]]) -> int:
    """Remove versions; an entity whose latest version goes is not counted any more."""
    if not rows:
        return 0
    gone = [(row[0],) for row in rows]
    latest = [row for row in rows if row[2]]
    dataset.indexes.forget_versions(db, [row[0] for row in latest if not row[3]])
    db.executemany(f"DELETE FROM log_{dataset.no} WHERE upd = ?", gone)
    if latest:
        live = sum(not row[3] for row in latest)
        db.execute(
            "UPDATE dataset SET ids = ids - ?, live = live - ? WHERE no = ?", (len(latest), live, dataset.no)
        )
        dataset.touch()
    return len(gone)
