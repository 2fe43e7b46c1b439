"""Orders: generated from invoices or imported against one; their lines always come from the invoice.

`POST /orders` is the way of the legacy order management.
"""

from __future__ import annotations

from core.jsonio import Json
from sandbox.chargebee.addresses import address, check_address
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
from sandbox.common.state import Record

_FIRST_NUMBER = 1000
"""With which the site's series of order numbers begins."""

_STATUS_EVENTS = {
    "cancelled": "order_cancelled",
    "delivered": "order_delivered",
    "returned": "order_returned",
    "queued": "order_ready_to_process",
    "awaiting_shipment": "order_ready_to_ship",
}


@checks("orders-need-the-feature")
def need_orders(write: Write) -> None:
    """Refuse a call about orders on a site that has none."""
    if write.site.orders == "off":
        raise configuration_incompatible("Orders is not enabled")


@checks("cancelled-by-update-is-legacy")
def _refuse_cancelled(write: Write, values: dict[str, object]) -> None:
    if values.get("status") == "cancelled" and not write.site.legacy_orders:
        raise wrong_value("status", "cancelled is for the legacy order management; cancel the order instead")


@checks("old-statuses-are-legacy")
def _refuse_old(write: Write, status: str | None) -> None:
    if status in ("new", "processing", "complete", "voided") and not write.site.legacy_orders:
        raise wrong_value("status", f"{status} is for the legacy order management")


@imitates("imported-order-has-the-invoice-lines", "import-order-needs-dates", "reference-id-stays")
def import_order(write: Write, values: Json) -> Record:
    """`POST /orders/import_order`: against an existing invoice, with an id of the caller's choice."""
    need_orders(write)
    _refuse_cancelled(write, values)
    order_id = values.pop("id", None) or str(write.tx.next("order", 1001))
    write.ensure_free("order", order_id)
    for kind in ("billing_address", "shipping_address"):
        check_address(write, kind, values.get(kind))
    invoice = write.get("invoice", values["invoice_id"], "invoice_id")
    _check_customer(invoice, values.get("customer_id"))
    _check_number(values.get("document_number"))
    lines = invoice["line_items"]
    if not holds("imported-order-keeps-adhoc-lines"):
        lines = [line for line in lines if line["_shippable"]]
    if not lines:
        raise invalid_request("The invoice has no line of a shippable item", "invoice_id")
    order = _from_invoice(write, invoice, lines, order_id, values["status"], "manual")
    order["_imported"] = True
    for name, value in values.items():
        order[name] = address(value, name) if name.endswith("_address") else value
    if not holds("imported-order-has-the-invoice-lines"):
        order["order_line_items"] = []
    if order["status"] == "queued" and not holds("reference-id-stays"):
        order["reference_id"] = order["id"]
    return write.save("order", order, "order_created")


@imitates("legacy-orders-are-gone")
def create(write: Write, values: dict[str, object]) -> Record:
    """`POST /orders`, of the legacy order management only: an order of an invoice, dated now."""
    if holds("legacy-orders-are-gone") and not write.site.legacy_orders:
        raise configuration_incompatible(
            "Creating orders by hand is not supported any more; they come from invoices or import_order"
        )
    dates = dict.fromkeys(("created_at", "order_date", "shipping_date"), write.now)
    return import_order(write, {"status": "new", **dates, **values})


@checks("imported-numbers-lie-below-the-series")
def _check_number(number: str | None) -> None:
    if number and number.isdigit() and int(number) >= _FIRST_NUMBER:
        raise wrong_value(
            "document_number", f"should be below {_FIRST_NUMBER}, where the site's series begins"
        )


@checks("order-belongs-to-the-invoice-customer")
def _check_customer(invoice: Record, customer_id: str | None) -> None:
    if customer_id not in (None, invoice["customer_id"]):
        raise invalid_request("is not the customer of the invoice", "customer_id")


@imitates("orders-come-from-shippable-lines")
def generate(write: Write, invoice: Record) -> None:
    """Make the order of an invoice with shippable lines, if the site does so in the invoice's state."""
    made_of = {"off": (), "paid": ("paid",), "any": ("paid", "posted", "payment_due", "not_paid")}
    if not holds("orders-come-from-shippable-lines") or invoice["status"] not in made_of[write.site.orders]:
        return
    order_id = str(write.tx.next("order", 1001))
    lines = [line for line in invoice["line_items"] if line["_shippable"]]
    order = _from_invoice(write, invoice, lines, order_id, "queued", "system_generated")
    order.update(created_at=write.now, order_date=invoice["date"], shipping_date=invoice["date"])
    _number(write, order)
    write.save("order", order, "order_created")


@imitates("order-sub-total-is-after-discounts", "orders-show-the-exchange-rate")
def _from_invoice(
    write: Write, invoice: Record, invoiced: list[Record], order_id: str, status: str, order_type: str
) -> Record:
    paid = invoice["status"] == "paid"
    lines = [_line(write, invoice, line, status) for line in invoiced]
    discount = sum(line["discount_amount"] for line in lines)
    net, tax = (sum(line[name] for line in lines) for name in ("amount", "tax_amount"))
    is_whole = len(invoiced) == len(invoice["line_items"])
    total = invoice["total"] if is_whole else net - discount + tax
    rates = {"exchange_rate": 1.0, "base_currency_code": write.site.base_currency}
    return {
        "id": order_id,
        "invoice_id": invoice["id"],
        "customer_id": invoice["customer_id"],
        "status": status,
        "status_update_at": write.now,
        "payment_status": "paid" if paid else "not_paid",
        "order_type": order_type,
        "price_type": invoice["price_type"],
        "created_by": write.user,
        "tax": tax,
        "amount_paid": total if paid else 0,
        "amount_adjusted": 0,
        "refundable_credits_issued": 0,
        "refundable_credits": total if paid else 0,
        "rounding_adjustement": invoice.get("round_off_amount") or 0,
        "paid_on": invoice.get("paid_at"),
        "is_resent": False,
        "is_gifted": False,
        "order_line_items": lines,
        "shipping_address": invoice.get("shipping_address"),
        "billing_address": invoice.get("billing_address"),
        "discount": discount,
        "sub_total": net - discount if holds("order-sub-total-is-after-discounts") else net,
        "total": total,
        "currency_code": invoice["currency_code"],
        **(rates if holds("orders-show-the-exchange-rate") else {}),
        "deleted": False,
        "business_entity_id": invoice.get("business_entity_id"),
        "line_item_taxes": [],
        "line_item_discounts": [],
        "linked_credit_notes": [],
        "resent_orders": [],
    }


@imitates("order-line-ids-begin-with-o-li")
def _line(write: Write, invoice: Record, line: Record, status: str) -> Record:
    owed = line["amount"] - line["discount_amount"] + line["tax_amount"]
    paid = owed if invoice["status"] == "paid" else 0
    made = {
        "id": write.new_id("o_li" if holds("order-line-ids-begin-with-o-li") else "oli_"),
        "invoice_id": invoice["id"],
        "invoice_line_item_id": line["id"],
        "unit_price": line["unit_amount"],
        "description": line["description"],
        "amount": line["amount"],
        "fulfillment_quantity": line["quantity"],
        "fulfillment_amount": owed,
        "tax_amount": line["tax_amount"],
        "amount_paid": paid,
        "amount_adjusted": 0,
        "refundable_credits_issued": 0,
        "refundable_credits": paid,
        "is_shippable": line["_shippable"],
        "sku": line["_sku"],
        "status": status,
        "entity_type": line["entity_type"],
        "item_level_discount_amount": line["item_level_discount_amount"],
        "discount_amount": line["discount_amount"],
        "entity_id": line.get("entity_id"),
        "object": "order_line_item",
    }
    return {name: value for name, value in made.items() if value is not None}


@imitates("order-update-is-for-fulfilment", "status-update-at-moves-with-status")
def update(write: Write, order_id: str, values: Json) -> Record:
    """`POST /orders/{id}`: fulfilment fields, shipping address, and status and SKU of lines by their id."""
    need_orders(write)
    order = write.get("order", order_id)
    check_address(write, "shipping_address", values.get("shipping_address"))
    for name in ("status", "order_date", "shipping_date"):
        if name in values and values[name] is None:
            raise blank(name)
    status = values.get("status")
    is_new_status = bool(status) and status != order["status"]
    if is_new_status:
        _refuse_cancelled(write, values)
        _refuse_old(write, status)
    _update_lines(order, values.pop("order_line_items", []))
    events = ["order_updated"]
    if is_new_status:
        if holds("status-update-at-moves-with-status"):
            order["status_update_at"] = write.now
        events += [_STATUS_EVENTS[status]] if status in _STATUS_EVENTS else []
        write.mail("order", write.tx.get("customer", order["customer_id"]), f"order {order_id}: {status}")
    for name, value in values.items():
        order[name] = address(value, name) if name == "shipping_address" else value
    return write.save("order", order, *events)


@imitates("order-update-is-for-fulfilment")
def _update_lines(order: Record, rows: list[Record]) -> None:
    lines = {line["id"]: line for line in order["order_line_items"]}
    for index, row in enumerate(rows):
        line = lines.get(row.get("id", ""))
        if line is None:
            raise not_found("Order line item", str(row.get("id")), f"order_line_items[id][{index}]")
        for name, value in row.items():
            if value is None:
                line.pop(name, None)
            else:
                line[name] = value


@imitates("cancel-makes-a-credit-note", "cancelled-by-update-is-legacy")
def cancel(write: Write, order_id: str, values: Json) -> Record:
    """`POST /orders/{id}/cancel`: cancels and issues a refundable credit note."""
    need_orders(write)
    order = write.get("order", order_id)
    if write.site.legacy_orders:
        raise configuration_incompatible("The legacy order management has no such call")
    if order["status"] == "cancelled":
        raise invalid_state("The order is cancelled already")
    amount = values.get("credit_note", {}).get("total")
    amount = order["amount_paid"] if amount is None else amount
    _cancel(write, order, values["cancellation_reason"], values.get("cancelled_at"))
    if holds("cancel-makes-a-credit-note"):
        _credit(write, order, amount)
    return write.save("order", order, "order_cancelled")


def _cancel(write: Write, order: Record, reason: str, moment: int | None = None) -> None:
    order.update(status="cancelled", status_update_at=write.now, cancellation_reason=reason)
    order["cancelled_at"] = moment or write.now


def _credit(write: Write, order: Record, amount: int) -> None:
    order["refundable_credits_issued"] += amount
    order["refundable_credits"] = order["amount_paid"] - order["refundable_credits_issued"]
    note = {
        "id": write.new_id("cn_"),
        "type": "refundable",
        "status": "refund_due",
        "amount": amount,
        "amount_adjusted": 0,
        "amount_refunded": 0,
        "object": "linked_credit_note",
    }
    order["linked_credit_notes"].append(note)
    invoice = write.tx.get("invoice", order["invoice_id"])
    if invoice is not None:
        issued = {"cn_id": note["id"], "cn_status": "refund_due", "cn_total": amount}
        write.save("invoice", {**invoice, "issued_credit_notes": [issued]}, "invoice_updated")


def cancel_voided(write: Write, invoice_id: str) -> None:
    """Cancel what is left of the orders of an invoice that has been voided."""
    for order in write.tx.find("order", "invoice_id", invoice_id):
        if not order["deleted"] and order["status"] != "cancelled":
            _cancel(write, order, "invoice_voided")
            write.save("order", order, "order_cancelled")


def mark_paid(write: Write, invoice: Record) -> None:
    """Show the orders of an invoice as paid once it is."""
    for order in write.tx.find("order", "invoice_id", invoice["id"]):
        if not order["deleted"]:
            order.update(payment_status="paid", paid_on=invoice["paid_at"], amount_paid=order["total"])
            order["refundable_credits"] = order["total"] - order["refundable_credits_issued"]
            write.save("order", order, "order_updated")


@imitates("cancelled-orders-can-be-reopened")
def reopen(write: Write, order_id: str, values: dict[str, object]) -> Record:
    """`POST /orders/{id}/reopen`: only a cancelled order."""
    need_orders(write)
    order = write.get("order", order_id)
    if order["status"] != "cancelled" and holds("cancelled-orders-can-be-reopened"):
        raise invalid_state("Only a cancelled order can be reopened")
    if values.get("void_cancellation_credit_notes"):
        order.update(linked_credit_notes=[], refundable_credits_issued=0)
    order.update(status="queued", status_update_at=write.now)
    order.pop("cancellation_reason", None)
    order.pop("cancelled_at", None)
    return write.save("order", order, "order_updated", "order_ready_to_process")


@imitates("resent-orders-are-marked")
def resend(write: Write, order_id: str, values: dict[str, object]) -> Record:
    """`POST /orders/{id}/resend`: a second order of the same invoice, with everything of the first."""
    need_orders(write)
    first = write.get("order", order_id)
    again = {
        **first,
        "id": str(write.tx.next("order", 1001)),
        "document_number": str(write.tx.next("order_document", 1)),
        "status": "queued",
        "status_update_at": write.now,
        "order_type": "manual",
        "created_at": write.now,
        "is_resent": holds("resent-orders-are-marked"),
        "original_order_id": order_id,
        "resend_reason": values.get("resend_reason"),
        "shipping_date": values.get("shipping_date") or first["shipping_date"],
        "resent_orders": [],
        "order_line_items": [{**line, "id": write.new_id("o_li")} for line in first["order_line_items"]],
    }
    resent = {"order_id": again["id"], "reason": values.get("resend_reason"), "object": "resent_order"}
    first.update(resent_status="fully_resent", resent_orders=[*first["resent_orders"], resent])
    write.save("order", first, "order_resent")
    return write.save("order", again, "order_created")


@imitates("only-imported-orders-are-deleted")
def delete(write: Write, order_id: str, values: dict[str, object]) -> Record:
    """`POST /orders/{id}/delete`: only imported orders, and none whose refund has been paid out."""
    order = write.get("order", order_id)
    if not order.get("_imported") and holds("only-imported-orders-are-deleted"):
        raise invalid_state("Only imported orders can be deleted")
    if any(note["status"] == "refunded" for note in order["linked_credit_notes"]):
        raise invalid_state("The order has been refunded and cannot be deleted")
    order["deleted"] = True
    return write.save("order", order, "order_deleted")


@imitates("order-numbers-follow-a-series")
def assign_number(write: Write, order_id: str, values: dict[str, object]) -> Record:
    """`POST /orders/{id}/assign_order_number`: one of the site's series, unless the order has one."""
    order = write.get("order", order_id)
    _number(write, order)
    return write.save("order", order, "order_updated")


def _number(write: Write, order: Record) -> None:
    if not order.get("document_number") and holds("order-numbers-follow-a-series"):
        order["document_number"] = str(write.tx.next("order_document", _FIRST_NUMBER))
