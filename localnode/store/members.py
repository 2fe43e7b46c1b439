"""What a merge source remembers: under which id each of its members was last emitted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localnode.store.store import Store


class MergeMembers:
    """Members of one pipe's merge source and their representatives, both as text."""

    def __init__(self, store: Store, pipe_id: str) -> None:
        self._store = store
        self._pipe_id = pipe_id

    def representatives(self, members: Iterable[str]) -> dict[str, str]:
        """Return the representative of each known member."""
        rows = self._store.query(
            "SELECT member, representative FROM json_each(?) j CROSS JOIN merge_member m"
            " ON m.member = j.value AND m.pipe = ?",
            (json.dumps(list(members)), self._pipe_id),
        )
        return {row[0]: row[1] for row in rows}

    def update(self, representatives: Mapping[str, str | None]) -> None:
        """Remember representatives; None forgets a member."""
        with self._store.transaction() as db:
            db.executemany(
                "INSERT INTO merge_member VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET representative = excluded.representative",
                [(self._pipe_id, member, rep) for member, rep in representatives.items() if rep is not None],
            )
            db.executemany(
                "DELETE FROM merge_member WHERE pipe = ? AND member = ?",
                [(self._pipe_id, member) for member, rep in representatives.items() if rep is None],
            )

    def clear(self) -> None:
        """Forget everything (the pipe has been reset)."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM merge_member WHERE pipe = ?", (self._pipe_id,))
