"""The nine ways in which the sync makes a record: what to make where, and how to find what it became."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.jsonio import Json
from tests.e2e.conftest import World
from tests.e2e.test_order_sync import LINES, customer, unix


@dataclass(frozen=True)
class Birth:
    """`prepare` makes what must be there and synced before, `bear` the record, from what was prepared;
    `found` lists what the sync made of it. `target` is the system where that is.
    """

    name: str
    target: str
    bear: Callable[[World, str, Json], Json]
    found: Callable[[World, Json], list[Json]]
    prepare: Callable[[World, str], Json] = lambda world, tag: {}


def _person(kind: str) -> Callable[[World, str, Json], Json]:
    def bear(world: World, tag: str, ready: Json) -> Json:
        return world.erp.create(f"{kind}s", first_name=tag, email=f"{tag}@birth.example")

    return bear


def _customers(world: World, person: Json) -> list[Json]:
    return [c for c in world.chargebee.all("customers") if c.get("email") == person["email"]]


def _contacts(world: World, born: Json) -> list[Json]:
    return [c for c in world.erp.all("contacts") if c["email"] == born["email"]]


def _payer(world: World, tag: str) -> Json:
    company, contact = customer(world, tag)
    return {"customer_id": company["id"], "contact_id": contact["id"]}


def _sale(kind: str) -> Callable[[World, str, Json], Json]:
    def bear(world: World, tag: str, ready: Json) -> Json:
        facts = {"status": "confirmed", "order_date": "2026-04-01"}
        if kind == "quotes":
            facts = {"status": "sent", "quote_date": "2026-04-01"}
        return world.erp.create(kind, customer_id=ready["customer_id"], currency="NOK", lines=LINES, **facts)

    return bear


def _cb_orders(world: World, sale: Json) -> list[Json]:
    number = sale.get("order_number") or sale.get("quote_number")
    return [o for o in world.chargebee.all("orders") if o.get("reference_id") == number]


def _product(world: World, tag: str, ready: Json) -> Json:
    return world.erp.create("products", sku=tag, name=tag, type="goods", unit_price="5.00", currency="EUR")


def _items(world: World, product: Json) -> list[Json]:
    return [i for i in world.chargebee.all("items") if i["name"] == product["name"]]


def _item(world: World, tag: str, ready: Json) -> Json:
    world.chargebee.post("item_families", id=f"f-{tag}", name=f"f-{tag}")
    item = world.chargebee.post("items", id=tag, name=tag, type="charge", item_family_id=f"f-{tag}")
    world.chargebee.post("item_prices", id=f"{tag}-EUR", name=tag, item_id=tag, currency_code="EUR", price=500,
                         pricing_model="per_unit", accounting_detail={"sku": tag})  # fmt: skip
    return item


def _cb_order(world: World, tag: str, ready: Json) -> Json:
    payer, day = f"contact-{ready['contact_id']}", unix("2026-04-01")
    world.chargebee.post(
        "invoices/import_invoice", id=f"i-{tag}", customer_id=payer, date=day, total=25000, currency_code="NOK",
        line_items=[{"description": "Bok", "unit_amount": 12500, "quantity": 2, "amount": 25000, "entity_type": "adhoc"}],
    )  # fmt: skip
    return world.chargebee.post(
        "orders/import_order", id=tag, invoice_id=f"i-{tag}", customer_id=payer, status="queued", created_at=day,
        order_date=day, shipping_date=day,
    )  # fmt: skip


def _referring(kind: str) -> Callable[[World, Json], list[Json]]:
    def found(world: World, born: Json) -> list[Json]:
        return [each for each in world.erp.all(kind) if each["external_refs"].get("chargebee") == born["id"]]

    return found


BIRTHS = {
    birth.name: birth
    for birth in (
        Birth("contact", "chargebee", _person("contact"), _customers),
        Birth("employee", "chargebee", _person("employee"), _customers),
        Birth("product", "chargebee", _product, _items),
        Birth("order", "chargebee", _sale("orders"), _cb_orders, _payer),
        Birth("quote", "chargebee", _sale("quotes"), _cb_orders, _payer),
        Birth(
            "business_entity", "erp",
            lambda world, tag, ready: world.chargebee.business_entity(tag),
            lambda world, born: [c for c in world.erp.all("customers") if c["name"] == born["name"]],
        ),
        Birth(
            "customer", "erp",
            lambda world, tag, ready: world.chargebee.post("customers", id=tag, first_name=tag, email=f"{tag}@birth.example"),
            _contacts,
        ),
        Birth("item", "erp", _item, _referring("products")),
        Birth("cb_order", "erp", _cb_order, _referring("orders"), _payer),
    )
}  # fmt: skip
