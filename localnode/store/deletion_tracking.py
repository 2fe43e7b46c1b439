"""Deletion tracking: which live ids a full run did not produce.

Ids that got a new version in the run are known by their offset; only the unchanged ones are written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localnode import codec
from localnode.store import writer

if TYPE_CHECKING:
    from localnode.store.dataset import Dataset

PAGE = 1000


def start(dataset: Dataset) -> int:
    """See `Dataset.start_full`."""
    with dataset.store.transaction():
        clear(dataset)
        return writer.next_offset(dataset)


def delete_unseen(dataset: Dataset, base: int, mark: bool, staged: bool) -> writer.WriteResult:
    """See `Dataset.delete_unseen`. Works page by page; what is left after a crash is found again."""
    no, at, result = dataset.no, -1, writer.WriteResult()
    extra = {"$deletion_tracked": True} if mark else {}
    options = writer.WriteOptions(staged=staged)
    while True:
        rows = dataset.query(
            f"SELECT upd, data FROM log_{no} WHERE cur = 1 AND deleted = 0 AND upd > ? AND upd < ?"
            f" AND id NOT IN (SELECT id FROM seen_{no}) AND id NOT IN (SELECT id FROM stage_{no})"
            " ORDER BY upd LIMIT ?",
            (at, base, PAGE),
        )
        if not rows:
            break
        at = rows[-1][0]
        gone = [{**codec.loads(data), **extra, "_deleted": True} for _, data in rows]
        result += dataset.write(gone, options)
    return result


def clear(dataset: Dataset) -> None:
    """See `Dataset.end_full`."""
    with dataset.store.transaction() as db:
        db.execute(f"DELETE FROM seen_{dataset.no}")
