"""How each kind of record shows and takes the properties of the model: written from the mapping tables.

`read` gives the model values of a record, `calls` the requests by which somebody sets some of them:
(what to address, body). ERP bodies are for PATCH, Chargebee's for POST.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import mmh3

from core.jsonio import Json
from tests.soundness.model import normal

Values = dict[str, Any]
Calls = list[tuple[str, Json]]

PARTS = ("line1", "line2", "line3", "city", "state", "postal_code", "country")
UNITS = {"JPY": 1, "NOK": 100, "EUR": 100, "KWD": 100}
DEFAULT_FAMILY = "erp-products"


@dataclass(frozen=True)
class Kind:
    """One kind of record: its system, its collection, its concept, and how values get in and out.

    `edited` are the properties that people change there; `shown` those that must agree with the other side.
    """

    name: str
    system: str
    path: str
    concept: str
    edited: tuple[str, ...]
    shown: tuple[str, ...]
    read: Callable[[Json], Values]
    calls: Callable[[Json, Values], Calls]


def family(category: str) -> str:
    """Return the id of the item family of a category: its own words, or cut short with a hash of the whole."""
    key = category.replace("/", "-")[:50]
    return key if key == category else f"{key[:41]}-{str(mmh3.hash128(category.encode()))[:8]}"


def _unix(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _day(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _instant(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _address(record: Json, name: str) -> Json:
    found = record.get(name) or {}
    return {part: found.get("zip" if part == "postal_code" and "zip" in found else part) for part in PARTS}


def _as_billing(address: Json) -> Json:
    return {("zip" if part == "postal_code" else part): value for part, value in address.items()}


def _changed_address(record: Json, name: str, changes: Values) -> Json | None:
    parts = {
        key.removeprefix("address_"): value for key, value in changes.items() if key.startswith("address_")
    }
    return {**_address(record, name), **parts} if parts else None


# --- persons

PERSON = ("first_name", "last_name", "email", "phone", "language", *(f"address_{part}" for part in PARTS))


def _read_person(record: Json, language: str, address: str) -> Values:
    values = {name: record.get(name) for name in ("first_name", "last_name", "phone")}
    values["email"] = (record.get("email") or "").strip().lower()
    values["language"] = record.get(language)
    values |= {f"address_{part}": value for part, value in _address(record, address).items()}
    return {name: normal(value) for name, value in values.items()}


def _read_erp_person(record: Json) -> Values:
    values = _read_person(record, "language", "address")
    values["phone"] = values["phone"] or normal(record.get("mobile"))
    return values


def _erp_person_calls(record: Json, changes: Values) -> Calls:
    body = {name: value for name, value in changes.items() if not name.startswith("address_")}
    address = _changed_address(record, "address", changes)
    return [("", body | ({"address": address} if address else {}))]


def _customer_calls(record: Json, changes: Values) -> Calls:
    plain = {
        ("locale" if name == "language" else name): value
        for name, value in changes.items()
        if not name.startswith("address_")
    }
    address = _changed_address(record, "billing_address", changes)
    calls: Calls = [("", plain)] if plain else []
    if address:  # the call assigns: what is left out is removed
        kept = {name: record[name] for name in ("vat_number",) if record.get(name)}
        calls.append(("/update_billing_info", {"billing_address": _as_billing(address), **kept}))
    return calls


CONTACT = Kind(
    "contact", "erp", "contacts", "person", (*PERSON, "active"), PERSON, _read_erp_person, _erp_person_calls
)
EMPLOYEE = Kind(
    "employee", "erp", "employees", "person", (*PERSON, "active"), PERSON, _read_erp_person, _erp_person_calls
)
CB_CUSTOMER = Kind(
    "cb_customer", "chargebee", "customers", "person", PERSON, PERSON,
    lambda record: _read_person(record, "locale", "billing_address"), _customer_calls,
)  # fmt: skip


# --- organisations

ORGANISATION = ("name", "status")
COMPANY_FACTS = ("vat_number", "payment_terms_days")


def _read_named(record: Json) -> Values:
    return {name: normal(record.get(name)) for name in ORGANISATION}


def _plain_calls(record: Json, changes: Values) -> Calls:
    return [("", dict(changes))]


COMPANY = Kind(
    "company", "erp", "customers", "organisation", (*ORGANISATION, *COMPANY_FACTS), ORGANISATION,
    _read_named, _plain_calls,
)  # fmt: skip
BUSINESS_ENTITY = Kind(
    "business_entity",
    "chargebee",
    "business_entities",
    "organisation",
    ORGANISATION,
    (),
    _read_named,
    _plain_calls,
)


# --- products

PRODUCT = ("name", "description", "unit", "status", "is_shippable", "category", "metadata", "sku", "unit_price",
           "is_taxable")  # fmt: skip
PRICED = ("sku", "unit_price", "is_taxable")


def _read_product(record: Json) -> Values:
    values = {name: record.get(name) for name in PRODUCT}
    values["category"] = family((record.get("category") or "").strip())
    price = record.get("unit_price")
    values["unit_price"] = None if price is None else int(Decimal(price) * UNITS[record["currency"]])
    return {name: normal(value) for name, value in values.items()}


def _product_calls(record: Json, changes: Values) -> Calls:
    body = dict(changes)
    if body.get("unit_price") is not None:
        body["unit_price"] = str(Decimal(body["unit_price"]) / UNITS[record["currency"]])
    return [("", body)]


def _read_item(record: Json) -> Values:
    """An item together with its price, which the world puts under `price_record`."""
    price = record.get("price_record") or {}
    family = record.get("item_family_id")
    own = {key: value for key, value in (record.get("metadata") or {}).items() if key != "customerp"}
    values = {name: record.get(name) for name in ("name", "description", "unit", "is_shippable")}
    values["status"] = "active" if record.get("status") == "active" else "archived"
    values |= {
        "category": None if family == DEFAULT_FAMILY else family,
        "metadata": own,
        "sku": (price.get("accounting_detail") or {}).get("sku"),
        "unit_price": price.get("price"),
        "is_taxable": price.get("is_taxable"),
    }
    return {name: normal(value) for name, value in values.items()}


def _item_calls(record: Json, changes: Values) -> Calls:
    item = {name: value for name, value in changes.items() if name not in PRICED}
    if "category" in item:
        item["item_family_id"] = item.pop("category") or DEFAULT_FAMILY
    if "metadata" in item:
        link = {key: value for key, value in (record.get("metadata") or {}).items() if key == "customerp"}
        item["metadata"] = {**(item["metadata"] or {}), **link}
    price: Json = {}
    if "sku" in changes:
        price["accounting_detail"] = {"sku": changes["sku"]}
    if "unit_price" in changes:
        price["price"] = changes["unit_price"]
    if "is_taxable" in changes:
        price["is_taxable"] = changes["is_taxable"]
    calls: Calls = [("", item)] if item else []
    return calls + ([("price", price)] if price else [])


ERP_PRODUCT = Kind("product", "erp", "products", "product", PRODUCT, PRODUCT, _read_product, _product_calls)
ITEM = Kind("item", "chargebee", "items", "product", PRODUCT, PRODUCT, _read_item, _item_calls)


# --- orders and quotes

ORDER = ("number", "status", "order_date", "shipping_date", "shipped_at", "delivered_at", "cancellation_reason",
         "shipment_carrier", "tracking_number", "tracking_url", "note", "shipping_address", "line_sku",
         "line_status")  # fmt: skip
SHOWN_ORDER = (*ORDER, "payment_status")
QUOTE = ("number", "status", "order_date", "note", "shipping_address", "line_sku")
CANCELLED = "cancelled"
SAME = ("shipment_carrier", "tracking_url", "note", "cancellation_reason")
TO_CLASS = {"confirmed": "queued", "in_progress": "awaiting_shipment", "completed": "delivered", "draft": "on_hold",
            "new": "queued", "processing": "awaiting_shipment", "complete": "delivered",
            "voided": "cancelled"}  # fmt: skip
FROM_CLASS = {"queued": "confirmed", "awaiting_shipment": "in_progress"}
QUOTE_CLASS = {"draft": "on_hold", "sent": "on_hold", "rejected": "cancelled", "expired": "cancelled"}
QUOTE_FROM_CLASS = {"on_hold": "sent", "cancelled": "rejected"}


def as_quote_status(status: str | None) -> str | None:
    """What a quote can say of an order's status."""
    return status if status in ("on_hold", "cancelled", None) else "queued"


def _lines(record: Json, name: str) -> list[Json]:
    lines = list(record.get(name) or [])
    return sorted(lines, key=lambda line: line["position"]) if name == "lines" else lines


def _line_values(lines: list[Json]) -> Values:
    skus = [normal(line.get("sku")) for line in lines]
    statuses = [TO_CLASS.get(line.get("status") or "", line.get("status")) for line in lines]
    return {"line_sku": skus if any(skus) else None, "line_status": statuses if any(statuses) else None}


def _paid(record: Json) -> str | None:
    """What nobody has paid says nothing."""
    return "paid" if record.get("payment_status") == "paid" else None


def _read_erp_order(record: Json) -> Values:
    values = {name: record.get(name) for name in SAME}
    values |= {
        "number": record["order_number"],
        "status": TO_CLASS.get(record["status"], record["status"]),
        "order_date": record["order_date"],
        "shipping_date": record["shipping_date"] or record["requested_delivery_date"],
        "shipped_at": _unix(record["shipped_at"]),
        "delivered_at": _unix(record["delivered_at"]),
        "payment_status": _paid(record),
        "tracking_number": record["tracking_number"],
        "shipping_address": _address(record, "shipping_address"),
        **_line_values(_lines(record, "lines")),
    }
    return {name: normal(value) for name, value in values.items()}


def _erp_order_calls(record: Json, changes: Values) -> Calls:
    body = {
        name: value for name, value in changes.items() if name not in ("number", "line_sku", "line_status")
    }
    if "number" in changes:
        body["order_number"] = changes["number"]
    if "status" in body:
        body["status"] = FROM_CLASS.get(body["status"], body["status"])
    for name in ("shipped_at", "delivered_at"):
        if name in body:
            body[name] = _instant(body[name])
    if "line_sku" in changes or "line_status" in changes:
        body["lines"] = _erp_lines(record, changes)
    return [("", body)]


def _erp_lines(record: Json, changes: Values) -> list[Json]:
    lines = []
    for place, line in enumerate(_lines(record, "lines")):
        body: Json = {"line_id": line["line_id"]}
        if "line_sku" in changes:
            body["sku"] = changes["line_sku"][place]
        if "line_status" in changes:
            status = changes["line_status"][place]
            body["status"] = FROM_CLASS.get(status, status)
        lines.append(body)
    return lines


def _read_quote(record: Json) -> Values:
    values = {
        "number": record["quote_number"],
        "status": QUOTE_CLASS.get(record["status"], "queued"),
        "order_date": record["quote_date"],
        "note": record["note"],
        "shipping_address": _address(record, "shipping_address"),
        "line_sku": _line_values(_lines(record, "lines"))["line_sku"],
    }
    return {name: normal(value) for name, value in values.items()}


def _quote_calls(record: Json, changes: Values) -> Calls:
    renamed = {"number": "quote_number", "order_date": "quote_date"}
    body = {renamed.get(name, name): value for name, value in changes.items() if name != "line_sku"}
    if "status" in body:
        body["status"] = QUOTE_FROM_CLASS.get(body["status"], "accepted")
    if "line_sku" in changes:
        body["lines"] = _erp_lines(record, {"line_sku": changes["line_sku"]})
    return [("", body)]


def _read_cb_order(record: Json) -> Values:
    values = {name: record.get(name) for name in SAME}
    values |= {
        "number": record.get("reference_id"),
        "status": TO_CLASS.get(record["status"], record["status"]),
        "order_date": _day(record.get("order_date")),
        "shipping_date": _day(record.get("shipping_date")),
        "shipped_at": record.get("shipped_at"),
        "delivered_at": record.get("delivered_at"),
        "payment_status": _paid(record),
        "tracking_number": record.get("tracking_id"),
        "shipping_address": _address(record, "shipping_address"),
        **_line_values(_lines(record, "order_line_items")),
    }
    return {name: normal(value) for name, value in values.items()}


def _cb_order_calls(record: Json, changes: Values) -> Calls:
    if "payment_status" in changes:
        return [("payment", {"transaction": {"payment_method": "cash"}})]
    renamed = {"number": "reference_id", "tracking_number": "tracking_id"}
    body = {renamed.get(name, name): value for name, value in changes.items() if not name.startswith("line_")}
    for name in ("order_date", "shipping_date"):
        if name in body:
            body[name] = _unix(body[name])
    if "shipping_address" in body:
        body["shipping_address"] = _as_billing(body["shipping_address"] or {"line1": None})
    if "line_sku" in changes or "line_status" in changes:
        body["order_line_items"] = _cb_lines(record, changes)
    was, becomes = record["status"], body.get("status", record["status"])
    if becomes == CANCELLED != was:
        reason = body.pop("cancellation_reason", record.get("cancellation_reason"))
        cancel = ("/cancel", {"cancellation_reason": reason})
        del body["status"]
        return [("", body), cancel] if body else [cancel]
    if was == CANCELLED != becomes:
        body.pop("cancellation_reason", None)
        return [("/reopen", {}), ("", body)]
    return [("", body)]


def _cb_lines(record: Json, changes: Values) -> list[Json]:
    lines = []
    for place, line in enumerate(_lines(record, "order_line_items")):
        sku = changes.get("line_sku", [each.get("sku") for each in record["order_line_items"]])[place]
        status = changes.get("line_status", [each.get("status") for each in record["order_line_items"]])[
            place
        ]
        lines.append({"id": line["id"], "sku": sku, "status": status})
    return lines


ERP_ORDER = Kind("order", "erp", "orders", "order", ORDER, SHOWN_ORDER, _read_erp_order, _erp_order_calls)
ERP_QUOTE = Kind("quote", "erp", "quotes", "order", QUOTE, QUOTE, _read_quote, _quote_calls)
CB_ORDER = Kind(
    "cb_order", "chargebee", "orders", "order", ORDER, SHOWN_ORDER, _read_cb_order, _cb_order_calls
)

KINDS = {
    kind.name: kind
    for kind in (
        CONTACT,
        EMPLOYEE,
        CB_CUSTOMER,
        COMPANY,
        BUSINESS_ENTITY,
        ERP_PRODUCT,
        ITEM,
        ERP_ORDER,
        ERP_QUOTE,
        CB_ORDER,
    )  # fmt: skip
}
