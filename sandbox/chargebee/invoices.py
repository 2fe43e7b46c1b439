"""Invoices: imported only, as far as orders need them."""

from __future__ import annotations

from typing import Any

from sandbox.chargebee import orders
from sandbox.chargebee.catalogue import BASE_CURRENCY, price_for_invoice
from sandbox.chargebee.customers import address
from sandbox.chargebee.errors import wrong_value
from sandbox.chargebee.parameters import check_country, check_currency
from sandbox.chargebee.records import Write
from sandbox.common.state import Record

_ADHOC = "adhoc"
_TAXES = range(1, 3)


def import_invoice(write: Write, values: dict[str, Any]) -> Record:
    """`POST /invoices/import_invoice`: the lines, discounts, taxes and rounding must add up to `total`.

    A paid one with lines of shippable item prices yields an order at once, as the site generates them.
    """
    write.ensure_free("invoice", values["id"])
    if not values.get("customer_id"):
        raise wrong_value("customer_id", "either customer_id or subscription_id is required")
    customer = write.get("customer", values["customer_id"], "customer_id")
    check_currency("currency_code", values.get("currency_code"))
    for kind in ("billing_address", "shipping_address"):
        check_country(kind, values.get(kind))
    lines = [_line(write, customer, row, index) for index, row in enumerate(values.get("line_items", []))]
    invoice = _invoice(write, customer, values, lines)
    _add_up(values, invoice)
    write.save("invoice", invoice, "invoice_generated")
    if invoice["status"] == "paid" and any(line["_shippable"] for line in lines):
        orders.generate(write, invoice)
    return invoice


def _line(write: Write, customer: Record, row: dict[str, Any], index: int) -> Record:
    entity_type = row.get("entity_type") or _ADHOC
    shippable, sku = False, None
    if entity_type != _ADHOC:
        param = f"line_items[entity_id][{index}]"
        if not row.get("entity_id"):
            raise wrong_value(param, f"is required for {entity_type}")
        price, item = price_for_invoice(write, row["entity_id"], param)
        shippable = bool(item.get("is_shippable"))
        sku = price.get("accounting_detail", {}).get("sku")
    quantity: int = 1 if row.get("quantity") is None else row["quantity"]
    unit_amount: int = row.get("unit_amount") or 0
    amount = row["amount"] if row.get("amount") is not None else unit_amount * quantity
    return {
        "id": row.get("id") or write.new_id("li_"),
        "date_from": row.get("date_from") or write.now,
        "date_to": row.get("date_to") or write.now,
        "unit_amount": unit_amount,
        "quantity": quantity,
        "amount": amount,
        "pricing_model": "per_unit",
        "is_taxed": _line_tax(row) > 0,
        "tax_amount": _line_tax(row),
        "discount_amount": 0,
        "item_level_discount_amount": 0,
        "description": row["description"],
        "entity_type": entity_type,
        **({"entity_id": row["entity_id"]} if row.get("entity_id") else {}),
        "customer_id": customer["id"],
        "object": "line_item",
        "_shippable": shippable,
        "_sku": sku,
    }


def _line_tax(row: dict[str, Any]) -> int:
    return sum(row.get(f"tax{number}_amount") or 0 for number in _TAXES)


def _invoice(write: Write, customer: Record, values: dict[str, Any], lines: list[Record]) -> Record:
    taxes = [
        {"name": row["name"], "amount": row.get("amount") or 0, "object": "tax"}
        for row in values.get("taxes", [])
    ]
    status = values.get("status") or "paid"
    paid = values["total"] if status == "paid" else sum(row["amount"] for row in values.get("payments", []))
    discounts = [{**row, "object": "discount"} for row in values.get("discounts", [])]
    return {
        "id": values["id"],
        "customer_id": customer["id"],
        "po_number": values.get("po_number"),
        "recurring": False,
        "is_gifted": False,
        "term_finalized": True,
        "status": status,
        "price_type": values.get("price_type") or "tax_exclusive",
        "date": values["date"],
        "due_date": values.get("due_date") or values["date"],
        "net_term_days": values.get("net_term_days") or 0,
        "currency_code": values.get("currency_code")
        or customer.get("preferred_currency_code")
        or BASE_CURRENCY,
        "sub_total": sum(line["amount"] for line in lines),
        "tax": sum(line["tax_amount"] for line in lines),
        "total": values["total"],
        "round_off_amount": values.get("round_off"),
        "amount_paid": paid,
        "amount_due": values["total"] - paid,
        "amount_adjusted": 0,
        "credits_applied": 0,
        "write_off_amount": 0,
        "paid_at": (values.get("paid_at") or values["date"]) if status == "paid" else None,
        "line_items": lines,
        "discounts": discounts,
        "taxes": taxes,
        "billing_address": address(values.get("billing_address"), "billing_address")
        or customer.get("billing_address"),
        "shipping_address": address(values.get("shipping_address"), "shipping_address"),
        "business_entity_id": customer.get("business_entity_id"),
        "channel": "web",
        "deleted": False,
        **{name: value for name, value in values.items() if name.startswith("cf_")},
    }


def _add_up(values: dict[str, Any], invoice: Record) -> None:
    names = {tax["name"] for tax in invoice["taxes"]}
    for index, row in enumerate(values.get("line_items", [])):
        for number in _TAXES:
            name = row.get(f"tax{number}_name")
            if name is not None and name not in names:
                raise wrong_value(f"line_items[tax{number}_name][{index}]", "is not one of taxes[name]")
            if row.get(f"tax{number}_amount") and name is None:
                raise wrong_value(f"line_items[tax{number}_name][{index}]", "cannot be blank")
    tax = invoice["tax"] if invoice["price_type"] == "tax_exclusive" else 0
    discount = sum(row.get("amount") or 0 for row in invoice["discounts"])
    total = invoice["sub_total"] + tax - discount + (invoice["round_off_amount"] or 0)
    if invoice["line_items"] and total != invoice["total"]:
        raise wrong_value("total", f"should be the sum of lines, discounts, taxes and rounding, {total}")
