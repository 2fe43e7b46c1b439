"""Reading a dataset the way a person does: by the beginning of an id, by a text within, back from a moment.

Nothing here counts or reads a whole log at once: a search takes a window of the log and says where the next
one begins.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localnode.store.dataset import Dataset, Stored

_COLUMNS = "upd, id, prev, ts, hash, deleted, data"
_LAST = "\U0010ffff"


def by_id(dataset: Dataset, prefix: str, after: str, limit: int) -> list[Stored]:
    """Latest versions whose `_id` begins with `prefix` and comes after `after`, in the order of ids."""
    sql = (
        f"SELECT {_COLUMNS} FROM log_{dataset.no} WHERE cur = 1 AND id > ? AND id >= ? AND id < ?"
        " ORDER BY id LIMIT ?"
    )
    return dataset.stored(dataset.query(sql, (after, prefix, prefix + _LAST, limit)))


def containing(dataset: Dataset, text: str, before: int, window: int) -> list[Stored]:
    """Latest versions among the `window` offsets before `before` that hold `text`, newest first.

    Letters a to z are found in either case.
    """
    variants = sorted({text, text.lower(), text.upper(), text.title()})
    patterns = [f"%{_escaped(variant)}%" for variant in variants]
    found = " OR ".join(["CAST(data AS TEXT) LIKE ? ESCAPE '\\'"] * len(patterns))
    sql = (
        f"SELECT {_COLUMNS} FROM log_{dataset.no} WHERE upd < ? AND upd >= ? AND cur = 1 AND ({found})"
        " ORDER BY upd DESC"
    )
    parameters: Sequence[Any] = (before, before - window, *patterns)
    return dataset.stored(dataset.query(sql, parameters))


def first_at(dataset: Dataset, moment: int) -> int:
    """Return the lowest offset written at `moment` (µs since the epoch) or later.

    The log's end when there is none.

    Offsets and times grow together, so a binary search finds it.
    """
    low, high = 0, (dataset.max_updated if dataset.max_updated is not None else -1) + 1
    while low < high:
        middle = (low + high) // 2
        rows = dataset.query(
            f"SELECT upd, ts FROM log_{dataset.no} WHERE upd >= ? ORDER BY upd LIMIT 1", (middle,)
        )
        if not rows or rows[0][1] >= moment:
            high = middle
        else:
            low = rows[0][0] + 1
    return low


def _escaped(text: str) -> str:
    """`text` as it stands within JSON, ready for LIKE."""
    inner = json.dumps(text, ensure_ascii=False)[1:-1]
    return inner.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
