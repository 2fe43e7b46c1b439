"""What can go wrong in the store, sorted by what the caller must do.

StoreError
├── DatasetMissing     look up first: no dataset of that id (or it was deleted while being read)
├── BreakerTripped     decide: roll the circuit breaker back or commit it
├── DiskFull           wait: somebody has to free space on the disk that the text names
└── InvalidEntity      fix the data: no string `_id`, or not an object
    ├── EntityTooLarge     larger than the sink's `max_entity_bytes_size`
    ├── DuplicateVersion   `prevent_multiple_versions` refuses a second version
    └── StaleEntity        `enable_optimistic_locking`: not based on the latest version
"""

from __future__ import annotations

from core.jsonio import Json


class StoreError(Exception):
    """Base of everything the store raises on purpose."""


class DatasetMissing(StoreError):
    """No dataset has this id."""

    def __init__(self, dataset: str) -> None:
        super().__init__(f"dataset {dataset!r} does not exist")
        self.dataset = dataset


class BreakerTripped(StoreError):
    """The dataset's circuit breaker is tripped."""


class DiskFull(StoreError):
    """There is no space left for a file of the node's."""

    def __init__(self, file: object) -> None:
        super().__init__(f"the disk that holds {file} is full; free some space, and the node continues")


class InvalidEntity(StoreError):
    """An entity that cannot be stored."""


class EntityTooLarge(InvalidEntity):
    """An entity above `max_entity_bytes_size`."""


class DuplicateVersion(InvalidEntity):
    """A second version where only one is allowed."""


class StaleEntity(InvalidEntity):
    """An update that is not based on the latest version; the versions are there to be merged by hand."""

    def __init__(self, given: Json, existing: Json, ancestor: Json | None) -> None:
        super().__init__(
            f"entity {given.get('_id')!r} is based on version {given.get('_updated')!r}, not the latest"
        )
        self.input_entity = given
        self.existing_entity = existing
        self.common_ancestor_entity = ancestor
