"""A few records of every kind on both sides, synced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.jsonio import Json
from stack.processes import Stack
from tests.diagnostics.planned import ask
from tests.diagnostics.tamper import Tampering
from tests.support.systems import Chargebee, Erp


@dataclass
class Pair:
    """Two systems in sync, and a hand on both."""

    stack: Stack
    erp: Erp
    chargebee: Chargebee
    tampering: Tampering
    ids: dict[str, str]

    def verify(self) -> Json:
        return ask(self.stack, "/diagnostics/verify")


def synced(stack: Stack, folder: Path) -> Pair:
    """Fill both systems of an empty stack and sync them; `folder` takes what `Tampering` goes back to.

    One order was deleted in the ERP, cancelled in Chargebee for that, and taken up again there.
    """
    erp, chargebee = Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url)
    ids = _people_at_work(erp, chargebee)
    stack.sync()
    erp.delete("orders", ids["lost order"])
    stack.sync()
    chargebee.post(f"orders/order-{ids['lost order']}", status="queued")
    stack.sync()
    return Pair(stack, erp, chargebee, Tampering(stack, folder), ids)


def _people_at_work(erp: Erp, chargebee: Chargebee) -> dict[str, str]:
    company = erp.create("customers", name="Nord AS", currency="NOK", payment_terms_days=14)
    chargebee.business_entity("Nord AS")
    ids = {"company": company["id"]}
    for name in ("ann", "bob"):
        address = {"line1": "Gata 1", "city": "Bergen", "postal_code": "5003", "country": "NO"}
        email = f"{name}@nord.example"
        fields = {
            "first_name": name.title(),
            "last_name": "Li",
            "email": email,
            "phone": "1",
            "address": address,
        }
        ids[name] = erp.create("contacts", customer_id=company["id"], **fields)["id"]
    ids["eve"] = erp.create("employees", first_name="Eve", last_name="Vik", email="eve@nord.example")["id"]
    chargebee.post("customers", id="cb-dan", first_name="Dan", last_name="By", email="dan@by.example")
    for sku in ("A-1", "B-2"):
        price = {"unit_price": "10.50", "currency": "NOK"}
        ids[sku] = erp.create("products", sku=sku, name=f"Thing {sku}", **price)["id"]
    line = {"description": "Work", "quantity": "2", "unit_price": "100.00", "tax_percent": "25"}
    order = {
        "contact_id": ids["ann"],
        "customer_id": company["id"],
        "order_date": "2026-10-01",
        "currency": "NOK",
    }
    for name in ("order", "other order", "lost order"):
        ids[name] = erp.create("orders", status="confirmed", lines=[line], **order)["id"]
    return ids
