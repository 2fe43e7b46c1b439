"""Customer ↔ Business_entity and Product ↔ Item, property by property."""

from __future__ import annotations

from collections.abc import Generator

from tests.e2e.conftest import World
from tests.e2e.rows.steps import Found, Record, Step, Story


def customer(world: World) -> Story:
    """A business entity made and edited in Chargebee's console; its API can do neither."""
    steps = []
    entity = world.chargebee.business_entity("Rows Fisk")
    for n, fields in enumerate(
        [{"name": "Rows Fisk", "status": "active"}, {"name": "Rows Laks", "status": "inactive"}]
    ):
        if n:
            world.chargebee.business_entity(fields["name"], key=entity["id"], status=fields["status"])
        yield
        company = next(c for c in world.erp.all("customers") if c["business_entity_id"] == entity["id"])
        expected = {
            **fields,
            "business_entity_id": entity["id"],
            "external_refs": {"chargebee": entity["id"]},
        }
        found = world.stack.entity("chargebee-business_entity-collect", entity["id"])
        assert found is not None
        steps.append(Step("chargebee", n == 0, expected, {**fields, "id": entity["id"]}, (company, found)))
    return steps


_ERP_EDITS: list[tuple[Record, Record, Record]] = [
    (
        {"name": "Rows Lampe", "description": "Rød", "unit": "stk", "is_shippable": True, "status": "active", "category": "Lys/ute",
         "metadata": {"colour": "red"}, "sku": "ROWS-1", "unit_price": "10.50", "currency": "NOK", "is_taxable": True,
         "type": "subscription", "billing_period": 1, "billing_period_unit": "year"},
        {"name": "Rows Lampe", "description": "Rød", "unit": "stk", "is_shippable": True, "status": "active", "item_family_id": "Lys-ute-12869954",
         "metadata": {"colour": "red"}, "type": "plan"},
        {"accounting_detail": {"sku": "ROWS-1"}, "price": 1050, "currency_code": "NOK", "is_taxable": True, "period": 1, "period_unit": "year"},
    ),
    (
        {"name": "Rows Lamp", "description": "Red", "unit": "pcs", "is_shippable": False, "category": "Lights", "sku": "ROWS-2",
         "metadata": {"colour": "blue"}, "unit_price": "11.00", "is_taxable": False},
        {"name": "Rows Lamp", "description": "Red", "unit": "pcs", "is_shippable": False, "item_family_id": "Lights",
         "metadata": {"colour": "blue"}},
        {"accounting_detail": {"sku": "ROWS-2"}, "price": 1100, "is_taxable": False},
    ),
    ({"status": "archived"}, {"status": "archived"}, {}),
    ({"status": "active"}, {"status": "active"}, {}),
    ({"active": False}, {"status": "archived"}, {}),
]  # fmt: skip


class _Product:
    def __init__(self, world: World, key: str, item: str) -> None:
        self.world, self.key, self.item = world, key, item

    def price(self) -> Record:
        return next(p for p in self.world.chargebee.all("item_prices") if p["item_id"] == self.item)

    def found(self) -> Found:
        yield
        sides = {"item": self.world.chargebee.get("items", self.item), "item_price": self.price()}
        return self.world.erp.get("products", self.key), sides


def product(world: World) -> Story:
    """A subscription made in the ERP and edited on both sides; then one born in Chargebee."""
    key = world.erp.create("products", **_ERP_EDITS[0][0])["id"]
    one = _Product(world, key, f"product-{key}")
    steps = []
    for n, (edit, item, price) in enumerate(_ERP_EDITS[:2]):
        if n:
            world.erp.patch("products", key, **edit)
        desired = dict(edit)
        if n == 0:
            desired |= {"id": key, "external_refs": {"chargebee": one.item}}
            item = item | {"id": one.item, "metadata": item["metadata"] | {"customerp": {"product_id": key}}}
            price = price | {"name": f"{one.item}-NOK"}
            desired["metadata"] = item["metadata"]
        steps.append(
            _stripped(
                Step("erp", n == 0, desired, {"item": item, "item_price": price}, (yield from one.found()))
            )
        )
    steps.append((yield from _edited_in_chargebee(one)))
    for edit, item, price in _ERP_EDITS[2:]:
        world.erp.patch("products", key, **edit)
        steps.append(Step("erp", False, edit, {"item": item, "item_price": price}, (yield from one.found())))
        if edit == {"status": "archived"}:
            world.chargebee.post(f"items/{one.item}", status="active")
            steps.append(
                Step(
                    "chargebee",
                    False,
                    {"status": "active"},
                    {"item": {"status": "active"}},
                    (yield from one.found()),
                )
            )
    return [*steps, (yield from _born(world, "plan")), (yield from _born(world, "charge"))]


def _stripped(step: Step) -> Step:
    """The link in an item's metadata is a row of its own; the ERP's metadata has no such key."""
    erp, sides = step.found
    metadata = dict(sides["item"]["metadata"])
    link = metadata.pop("customerp")
    item = {**sides["item"], "metadata": metadata, "metadata.customerp.product_id": link["product_id"]}
    wished = dict(step.chargebee["item"])
    own = {name: value for name, value in wished["metadata"].items() if name != "customerp"}
    wished |= {"metadata": own, "metadata.customerp.product_id": link["product_id"]}
    found = (erp, {**sides, "item": item})
    return Step(
        step.by, step.is_new, {**step.erp, "metadata": own}, {**step.chargebee, "item": wished}, found
    )


def _edited_in_chargebee(one: _Product) -> Generator[None, None, Step]:
    item = {
        "name": "Rows Leuchte",
        "description": "Rot",
        "unit": "Stück",
        "is_shippable": True,
        "item_family_id": "Lys-ute-12869954",
    }
    price = {"price": 1250, "is_taxable": True, "accounting_detail": {"sku": "ROWS-3"}}
    link = {"customerp": {"product_id": one.key}}
    one.world.chargebee.post(f"items/{one.item}", metadata={"size": 4, **link}, **item)
    one.world.chargebee.post(f"item_prices/{one.price()['id']}", **price)
    expected = {"name": "Rows Leuchte", "description": "Rot", "unit": "Stück", "is_shippable": True, "category": "Lys-ute-12869954",
                "metadata": {"size": 4}, "unit_price": "12.50", "is_taxable": True, "sku": "ROWS-3"}  # fmt: skip
    both = {"item": {**item, "metadata": {"size": 4}}, "item_price": price}
    return _stripped(Step("chargebee", False, expected, both, (yield from one.found())))


def _born(world: World, kind: str) -> Generator[None, None, Step]:
    key = f"rows-{kind}"
    world.chargebee.post("item_families", id=f"{key}-family", name=f"{key}-family")
    item = {
        "name": f"Rows {kind}",
        "type": kind,
        "item_family_id": f"{key}-family",
        "unit": "seat",
        "is_shippable": kind == "charge",
    }
    world.chargebee.post("items", id=key, **item)
    period: Record = {"period": 3, "period_unit": "month"} if kind == "plan" else {}
    price = {"price": 990, "currency_code": "EUR", "accounting_detail": {"sku": f"ROWS-{kind}"}, **period}
    world.chargebee.post(
        "item_prices", id=f"{key}-EUR", name=f"{key}-EUR", item_id=key, pricing_model="per_unit", **price
    )
    yield
    found = next(p["id"] for p in world.erp.all("products") if p["external_refs"].get("chargebee") == key)
    expected = {"name": f"Rows {kind}", "category": f"{key}-family", "unit": "seat", "sku": f"ROWS-{kind}", "unit_price": "9.90",
                "currency": "EUR", "type": "subscription" if kind == "plan" else "goods", "external_refs": {"chargebee": key},
                **({"billing_period": 3, "billing_period_unit": "month"} if kind == "plan" else {})}  # fmt: skip
    return Step(
        "chargebee",
        True,
        expected,
        {"item": {**item, "id": key}, "item_price": price},
        (yield from _Product(world, found, key).found()),
    )
