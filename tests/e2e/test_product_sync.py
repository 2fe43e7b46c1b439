"""Product ↔ Item and its item price, every mapped property both ways, money exact in 0, 2 and 3 decimals (of which Chargebee has 2)."""

from __future__ import annotations

import re

import pytest

from tests.e2e.conftest import World
from tests.e2e.test_person_sync import shows


def price_of(world: World, item: str) -> dict:
    prices = world.chargebee.all("item_prices", **{"item_id[is]": item})
    assert len(prices) == 1, prices
    return prices[0]


@pytest.mark.parametrize(
    ("currency", "price", "minor", "new_price", "new_minor", "back_minor", "back_price"),
    [
        ("JPY", "1980", 1980, "2000", 2000, 2500, "2500"),
        ("NOK", "49.90", 4990, "1234567.89", 123456789, 5, "0.05"),
        ("KWD", "0.120", 12, "3.000", 300, 12345, "123.450"),
    ],
)
def test_product_and_item_stay_in_sync(
    world: World,
    currency: str,
    price: str,
    minor: int,
    new_price: str,
    new_minor: int,
    back_minor: int,
    back_price: str,
) -> None:
    product = world.erp.create(
        "products", sku=f"SKU-{currency}", name=f" Lampe «{currency}»", description="Æ <b>bold</b>", type="goods", category="Belysning & lys/ute",
        unit="stk", unit_price=price, currency=currency, is_taxable=True, is_shippable=True, metadata={"colour": "red"},
    )  # fmt: skip
    world.sync()
    item = f"product-{product['id']}"
    family = world.chargebee.get("items", item)["item_family_id"]
    assert re.fullmatch(r"Belysning & lys-ute-\d{8}", family), (
        "an id holds no slash, and is no other category's"
    )
    shows(
        world.chargebee.get("items", item),
        {"name": f" Lampe «{currency}»", "description": "Æ <b>bold</b>", "type": "charge", "item_family_id": family, "unit": "stk",
         "status": "active", "is_shippable": True, "metadata": {"colour": "red", "customerp": {"product_id": product["id"]}}},
    )  # fmt: skip
    shows(
        price_of(world, item),
        {
            "price": minor,
            "currency_code": currency,
            "is_taxable": True,
            "accounting_detail": {"sku": f"SKU-{currency}"},
        },
    )

    assert world.erp.get("products", product["id"])["category"] == "Belysning & lys/ute", (
        "what an id can not hold never bounces"
    )

    before = world.writes()
    world.erp.patch("products", product["id"], unit_price=new_price)
    world.sync()
    assert price_of(world, item)["price"] == new_minor
    assert (world.erp.writes() - before[0], world.chargebee.writes() - before[1]) == (1, 1)

    world.erp.patch(
        "products", product["id"], name=f"Lamp {currency}", description="New", unit="pcs", category="Lights", is_shippable=False,
        is_taxable=False, sku=f"NEW-{currency}", metadata={"colour": "blue", "size": 3},
    )  # fmt: skip
    world.sync()
    found = world.chargebee.get("items", item)
    shows(
        found,
        {
            "name": f"Lamp {currency}",
            "description": "New",
            "unit": "pcs",
            "item_family_id": "Lights",
            "is_shippable": False,
        },
    )
    assert found["metadata"] == {"colour": "blue", "size": 3, "customerp": {"product_id": product["id"]}}
    shows(price_of(world, item), {"is_taxable": False, "accounting_detail": {"sku": f"NEW-{currency}"}})

    world.chargebee.post(
        f"items/{item}", name=f"Leuchte {currency}", description="Neu", unit="Stück", item_family_id=family, is_shippable=True,
        metadata={"size": 4, "customerp": {"product_id": product["id"]}},
    )  # fmt: skip
    world.chargebee.post(
        f"item_prices/{price_of(world, item)['id']}",
        price=back_minor,
        is_taxable=True,
        accounting_detail={"sku": f"CB-{currency}"},
    )
    before = world.writes()
    world.sync()
    shows(
        world.erp.get("products", product["id"]),
        {"name": f"Leuchte {currency}", "description": "Neu", "unit": "Stück", "category": family, "is_shippable": True,
         "unit_price": back_price, "is_taxable": True, "sku": f"CB-{currency}"},
    )  # fmt: skip
    assert world.erp.get("products", product["id"])["metadata"] == {"size": 4}
    assert (world.erp.writes() - before[0], world.chargebee.writes() - before[1]) == (1, 0)

    world.chargebee.post(f"items/{item}", status="archived")
    world.sync()
    assert world.erp.get("products", product["id"])["status"] == "archived"
    world.erp.patch("products", product["id"], status="active")
    world.sync()
    assert world.chargebee.get("items", item)["status"] == "active"
    world.erp.delete("products", product["id"])
    world.sync()
    assert world.chargebee.get("items", item)["status"] == "archived"


def test_an_item_born_in_chargebee_becomes_a_product(world: World) -> None:
    world.chargebee.post("item_families", id="cb-family", name="cb-family")
    world.chargebee.post(
        "items",
        id="cb-plan",
        name="Plan from Chargebee",
        type="plan",
        item_family_id="cb-family",
        unit="seat",
    )
    world.chargebee.post(
        "item_prices", id="cb-plan-EUR", name="Plan EUR", item_id="cb-plan", currency_code="EUR", price=990, pricing_model="per_unit",
        period=3, period_unit="month", accounting_detail={"sku": "CB-PLAN"},
    )  # fmt: skip
    world.sync()
    product = next(p for p in world.erp.all("products") if p["external_refs"].get("chargebee") == "cb-plan")
    shows(
        product,
        {"sku": "CB-PLAN", "name": "Plan from Chargebee", "type": "subscription", "category": "cb-family", "unit": "seat",
         "unit_price": "9.90", "currency": "EUR", "billing_period": 3, "billing_period_unit": "month"},
    )  # fmt: skip
    assert world.chargebee.get("items", "cb-plan")["metadata"]["customerp"]["product_id"] == product["id"]


def test_a_subscription_becomes_a_plan_with_its_period(world: World) -> None:
    product = world.erp.create(
        "products", sku="SUB-1", name="Support", type="subscription", unit_price="100.00", currency="USD", billing_period=1,
        billing_period_unit="year",
    )  # fmt: skip
    world.sync()
    item = f"product-{product['id']}"
    shows(world.chargebee.get("items", item), {"type": "plan", "item_family_id": "erp-products"})
    shows(price_of(world, item), {"period": 1, "period_unit": "year", "price": 10000})
    assert not world.erp.get("products", product["id"]).get("category"), (
        "the default family is not a category"
    )


def test_an_item_waits_for_its_price(world: World) -> None:
    """A product keeps its currency for good: made before the price is known, it would get the ERP's own."""
    world.chargebee.post("item_families", id="late", name="late")
    world.chargebee.post("items", id="late-item", name="Late price", type="charge", item_family_id="late")
    world.sync()
    row = world.shared("customerp-product", "new:chargebee-item:late-item")
    assert row is not None
    assert (row["$status"], row["$error"]["rule"]) == ("pending", "price")
    world.chargebee.post(
        "item_prices", id="late-EUR", name="Late EUR", item_id="late-item", currency_code="EUR", price=990,
        pricing_model="per_unit", accounting_detail={"sku": "LATE"},
    )  # fmt: skip
    world.sync()
    product = next(p for p in world.erp.all("products") if p["external_refs"].get("chargebee") == "late-item")
    shows(product, {"sku": "LATE", "unit_price": "9.90", "currency": "EUR"})
    assert len(world.chargebee.all("item_prices", **{"item_id[is]": "late-item"})) == 1


def test_a_name_clash_is_rejected_on_both_sides_until_a_person_settles_it(world: World) -> None:
    one, other = (
        world.erp.create("products", sku=f"CLASH-{n}", name=f"Clash {n}", type="goods", unit_price="1.00", currency="EUR")
        for n in (1, 2)
    )  # fmt: skip
    world.sync()
    item = f"product-{other['id']}"
    world.erp.patch("products", one["id"], name="Same name")
    world.chargebee.post(f"items/{item}", name="Same name")
    settled = world.writes()
    world.sync()
    assert world.writes() == settled
    here = world.shared("customerp-product", other["id"])
    there = world.shared("chargebee-item", f"product-{one['id']}")
    assert here is not None
    assert there is not None
    assert (here["$status"], there["$status"]) == ("rejected", "rejected")
    assert one["id"] in here["$error"]["detail"]
    assert "Same name" in there["$error"]["detail"]
    world.chargebee.post(f"items/{item}", name="Another name")
    world.erp.patch("products", one["id"], name="Same name again")
    world.sync()
    assert world.erp.get("products", other["id"])["name"] == "Another name"
    assert world.chargebee.get("items", f"product-{one['id']}")["name"] == "Same name again"


def test_a_third_decimal_is_reported_and_never_rounded(world: World) -> None:
    """Chargebee multiplies every currency with decimals by 100, dinars too."""
    product = world.erp.create(
        "products",
        sku="FINE",
        name="Fine",
        type="goods",
        unit_price="0.120",
        currency="KWD",
        is_shippable=False,
    )
    world.sync()
    price = price_of(world, f"product-{product['id']}")
    world.erp.patch("products", product["id"], unit_price="0.125")
    before = world.writes()
    world.sync()
    assert world.writes() == before
    row = world.shared("chargebee-item_price", price["id"])
    assert row is not None
    assert (row["$status"], row["$error"]["field"]) == ("rejected", "/price")
    assert "hundredths" in row["$error"]["detail"]
    assert world.erp.get("products", product["id"])["unit_price"] == "0.125"
    world.chargebee.post(f"item_prices/{price['id']}", price=13)
    world.sync()
    assert world.erp.get("products", product["id"])["unit_price"] == "0.130"


def test_a_price_that_is_no_single_amount_is_neither_told_nor_overwritten(world: World) -> None:
    """`price_in_decimal` without `price`: the two are linked, each keeps its own, and a person is told."""
    world.chargebee.configure(multi_decimal_pricing=True, customer_deletion_s=0)
    world.chargebee.post("item_families", id="decimals", name="Decimals")
    fine = {"currency_code": "NOK", "price_in_decimal": "0.0035", "pricing_model": "per_unit"}
    for key in ("fine-known", "fine-new"):
        world.chargebee.post("items", id=key, name=key, type="charge", item_family_id="decimals")
        sku = {"accounting_detail": {"sku": key.upper()}}
        world.chargebee.post("item_prices", id=f"{key}-NOK", name=key, item_id=key, **fine, **sku)
    product = world.erp.create(
        "products", sku="FINE-KNOWN", name="Kilobyte", type="service", unit_price="12.50", currency="NOK"
    )
    world.sync()
    ours = world.erp.get("products", product["id"])
    assert (ours["external_refs"]["chargebee"], ours["unit_price"]) == ("fine-known", "12.50")
    assert "price" not in price_of(world, "fine-known")
    row = world.shared("chargebee-item_price", "fine-known-NOK")
    assert row is not None
    assert row["$status"] == "rejected" or row["$refused"]
    told = [
        r for r in world.rows("customerp-product") if (r["$error"] or {}).get("rule") == "price_in_decimal"
    ]
    assert [r["$status"] for r in told] == ["pending"]
    assert not [p for p in world.erp.all("products") if p["sku"] == "FINE-NEW"]
    settled = world.writes()
    world.sync()
    assert world.writes() == settled
