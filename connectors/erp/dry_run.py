"""An ERP datatype that is read as it is and never written to: writes answer the record as it would be.

The key of a new record is the ERP's to give, and so are numbers that nobody set: placeholders stand for them,
`new-<datatype>-<id>` of the record that it would be made from.
"""

from __future__ import annotations

from connectors.common.datatype import Deletion, Entity, Insert, Record
from connectors.erp.datatype import ErpDatatype
from connectors.erp.mapping.shape import Fetched, with_reference, without_read_only
from core.clock import now_text

ASSIGNED = "x-assigned"
"""Marks properties in a schema that the ERP fills in by itself when a new record has none."""


class DryRun(ErpDatatype):
    """See the module."""

    def entity(self, record: Record) -> Entity:
        """Return the record as an entity; one that is foreseen (`$present`) has our names."""
        return {"_id": str(record.get("id")), "_updated": now_text(), "_deleted": False, **record}

    def create(self, insert: Insert) -> Record:
        """Return the record that would be stored, under a placeholder."""
        self._check_writable("create")
        key = placeholder(insert)
        payload = with_reference(insert.payload, self._origin.field, self._reference(insert))
        rules = self.schema["properties"]
        assigned = {name: key for name, rule in rules.items() if rule.get(ASSIGNED)}
        defaults = {name: rule["default"] for name, rule in rules.items() if "default" in rule}
        record = {**defaults, **assigned, **payload, "id": key, **self._stamps("created_at", "modified_at")}
        return {**record, "_id": key, "_updated": now_text(), "_deleted": False}

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """`present` with the changes in it."""
        clean = without_read_only(changes, self.schema)
        if self._is_lost(clean, present, key):
            return present
        self._check_writable("update")
        return {**present, **clean, **self._stamps("modified_at"), "_updated": now_text()}

    def delete(self, key: str) -> Deletion:
        """As if it were deleted; whether other records refer to it is for the ERP to say."""
        self._check_writable("delete")
        self.fetch(key)
        return Deletion("delete")

    def _finished(self, entity: Entity, raw: Record, insert: Insert) -> Record:
        """Return what a create began is not gone on with."""
        return Fetched(entity, raw)

    def _stamps(self, *names: str) -> Record:
        return {name: now_text() for name in names if name in self.schema["properties"]}


def placeholder(insert: Insert) -> str:
    """Stands for the key that the ERP would give to the record made from this origin."""
    _, _, datatype = insert.origin_namespace.partition("-")
    return f"new-{datatype or insert.origin_namespace}-{insert.origin_id}"
