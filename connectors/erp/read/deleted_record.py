"""What is known of a record that the ERP holds no more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeletedRecord:
    """The key of a deleted record, and when it was deleted, if that is known."""

    key: str
    stamp: str | None = None
