"""Orders: generated from invoices or imported against one; their lines always come from the invoice.

`POST /orders`, the legacy way, is not supported any more.
"""

from __future__ import annotations

from typing import Any

from sandbox.chargebee.customers import address
from sandbox.chargebee.errors import invalid_request, invalid_state, not_found, wrong_value
from sandbox.chargebee.parameters import check_country
from sandbox.chargebee.records import Write
from sandbox.common.state import Record

_STATUS_EVENTS = {
    "cancelled": "order_cancelled",
    "delivered": "order_delivered",
    "returned": "order_returned",
    "queued": "order_ready_to_process",
    "awaiting_shipment": "order_ready_to_ship",
}


def import_order(write: Write, values: dict[str, Any]) -> Record:
    """`POST /orders/import_order`: against an existing invoice, with an id of the caller's choice."""
    order_id = values.pop("id", None) or str(write.tx.next("order", 1001))
    write.ensure_free("order", order_id)
    for kind in ("billing_address", "shipping_address"):
        check_country(kind, values.get(kind))
    invoice = write.get("invoice", values["invoice_id"], "invoice_id")
    if values.get("customer_id") not in (None, invoice["customer_id"]):
        raise invalid_request("is not the customer of the invoice", "customer_id")
    order = _from_invoice(write, invoice, order_id, values["status"], "manual")
    order["_imported"] = True
    for name, value in values.items():
        order[name] = address(value, name) if name.endswith("_address") else value
    return write.save("order", order, "order_created")


def generate(write: Write, invoice: Record) -> Record:
    """Return the order that the site makes of an invoice with shippable lines."""
    order_id = str(write.tx.next("order", 1001))
    order = _from_invoice(write, invoice, order_id, "queued", "system_generated")
    order.update(created_at=write.now, order_date=invoice["date"], shipping_date=invoice["date"])
    return write.save("order", order, "order_created")


def _from_invoice(write: Write, invoice: Record, order_id: str, status: str, order_type: str) -> Record:
    paid = invoice["status"] == "paid"
    lines = [_line(write, invoice, line, status) for line in invoice["line_items"]]
    return {
        "id": order_id,
        "document_number": str(write.tx.next("order_document", 1)),
        "invoice_id": invoice["id"],
        "customer_id": invoice["customer_id"],
        "status": status,
        "status_update_at": write.now,
        "payment_status": "paid" if paid else "not_paid",
        "order_type": order_type,
        "price_type": invoice["price_type"],
        "created_by": write.user,
        "tax": invoice["tax"],
        "amount_paid": invoice["amount_paid"],
        "amount_adjusted": 0,
        "refundable_credits_issued": 0,
        "refundable_credits": invoice["amount_paid"],
        "rounding_adjustement": invoice.get("round_off_amount") or 0,
        "paid_on": invoice.get("paid_at"),
        "is_resent": False,
        "is_gifted": False,
        "order_line_items": lines,
        "shipping_address": invoice.get("shipping_address"),
        "billing_address": invoice.get("billing_address"),
        "discount": sum(row.get("amount") or 0 for row in invoice["discounts"]),
        "sub_total": invoice["sub_total"],
        "total": invoice["total"],
        "currency_code": invoice["currency_code"],
        "deleted": False,
        "business_entity_id": invoice.get("business_entity_id"),
        "line_item_taxes": [],
        "line_item_discounts": [],
        "linked_credit_notes": [],
        "resent_orders": [],
    }


def _line(write: Write, invoice: Record, line: Record, status: str) -> Record:
    paid = line["amount"] + line["tax_amount"] if invoice["status"] == "paid" else 0
    made = {
        "id": write.new_id("oli_"),
        "invoice_id": invoice["id"],
        "invoice_line_item_id": line["id"],
        "unit_price": line["unit_amount"],
        "description": line["description"],
        "amount": line["amount"],
        "fulfillment_quantity": line["quantity"],
        "fulfillment_amount": line["amount"] + line["tax_amount"],
        "tax_amount": line["tax_amount"],
        "amount_paid": paid,
        "amount_adjusted": 0,
        "refundable_credits_issued": 0,
        "refundable_credits": paid,
        "is_shippable": line["_shippable"],
        "sku": line["_sku"],
        "status": status,
        "entity_type": line["entity_type"],
        "item_level_discount_amount": 0,
        "discount_amount": 0,
        "entity_id": line.get("entity_id"),
        "object": "order_line_item",
    }
    return {name: value for name, value in made.items() if value is not None}


def update(write: Write, order_id: str, values: dict[str, Any]) -> Record:
    """`POST /orders/{id}`: fulfilment fields, shipping address, and status and SKU of lines by their id."""
    order = write.get("order", order_id)
    check_country("shipping_address", values.get("shipping_address"))
    for name in ("status", "order_date", "shipping_date"):
        if name in values and values[name] is None:
            raise wrong_value(name, "cannot be blank")
    _update_lines(order, values.pop("order_line_items", []))
    events = ["order_updated"]
    status = values.get("status")
    if status and status != order["status"]:
        order["status_update_at"] = write.now
        events += [_STATUS_EVENTS[status]] if status in _STATUS_EVENTS else []
    for name, value in values.items():
        order[name] = address(value, name) if name == "shipping_address" else value
    return write.save("order", order, *events)


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


def cancel(write: Write, order_id: str, values: dict[str, Any]) -> Record:
    """`POST /orders/{id}/cancel`: cancels and issues a refundable credit note."""
    order = write.get("order", order_id)
    if order["status"] == "cancelled":
        raise invalid_state("The order is cancelled already")
    amount = values.get("credit_note", {}).get("total")
    amount = order["amount_paid"] if amount is None else amount
    order.update(
        status="cancelled",
        status_update_at=write.now,
        cancellation_reason=values["cancellation_reason"],
        cancelled_at=values.get("cancelled_at") or write.now,
        refundable_credits_issued=amount,
        refundable_credits=order["amount_paid"] - amount,
    )
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
    return write.save("order", order, "order_cancelled")


def reopen(write: Write, order_id: str, values: dict[str, Any]) -> Record:
    """`POST /orders/{id}/reopen`: only a cancelled order."""
    order = write.get("order", order_id)
    if order["status"] != "cancelled":
        raise invalid_state("Only a cancelled order can be reopened")
    if values.get("void_cancellation_credit_notes"):
        order.update(linked_credit_notes=[], refundable_credits_issued=0)
    order.update(status="queued", status_update_at=write.now)
    order.pop("cancellation_reason", None)
    order.pop("cancelled_at", None)
    return write.save("order", order, "order_updated", "order_ready_to_process")


def delete(write: Write, order_id: str, values: dict[str, Any]) -> Record:
    """`POST /orders/{id}/delete`: only imported orders, and none whose refund has been paid out."""
    order = write.get("order", order_id)
    if not order.get("_imported"):
        raise invalid_state("Only imported orders can be deleted")
    if any(note["status"] == "refunded" for note in order["linked_credit_notes"]):
        raise invalid_state("The order has been refunded and cannot be deleted")
    order["deleted"] = True
    return write.save("order", order, "order_deleted")


def assign_number(write: Write, order_id: str, values: dict[str, Any]) -> Record:
    """`POST /orders/{id}/assign_order_number`."""
    order = write.get("order", order_id)
    order["document_number"] = str(write.tx.next("order_document", 1))
    return write.save("order", order, "order_updated")
