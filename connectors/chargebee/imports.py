"""The invoice that an order is imported against: it carries customer, currency, lines, prices and taxes.

https://apidocs.chargebee.com/docs/api/invoices/import-invoice. Amounts are whole hundredths of the currency
(whole units of one without decimals) throughout, so nothing is rounded here.
"""

from __future__ import annotations

import hashlib
from decimal import ROUND_HALF_UP, Decimal

from connectors.chargebee.addresses import address_to_write
from connectors.chargebee.rules import refusal
from connectors.common.datatype import Record

_TAX = "Tax"
_MOST_ROUNDING = 99
_TRIES = 5


def invoice_ids(order_id: str) -> list[str]:
    """Return the ids that the invoice of the imported order `order_id` (at most 40 characters) may have.

    The first, unless an invoice of that id had to be given up: ids are not free again afterwards.
    """
    return [f"inv-{order_id}{f'-{number}' if number > 1 else ''}" for number in range(1, _TRIES + 1)]


def invoice_of(order_id: str, payload: Record, status: str, placed: int) -> Record:
    """Return the parameters of `import_invoice` for an order's payload, without `id`.

    `placed`: its date in seconds.

    A line with a negative amount is a discount on the whole: Chargebee's lines are amounts to be paid.
    `Rejected` if the lines cannot add up to the total: up to 99 hundredths are rounding, a lower total is a
    discount on the whole, a higher one has no explanation.
    """
    charged = [row for row in payload["order_line_items"] if row["amount"] >= 0]
    taken_off = [row for row in payload["order_line_items"] if row["amount"] < 0]
    if not charged:
        raise refusal("order_line_items", "has no line that is to be paid", "minItems")
    taxes = _taxes(charged, taken_off)
    lines = [_line(order_id, at, row, tax) for at, (row, tax) in enumerate(zip(charged, taxes, strict=True))]
    discounts = [
        _line_discount(line["id"], row) for line, row in zip(lines, charged, strict=True) if "id" in line
    ]
    discounts += [_discount(-row["amount"], row.get("description")) for row in taken_off]
    net = sum(line["amount"] for line in lines) - sum(row["amount"] for row in discounts)
    tax, total = sum(taxes), payload.get("total")
    total = net + tax if total is None else total
    if total < 0:
        raise refusal("total", "is negative: there is nothing to pay", "minimum")
    rounding, more = _difference(total - net - tax)
    discounts += more
    return {
        "customer_id": payload["customer_id"],
        "currency_code": payload["currency_code"],
        "date": placed,
        "total": total,
        "status": status,
        "price_type": "tax_exclusive",
        "line_items": lines,
        **({"due_date": payload["due_date"]} if payload.get("due_date") and status != "paid" else {}),
        **({"taxes": [{"name": _TAX, "rate": _rate(tax, net), "amount": tax}]} if tax else {}),
        **({"discounts": discounts} if discounts else {}),
        **rounding,
        **{
            name: address_to_write(None, payload[name])
            for name in ("billing_address", "shipping_address")
            if payload.get(name)
        },
    }


def _line(order_id: str, at: int, row: Record, tax: int) -> Record:
    quantity = row.get("fulfillment_quantity")
    line: Record = {
        "description": row["description"],
        "quantity": 1 if quantity is None else quantity,
        "unit_amount": row["unit_price"] if row.get("unit_price") is not None else row["amount"],
        "amount": row["amount"],
    }
    if row.get("entity_id"):
        line |= {"entity_type": row.get("entity_type") or "charge_item_price", "entity_id": row["entity_id"]}
    if row.get("discount_amount"):
        line["id"] = f"li-{hashlib.sha256(order_id.encode()).hexdigest()[:16]}-{at}"
    return line | ({"tax1_name": _TAX, "tax1_amount": tax} if tax else {})


def _line_discount(line_id: str, row: Record) -> Record:
    return {
        "entity_type": "item_level_discount",
        "line_item_id": line_id,
        "amount": row["discount_amount"],
    }


def _discount(amount: int, description: str | None = None) -> Record:
    found: Record = {"entity_type": "document_level_discount", "amount": amount}
    return {**found, "description": description} if description else found


def _taxes(charged: list[Record], taken_off: list[Record]) -> list[int]:
    """Return the tax of each line; what a discount takes off the taxes is taken off the largest ones."""
    taxes = [row.get("tax_amount") or 0 for row in charged]
    less = -sum(row.get("tax_amount") or 0 for row in taken_off)
    for at in sorted(range(len(taxes)), key=lambda at: -taxes[at]):
        part = min(less, taxes[at])
        taxes[at] -= part
        less -= part
    if less:
        raise refusal("order_line_items", "has more tax on its discounts than on its other lines", "sum")
    return taxes


def _rate(tax: int, net: int) -> str:
    """Return the average rate in percent, which is what one tax line for all rates can say."""
    rate = Decimal(100 * tax) / net if net > 0 else Decimal(100)
    return str(min(Decimal(100), rate.quantize(Decimal("0.0001"), ROUND_HALF_UP)))


def _difference(missing: int) -> tuple[Record, list[Record]]:
    """Return what makes up for a total that is not the sum: rounding, or a discount."""
    if missing == 0:
        return {}, []
    if abs(missing) <= _MOST_ROUNDING:
        return {"round_off": missing}, []
    if missing < 0:
        return {}, [_discount(-missing)]
    raise refusal("total", f"is {missing} hundredths more than the lines and their taxes", "sum")
