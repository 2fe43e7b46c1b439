"""Define the interface through which a service writes: to its system or, in a dry run, nowhere.

A datatype reads, compares and decides. Every write goes through its port, which returns the record as stored.
A dry run is the same datatype behind a port that returns the record as it would be.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from connectors.common.datatype import Record

Write = TypeVar("Write", contravariant=True)
"""What a service says of one write: the record, what of it changes, and how its system is told."""


class WritePort(Protocol[Write]):
    """Carries out writes. Safe to use from several threads; raises `connectors.common.errors`."""

    is_dry_run: bool

    def create(self, write: Write) -> Record:
        """Return the new record."""

    def update(self, write: Write) -> Record:
        """Return the record with the changes in it."""

    def delete(self, write: Write) -> Record:
        """Return what is left of the record, `{}` if nothing is."""
