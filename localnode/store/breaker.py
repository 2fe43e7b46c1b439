"""Circuit breaker.

Writes wait on a stage, invisible, until the run has proved harmless or a person has decided.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from core.jsonio import Json
from localnode import codec
from localnode.store import writer

if TYPE_CHECKING:
    from localnode.store.dataset import Dataset, Stored

PAGE = 1000


def write(
    dataset: Dataset, entities: Iterable[Json | Stored], options: writer.WriteOptions
) -> writer.WriteResult:
    """Stage the entities that differ from their latest staged, else latest committed version."""
    items = writer.prepare_all(entities, options)
    if not items:
        return writer.WriteResult()
    no, rows, unchanged, deleted = dataset.no, [], [], 0
    with dataset.store.transaction() as db:
        ids = [item.id for item in items]
        latest = {name: state[1:] for name, state in writer.latest_states(dataset, ids).items()}
        latest.update(_staged_states(dataset, ids))
        for item in items:
            state = latest.get(item.id)
            if item.filtered:
                if state is None or state[1] or options.suppress_filtered:
                    continue
                item = _latest_content(dataset, item.id).as_deleted()
            if state is None and item.deleted and not options.unknown_deletions:
                continue
            if state is not None and state[0] == item.hash:
                unchanged.append((item.id,))
                continue
            rows.append((item.id, item.hash, int(item.deleted), item.data))
            latest[item.id] = (item.hash, int(item.deleted))
            deleted += item.deleted
        db.executemany(f"INSERT INTO stage_{no} (id, hash, deleted, data) VALUES (?, ?, ?, ?)", rows)
        if options.full:
            db.executemany(f"INSERT OR IGNORE INTO seen_{no} VALUES (?)", unchanged)
    return writer.WriteResult(len(items), len(rows), deleted)


def _staged_states(dataset: Dataset, ids: Sequence[str]) -> dict[str, tuple[bytes, int]]:
    rows = dataset.query(
        f"SELECT id, hash, deleted FROM stage_{dataset.no} WHERE id IN"
        " (SELECT value FROM json_each(?)) ORDER BY n",
        (json.dumps(ids),),
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _latest_content(dataset: Dataset, entity_id: str) -> writer.Prepared:
    staged_rows = dataset.query(
        f"SELECT data, hash FROM stage_{dataset.no} WHERE id = ? ORDER BY n DESC LIMIT 1", (entity_id,)
    )
    if staged_rows:
        return writer.Prepared(entity_id, False, staged_rows[0][0], staged_rows[0][1], None)
    row = dataset.get(entity_id)
    return writer.prepare({"_id": entity_id}) if row is None else writer.stored_as_prepared(row)


def staged_count(dataset: Dataset) -> int:
    """Return number of versions waiting on the stage."""
    return int(dataset.query(f"SELECT count(*) FROM stage_{dataset.no}")[0][0])


def staged(dataset: Dataset) -> Iterator[Json]:
    """See `Dataset.staged`."""
    at = 0
    while True:
        rows = dataset.query(
            f"SELECT n, data FROM stage_{dataset.no} WHERE n > ? ORDER BY n LIMIT ?", (at, PAGE)
        )
        if not rows:
            return
        at = rows[-1][0]
        yield from (codec.loads(row[1]) for row in rows)


def commit(dataset: Dataset) -> int:
    """See `Dataset.commit_breaker`."""
    with dataset.store.transaction() as db:
        changed, batch = 0, []
        for entity in staged(dataset):
            batch.append(entity)
            if len(batch) == PAGE:
                changed += dataset.write(batch).changed
                batch = []
        changed += dataset.write(batch).changed
        _clear(dataset, db)
    return changed


def rollback(dataset: Dataset) -> int:
    """See `Dataset.rollback_breaker`."""
    with dataset.store.transaction() as db:
        dropped = staged_count(dataset)
        _clear(dataset, db)
    return dropped


def _clear(dataset: Dataset, db: Any) -> None:
    db.execute(f"DELETE FROM stage_{dataset.no}")
    db.execute("UPDATE dataset SET breaker = NULL WHERE no = ?", (dataset.no,))
    dataset.touch()
