"""Orders. Chargebee makes them from invoices; the way in is to import an invoice, then an order against it.

Both ids are derived, so neither a repeated call nor an order that the site generated itself makes a twin.
Lines, prices, customer and currency are fixed then; what can change is how the order is fulfilled.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

from connectors.chargebee.datatype import ChargebeeDatatype, overlay
from connectors.chargebee.feeds import records
from connectors.chargebee.imports import invoice_id, invoice_of
from connectors.chargebee.responses import MissingReference
from connectors.chargebee.rules import refusal
from connectors.common.datatype import Insert, Record
from connectors.common.errors import AlreadyExists, Pending

_LINE_FIELDS = ("sku", "status")
_FROM_INVOICE = frozenset(
    ("order_line_items", "currency_code", "sub_total", "tax", "total", "payment_status", "billing_address")
)
"""Properties of a new order that go into its invoice; addresses go into both."""


class Orders(ChargebeeDatatype):
    """`/orders`; made from ERP orders and quotes."""

    name = "order"
    resource = "orders"
    id_limit = 40
    line_keys = {"order_line_items": "id"}

    def find_own(self, insert: Insert) -> Record | None:
        """Return the order of the derived invoice, whoever made it; else the order with the derived id."""
        return self._of_invoice(insert) or super().find_own(insert)

    def is_ours(self, insert: Insert, record: Record) -> bool:
        """By the invoice it was imported against."""
        return record.get("invoice_id") == invoice_id(self.key_for(insert))

    def create(self, insert: Insert) -> Record:
        """Import the invoice unless it is there, then the order, and mark its lines with SKU and status.

        `Pending` while the customer is missing.
        """
        with self.client.customer_lock(str(insert.payload["customer_id"])):
            found = self._of_invoice(insert)
            if found is not None:
                raise AlreadyExists("the invoice has an order already", rule="duplicate_entry")
            self._import_invoice(insert)
            record = self.client.create("/orders/import_order", self.name, self._order_of(insert))
            rows = _line_marks(record.get("order_line_items", []), insert.payload["order_line_items"])
            if rows:
                changes = {"order_line_items": rows}
                record = self.client.update(
                    f"/orders/{_path(record)}", self.name, changes, record, is_new=True
                )
            return record

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """`POST /orders/{id}`: of lines only changed SKUs and statuses; cancelling is a plain update too."""
        self.refuse_create_only(changes)
        changes = dict(changes)
        if "shipping_address" in changes:
            changes["shipping_address"] = overlay(
                present.get("shipping_address"), changes["shipping_address"]
            )
        if "order_line_items" in changes:
            have = present.get("order_line_items", [])
            rows = _changed_lines(have, changes.pop("order_line_items") or [])
            changes.update({"order_line_items": rows} if rows else {})
        if not changes:
            return present
        with self.client.customer_lock(str(present.get("customer_id", ""))):
            return self.client.update(f"/orders/{quote(key, safe='')}", self.name, changes, present)

    def _of_invoice(self, insert: Insert) -> Record | None:
        params = [("invoice_id[is]", invoice_id(self.key_for(insert))), ("limit", "1")]
        found = records(self.client.get("/orders", params, operation="list order of invoice"), self.name)
        return found[0] if found else None

    def _import_invoice(self, insert: Insert) -> None:
        payload = insert.payload
        status = "paid" if payload.get("payment_status") == "paid" else self.settings.invoice_status
        invoice = invoice_of(self.key_for(insert), payload, status, _placed(payload))
        try:
            self.client.create("/invoices/import_invoice", "invoice", invoice)
        except AlreadyExists:
            return
        except MissingReference as missing:
            if missing.field != "/customer_id":
                raise
            detail = f"the customer {payload['customer_id']} is not in Chargebee yet"
            raise Pending(detail, field="/customer_id", rule=missing.rule) from missing

    def _order_of(self, insert: Insert) -> Record:
        payload = insert.payload
        placed = _placed(payload)
        order = {name: value for name, value in payload.items() if name not in _FROM_INVOICE}
        for name in ("shipping_address", "billing_address"):
            if payload.get(name):
                order[name] = overlay(None, payload[name])
        return {
            "created_at": placed,
            "order_date": placed,
            "shipping_date": placed,
            **order,
            "id": self.key_for(insert),
            "invoice_id": invoice_id(self.key_for(insert)),
        }


def _placed(payload: Record) -> int:
    """When the order was placed, in seconds."""
    return int(payload.get("order_date") or payload.get("created_at") or time.time())


def _path(record: Record) -> str:
    return quote(str(record["id"]), safe="")


def _line_marks(present: list[Record], desired: list[Record]) -> list[Record]:
    """Return what is still to be said about the lines of a new order, which stand as in the invoice."""
    rows = []
    for line, wanted in zip(present, desired, strict=False):
        marks = _marks(line, wanted)
        if marks:
            rows.append({"id": line["id"], **marks})
    return rows


def _changed_lines(present: list[Record], merged: list[Record]) -> list[Record]:
    """Return the rows of an update; `Rejected` for lines that are new or differ in what the invoice fixed."""
    known = {line["id"]: line for line in present}
    rows = []
    for index, line in enumerate(merged):
        where = f"order_line_items/{index}"
        have = known.get(line.get("id"))
        if have is None:
            raise refusal(where, "is not a line of the order; lines come from the invoice", "createOnly")
        for name in line.keys() | have.keys():
            if name not in _LINE_FIELDS and line.get(name) != have.get(name):
                raise refusal(f"{where}/{name}", "is fixed: it comes from the invoice", "createOnly")
        marks = _marks(have, line)
        if marks:
            rows.append({"id": line["id"], **marks})
    return rows


def _marks(have: Record, want: Record) -> dict[str, Any]:
    """Return what of a line is to be changed.

    A line always has a status: where none is wanted, it keeps its own.
    """
    return {
        name: want.get(name)
        for name in _LINE_FIELDS
        if (want.get(name) or None) != have.get(name) and (want.get(name) or name != "status")
    }
