"""Invoices: imported only, as far as orders need them."""

from __future__ import annotations

from core.jsonio import Json
from sandbox.chargebee import customers, orders
from sandbox.chargebee.addresses import address, check_address
from sandbox.chargebee.catalogue import price_for_invoice
from sandbox.chargebee.configured import check_currency
from sandbox.chargebee.errors import blank, invalid_request, invalid_state, wrong_value
from sandbox.chargebee.facts import checks, holds, imitates
from sandbox.chargebee.records import Write
from sandbox.common.state import Record

_ADHOC = "adhoc"
_TAXES = range(1, 3)


@imitates("invoice-needs-a-customer", "paid-import-needs-no-payments", "imports-reach-the-accounting")
def import_invoice(write: Write, values: Json) -> Record:
    """`POST /invoices/import_invoice`: the lines, discounts, taxes and rounding must add up to `total`.

    One with lines of shippable item prices yields an order as the site generates them.
    """
    write.ensure_free("invoice", values["id"], not holds("deleted-invoices-keep-their-id"))
    if not values.get("customer_id"):
        if holds("invoice-needs-a-customer"):
            raise wrong_value("customer_id", "either customer_id or subscription_id is required")
        values["customer_id"] = customers.create(write, {})["id"]
    customer = write.get("customer", values["customer_id"], "customer_id")
    check_currency(write, "invoice-currency-is-enabled", "currency_code", values.get("currency_code"))
    for kind in ("billing_address", "shipping_address"):
        check_address(write, kind, values.get(kind))
    _check_exemption(customer, values)
    _check_status(values)
    lines = [_line(write, customer, row, index) for index, row in enumerate(values.get("line_items", []))]
    _discount(values, lines)
    invoice = _invoice(write, customer, values, lines)
    _check_taxes(values, invoice)
    _add_up(invoice)
    write.save("invoice", invoice, "invoice_generated")
    write.mail("invoice", customer, f"invoice {invoice['id']}")
    if any(line["_shippable"] for line in lines):
        orders.generate(write, invoice)
    return invoice


@checks("exempt-import-needs-a-vat-number")
def _check_exemption(customer: Record, values: dict[str, object]) -> None:
    if customer.get("taxability") == "exempt" and not values.get("vat_number"):
        raise wrong_value("vat_number", "is required for an invoice that is exempt from VAT")


@imitates("invoice-needs-a-line", "pending-invoices-have-no-taxes")
def _check_status(values: dict[str, object]) -> None:
    is_paid = values.get("status") == "paid"
    if is_paid and not values.get("payments") and not holds("paid-import-needs-no-payments"):
        raise wrong_value("payments[amount][0]", "is required for a paid invoice")
    if not values.get("line_items") and holds("invoice-needs-a-line"):
        raise wrong_value("line_items", "at least one is required")
    if values.get("status") == "pending" and values.get("taxes") and holds("pending-invoices-have-no-taxes"):
        raise invalid_request("cannot be given for a pending invoice", "taxes[name][0]")


@imitates("line-may-name-a-price")
def _line(write: Write, customer: Record, row: Json, index: int) -> Record:
    if not holds("line-may-name-a-price"):
        row = {name: value for name, value in row.items() if name not in ("entity_type", "entity_id")}
    entity_type = row.get("entity_type") or _ADHOC
    shippable, sku = False, None
    if entity_type != _ADHOC:
        param = f"line_items[entity_id][{index}]"
        if not row.get("entity_id"):
            raise wrong_value(param, f"is required for {entity_type}")
        price, item = price_for_invoice(write, row["entity_id"], param)
        if entity_type != f"{price['item_type']}_item_price":
            raise wrong_value(f"line_items[entity_type][{index}]", f"{row['entity_id']} is no {entity_type}")
        _check_recurring(row, item, index)
        shippable = bool(item.get("is_shippable"))
        sku = price.get("accounting_detail", {}).get("sku")
    quantity: int = 1 if row.get("quantity") is None else row["quantity"]
    unit_amount: int = row.get("unit_amount") or 0
    amount = row["amount"] if row.get("amount") is not None else unit_amount * quantity
    _check_amount(amount, index)
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
        "description": row.get("description"),
        "entity_type": entity_type,
        **({"entity_id": row["entity_id"]} if row.get("entity_id") else {}),
        "customer_id": customer["id"],
        "object": "line_item",
        "_shippable": shippable,
        "_sku": sku,
    }


@checks("recurring-lines-need-a-subscription")
def _check_recurring(row: dict[str, object], item: Record, index: int) -> None:
    if item["type"] != "charge" and not row.get("subscription_id"):
        raise wrong_value(f"line_items[subscription_id][{index}]", f"is required for a {item['type']}")


@checks("invoice-lines-are-not-negative")
def _check_amount(amount: int, index: int) -> None:
    if amount < 0:
        raise wrong_value(f"line_items[amount][{index}]", "should be at least 0")


@imitates("coupons-name-their-line")
def _discount(values: Json, lines: list[Record]) -> None:
    """Take the discounts off the lines: one that names a line off that, any other in proportion."""
    by_id = {line["id"]: line for line in lines}
    for index, row in enumerate(values.get("discounts", [])):
        if row.get("entity_type") is None or row.get("amount") is None:
            raise wrong_value(f"discounts[amount][{index}]", "entity_type and amount are required")
        line_id = row.get("line_item_id")
        if line_id is None and row["entity_type"].endswith("_coupon") and holds("coupons-name-their-line"):
            raise wrong_value(f"discounts[line_item_id][{index}]", "is required for a coupon")
        if line_id is not None:
            if line_id not in by_id:
                raise wrong_value(f"discounts[line_item_id][{index}]", "is no line of the invoice")
            by_id[line_id]["discount_amount"] += row["amount"]
            by_id[line_id]["item_level_discount_amount"] += row["amount"]
        else:
            _spread(row["amount"], lines)


def _spread(amount: int, lines: list[Record]) -> None:
    whole = sum(line["amount"] for line in lines)
    left = amount
    for line in lines[:-1]:
        share = amount * line["amount"] // whole if whole else 0
        line["discount_amount"] += share
        left -= share
    lines[-1]["discount_amount"] += left


def _line_tax(row: Json) -> int:
    return sum(row.get(f"tax{number}_amount") or 0 for number in _TAXES)


@imitates("due-date-is-a-parameter", "billing-names-come-from-the-customer")
def _invoice(write: Write, customer: Record, values: Json, lines: list[Record]) -> Record:
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
        "due_date": _due_date(values),
        "net_term_days": values.get("net_term_days") or 0,
        "voided_at": values.get("voided_at"),
        "void_reason_code": values.get("void_reason_code"),
        "exchange_rate": 1.0,
        "currency_code": values.get("currency_code")
        or customer.get("preferred_currency_code")
        or write.site.base_currency,
        "sub_total": sum(line["amount"] for line in lines),
        "tax": sum(line["tax_amount"] for line in lines),
        "total": values["total"],
        "round_off_amount": values.get("round_off"),
        "amount_paid": paid,
        "amount_due": 0 if _is_imported_voided(status) else values["total"] - paid,
        "amount_adjusted": 0,
        "credits_applied": 0,
        "write_off_amount": 0,
        "paid_at": (values.get("paid_at") or values["date"]) if status == "paid" else None,
        "line_items": lines,
        "discounts": discounts,
        "taxes": taxes,
        "billing_address": _billed_to(customer, values),
        "shipping_address": address(values.get("shipping_address"), "shipping_address"),
        "business_entity_id": _entity_of(customer),
        "channel": "web",
        "site_details_at_creation": {"timezone": write.site.time_zone},
        "deleted": False,
        **{name: value for name, value in values.items() if name.startswith("cf_")},
    }


@imitates("imported-voided-is-not-owed")
def _is_imported_voided(status: str) -> bool:
    return status == "voided" and holds("imported-voided-is-not-owed")


@imitates("records-take-the-entity-of-their-customer")
def _entity_of(customer: Record) -> str | None:
    held = holds("records-take-the-entity-of-their-customer")
    return customer.get("business_entity_id") if held else None


def _due_date(values: Json) -> int:
    if not holds("due-date-is-a-parameter"):
        return int(values["date"])
    days = values.get("net_term_days") or 0
    return int(values.get("due_date") or values["date"] + days * 86_400)


def _billed_to(customer: Record, values: Json) -> Record | None:
    """Return the address of the invoice, with the customer's names where it has none."""
    to = address(values.get("billing_address"), "billing_address") or customer.get("billing_address")
    if to is None or not holds("billing-names-come-from-the-customer"):
        return to
    names = {name: customer[name] for name in ("first_name", "last_name", "company") if customer.get(name)}
    return {**names, **to}


@checks("tax-names-go-together")
def _check_taxes(values: Json, invoice: Record) -> None:
    names = {tax["name"] for tax in invoice["taxes"]}
    for index, row in enumerate(values.get("line_items", [])):
        for number in _TAXES:
            name = row.get(f"tax{number}_name")
            if name is not None and name not in names:
                raise wrong_value(f"line_items[tax{number}_name][{index}]", "is not one of taxes[name]")
            if row.get(f"tax{number}_amount") and name is None:
                raise blank(f"line_items[tax{number}_name][{index}]")


@checks("invoice-adds-up")
def _add_up(invoice: Record) -> None:
    tax = invoice["tax"] if invoice["price_type"] == "tax_exclusive" else 0
    discount = sum(row.get("amount") or 0 for row in invoice["discounts"])
    total = invoice["sub_total"] + tax - discount + (invoice["round_off_amount"] or 0)
    if total != invoice["total"]:
        raise wrong_value("total", f"should be the sum of lines, discounts, taxes and rounding, {total}")


@imitates("only-open-invoices-are-voided", "voiding-cancels-the-orders")
def void(write: Write, invoice_id: str, values: dict[str, object]) -> Record:
    """`POST /invoices/{id}/void`: for what is not paid and has no credit; its orders are cancelled."""
    invoice = write.get("invoice", invoice_id)
    _check_voidable(invoice)
    invoice.update(status="voided", voided_at=write.now, void_reason_code=values.get("void_reason_code"))
    invoice.update(amount_due=0)
    write.save("invoice", invoice, "invoice_updated")
    if holds("voiding-cancels-the-orders"):
        orders.cancel_voided(write, invoice_id)
    return invoice


@checks("only-open-invoices-are-voided")
def _check_voidable(invoice: Record) -> None:
    if invoice["status"] not in ("payment_due", "posted", "not_paid"):
        raise invalid_state(f"An invoice that is {invoice['status']} cannot be voided")
    if invoice["amount_paid"] or invoice["amount_adjusted"] or invoice.get("issued_credit_notes"):
        raise invalid_state("An invoice with payments, adjustments or credit notes cannot be voided")


@imitates("open-invoices-take-payments", "payment-status-follows-the-invoice")
def record_payment(write: Write, invoice_id: str, values: Json) -> Record:
    """`POST /invoices/{id}/record_payment`: of an open one; nothing due makes it paid, and its orders."""
    invoice = write.get("invoice", invoice_id)
    _check_payable(invoice)
    given = values["transaction"].get("amount")
    amount = invoice["amount_due"] if given is None else min(given, invoice["amount_due"])
    invoice["amount_paid"] += amount
    invoice["amount_due"] -= amount
    if not invoice["amount_due"]:
        invoice.update(status="paid", paid_at=values["transaction"].get("date") or write.now)
    write.save("invoice", invoice, "payment_succeeded", "invoice_updated")
    if invoice["status"] == "paid" and holds("payment-status-follows-the-invoice"):
        orders.mark_paid(write, invoice)
    return invoice


def _check_payable(invoice: Record) -> None:
    taken = ("payment_due", "not_paid", *(("posted",) if holds("open-invoices-take-payments") else ()))
    if invoice["status"] not in taken:
        raise invalid_state(f"No payment can be recorded for an invoice that is {invoice['status']}")


@imitates("deleted-invoices-keep-their-id")
def delete(write: Write, invoice_id: str, values: dict[str, object]) -> Record:
    """`POST /invoices/{id}/delete`: payments must have been removed before."""
    invoice = write.get("invoice", invoice_id)
    if invoice["amount_paid"]:
        raise invalid_state("The payments of the invoice must be removed first")
    invoice["deleted"] = True
    return write.save("invoice", invoice, "invoice_deleted")
