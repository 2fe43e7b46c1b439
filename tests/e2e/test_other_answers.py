"""The whole flow where a site does otherwise what no documentation says: nothing is lost, refused or owed."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.processes import Stack
from tests.e2e.conftest import World
from tests.support.systems import Chargebee, Erp

OTHERWISE = {
    "lines": (("imported-order-keeps-adhoc-lines",), {}),
    "reference": (("reference-id-stays",), {}),
    "cancelling": ((), {"legacy_orders": True}),
}
"""Facts that are turned round, and settings of the site."""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("otherwise", OTHERWISE)
def test_the_demo_data_meets_a_site_that_does_otherwise(otherwise: str, tmp_path: Path) -> None:
    turned, settings = OTHERWISE[otherwise]
    with Stack(data="demo", folder=tmp_path) as stack:
        world = World(Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url), stack)
        world.chargebee.configure(customer_deletion_s=0, **settings)
        world.chargebee.turn_round(*turned)
        numbers = {order["id"]: order["order_number"] for order in world.erp.all("orders")}
        world.sync()
        rows = [(pipe, row) for pipe in stack.share_pipes() for row in world.rows(pipe)]
        bad = [
            (pipe, row["_id"], row["$error"]) for pipe, row in rows if row["$status"] not in ("ok", "pending")
        ]
        assert bad == []
        kept = [row["_id"] for pipe, row in rows if pipe == "chargebee-order" and row.get("$refused")]
        assert len(kept) <= 4, "those that were under way when the site showed what it does"
        assert numbers.items() <= {o["id"]: o["order_number"] for o in world.erp.all("orders")}.items()
        unpaid = {o["order_number"] for o in world.erp.all("orders") if o["payment_status"] != "paid"}
        unpaid |= {quote["quote_number"] for quote in world.erp.all("quotes")}
        orders = {f"inv-{o['id']}": o["reference_id"] for o in world.chargebee.all("orders")}
        collection = world.chargebee.collection()
        charged = {orders[row["invoice"]] for row in collection["charged"] if row["invoice"] in orders}
        assert charged <= unpaid
        assert collection["mailed"] == []
        cancelled = [o for o in world.erp.all("orders") if o["status"] == "in_progress"][:3]
        for order in cancelled:
            world.erp.patch("orders", order["id"], status="cancelled")
        world.sync()
        charged_now = {orders.get(row["invoice"]) for row in world.chargebee.collection()["charged"]}
        assert not charged_now & {order["order_number"] for order in cancelled}
        settled = world.writes()
        world.sync()
        assert world.writes() == settled
