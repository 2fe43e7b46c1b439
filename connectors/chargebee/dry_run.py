"""The write port of a dry run: nothing is sent to Chargebee, the record as it would be is answered.

What Chargebee adds by itself is foreseen as far as it is documented: the defaults of new records, stamps and
versions, and the lines and sums that an imported order takes over from its invoice. An item family or an
invoice that a create needs is part of that create, and likewise only made believe.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from connectors.chargebee.writes import Write
from connectors.common.datatype import Record
from connectors.common.write_port import WritePort

_DEFAULTS: Mapping[str, Record] = {
    "customer": {"auto_collection": "on", "net_term_days": 0, "taxability": "taxable"},
    "item": {"status": "active", "is_shippable": False},
    "item_price": {"status": "active", "is_taxable": True},
}
"""What a new record has unless a create says otherwise
(https://apidocs.chargebee.com/docs/api/customers#create_a_customer and likewise)."""

_INVOICES = 1000


class ForeseenWrites(WritePort[Write]):
    """The port of a dry run."""

    is_dry_run = True

    def __init__(self) -> None:
        self._invoices: dict[str, Record] = {}
        self._lock = threading.Lock()

    def create(self, write: Write) -> Record:
        """Return the record that would be stored."""
        kind, payload = write.kind, {name: _compact(value) for name, value in write.payload.items()}
        given = {name: value for name, value in payload.items() if value is not None}
        record = {**_DEFAULTS.get(kind, {}), "created_at": int(time.time()), **given, "object": kind}
        if kind == "invoice":
            with self._lock:
                self._invoices[str(record["id"])] = record
                while len(self._invoices) > _INVOICES:
                    self._invoices.pop(next(iter(self._invoices)))
        if kind == "order":
            with self._lock:
                invoice = self._invoices.pop(str(record.get("invoice_id")), {})
            record = {**_from_invoice(record, invoice), **record}
        return _stamped({**record, "deleted": False}, {})

    def update(self, write: Write) -> Record:
        """Return the present record with the payload in it; an empty value takes the attribute away."""
        record, defaults = dict(write.present), _DEFAULTS.get(write.kind, {})
        for name, value in {**write.payload, **write.foreseen}.items():
            present = write.present.get(name)
            merged = _rows(present, value) if isinstance(value, list) else _compact(value)
            if merged is not None:
                record[name] = merged
            elif name in defaults:
                record[name] = defaults[name]
            else:
                record.pop(name, None)
        return _stamped(record, write.present)

    def delete(self, write: Write) -> Record:
        """Return what is left of the record; the path ends in its id and `/delete`."""
        return {"id": write.path.split("/")[-2], "deleted": True, "object": write.kind}


def _stamped(record: Record, present: Record) -> Record:
    version = max(time.time_ns() // 1_000_000, int(present.get("resource_version") or 0) + 1)
    return {**record, "resource_version": version, "updated_at": version // 1000}


def _compact(value: object) -> object:
    """Return a nested value without what it clears; None when nothing is left."""
    if not isinstance(value, dict):
        return value
    return {name: part for name, part in value.items() if part is not None} or None


def _rows(present: Any, rows: list[Any]) -> list[object]:
    """Return lines with the rows of an update put in by their id; a list of anything else is replaced."""
    if not all(isinstance(row, dict) and "id" in row for row in rows):
        return rows
    changes = {row["id"]: row for row in rows}
    merged = [{**line, **changes.get(line["id"], {})} for line in present or []]
    return [_compact({name: part for name, part in row.items() if name != "operation"}) for row in merged]


def _from_invoice(order: Record, invoice: Record) -> Record:
    """Return what an imported order takes over from its invoice.

    Line ids stand for those that Chargebee gives.
    """
    lines = invoice.get("line_items", [])
    return {
        "currency_code": invoice.get("currency_code"),
        "price_type": invoice.get("price_type"),
        "payment_status": "paid" if invoice.get("status") == "paid" else "not_paid",
        "sub_total": sum(line["amount"] for line in lines),
        "tax": sum(line.get("tax1_amount", 0) for line in lines),
        "total": invoice.get("total"),
        "discount": sum(row["amount"] for row in invoice.get("discounts", [])),
        "order_line_items": [
            {
                "id": f"{order['id']}-line-{number}",
                "description": line["description"],
                "unit_price": line["unit_amount"],
                "amount": line["amount"],
                "fulfillment_quantity": line["quantity"],
                "tax_amount": line.get("tax1_amount", 0),
                "status": order["status"],
                "object": "order_line_item",
            }
            for number, line in enumerate(lines, 1)
        ],
        **{name: invoice[name] for name in ("billing_address", "shipping_address") if invoice.get(name)},
    }
