"""Looks at what Chargebee would collect and whom it told: only what somebody owes, and nobody."""

from __future__ import annotations

from collections.abc import Iterator

from tests.soundness.judge import Systems
from tests.soundness.world import World

UNOWED = {"order": ("cancelled",), "quote": ("rejected", "expired")}
"""In which states nothing is owed for a record. A quote that is only sent again was accepted when it was imported:
else it would not be due before the end of 2099."""
BY_PEOPLE = "inv-cb-"
"""What the ids of invoices begin with that people made in Chargebee."""


def wrong_claims(world: World, systems: Systems) -> list[str]:
    """Return what is wrong with a settled site: invoices that nobody owes, and mails that the sync caused.

    A person who cancels an order in Chargebee gets a credit note of it, and settles the invoice there; so does
    one who deletes it.
    """
    collection = world.collection()
    credited = {one["id"] for one in world.chargebee_all("invoices") if one.get("issued_credit_notes")}
    found = [f"mailed: {mail}" for mail in collection["mailed"]]
    for row in collection["charged"]:
        if not row["invoice"].startswith(BY_PEOPLE) and row["invoice"] not in credited:
            found += [f"{row['why']}, {row['how']}: {why}" for why in _not_owed(row["invoice"], systems)]
    return found


def _not_owed(invoice: str, systems: Systems) -> Iterator[str]:
    orders = [one for one in systems.records["cb_order"].values() if one["invoice_id"] == invoice]
    if not orders:
        yield f"{invoice} has no order"
    for order in orders:
        if order.get("deleted"):
            continue
        if order["status"] == "cancelled":
            yield f"{invoice}, whose order {order['id']} is cancelled"
        for kind, key in systems.links("cb_order", order["id"]):
            record = systems.records[kind][key]
            if record.get("payment_status") == "paid":
                yield f"{invoice}, which is paid in {kind} {key}"
            if record.get("status") in UNOWED[kind]:
                yield f"{invoice} of {kind} {key}, which is {record['status']}"
