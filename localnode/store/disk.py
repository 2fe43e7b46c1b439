"""The disk that holds a node's files: is it full, and what to say then."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localnode.store.errors import DiskFull

LEAST_BYTES = 16 * 1024 * 1024
"""Free space below which a node is not healthy: SQLite needs some of it to commit what is under way."""

_PRIMARY = 0xFF


@contextmanager
def naming_the_disk(file: Path | str) -> Iterator[None]:
    """Raise `DiskFull` where SQLite finds no space for `file`."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & _PRIMARY == sqlite3.SQLITE_FULL:
            raise DiskFull(file) from error
        raise


def shortage(folder: Path) -> str | None:
    """Return what is wrong if the disk of `folder` is nearly full."""
    free = shutil.disk_usage(folder).free
    if free >= LEAST_BYTES:
        return None
    return f"the disk that holds {folder} is full: {free // 1024 // 1024} MB are free"
