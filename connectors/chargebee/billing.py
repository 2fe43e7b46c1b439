"""Billing information of a customer: what only `update_billing_info` changes, and how to say it whole.

The call is an assignment (https://apidocs.chargebee.com/docs/api/customers/update-billing-info-for-a-customer).
Attributes that its page lists are removed when a request leaves them out; whether the others are (`company`,
`state_code`, what concerns e-invoicing) is told differently by its earlier text. So everything that is to
stay is sent, and what is to go is cleared in so many words.
"""

from __future__ import annotations

from connectors.chargebee.addresses import address_to_write
from connectors.chargebee.rules import refusal
from connectors.common.datatype import Record

_FLAGS = ("business_customer_without_vat_number", "registered_for_gst")
"""Sent only when true or when they were: a site without the feature refuses them."""

_VALUES = (
    "vat_number",
    "vat_number_prefix",
    "is_einvoice_enabled",
    "einvoicing_method",
    "entity_identifier_scheme",
    "entity_identifier_standard",
)
BILLING_INFO = frozenset(("billing_address", *_FLAGS, *_VALUES))
_NO_NUMBER = "business_customer_without_vat_number"


def assignment(present: Record, changes: Record) -> Record:
    """Return the parameters that turn `present` into what `changes` ask for.

    Everything else stays as it is.

    A VAT number and the flag that says there is none exclude each other: what is newly said takes the other
    away.
    """
    wanted = {name: present[name] for name in (*_FLAGS, *_VALUES) if name in present} | changes
    if wanted.get("vat_number") and wanted.get(_NO_NUMBER):
        if changes.get(_NO_NUMBER):
            wanted |= {"vat_number": None, "vat_number_prefix": None}
        else:
            wanted[_NO_NUMBER] = False
    former = present.get("billing_address")
    address = address_to_write(former, changes.get("billing_address", former))
    sent: Record = {"billing_address": address} if address else {}
    for name, value in wanted.items():
        if name in _FLAGS:
            if value or present.get(name):
                sent[name] = bool(value)
        elif name != "billing_address":
            sent[name] = value
    identifiers = [_unchanged(row) for row in present.get("entity_identifiers", [])]
    return {**sent, "entity_identifiers": identifiers} if identifiers else sent


def of_new(payload: Record) -> Record:
    """Return the payload of a create, within the same rules."""
    payload = {name: value for name, value in payload.items() if name not in _FLAGS or value}
    address = address_to_write(None, payload.pop("billing_address", None))
    return {**payload, "billing_address": address} if address else payload


def refuse_contradiction(payload: Record) -> None:
    """`Rejected` if a VAT number comes with the flag that there is none."""
    if payload.get("vat_number") and payload.get(_NO_NUMBER):
        raise refusal(_NO_NUMBER, "cannot be true beside a vat_number", "vat_number")


def _unchanged(row: Record) -> Record:
    names = ("id", "scheme", "value", "standard")
    return {**{name: row[name] for name in names if name in row}, "operation": "update"}
