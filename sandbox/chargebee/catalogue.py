"""Item families, items and item prices (Product Catalog 2.0).

An item carries no price: that is what item prices are for, one per currency and billing period.
"""

from __future__ import annotations

import re

from core.jsonio import Json
from sandbox.chargebee.configured import check_currency, check_frequency
from sandbox.chargebee.errors import (
    ApiError,
    blank,
    configuration_incompatible,
    duplicate,
    invalid_request,
    invalid_state,
    not_found,
    wrong_value,
)
from sandbox.chargebee.facts import checks, holds, imitates
from sandbox.chargebee.records import Write
from sandbox.common.state import Record

_DESCRIPTION_LIMIT, _PLAIN_DESCRIPTION_LIMIT = 2000, 500
_TAG = re.compile(r"<[A-Za-z/][^>]*>")
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")
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
    "free_quantity": 0,
    "is_taxable": True,
    "show_description_in_invoices": False,
    "show_description_in_quotes": False,
    "channel": "web",
    "deleted": False,
}


def _assign(record: Record, values: dict[str, object], defaults: Record) -> None:
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
            if name == "metadata":
                record |= _no_metadata()
        else:
            record[name] = value


@checks("catalogue-names-are-unique")
def _unique_name(write: Write, kind: str, record: Record) -> None:
    for other in write.tx.find(kind, "name", record["name"]):
        if other["id"] != record["id"] and not other["deleted"]:
            raise duplicate("name", record["name"])


def _described(write: Write, kind: str, values: Json) -> None:
    """Count the characters of a description as it will be stored."""
    stored = {"description": values.get("description")}
    if stored["description"]:
        write.site.rewrite(kind, stored)
        _check_length(stored["description"])


@checks("descriptions-have-500-visible-characters")
def _check_length(text: str) -> None:
    if len(text) > _DESCRIPTION_LIMIT:
        raise wrong_value("description", f"cannot be more than {_DESCRIPTION_LIMIT} characters")
    if len(_TAG.sub("", text)) > _PLAIN_DESCRIPTION_LIMIT:
        raise wrong_value(
            "description", f"cannot be more than {_PLAIN_DESCRIPTION_LIMIT} characters without tags"
        )


@imitates("required-parameters")
def _named(values: dict[str, object]) -> None:
    if "name" in values and values["name"] is None:
        raise blank("name")


@imitates("family-is-required")
def _need_families(write: Write) -> None:
    if not write.site.product_families:
        raise configuration_incompatible("Product Families is not enabled", "item_family_id")


@imitates("ids-may-hold-any-character", "lengths-count-characters", "deleted-item-frees-its-id")
def create_family(write: Write, values: Json) -> Record:
    """`POST /item_families`; only where the site has the feature."""
    _need_families(write)
    _check_id(values["id"])
    write.ensure_free("item_family", values["id"], reusable=True)
    family: Record = {"id": values["id"], "status": "active", "channel": "web", "deleted": False}
    family["business_entity_id"] = write.context
    _assign(family, values, {})
    _unique_name(write, "item_family", family)
    return write.save("item_family", family, "item_family_created")


def _check_id(record_id: str) -> None:
    if not holds("ids-may-hold-any-character") and not _PLAIN_ID.fullmatch(record_id):
        raise wrong_value("id", "should have letters, digits, hyphens and underscores only")


@imitates("left-out-stays")
def update_family(write: Write, family_id: str, values: dict[str, object]) -> Record:
    """`POST /item_families/{id}`."""
    _need_families(write)
    family = write.get("item_family", family_id)
    _named(values)
    _assign(family, values, {})
    _unique_name(write, "item_family", family)
    return write.save("item_family", family, "item_family_updated")


@imitates("item-delete-needs-no-prices")
def delete_family(write: Write, family_id: str, values: dict[str, object]) -> Record:
    """`POST /item_families/{id}/delete`: refused while items of it are not deleted."""
    family = write.get("item_family", family_id)
    _refuse_while_used(write, "item", "item_family_id", family_id, "The item family has items")
    family.update(status="deleted", deleted=True)
    return write.save("item_family", family, "item_family_deleted")


@checks("item-delete-needs-no-prices")
def _refuse_while_used(write: Write, kind: str, key: str, record_id: str, what: str) -> None:
    if any(not record["deleted"] for record in write.tx.find(kind, key, record_id)):
        raise invalid_state(f"{what} and cannot be deleted")


@imitates("family-is-required")
def _family(write: Write, values: Json, is_new: bool) -> None:
    """Check the family of an item, which the site's features ask for or refuse."""
    family = values.get("item_family_id")
    if not write.site.product_families:
        if family is not None:
            _need_families(write)
        return
    if family is None and (is_new or "item_family_id" in values):
        if holds("family-is-required"):
            raise blank("item_family_id")
    elif family is not None:
        write.get("item_family", family, "item_family_id")


@imitates("empty-metadata-is-shown", "item-id-and-type-are-fixed")
def create_item(write: Write, values: Json) -> Record:
    """`POST /items`."""
    write.ensure_free("item", values["id"], reusable=True)
    _check_id(values["id"])
    _described(write, "item", values)
    _family(write, values, is_new=True)
    item: Record = {"id": values["id"], **_ITEM_DEFAULTS, **_no_metadata()}
    item["business_entity_id"] = write.context
    _assign(item, values, _ITEM_DEFAULTS)
    _applicable(item, values)
    _unique_name(write, "item", item)
    return write.save("item", item, "item_created")


@imitates("item-id-and-type-are-fixed", "left-out-stays")
def update_item(write: Write, item_id: str, values: dict[str, object]) -> Record:
    """`POST /items/{id}`: `status` archives and brings back."""
    item = write.get("item", item_id)
    _named(values)
    _described(write, "item", values)
    if values.pop("clear_applicable_items", False):
        item.pop("applicable_items", None)
    _family(write, values, is_new=False)
    _archive(write, item, values)
    _assign(item, values, _ITEM_DEFAULTS)
    _applicable(item, values)
    _unique_name(write, "item", item)
    return write.save("item", item, "item_updated")


def _no_metadata() -> Record:
    return {"metadata": {}} if holds("empty-metadata-is-shown") else {}


@imitates("status-archives")
def _archive(write: Write, record: Record, values: dict[str, object]) -> None:
    if values.get("status") == "archived" and record["status"] == "active" and holds("status-archives"):
        record["archived_at"] = write.now
    if values.get("status") == "active":
        record.pop("archived_at", None)


def _applicable(item: Record, values: Json) -> None:
    if values.get("applicable_items"):
        item["applicable_items"] = [
            {"id": other, "object": "applicable_item"} for other in values["applicable_items"]
        ]


@imitates("item-delete-needs-no-prices")
def delete_item(write: Write, item_id: str, values: dict[str, object]) -> Record:
    """`POST /items/{id}/delete`: refused while item prices are active or archived; frees id and name."""
    item = write.get("item", item_id)
    _refuse_while_used(write, "item_price", "item_id", item_id, "The item has item prices")
    item.update(status="deleted", deleted=True)
    return write.save("item", item, "item_deleted")


@imitates("price-needs-an-amount", "archived-item-takes-no-price")
def create_price(write: Write, values: Json) -> Record:
    """`POST /item_prices`."""
    write.ensure_free("item_price", values["id"], reusable=True)
    item = write.get("item", values["item_id"], "item_id")
    _refuse_archived(item)
    _described(write, "item_price", values)
    price: Record = {"id": values["id"], **_PRICE_DEFAULTS, **_no_metadata(), "created_at": write.now}
    price.update(item_type=item["type"], item_family_id=item.get("item_family_id"))
    price["currency_code"] = _currency(write, values.pop("currency_code", None))
    price["business_entity_id"] = write.context or item.get("business_entity_id")
    _assign(price, values, _PRICE_DEFAULTS)
    _check_price(write, price, item)
    return write.save("item_price", price, "item_price_created")


@checks("archived-item-takes-no-price")
def _refuse_archived(item: Record) -> None:
    if item["status"] != "active":
        raise invalid_state("The item is archived")


@checks("price-currency-is-enabled")
def _require_currency(write: Write, code: str | None) -> None:
    if code is None and write.site.currencies:
        raise wrong_value("currency_code", "is required while the site has several currencies")


def _currency(write: Write, code: str | None) -> str:
    _require_currency(write, code)
    return code or write.site.base_currency


@imitates("used-price-is-frozen", "left-out-stays")
def update_price(write: Write, price_id: str, values: dict[str, object]) -> Record:
    """`POST /item_prices/{id}`: currency, period and model are frozen once an invoice has used the price."""
    price = write.get("item_price", price_id)
    _named(values)
    if price.get("_used"):
        _refuse_frozen(price, values)
    _described(write, "item_price", values)
    _archive(write, price, values)
    _assign(price, values, _PRICE_DEFAULTS)
    _check_price(write, price, write.get("item", price["item_id"]))
    return write.save("item_price", price, "item_price_updated")


@checks("used-price-is-frozen")
def _refuse_frozen(price: Record, values: dict[str, object]) -> None:
    for name in _FROZEN_ONCE_USED:
        if name in values and values[name] != price.get(name):
            raise invalid_request("cannot be changed once the item price has been used", name)


def _check_price(write: Write, price: Record, item: Record) -> None:
    check_currency(write, "price-currency-is-enabled", "currency_code", price["currency_code"])
    _check_period(price, item)
    if price.get("period") and price.get("period_unit"):
        check_frequency(write, price["period"], price["period_unit"])
    _check_decimals(write, price)
    _check_model(price)
    _check_identity(write, price)


@checks("charges-have-no-period")
def _check_period(price: Record, item: Record) -> None:
    periods = [name for name in ("period", "period_unit") if price.get(name) is not None]
    if item["type"] == "charge" and periods:
        raise wrong_value(periods[0], "is not allowed for a charge")
    if item["type"] != "charge" and len(periods) < 2:
        raise wrong_value(
            "period" if "period" not in periods else "period_unit", f"is required for a {item['type']}"
        )


@checks("one-price-per-currency-and-period")
def _check_identity(write: Write, price: Record) -> None:
    identity = [price.get(name) for name in _IDENTITY]
    for other in write.tx.find("item_price", "item_id", price["item_id"]):
        same = [other.get(name) for name in _IDENTITY] == identity
        if same and other["id"] != price["id"] and not other["deleted"]:
            raise _second_price(other)


@imitates("decimals-need-the-feature")
def _check_decimals(write: Write, price: Record) -> None:
    if price.get("price_in_decimal") is None or write.site.multi_decimal_pricing:
        return
    if holds("decimals-need-the-feature"):
        raise configuration_incompatible("Multi-decimal pricing is not enabled", "price_in_decimal")
    del price["price_in_decimal"]


@checks("price-needs-an-amount")
def _check_model(price: Record) -> None:
    unit_priced = price["pricing_model"] in _UNIT_PRICED
    if unit_priced and price.get("price") is None and price.get("price_in_decimal") is None:
        raise wrong_value("price", f"is required for the pricing model {price['pricing_model']}")
    if not unit_priced and price.get("price") is not None:
        raise wrong_value("price", f"is not allowed for the pricing model {price['pricing_model']}")
    if not unit_priced and not price.get("tiers"):
        raise wrong_value("tiers", f"are required for the pricing model {price['pricing_model']}")


@imitates("one-price-per-currency-and-period")
def _second_price(other: Record) -> ApiError:
    return ApiError(
        400,
        "invalid_request",
        "duplicate_entry",
        f"The item has a price in this currency and period already: {other['id']}",
        "currency_code",
    )


@imitates("used-price-is-archived")
def delete_price(write: Write, price_id: str, values: dict[str, object]) -> Record:
    """`POST /item_prices/{id}/delete`: archived instead of deleted when an invoice has used it."""
    price = write.get("item_price", price_id)
    if price.get("_used") and holds("used-price-is-archived"):
        price.update(status="archived", archived_at=write.now)
        return write.save("item_price", price, "item_price_updated")
    price.update(status="deleted", deleted=True)
    return write.save("item_price", price, "item_price_deleted")


@imitates("line-may-name-a-price", "missing-reference-is-404-with-param")
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
