"""What is told to one side only, or stands in a part of a record, and is stored otherwise than it was sent.

It is written once on a create and once for each edit, and the rest of the record still travels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import World
from tests.e2e.test_order_sync import customer

RULES = {
    "customer/company": ["upper"],
    "customer/vat_number": ["upper", "blanks"],
    "customer/billing_address/zip": ["blanks"],
    "item/metadata/colour": ["upper"],
    "item_price/accounting_detail/sku": ["upper"],
    "order/tracking_url": ["lower"],
    "order/shipping_address/zip": ["blanks"],
    "order/order_line_items/description": ["upper"],
    "order/order_line_items/sku": ["lower"],
}
ERP_RULES = {
    "product/sku": ["lower"],
    "product/metadata/colour": ["lower"],
    "product/category": ["upper"],
    "contact/address/postal_code": ["trim"],
    "order/lines/description": ["lower"],
    "order/lines/sku": ["upper"],
    "order/tracking_url": ["upper"],
}


@pytest.fixture
def rewriting(world: World) -> Iterator[World]:
    """Yield a world whose systems both rewrite these."""
    world.sync()
    world.chargebee.configure(customer_deletion_s=0, rewriting=RULES)
    world.erp.rewrite(ERP_RULES)
    yield world
    world.chargebee.configure(customer_deletion_s=0)
    world.erp.rewrite({})


def writes_of_sync(world: World) -> tuple[int, ...]:
    before = world.writes()
    world.sync()
    return tuple(now - then for now, then in zip(world.writes(), before, strict=True))


@pytest.mark.slow
def test_it_is_written_once_and_later_edits_travel(rewriting: World) -> None:
    world, erp, chargebee = rewriting, rewriting.erp, rewriting.chargebee
    company, contact = customer(world, "Einar")
    erp.patch("customers", company["id"], vat_number="no 923 609 016")
    home = {"line1": "Vei 1", "postal_code": "211 22", "city": "Malmö", "country": "SE"}
    erp.patch("contacts", contact["id"], address=home)
    priced = {"currency": "NOK", "unit_price": "10.00", "type": "goods"}
    product = erp.create(
        "products", name="Bil en", sku="Ab-1", category="Tilbehør", metadata={"colour": "Red"}, **priced
    )
    line = {"description": "Bil En", "quantity": "1", "unit_price": "10.00", "product_id": product["id"]}
    sold = {"contact_id": contact["id"], "customer_id": company["id"], "currency": "NOK", "lines": [line]}
    dated = {"status": "confirmed", "order_date": "2026-01-02", "order_number": "EINAR-1"}
    order = erp.create("orders", **sold, **dated, tracking_url="https://X.example/A", shipping_address=home)
    world.sync()
    world.sync()
    assert writes_of_sync(world) == (0, 0)
    key = f"contact-{contact['id']}"
    kept = chargebee.get("customers", key)
    assert (kept["company"], kept["vat_number"], kept["billing_address"]["zip"]) == (
        "EINAR AS",
        "NO923609016",
        "21122",
    )

    def edit(kind: str, record: dict[str, Any], **fields: Any) -> None:
        erp.patch(kind, record["id"], **fields)
        assert sum(writes_of_sync(world)) <= 2, (kind, fields)
        assert writes_of_sync(world) == (0, 0), (kind, fields)

    edit("contacts", contact, phone="+47 1")
    assert chargebee.get("customers", key)["phone"] == "+47 1"
    edit("customers", company, vat_number="no 999 888 777")
    assert chargebee.get("customers", key)["vat_number"] == "NO999888777"
    edit("contacts", contact, first_name="Einar B")
    edit("products", product, description="Ny")
    edit("products", product, sku="Cd-2")
    edit("orders", order, note="Ny")
    edit("orders", order, tracking_url="https://Y.example/B")
    assert chargebee.get("orders", f"order-{order['id']}")["tracking_url"] == "https://y.example/b"
    now = chargebee.get("customers", key)
    assert (now["first_name"], now["company"], now["vat_number"]) == ("Einar B", "EINAR AS", "NO999888777")
    erp_now = erp.get("customers", company["id"])
    assert (erp_now["name"], erp_now["vat_number"]) == ("Einar AS", "no 999 888 777")
    assert chargebee.get("items", f"product-{product['id']}")["metadata"]["colour"] == "RED"
    ours = {
        key,
        f"product-{product['id']}",
        f"order-{order['id']}",
        contact["id"],
        product["id"],
        order["id"],
    }
    for pipe in world.stack.share_pipes():
        for row in world.rows(pipe):
            if row["$generated_id"] in ours:
                assert row["$status"] == "ok", (pipe, row["$error"])
    chargebee.post(f"customers/{key}", last_name="Li")
    assert sum(writes_of_sync(world)) <= 1
    assert erp.get("contacts", contact["id"])["last_name"] == "Li"
