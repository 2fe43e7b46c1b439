"""Customers: people. Address and VAT number go through `update_billing_info`, all else through update."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.chargebee import billing
from connectors.chargebee.datatype import ChargebeeDatatype
from connectors.chargebee.forms import in_path
from connectors.chargebee.identity import is_ours, linked
from connectors.common.datatype import Deletion, Insert, Record, with_answer_of
from connectors.common.errors import Rejected


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

    def can_leave_out(self, operation: str, error: Rejected) -> bool:
        """Not the e-mail address of a new customer: it is what tells that a person is here already."""
        return super().can_leave_out(operation, error) and (operation, error.field) != ("insert", "/email")

    def create(self, insert: Insert) -> Record:
        """One call, with address and VAT number."""
        payload = {
            "id": self.key_for(insert),
            **billing.of_new(insert.payload),
            "meta_data": linked(insert, insert.payload.get("meta_data")),
        }
        with _about_the_address("billing_address" in payload):
            return self.client.create("/customers", self.name, payload)

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """Write the billing information with one call and the rest with another, each only if needed.

        Billing information goes first: Chargebee is most likely to refuse that, and then nothing is written.
        """
        _refuse_erased(present)
        changes = self.to_write(changes)
        of_billing = {name: value for name, value in changes.items() if name in billing.BILLING_INFO}
        plain = {name: value for name, value in changes.items() if name not in billing.BILLING_INFO}
        path = f"/customers/{in_path(key)}"
        record = present
        with self.client.customer_lock(key):
            if of_billing:
                assigned = billing.assignment(record, of_billing)
                with _about_the_address("billing_address" in assigned):
                    record = self.client.update(f"{path}/update_billing_info", self.name, assigned, record)
            if plain:
                last = self.client.update(path, self.name, plain, record)
                record = with_answer_of(record, of_billing, last)
        return record

    def delete(self, key: str) -> Deletion:
        """Refused for whom Chargebee has erased: nothing is written to them any more."""
        _refuse_erased(self.fetch(key))
        return super().delete(key)


def _refuse_erased(present: Record) -> None:
    """Refuse to write to a customer whose personal data Chargebee has erased, or is about to.

    Attribute `pii_cleared`, https://apidocs.chargebee.com/docs/api/customers.
    """
    state = present.get("pii_cleared")
    if state in ("scheduled_for_clear", "cleared"):
        raise Rejected(
            f"Chargebee has erased the personal data of this customer ({state}): nothing is written to it",
            rule="pii_cleared",
        )


@contextmanager
def _about_the_address(is_sent: bool) -> Iterator[None]:
    """Take a refusal that names no parameter for one of the address.

    Location validation refuses so, as the page of `update_billing_info` says (Troubleshooting); the other
    values must not wait for it.
    """
    try:
        yield
    except Rejected as refused:
        if is_sent and refused.field is None:
            refused.field = "/billing_address"
        raise
