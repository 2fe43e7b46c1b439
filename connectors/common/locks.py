"""Provide one lock per record, from a fixed number of locks."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager

_STRIPES = 512


class RecordLocks:
    """Serialises writers of one record within this process.

    Two records rarely share a lock; a thread never holds two.
    """

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(_STRIPES)]

    def of(self, datatype: str, key: str) -> AbstractContextManager[bool]:
        """Return the lock to hold while the record `key` of `datatype` is read, compared and written."""
        return self._locks[hash((datatype, key)) % _STRIPES]
