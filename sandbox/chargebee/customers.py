"""Customers, their billing information, contacts, hierarchy and deletion."""

from __future__ import annotations

from typing import Any

from core.jsonio import Json
from sandbox.chargebee.addresses import address, check_address
from sandbox.chargebee.business_entities import default_entity_id
from sandbox.chargebee.configured import check_currency, check_payment_term, chosen_business_entity
from sandbox.chargebee.errors import (
    blank,
    configuration_incompatible,
    invalid_request,
    invalid_state,
    not_found,
    wrong_value,
)
from sandbox.chargebee.facts import checks, holds, imitates
from sandbox.chargebee.records import Write
from sandbox.chargebee.scheduled import JOBS, schedule
from sandbox.common.state import Record

_DEFAULTS: Record = {
    "auto_collection": "on",
    "net_term_days": 0,
    "allow_direct_debit": False,
    "taxability": "taxable",
    "pii_cleared": "active",
    "channel": "web",
    "deleted": False,
    "card_status": "no_card",
    "promotional_credits": 0,
    "refundable_credits": 0,
    "excess_payments": 0,
    "unbilled_charges": 0,
}


@imitates("customer-ids-are-made-up", "customer-defaults", "one-default-business-entity")
def create(write: Write, values: Json) -> Record:
    """`POST /customers`: every parameter is optional, a missing `id` is generated."""
    customer_id = values.pop("id", None) or _made_up_id(write)
    write.ensure_free("customer", customer_id)
    _check(write, values)
    _check_flags(write, values)
    chosen = chosen_business_entity(write, values.pop("business_entity_id", None))
    entity_id = chosen or write.context or default_entity_id(write)
    if entity_id is not None and write.tx.get("business_entity", entity_id) is None:
        raise not_found("Business entity", entity_id, "business_entity_id")
    customer: Record = {"id": customer_id, **_DEFAULTS, "created_at": write.now}
    customer["business_entity_id"] = entity_id
    if not holds("customer-defaults"):
        customer["auto_collection"] = "off"
    if holds("consents-are-shown"):
        customer.update({f"cs_{name}": False for name in write.site.consent_fields})
    _assign(customer, values)
    _look_up(write, customer)
    return write.save("customer", customer, "customer_created")


@imitates("customer-ids-are-made-up")
def _made_up_id(write: Write) -> str:
    if not holds("customer-ids-are-made-up"):
        raise blank("id")
    return write.new_id()


@imitates("plain-update-takes-no-address")
def update(write: Write, customer_id: str, values: Json) -> Record:
    """`POST /customers/{id}`: neither address nor VAT number nor business entity are its parameters."""
    customer = write.get("customer", customer_id)
    _check(write, values)
    if not holds("left-out-stays"):
        customer = {name: value for name, value in customer.items() if name not in _TEXTS}
    _assign(customer, values)
    return write.save("customer", customer, "customer_changed")


_LOOKED_UP_S = 1
"""Seconds until a VAT number has been looked up, a part of what it really takes."""
_MOVES = "billing-info-and-contacts-move-updated-at"
_REMOVED = ("vat_number", "vat_number_prefix", "business_customer_without_vat_number", "registered_for_gst")
_REMOVED_PARTS = (
    ("first_name", "last_name", "phone", "email", "line1", "line2", "line3")
    + ("city", "state", "country", "zip")
)  # fmt: skip
_KEPT = ("is_einvoice_enabled", "einvoicing_method", "entity_identifier_scheme", "entity_identifier_standard")


@imitates("billing-info-is-assignment", "billing-info-removes-the-vat-number")
def update_billing_info(write: Write, customer_id: str, values: Json) -> Record:
    """`POST /customers/{id}/update_billing_info`: what a request leaves out is removed.

    https://apidocs.chargebee.com/docs/api/customers/update-billing-info-for-a-customer lists what is; the
    address's company and state code and the attributes of e-invoicing are not in that list.
    """
    customer = write.get("customer", customer_id)
    _check(write, values)
    _check_flags(write, values)
    everything = not holds("billing-info-leaves-company-and-state-code")
    former = customer.get("billing_address") or {}
    kept = {} if everything else {name: part for name, part in former.items() if name not in _REMOVED_PARTS}
    removed = dict.fromkeys((*_REMOVED, *_KEPT) if everything else _REMOVED)
    if not holds("billing-info-is-assignment"):
        kept = former
    if not holds("billing-info-removes-the-vat-number"):
        removed = {}
    parts = {**kept, **(values.get("billing_address") or {})}
    _assign(customer, {**removed, **values, "billing_address": parts})
    _look_up(write, customer)
    return write.save("customer", customer, "customer_changed", moves=holds(_MOVES))


def _check_flags(write: Write, values: dict[str, object]) -> None:
    """Refuse flags that contradict the VAT number or the site's taxes (same page, warnings)."""
    _check_number_or_flag(values)
    _check_gst(write, values)


@checks("vat-number-or-flag")
def _check_number_or_flag(values: dict[str, object]) -> None:
    if values.get("vat_number") and values.get("business_customer_without_vat_number"):
        raise invalid_request("cannot be set with vat_number", "business_customer_without_vat_number")


@checks("gst-flag-needs-gst")
def _check_gst(write: Write, values: dict[str, object]) -> None:
    if values.get("registered_for_gst") and not write.site.australian_gst:
        raise configuration_incompatible("registered_for_gst needs Australian GST", "registered_for_gst")


def _check(write: Write, values: Json) -> None:
    check_address(write, "billing_address", values.get("billing_address"))
    check_currency(
        write,
        "customer-currency-is-enabled",
        "preferred_currency_code",
        values.get("preferred_currency_code"),
    )
    check_payment_term(write, values.get("net_term_days"))


_TEXTS = ("first_name", "last_name", "phone", "email", "company")
_EMPTIED = {
    "net_term_days": "empty-net-term-days-is-zero",
    "auto_collection": "empty-auto-collection-is-on",
    "meta_data": "empty-meta-data-clears",
    "preferred_currency_code": "empty-currency-clears",
}
"""Which fact says what an empty value does to an attribute."""


def _assign(customer: Record, values: Json) -> None:
    for name, value in values.items():
        if value is None and name in _EMPTIED and not holds(_EMPTIED[name]):
            continue
        if name == "billing_address":
            customer[name] = address(value, "billing_address")
        elif value is None and name in _DEFAULTS:
            customer[name] = _DEFAULTS[name]
        elif value == {} or value is None:
            customer.pop(name, None)
        else:
            customer[name] = _kept(name, value, customer.get(name))
    if "vat_number" in values:
        unchecked = "not_validated" if holds("vat-numbers-start-unchecked") else "valid"
        customer["vat_number_status"] = unchecked if values["vat_number"] else None


def _look_up(write: Write, customer: Record) -> None:
    """Have a new VAT number looked up, on a site that does so."""
    is_new = write.site.vat_validation and customer.get("vat_number_status") == "not_validated"
    if is_new and holds("vat-status-changes-later"):
        schedule(write.tx, "look_up_vat_number", customer["id"], _LOOKED_UP_S)


@imitates("vat-status-changes-later")
def _looked_up(write: Write, customer_id: str) -> None:
    """Note what came of it: nobody has edited the customer, and it is a new version all the same."""
    customer = write.tx.get("customer", customer_id)
    if customer is not None and customer.get("vat_number_status") == "not_validated":
        write.save("customer", {**customer, "vat_number_status": "valid"}, "customer_changed")


JOBS["look_up_vat_number"] = _looked_up


def _kept(name: str, value: Any, former: Any) -> Any:
    """Return what the site keeps of a value that it was sent."""
    if name in _TEXTS and not holds("texts-of-customers-are-kept"):
        return " ".join(value.split())
    if name == "locale" and not holds("locale-is-kept"):
        return None
    if name == "meta_data" and not holds("meta-data-is-replaced"):
        return {**(former or {}), **value}
    return value


@imitates("customer-delete-is-scheduled", "customer-delete-refused-in-a-hierarchy")
def delete(write: Write, customer_id: str, values: dict[str, object]) -> Record:
    """`POST /customers/{id}/delete`: answered at once, done a little later; refused within a hierarchy."""
    customer = write.get("customer", customer_id)
    is_related = customer.get("relationship") or customer.get("_children")
    if is_related and holds("customer-delete-refused-in-a-hierarchy"):
        raise invalid_state("The customer is part of an account hierarchy and cannot be deleted")
    delay = write.site.customer_deletion_s if holds("customer-delete-is-scheduled") else 0
    if not delay:
        return _delete(write, customer_id)
    schedule(write.tx, _delete.__name__, customer_id, delay)
    return {**customer, "deleted": True}


def _delete(write: Write, customer_id: str) -> Record:
    """Take a customer away, with its invoices and orders."""
    customer = write.get("customer", customer_id)
    for kind in ("order", "invoice"):
        for record in write.tx.find(kind, "customer_id", customer_id):
            if not record.get("deleted"):
                write.save(kind, {**record, "deleted": True}, f"{kind}_deleted")
    customer["deleted"] = True
    return write.save("customer", customer, "customer_deleted")


@imitates("erased-persons-say-so")
def clear_personal_data(write: Write, customer_id: str, values: dict[str, object]) -> Record:
    """`POST /customers/{id}/clear_personal_data`: scheduled, then everything personal is gone for good."""
    customer = write.get("customer", customer_id)
    if holds("erased-persons-say-so"):
        customer["pii_cleared"] = "scheduled_for_clear"
    schedule(write.tx, _clear.__name__, customer_id, write.site.customer_deletion_s)
    return write.save("customer", customer, "customer_changed")


_PERSONAL = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "company",
    "billing_address",
    "vat_number",
    "contacts",
)


def _clear(write: Write, customer_id: str) -> None:
    customer = write.get("customer", customer_id)
    kept = {name: value for name, value in customer.items() if name not in _PERSONAL}
    said = {"pii_cleared": "cleared"} if holds("erased-persons-say-so") else {}
    write.save("customer", {**kept, **said}, "customer_changed")


JOBS.update({job.__name__: job for job in (_delete, _clear)})


@imitates("contacts-belong-to-the-customer")
def add_contact(write: Write, customer_id: str, values: Json) -> Record:
    """`POST /customers/{id}/add_contact`."""
    customer = write.get("customer", customer_id)
    given = {name: value for name, value in values["contact"].items() if value is not None}
    contacts = customer.setdefault("contacts", [])
    contact = {
        "id": write.new_id("contact_"),
        "enabled": False,
        "send_account_email": False,
        "send_billing_email": False,
        **given,
        "object": "contact",
    }
    if any(known["id"] == contact["id"] for known in contacts):
        raise wrong_value("contact[id]", f"The value {contact['id']} is already present.")
    contacts.append(contact)
    saved = write.save("customer", customer, "customer_changed", moves=holds(_MOVES))
    return saved if holds("contacts-belong-to-the-customer") else {**saved, "contacts": None}


@imitates("contacts-belong-to-the-customer")
def update_contact(write: Write, customer_id: str, values: Json) -> Record:
    """`POST /customers/{id}/update_contact`."""
    customer = write.get("customer", customer_id)
    contact = _contact(customer, values["contact"]["id"])
    for name, value in values["contact"].items():
        if value is None:
            contact.pop(name, None)
        else:
            contact[name] = value
    return write.save("customer", customer, "customer_changed")


@imitates("contacts-belong-to-the-customer")
def delete_contact(write: Write, customer_id: str, values: Json) -> Record:
    """`POST /customers/{id}/delete_contact`."""
    customer = write.get("customer", customer_id)
    customer["contacts"].remove(_contact(customer, values["contact"]["id"]))
    return write.save("customer", customer, "customer_changed")


@imitates("contacts-belong-to-the-customer")
def _contact(customer: Record, contact_id: str) -> Record:
    for contact in customer.setdefault("contacts", []):
        if contact["id"] == contact_id:
            found: Record = contact
            return found
    raise not_found("Contact", contact_id, "contact[id]")


@imitates("hierarchy-has-its-own-calls")
def relate(write: Write, customer_id: str, values: Json) -> Record:
    """`POST /customers/{id}/relationships`: owners that are not given are the customer itself."""
    customer = write.get("customer", customer_id)
    relation = {"payment_owner_id": customer_id, "invoice_owner_id": customer_id, "object": "relationship"}
    for name in ("parent_id", "payment_owner_id", "invoice_owner_id"):
        if values.get(name):
            write.get("customer", values[name], name)
            relation[name] = values[name]
    if values.get("parent_id"):
        parent = write.get("customer", values["parent_id"], "parent_id")
        write.save("customer", {**parent, "_children": parent.get("_children", 0) + 1}, "customer_changed")
    customer["relationship"] = relation
    return write.save("customer", customer, "hierarchy_created", "customer_changed")


@imitates("hierarchy-has-its-own-calls")
def unrelate(write: Write, customer_id: str, values: dict[str, object]) -> Record:
    """`POST /customers/{id}/delete_relationship`."""
    customer = write.get("customer", customer_id)
    relation = customer.pop("relationship", None)
    if relation is None:
        raise invalid_state("The customer has no relationship")
    if relation.get("parent_id"):
        parent = write.get("customer", relation["parent_id"])
        write.save("customer", {**parent, "_children": parent["_children"] - 1}, "customer_changed")
    return write.save("customer", customer, "hierarchy_deleted", "customer_changed")
