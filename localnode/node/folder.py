"""The data folder of a node, held by one process at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from localnode.errors import Conflict

SETTINGS_FILE, STORE_FILE = "node.db", "datasets.db"


class DataFolder:
    """Made when missing. Conflict when another node holds it."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.settings_file = root / SETTINGS_FILE
        self.store_file = root / STORE_FILE
        self._lock = os.open(root / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise Conflict(f"another node uses the data folder {root}") from error

    def delete_store(self) -> None:
        """Delete all datasets; the store must be closed."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.store_file}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        """Let another node have the folder."""
        os.close(self._lock)
