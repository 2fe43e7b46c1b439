"""Item families, items and item prices (Product Catalog 2.0).

An item carries no price: that is what item prices are for, one per currency and billing period.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.chargebee.errors import (
    ApiError,
    duplicate,
    invalid_request,
    invalid_state,
    not_found,
    wrong_value,
)
from sandbox.chargebee.parameters import check_currency
from sandbox.chargebee.records import Write
from sandbox.common.state import Record

BASE_CURRENCY = "EUR"
_PLAIN_DESCRIPTION_LIMIT = 500
_TAG = re.compile(r"<[A-Za-z/][^>]*>")
_UNIT_PRICED = ("flat_fee", "per_unit")
_FROZEN_ONCE_USED = ("pricing_model", "currency_code", "period", "period_unit", "billing_cycles")
_IDENTITY = ("item_id", "currency_code", "period", "period_unit", "price_variant_id")

_ITEM_DEFAULTS: Record = {
    "status": "active",
    "is_shippable": False,
    "is_giftable": False,
    "enabled_for_checkout": True,
    "enabled_in_portal": True,
    "included_in_mrr": True,
    "item_applicability": "all",
    "metered": False,
    "is_percentage_pricing": False,
    "channel": "web",
    "deleted": False,
}
_PRICE_DEFAULTS: Record = {
    "status": "active",
    "proration_type": "site_default",
    "pricing_model": "flat_fee",
    "currency_code": BASE_CURRENCY,
    "free_quantity": 0,
    "is_taxable": True,
    "show_description_in_invoices": False,
    "show_description_in_quotes": False,
    "channel": "web",
    "deleted": False,
}


def _assign(record: Record, values: dict[str, Any], defaults: Record) -> None:
    """Overlay what was sent; a cleared attribute goes back to its default or away."""
    for name, value in values.items():
        if isinstance(value, dict) and name != "metadata":
            value = {key: part for key, part in value.items() if part is not None} or None
            if value:
                value["object"] = name
        if value is None:
            record.pop(name, None)
            if name in defaults:
                record[name] = defaults[name]
        else:
            record[name] = value


def _unique_name(write: Write, kind: str, record: Record) -> None:
    for other in write.tx.find(kind, "name", record["name"]):
        if other["id"] != record["id"] and not other["deleted"]:
            raise duplicate("name", record["name"])


def _described(values: dict[str, Any]) -> None:
    text = values.get("description")
    if text and len(text) > _PLAIN_DESCRIPTION_LIMIT and len(_TAG.sub("", text)) > _PLAIN_DESCRIPTION_LIMIT:
        raise wrong_value(
            "description", f"cannot be more than {_PLAIN_DESCRIPTION_LIMIT} characters without tags"
        )


def _named(values: dict[str, Any]) -> None:
    if "name" in values and values["name"] is None:
        raise wrong_value("name", "cannot be blank")


def create_family(write: Write, values: dict[str, Any]) -> Record:
    """`POST /item_families`."""
    write.ensure_free("item_family", values["id"], reusable=True)
    family: Record = {"id": values["id"], "status": "active", "channel": "web", "deleted": False}
    family["business_entity_id"] = write.context
    _assign(family, values, {})
    _unique_name(write, "item_family", family)
    return write.save("item_family", family, "item_family_created")


def update_family(write: Write, family_id: str, values: dict[str, Any]) -> Record:
    """`POST /item_families/{id}`."""
    family = write.get("item_family", family_id)
    _named(values)
    _assign(family, values, {})
    _unique_name(write, "item_family", family)
    return write.save("item_family", family, "item_family_updated")


def delete_family(write: Write, family_id: str, values: dict[str, Any]) -> Record:
    """`POST /item_families/{id}/delete`: refused while items of it are not deleted."""
    family = write.get("item_family", family_id)
    if any(not item["deleted"] for item in write.tx.find("item", "item_family_id", family_id)):
        raise invalid_state("The item family has items and cannot be deleted")
    family.update(status="deleted", deleted=True)
    return write.save("item_family", family, "item_family_deleted")


def create_item(write: Write, values: dict[str, Any]) -> Record:
    """`POST /items`."""
    write.ensure_free("item", values["id"], reusable=True)
    _described(values)
    write.get("item_family", values["item_family_id"], "item_family_id")
    item: Record = {"id": values["id"], **_ITEM_DEFAULTS, "business_entity_id": write.context}
    _assign(item, values, _ITEM_DEFAULTS)
    _applicable(item, values)
    _unique_name(write, "item", item)
    return write.save("item", item, "item_created")


def update_item(write: Write, item_id: str, values: dict[str, Any]) -> Record:
    """`POST /items/{id}`: `status` archives and brings back."""
    item = write.get("item", item_id)
    _named(values)
    _described(values)
    if values.pop("clear_applicable_items", False):
        item.pop("applicable_items", None)
    if "item_family_id" in values:
        write.get("item_family", values["item_family_id"] or "", "item_family_id")
    _archive(write, item, values)
    _assign(item, values, _ITEM_DEFAULTS)
    _applicable(item, values)
    _unique_name(write, "item", item)
    return write.save("item", item, "item_updated")


def _archive(write: Write, record: Record, values: dict[str, Any]) -> None:
    if values.get("status") == "archived" and record["status"] == "active":
        record["archived_at"] = write.now
    if values.get("status") == "active":
        record.pop("archived_at", None)


def _applicable(item: Record, values: dict[str, Any]) -> None:
    if values.get("applicable_items"):
        item["applicable_items"] = [
            {"id": other, "object": "applicable_item"} for other in values["applicable_items"]
        ]


def delete_item(write: Write, item_id: str, values: dict[str, Any]) -> Record:
    """`POST /items/{id}/delete`: refused while item prices are active or archived; frees id and name."""
    item = write.get("item", item_id)
    if any(not price["deleted"] for price in write.tx.find("item_price", "item_id", item_id)):
        raise invalid_state("The item has item prices and cannot be deleted")
    item.update(status="deleted", deleted=True)
    return write.save("item", item, "item_deleted")


def create_price(write: Write, values: dict[str, Any]) -> Record:
    """`POST /item_prices`."""
    write.ensure_free("item_price", values["id"], reusable=True)
    item = write.get("item", values["item_id"], "item_id")
    if item["status"] != "active":
        raise invalid_state("The item is archived")
    price: Record = {"id": values["id"], **_PRICE_DEFAULTS, "created_at": write.now}
    price.update(item_type=item["type"], item_family_id=item["item_family_id"])
    price["business_entity_id"] = write.context or item.get("business_entity_id")
    _assign(price, values, _PRICE_DEFAULTS)
    _check_price(write, price, item)
    return write.save("item_price", price, "item_price_created")


def update_price(write: Write, price_id: str, values: dict[str, Any]) -> Record:
    """`POST /item_prices/{id}`: currency, period and model are frozen once an invoice has used the price."""
    price = write.get("item_price", price_id)
    _named(values)
    if price.get("_used"):
        for name in _FROZEN_ONCE_USED:
            if name in values and values[name] != price.get(name):
                raise invalid_request("cannot be changed once the item price has been used", name)
    _archive(write, price, values)
    _assign(price, values, _PRICE_DEFAULTS)
    _check_price(write, price, write.get("item", price["item_id"]))
    return write.save("item_price", price, "item_price_updated")


def _check_price(write: Write, price: Record, item: Record) -> None:
    check_currency("currency_code", price["currency_code"])
    _described(price)
    periods = [name for name in ("period", "period_unit") if price.get(name) is not None]
    if item["type"] == "charge" and periods:
        raise wrong_value(periods[0], "is not allowed for a charge")
    if item["type"] != "charge" and len(periods) < 2:
        raise wrong_value(
            "period" if "period" not in periods else "period_unit", f"is required for a {item['type']}"
        )
    _check_model(price)
    identity = [price.get(name) for name in _IDENTITY]
    for other in write.tx.find("item_price", "item_id", item["id"]):
        same = [other.get(name) for name in _IDENTITY] == identity
        if same and other["id"] != price["id"] and not other["deleted"]:
            raise _second_price(other)


def _check_model(price: Record) -> None:
    unit_priced = price["pricing_model"] in _UNIT_PRICED
    if unit_priced and price.get("price") is None:
        raise wrong_value("price", f"is required for the pricing model {price['pricing_model']}")
    if not unit_priced and price.get("price") is not None:
        raise wrong_value("price", f"is not allowed for the pricing model {price['pricing_model']}")
    if not unit_priced and not price.get("tiers"):
        raise wrong_value("tiers", f"are required for the pricing model {price['pricing_model']}")


def _second_price(other: Record) -> ApiError:
    return ApiError(
        400,
        "invalid_request",
        "duplicate_entry",
        f"The item has a price in this currency and period already: {other['id']}",
        "currency_code",
    )


def delete_price(write: Write, price_id: str, values: dict[str, Any]) -> Record:
    """`POST /item_prices/{id}/delete`: archived instead of deleted when an invoice has used it."""
    price = write.get("item_price", price_id)
    if price.get("_used"):
        price.update(status="archived", archived_at=write.now)
        return write.save("item_price", price, "item_price_updated")
    price.update(status="deleted", deleted=True)
    return write.save("item_price", price, "item_price_deleted")


def price_for_invoice(write: Write, price_id: str, param: str) -> tuple[Record, Record]:
    """Return an item price named on an invoice line, noted as used, and its item.

    ApiError 404 with `param`.
    """
    price = write.tx.get("item_price", price_id)
    if price is None or price["deleted"]:
        raise not_found("Item price", price_id, param)
    if not price.get("_used"):
        write.tx.put("item_price", price_id, {**price, "_used": True}, since=0)
    item = write.tx.get("item", price["item_id"])
    return price, item or {}
