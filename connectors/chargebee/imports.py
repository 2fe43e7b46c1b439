"""The invoice that an order is imported against: it carries customer, currency, lines, prices and taxes.

https://apidocs.chargebee.com/docs/api/invoices#import_invoice. Amounts are whole numbers of the currency's
minor unit throughout, so nothing is rounded here.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.chargebee.datatype import overlay
from connectors.chargebee.rules import refusal
from connectors.common.datatype import Record

_TAX = "Tax"
_MOST_ROUNDING = 99
_INVOICE_LIMIT = 50


def invoice_id(order_id: str) -> str:
    """Return the id of the invoice that belongs to the imported order `order_id` (at most 40 characters)."""
    return f"inv-{order_id}"[:_INVOICE_LIMIT]


def invoice_of(order_id: str, payload: Record, status: str, placed: int) -> Record:
    """Return the parameters of `import_invoice` for an order's payload; `placed` is its date in seconds.

    `Rejected` if the lines cannot add up to the total: up to 99 minor units are rounding, a lower total is a
    discount on the whole, a higher one has no explanation.
    """
    lines = [_line(row) for row in payload["order_line_items"]]
    net = sum(line["amount"] for line in lines)
    tax = sum(line.get("tax1_amount", 0) for line in lines)
    total = payload.get("total")
    total = net + tax if total is None else total
    return {
        "id": invoice_id(order_id),
        "customer_id": payload["customer_id"],
        "currency_code": payload["currency_code"],
        "date": placed,
        "total": total,
        "status": status,
        "price_type": "tax_exclusive",
        "line_items": lines,
        **({"taxes": [{"name": _TAX, "rate": _rate(tax, net), "amount": tax}]} if tax else {}),
        **_difference(total - net - tax),
        **{
            name: overlay(None, payload[name])
            for name in ("billing_address", "shipping_address")
            if payload.get(name)
        },
    }


def _line(row: Record) -> dict[str, Any]:
    quantity = row.get("fulfillment_quantity")
    line = {
        "description": row["description"],
        "quantity": 1 if quantity is None else quantity,
        "unit_amount": row["unit_price"] if row.get("unit_price") is not None else row["amount"],
        "amount": row["amount"],
    }
    if row.get("tax_amount"):
        line |= {"tax1_name": _TAX, "tax1_amount": row["tax_amount"]}
    return line


def _rate(tax: int, net: int) -> str:
    """Return the average rate in percent, which is what one tax line for all rates can say."""
    rate = Decimal(100 * tax) / net if net else Decimal(100)
    return str(min(Decimal(100), rate.quantize(Decimal("0.0001"), ROUND_HALF_UP)))


def _difference(missing: int) -> Record:
    if missing == 0:
        return {}
    if abs(missing) <= _MOST_ROUNDING:
        return {"round_off": missing}
    if missing < 0:
        return {"discounts": [{"entity_type": "document_level_discount", "amount": -missing}]}
    raise refusal("total", f"is {missing} minor units more than the lines and their taxes", "sum")
