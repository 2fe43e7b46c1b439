"""Datasets and pipe state in one SQLite file (WAL).

One writer at a time, many readers, crash-safe at any instant.
"""

from localnode.store.dataset import Dataset, DatasetInfo, Stored
from localnode.store.errors import (
    BreakerTripped,
    DatasetMissing,
    DiskFull,
    DuplicateVersion,
    EntityTooLarge,
    InvalidEntity,
    StaleEntity,
    StoreError,
)
from localnode.store.indexes import Index
from localnode.store.state import PipeState, RetryEntry
from localnode.store.store import LOG_PREFIX, Store, canonical
from localnode.store.writer import WriteOptions, WriteResult, is_text

__all__ = [
    "LOG_PREFIX",
    "BreakerTripped",
    "Dataset",
    "DatasetInfo",
    "DatasetMissing",
    "DiskFull",
    "DuplicateVersion",
    "EntityTooLarge",
    "Index",
    "InvalidEntity",
    "is_text",
    "PipeState",
    "RetryEntry",
    "StaleEntity",
    "Store",
    "StoreError",
    "Stored",
    "WriteOptions",
    "WriteResult",
    "canonical",
]
