"""Open the lock file of a data folder."""

from __future__ import annotations

import os
from pathlib import Path


def open_lock(folder: Path) -> int:
    """Create a folder if it is missing, and return the descriptor of its file `lock`.

    Raises OSError with one sentence if the folder cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OSError(f"the data folder {folder} cannot be written to ({reason}); name another") from error
