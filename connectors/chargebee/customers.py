"""Customers: people. Address and VAT number go through `update_billing_info`, all else through update."""

from __future__ import annotations

from urllib.parse import quote

from connectors.chargebee import billing
from connectors.chargebee.datatype import ChargebeeDatatype
from connectors.chargebee.identity import is_ours, linked
from connectors.common.datatype import Insert, Record


class Customers(ChargebeeDatatype):
    """`/customers`; made from ERP contacts and employees."""

    name = "customer"
    resource = "customers"
    id_limit = 50

    def shows(self, record: Record) -> bool:
        """Not the deprecated copy that a transfer to another business entity leaves behind."""
        return record.get("active_id") in (None, record["id"])

    def is_ours(self, insert: Insert, record: Record) -> bool:
        """By the link in `meta_data`."""
        return is_ours(insert, record.get("meta_data"))

    def check(self, operation: str, payload: Record) -> None:
        """E-mail addresses and codes, and flags that contradict values."""
        super().check(operation, payload)
        billing.refuse_contradiction(payload)

    def create(self, insert: Insert) -> Record:
        """One call, with address and VAT number."""
        payload = {
            "id": self.key_for(insert),
            **billing.of_new(insert.payload),
            "meta_data": linked(insert, insert.payload.get("meta_data")),
        }
        return self.client.create("/customers", self.name, payload)

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """Write the billing information with one call and the rest with another, each only if needed.

        Billing information goes first: Chargebee is most likely to refuse that, and then nothing is written.
        """
        self.refuse_create_only(changes)
        of_billing = {name: value for name, value in changes.items() if name in billing.BILLING_INFO}
        plain = {name: value for name, value in changes.items() if name not in billing.BILLING_INFO}
        path = f"/customers/{quote(key, safe='')}"
        record = present
        with self.client.customer_lock(key):
            if of_billing:
                assigned = billing.assignment(record, of_billing)
                record = self.client.update(f"{path}/update_billing_info", self.name, assigned, record)
            if plain:
                record = self.client.update(path, self.name, plain, record)
        return record
