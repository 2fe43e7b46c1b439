"""The six record types and their fields. Lengths are those that both systems can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.erp import kinds
from sandbox.erp.kinds import Check


@dataclass(frozen=True)
class Field:
    """A field: its check, and what the ERP does with it.

    `reference` names the type whose live record it must point to; a record that is pointed to cannot be
    deleted. `computed` fields are the ERP's own: a write may repeat them but not change them. `number` is the
    prefix from which the ERP assigns the value when none is given. `nested` are the fields of an address or
    of each order line. `control` is how the admin page edits it: text, area, number, flag, choice, json.
    """

    check: Check
    default: Any = None
    required: bool = False
    unique: bool = False
    computed: bool = False
    is_money: bool = False
    reference: str | None = None
    number: str | None = None
    control: str = "text"
    choices: tuple[str, ...] = ()
    nested: Mapping[str, Field] | None = None


@dataclass(frozen=True)
class RecordType:
    """A type: its name in the singular, its path in the API, the prefix of its ids and its fields."""

    name: str
    path: str
    prefix: str
    fields: Mapping[str, Field]


def _ref(kind: str) -> Field:
    return Field(kinds.text(40), reference=kind)


def _text(limit: int) -> Field:
    return Field(kinds.text(limit))


def _area(limit: int) -> Field:
    return Field(kinds.text(limit), control="area")


def _integer(low: int) -> Field:
    return Field(kinds.integer(low), control="number")


def _object(check: Check) -> Field:
    return Field(check, default={}, control="json")


def _flag(default: bool | None) -> Field:
    return Field(kinds.boolean, default=default, control="flag")


def _money(computed: bool = False) -> Field:
    return Field(kinds.money, is_money=True, computed=computed)


def _enum(*values: str, default: str | None = None, required: bool = True) -> Field:
    check = kinds.choice(*values)
    return Field(check, default=default, required=required, control="choice", choices=values)


PERCENT = Field(kinds.decimal(Decimal(0), Decimal(100)))
DAY = Field(kinds.day)
INSTANT = Field(kinds.instant)
CURRENCY = Field(kinds.currency)
EMAIL = Field(kinds.email())
COMPUTED = Field(kinds.text(50), computed=True)

COMMON = {
    "id": COMPUTED,
    "external_refs": _object(kinds.texts),
    "active": _flag(True),
    "custom_fields": _object(kinds.scalars),
    "deleted_at": COMPUTED,
    "created_at": COMPUTED,
    "modified_at": COMPUTED,
    "version": Field(kinds.integer(1), computed=True),
}

ADDRESS = {
    "line1": _text(150),
    "line2": _text(150),
    "line3": _text(150),
    "city": _text(50),
    "state": _text(50),
    "postal_code": _text(20),
    "country": Field(kinds.country),
}

FULFILMENT = (
    "draft",
    "confirmed",
    "in_progress",
    "on_hold",
    "shipped",
    "partially_delivered",
    "delivered",
    "completed",
    "returned",
    "cancelled",
)
CANCELLATION_REASONS = (
    "shipping_cut_off_passed",
    "product_unsatisfactory",
    "third_party_cancellation",
    "product_not_required",
    "delivery_date_missed",
    "alternative_found",
    "invoice_written_off",
    "invoice_voided",
    "fraudulent_transaction",
    "payment_declined",
    "subscription_cancelled",
    "product_not_available",
    "others",
    "order_resent",
)

LINE = {
    "line_id": _text(40),
    "position": _integer(1),
    "product_id": _ref("product"),
    "sku": _text(100),
    "description": _text(250),
    "quantity": Field(kinds.decimal(Decimal("0.0001")), default="1", required=True),
    "unit": _text(30),
    "unit_price": Field(kinds.money, default="0", required=True, is_money=True),
    "discount_percent": PERCENT,
    "tax_percent": PERCENT,
    "amount": _money(computed=True),
    "tax_amount": _money(),
    "is_shippable": _flag(True),
    "status": _enum(*FULFILMENT, required=False),
}


ADDRESS_FIELD = Field(kinds.json_object, nested=ADDRESS)
LINES_FIELD = Field(kinds.objects, default=[], nested=LINE)

CONTACT = {
    "first_name": _text(150),
    "last_name": _text(150),
    "email": EMAIL,
    "phone": _text(50),
    "mobile": _text(50),
    "job_title": _text(100),
    "customer_id": _ref("customer"),
    "is_primary": _flag(False),
    "is_billing_contact": _flag(False),
    "language": _text(50),
    "address": ADDRESS_FIELD,
    "notes": _area(2000),
}

CUSTOMER = {
    "customer_number": Field(kinds.text(50), unique=True, number="C-"),
    "name": Field(kinds.text(250), required=True),
    "type": _enum("company", "person", default="company"),
    "status": _enum("active", "inactive", "blocked", "prospect", default="active"),
    "organization_number": _text(50),
    "vat_number": _text(20),
    "email": EMAIL,
    "invoice_email": EMAIL,
    "phone": _text(50),
    "website": _text(255),
    "billing_address": ADDRESS_FIELD,
    "shipping_address": ADDRESS_FIELD,
    "currency": CURRENCY,
    "language": _text(50),
    "payment_terms_days": _integer(0),
    "credit_limit": _money(),
    "tax_exempt": _flag(False),
    "account_manager_id": _ref("employee"),
    "parent_customer_id": _ref("customer"),
    "business_entity_id": _text(50),
    "notes": _area(2000),
}

EMPLOYEE = {
    "employee_number": Field(kinds.text(50), unique=True, number="E-"),
    "first_name": _text(150),
    "last_name": _text(150),
    "email": EMAIL,
    "phone": _text(50),
    "mobile": _text(50),
    "job_title": _text(100),
    "department": _text(100),
    "manager_id": _ref("employee"),
    "company_name": _text(250),
    "business_entity_id": _text(50),
    "hire_date": DAY,
    "termination_date": DAY,
    "status": _enum("active", "inactive", "terminated", default="active"),
    "language": _text(50),
    "address": ADDRESS_FIELD,
}

PRODUCT = {
    "sku": Field(kinds.text(100), unique=True),
    "name": Field(kinds.text(100), required=True, unique=True),
    "description": _area(2000),
    "type": _enum("service", "goods", "subscription", default="goods"),
    "category": _text(100),
    "unit": _text(30),
    "unit_price": _money(),
    "currency": CURRENCY,
    "cost_price": _money(),
    "tax_code": _text(50),
    "tax_percent": PERCENT,
    "is_taxable": _flag(True),
    "is_shippable": _flag(None),
    "is_sellable": _flag(True),
    "status": _enum("active", "archived", default="active"),
    "billing_period": _integer(1),
    "billing_period_unit": _enum("day", "week", "month", "year", required=False),
    "gtin": _text(14),
    "metadata": _object(kinds.json_object),
}

_SALE = {
    "reference": _text(50),
    "customer_id": _ref("customer"),
    "contact_id": _ref("contact"),
    "sales_employee_id": _ref("employee"),
    "currency": CURRENCY,
    "prices_include_tax": _flag(False),
    "lines": LINES_FIELD,
    "subtotal": _money(computed=True),
    "discount_amount": _money(computed=True),
    "tax_amount": _money(computed=True),
    "total": _money(computed=True),
    "billing_address": ADDRESS_FIELD,
    "shipping_address": ADDRESS_FIELD,
    "payment_terms_days": _integer(0),
    "business_entity_id": _text(50),
    "note": _area(600),
}

QUOTE = {
    "quote_number": Field(kinds.text(50), unique=True, number="Q-"),
    "status": _enum("draft", "sent", "accepted", "rejected", "expired", "ordered", default="draft"),
    "quote_date": Field(kinds.day, required=True),
    "valid_until": DAY,
    "sent_at": INSTANT,
    "accepted_at": INSTANT,
    "order_id": Field(kinds.text(40), computed=True),
    **_SALE,
}

ORDER = {
    "order_number": Field(kinds.text(50), unique=True, number="SO-"),
    "quote_id": _ref("quote"),
    "status": _enum(*FULFILMENT, default="draft"),
    "payment_status": _enum("not_paid", "paid", default="not_paid"),
    "order_date": Field(kinds.day, required=True),
    "requested_delivery_date": DAY,
    "shipping_date": DAY,
    "shipped_at": INSTANT,
    "delivered_at": INSTANT,
    "cancelled_at": INSTANT,
    "cancellation_reason": _enum(*CANCELLATION_REASONS, required=False),
    "shipment_carrier": _text(50),
    "tracking_number": _text(50),
    "tracking_url": _text(255),
    "invoice_reference": _text(50),
    **_SALE,
}

TYPES = {
    kind.name: kind
    for kind in (
        RecordType("contact", "contacts", "CT", COMMON | CONTACT),
        RecordType("customer", "customers", "CU", COMMON | CUSTOMER),
        RecordType("employee", "employees", "EM", COMMON | EMPLOYEE),
        RecordType("quote", "quotes", "QU", COMMON | QUOTE),
        RecordType("order", "orders", "OR", COMMON | ORDER),
        RecordType("product", "products", "PR", COMMON | PRODUCT),
    )
}
