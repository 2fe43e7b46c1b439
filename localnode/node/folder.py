"""Open the data folder of a node for one process at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from core.folders import open_lock
from localnode.errors import Conflict

OWN_FILES = 0o077
"""The umask of a process that serves a node: what it writes is its owner's alone."""

SETTINGS_FILE, STORE_FILE = "node.db", "datasets.db"


class DataFolder:
    """Created if missing. Conflict if another node holds it, OSError if it cannot be written to."""

    def __init__(self, root: Path) -> None:
        self.settings_file = root / SETTINGS_FILE
        self.store_file = root / STORE_FILE
        self._lock = open_lock(root)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise Conflict(f"another node uses the data folder {root}") from error
        self._keep_to_owner(root)

    def _keep_to_owner(self, root: Path) -> None:
        """Restrict files that an earlier version, or a restored backup, left open to others."""
        for name in (SETTINGS_FILE, STORE_FILE):
            for file in root.glob(f"{name}*"):
                file.chmod(0o600)

    def delete_store(self) -> None:
        """Delete all datasets; the store must be closed."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.store_file}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        """Release the folder for another node."""
        os.close(self._lock)
