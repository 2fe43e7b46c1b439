"""A datatype that this ERP does not have: it reads as an empty, complete list and takes no writes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import NoReturn

from connectors.common.datatype import Datatype, Deletion, Entity, Insert, Record
from connectors.common.errors import NotFound, Rejected

RULE = "datatype-absent"
"""The `rule` of every refused write, by which a reader of `$error` tells it from a record that is wrong."""


class AbsentDatatype(Datatype):
    """Stands for a datatype without an entry in the profile, or with `enabled: false`.

    The flow goes on without it: reads succeed with nothing, from any token, and every write is refused as
    that record's own outcome.
    """

    enabled = False

    def __init__(self, name: str, schema: Mapping[str, object], why: str) -> None:
        """`why` is a clause for messages, such as "the profile acme has no entry for it"."""
        self.name = name
        self.schema = schema
        self._why = why

    @property
    def dry_run(self) -> AbsentDatatype:
        """See Datatype; there is nothing to write either way."""
        twin = copy.copy(self)
        twin.is_dry_run = True
        return twin

    def pages(self, since: str | None, limit: int | None) -> Iterator[list[Entity]]:
        """Return nothing, whatever the token.

        It may have been given out while the datatype was still there.
        """
        del since, limit
        return iter(())

    def fetch(self, key: str) -> Record:
        """`NotFound`, always."""
        raise NotFound(f"this ERP has no {self.name} ({self._why})", entity=key)

    def entity(self, record: Record) -> Entity:
        """No record ever gets here."""
        return record

    def find_own(self, insert: Insert) -> Record | None:
        """Return None: nothing was made from any origin."""
        del insert
        return None

    def create(self, insert: Insert) -> Record:
        """`Rejected`."""
        del insert
        self.check_writable()

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """`Rejected`."""
        del key, present, changes
        self.check_writable()

    def delete(self, key: str) -> Deletion:
        """`Rejected`."""
        del key
        self.check_writable()

    def check_writable(self) -> NoReturn:
        """`Rejected`: asked by the share engine before anything else."""
        raise Rejected(
            f"this ERP has no {self.name}, so nothing is written ({self._why}); add it to the profile, or"
            " leave this mapping off",
            rule=RULE,
        )
