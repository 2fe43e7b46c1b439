"""Generated records of all six datatypes, in this project's field names; each server gets them in its own shape."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]

COUNT = 23
"""Records of each datatype; with pages of 10 that makes three, and page ends amid equal stamps."""

EQUAL = 7
"""Records that share one change stamp."""

PREFIX = {"contact": "CT", "customer": "CU", "employee": "EM", "quote": "QU", "order": "OR", "product": "PR"}
DATATYPES = tuple(PREFIX)


def key(datatype: str, number: int) -> str:
    """The id of a record; the order of ids is not the order of creation."""
    return f"{PREFIX[datatype]}-{(number * 7) % COUNT:03}"


def records(datatype: str) -> list[Record]:
    """All records of one datatype, oldest first."""
    return [{**_common(datatype, number), **_OWN[datatype](number)} for number in range(COUNT)]


def _common(datatype: str, number: int) -> Record:
    stamp = f"2026-02-01T08:{number // EQUAL:02}:00.000000Z"
    return {
        "id": key(datatype, number),
        "external_refs": {"chargebee": None},
        "active": True,
        "created_at": "2026-01-01T00:00:00.000000Z",
        "modified_at": stamp,
    }


def _address(number: int) -> Record:
    return {"line1": f"Storgata {number}", "city": "Tromsø", "postal_code": "9008", "country": "NO"}


def _contact(number: int) -> Record:
    return {
        "first_name": f"Åse {number}",
        "last_name": "O'Neil",
        "email": f"person{number}@example.com",
        "phone": f"+47 22 00 00 {number:02}",
        "job_title": "Buyer",
        "customer_id": key("customer", number),
        "language": "nb",
        "address": _address(number),
    }


def _customer(number: int) -> Record:
    return {
        "name": f"Fjell & Fjord {number} AS",
        "status": "active",
        "organization_number": f"9{number:08}",
        "vat_number": f"NO9{number:08}MVA",
        "email": f"post{number}@example.com",
        "currency": "NOK",
        "payment_terms_days": 14,
        "billing_address": _address(number),
    }


def _employee(number: int) -> Record:
    return {
        "employee_number": f"{100 + number}",
        "first_name": "Per",
        "last_name": f"Larsen {number}",
        "email": f"staff{number}@example.com",
        "job_title": "Welder",
        "status": "active",
        "hire_date": "2020-08-17",
        "address": _address(number),
    }


def _sale(number: int) -> Record:
    line = {
        "line_id": f"{number}-1",
        "position": 1,
        "sku": f"SKU-{number}",
        "description": "Anchor chain",
        "quantity": "2.000",
        "unit_price": f"{number}.50",
    }
    return {
        "customer_id": key("customer", number),
        "contact_id": key("contact", number),
        "currency": "NOK",
        "note": f"no. {number}",
        "lines": [line],
    }


def _quote(number: int) -> Record:
    return {
        "quote_number": f"Q-{number}",
        "status": "sent",
        "quote_date": "2026-01-15",
        "valid_until": "2026-03-01",
        **_sale(number),
    }


def _order(number: int) -> Record:
    return {
        "order_number": f"O-{number}",
        "status": "confirmed",
        "order_date": "2026-01-20",
        "tracking_number": f"T{number}",
        **_sale(number),
    }


def _product(number: int) -> Record:
    return {
        "sku": f"SKU-{number}",
        "name": f"Anchor chain {number} mm",
        "description": "Galvanised",
        "unit": "m",
        "unit_price": f"{number}.50",
        "currency": "NOK",
        "is_taxable": True,
        "status": "active",
    }


_OWN = {
    "contact": _contact,
    "customer": _customer,
    "employee": _employee,
    "quote": _quote,
    "order": _order,
    "product": _product,
}
