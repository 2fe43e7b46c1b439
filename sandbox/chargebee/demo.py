"""The demo data of a seed, stored through the same functions that API calls use."""

from __future__ import annotations

from collections.abc import Callable

from core.jsonio import Json
from sandbox.chargebee import business_entities, catalogue, customers, invoices, orders
from sandbox.chargebee.facts import imitates
from sandbox.chargebee.records import Write
from sandbox.common.demodata import chargebee_demo
from sandbox.common.state import Record, Transaction

_STAMPS = ("created_at", "updated_at")
_ANCIENT_S = 1_420_070_400
"""2015-01-01. Records untouched since 2016-09-28 have no `updated_at` and no `resource_version`."""


def load_demo(tx: Transaction, seed: int) -> None:
    """Fill an empty site."""
    data = chargebee_demo(seed)
    for row in data["business_entities"]:
        _store(tx, "business_entity", business_entities.create, row, source="admin_console")
    for number, row in enumerate(data["customers"]):
        customer = _store(tx, "customer", customers.create, row)
        if number % 20 == 19:
            _make_ancient(tx, customer)
        elif number % 20 == 9:
            _take_stamps(tx, customer)
    for row in data["item_families"]:
        _store(tx, "item_family", catalogue.create_family, row)
    for number, row in enumerate(data["items"]):
        item = _store(tx, "item", catalogue.create_item, {**row, "status": "active"})
        if number % 20 == 19:
            tx.put("item", item["id"], {**item, "_older": True}, since=0)
    for row in data["item_prices"]:
        _store(tx, "item_price", catalogue.create_price, row)
    for row in data["items"]:
        if row["status"] != "active":
            stamps = {name: row[name] for name in _STAMPS if name in row}
            _store(tx, "item", _update_item, {"id": row["id"], "status": row["status"], **stamps})
    for row in data["invoices_and_orders"]:
        stamps = {name: row[name] for name in _STAMPS}
        _store(tx, "invoice", invoices.import_invoice, {**row["invoice"], **stamps})
        order = {"invoice_id": row["invoice"]["id"], **row["order"], **stamps}
        _store(tx, "order", _order, order)


def _update_item(write: Write, values: Json) -> Record:
    return catalogue.update_item(write, values.pop("id"), values)


def _order(write: Write, values: dict[str, object]) -> Record:
    """Return an order, also a cancelled one, which somebody cancelled after it was made."""
    if values["status"] != "cancelled":
        return orders.import_order(write, values)
    reason = values.pop("cancellation_reason")
    order = orders.import_order(write, {**values, "status": "queued"})
    return orders.cancel(write, order["id"], {"cancellation_reason": reason})


def _store(
    tx: Transaction,
    kind: str,
    create: Callable[[Write, Json], Record],
    row: Json,
    source: str = "api",
) -> Record:
    """Create one record as of its own `updated_at`, and as if listed for ever."""
    values = {name: value for name, value in row.items() if name not in _STAMPS}
    if kind == "order":
        values["created_at"] = row["created_at"]
    write = Write(tx, source=source)
    write.now_ms = row["updated_at"] * 1000
    record = create(write, values)
    if "created_at" in record and "created_at" in row:
        record["created_at"] = row["created_at"]
    tx.put(kind, record["id"], {name: value for name, value in record.items() if value is not None}, since=0)
    return record


@imitates("old-records-lack-updated-at")
def _make_ancient(tx: Transaction, customer: Record) -> None:
    _take_stamps(tx, {**customer, "created_at": _ANCIENT_S})


@imitates("old-records-lack-updated-at")
def _take_stamps(tx: Transaction, customer: Record) -> None:
    kept = {name: value for name, value in customer.items() if name not in ("updated_at", "resource_version")}
    tx.put("customer", customer["id"], kept, since=0)
