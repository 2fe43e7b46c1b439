"""Changing what a sandbox holds behind its back: no rule is checked, no stamp moves, no tombstone stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from core.jsonio import Json
from sandbox.chargebee.records import KEYS
from sandbox.common.state import State
from sandbox.erp.records import index_keys
from stack.processes import Stack


class Tampering:
    """Both sandboxes' files, with a copy of each to go back to."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._files = {
            name: stack.settings.folder / f"{name}-sandbox.sqlite" for name in ("erp", "chargebee")
        }
        self._copies = {name: folder / f"{name}.sqlite" for name in self._files}
        self.erp = State(self._files["erp"], index_keys())
        self.chargebee = State(self._files["chargebee"], KEYS)
        for name, path in self._files.items():
            _copy(path, self._copies[name])

    def restore(self) -> None:
        """Both systems as they were when this object was made."""
        for name, path in self._files.items():
            _copy(self._copies[name], path)


def change(state: State, kind: str, key: str, edit: Callable[[Json], None]) -> None:
    """Let `edit` change a record in place."""
    with state.write() as tx:
        record = tx.get(kind, key)
        assert record is not None
        edit(record)
        tx.put(kind, key, record)


def remove(state: State, kind: str, key: str) -> None:
    """Take a record away without a trace."""
    with state.write() as tx:
        assert tx.get(kind, key) is not None
        tx.remove(kind, key)


def copy(state: State, kind: str, key: str, other: str) -> None:
    """Store a record a second time under another id."""
    with state.write() as tx:
        record = tx.get(kind, key)
        assert record is not None
        tx.put(kind, other, {**record, "id": other})


def _copy(source: Path, target: Path) -> None:
    origin, aim = sqlite3.connect(source, timeout=30), sqlite3.connect(target, timeout=30)
    try:
        origin.backup(aim)
    finally:
        aim.close()
        origin.close()
