"""Customers: people. Address and VAT number go through `update_billing_info`, all else through update."""

from __future__ import annotations

from urllib.parse import quote

from connectors.chargebee.datatype import ChargebeeDatatype, overlay
from connectors.chargebee.identity import is_ours, linked
from connectors.common.datatype import Insert, Record

BILLING_INFO = frozenset(
    (
        "billing_address",
        "vat_number",
        "vat_number_prefix",
        "registered_for_gst",
        "business_customer_without_vat_number",
        "is_einvoice_enabled",
        "einvoicing_method",
        "entity_identifier_scheme",
        "entity_identifier_standard",
    )
)
"""What only `POST /customers/{id}/update_billing_info` takes once the customer exists."""


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

    def create(self, insert: Insert) -> Record:
        """One call, with address and VAT number."""
        payload = {
            "id": self.key_for(insert),
            **insert.payload,
            "meta_data": linked(insert, insert.payload.get("meta_data")),
        }
        if "billing_address" in payload:
            payload["billing_address"] = overlay(None, payload["billing_address"])
        return self.client.create("/customers", self.name, payload)

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """One call for what changed of the billing information and one for the rest, each only if needed.

        Billing information goes first: Chargebee is most likely to refuse that, and then nothing is written.
        """
        self.refuse_create_only(changes)
        billing = {name: value for name, value in changes.items() if name in BILLING_INFO}
        plain = {name: value for name, value in changes.items() if name not in BILLING_INFO}
        if "billing_address" in billing:
            billing["billing_address"] = overlay(present.get("billing_address"), billing["billing_address"])
        path = f"/customers/{quote(key, safe='')}"
        record = present
        with self.client.customer_lock(key):
            if billing:
                record = self.client.update(f"{path}/update_billing_info", self.name, billing, record)
            if plain:
                record = self.client.update(path, self.name, plain, record)
        return record
