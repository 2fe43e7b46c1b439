"""How many writes a window needed: what differs between the systems before and after, call by call."""

from __future__ import annotations

from collections import Counter

from core.jsonio import Json
from tests.soundness.judge import Systems

MOVING = frozenset(("version", "modified_at", "updated_at", "resource_version", "object", "price_record"))
"""What changes with every write by itself."""
BILLING = ("billing_address", "vat_number")
"""What Chargebee takes in a call of its own (`update_billing_info`)."""
CANCELLATION = frozenset(("status", "cancellation_reason", "cancelled_at"))
"""What cancelling or reopening an order in Chargebee changes by itself; all else is a change of its own."""
PAYMENT = frozenset(("payment_status", "amount_paid", "paid_on", "refundable_credits"))
"""What a payment changes, which is told with a call of its own."""
CREATION = {"cb_order": 3}
"""Invoice, order, and the marks on its lines; all else is made with one call."""


def needed(before: Systems, after: Systems) -> Counter[str]:
    """The calls that lead from one state to the other, by record (`kind:id`)."""
    calls: Counter[str] = Counter()
    for kind, records in after.records.items():
        for key, record in records.items():
            calls[f"{kind}:{key}"] = _calls(kind, before.records[kind].get(key), record)
            if kind == "item" and record["price_record"]:
                was = (before.records[kind].get(key) or {}).get("price_record")
                calls[f"item_price:{record['price_record']['id']}"] = _calls(
                    "item_price", was, record["price_record"]
                )
    calls["item_family:"] = len(after.families) - len(before.families)
    return +calls


def _calls(kind: str, before: Json | None, after: Json | None) -> int:
    if after is None:
        return 0
    if before is None:
        was_archived = kind in ("item", "item_price") and after["status"] == "archived"
        return CREATION.get(kind, 1) + was_archived
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} - MOVING
    calls = int(bool(names))
    if kind == "cb_customer":
        calls = int(any(name in BILLING for name in names)) + int(any(name not in BILLING for name in names))
    states = before.get("status"), after.get("status")
    if kind == "cb_order" and "cancelled" in states and len(set(states)) > 1:
        # Its invoice is voided, then it is cancelled; reopening is one call.
        calls = 1 + (states[1] == "cancelled") + bool(names - CANCELLATION)
    calls += kind == "cb_order" and "payment_status" in names and bool(names - PAYMENT)
    was_linked = _link(before) != _link(after)
    return calls + (was_linked and len(names) > 1)


def _link(record: Json) -> object:
    """What a record says of its counterparts. It is known once they are made: a write of its own, once."""
    for name in ("meta_data", "metadata"):
        if (record.get(name) or {}).get("customerp"):
            return {key: value for key, value in record[name]["customerp"].items() if key != "active"}
    return record.get("business_entity_id"), (record.get("external_refs") or {}).get("chargebee")
