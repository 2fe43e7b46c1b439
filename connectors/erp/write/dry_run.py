"""The writer of a dry run: nothing is sent to the ERP, the record as it would be is answered.

The key of a new record is the ERP's to give, and so are numbers that nobody set: placeholders stand for them,
`new-<datatype>-<id>` of the record that it would be made from.
"""

from __future__ import annotations

from connectors.common.datatype import Record
from connectors.erp.mapping.shape import Fetched
from connectors.erp.write.writer import Same, Write, Writer
from core.clock import now_text

ASSIGNED = "x-assigned"
"""Marks properties in a schema that the ERP fills in by itself when a new record has none."""


class ForeseenWriter(Writer):
    """The port of a dry run; it reads as the real one does."""

    is_dry_run = True

    def create(self, write: Write) -> Record:
        """Return the record that would be stored, under a placeholder."""
        rules = self._schema["properties"]
        assigned = {name: write.placeholder for name, rule in rules.items() if rule.get(ASSIGNED)}
        defaults = {name: rule["default"] for name, rule in rules.items() if "default" in rule}
        record = {**defaults, **assigned, **write.payload, "id": write.placeholder}
        return self._foreseen({**record, **self._stamps("created_at")})

    def update(self, write: Write) -> Record:
        """Return the present record with the payload in it."""
        return self._foreseen({**write.present, **write.payload})

    def delete(self, write: Write) -> Record:
        """Make sure that the record is there; whether others refer to it is for the ERP to say."""
        self.fetch(write.key)
        return {}

    def finish(self, present: Fetched, payload: Record, same: Same) -> Record:
        """Return the record as it is: what an interrupted create began is not gone on with."""
        del payload, same
        return present

    def _foreseen(self, record: Record) -> Record:
        added = {"_id": str(record["id"]), "_updated": now_text(), "_deleted": False}
        return {**record, **self._stamps("modified_at"), **added}

    def _stamps(self, name: str) -> Record:
        return {name: now_text()} if name in self._schema["properties"] else {}
