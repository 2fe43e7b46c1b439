"""A site that is read as it is and never written to: writes answer the record as it would be.

What Chargebee adds by itself is foreseen as far as it is documented: the defaults of new records, stamps and
versions, and the lines and sums that an imported order takes over from its invoice. An item family or an
invoice that a create needs is part of that create, and likewise only made believe.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from connectors.chargebee.client import Chargebee
from connectors.common.datatype import Record
from connectors.common.locks import RecordLocks

_DEFAULTS: Mapping[str, Record] = {
    "customer": {"auto_collection": "on", "net_term_days": 0, "taxability": "taxable"},
    "item": {"status": "active", "is_shippable": False},
    "item_price": {"status": "active", "is_taxable": True},
}
"""What a new record has unless a create says otherwise
(https://apidocs.chargebee.com/docs/api/customers#create_a_customer and likewise)."""

_INVOICES = 1000


class DryRun(Chargebee):
    """`site` without its writes. Reads share its connections, rate limit and metrics."""

    is_dry_run = True

    def __init__(self, site: Chargebee) -> None:
        self._http = site._http
        self._customers = RecordLocks()
        self.backfills = site.backfills
        self.clock = site.clock
        self._invoices: dict[str, Record] = {}
        self._lock = threading.Lock()

    def create(self, path: str, kind: str, payload: Mapping[str, object], fresh: bool = False) -> Record:
        """Return the record that would be stored."""
        given = {name: _compact(value) for name, value in payload.items() if _compact(value) is not None}
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

    def update(
        self,
        path: str,
        kind: str,
        payload: Mapping[str, object],
        present: Record,
        is_new: bool = False,
        foreseen: Mapping[str, object] | None = None,
    ) -> Record:
        """`present` with the payload in it; an empty value takes the attribute away."""
        record = dict(present)
        for name, value in {**payload, **(foreseen or {})}.items():
            merged = _rows(present.get(name), value) if isinstance(value, list) else _compact(value)
            if merged is None:
                record.pop(name, None)
                record |= {key: kept for key, kept in _DEFAULTS.get(kind, {}).items() if key == name}
            else:
                record[name] = merged
        return _stamped(record, present)

    def delete(self, path: str, kind: str) -> Record:
        """Return what is left of the record; `path` ends in its id and `/delete`."""
        return {"id": path.split("/")[-2], "deleted": True, "object": kind}


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
