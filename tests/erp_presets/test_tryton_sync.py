"""Tryton and Chargebee kept in sync by the shipped pipes: what people do in Tryton appears in Chargebee, and back.

The tests follow one another like days at the office, on one running stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from stack.processes import Stack
from stack.settings import for_tests
from tests.erp_presets.conftest import place_of
from tests.erp_presets.tryton_server import Base, Tryton, decimal, tryton
from tests.support.erp import impatient
from tests.support.systems import Chargebee

pytestmark = pytest.mark.erp
JULY = 1782864000
"""The first of July 2026, as Chargebee writes it."""
PARTY = ("name", "active", "email", "phone", "addresses.city", "identifiers.code", "categories.name")


@dataclass
class World:
    """Both systems, as the people in them see them, and the records that the first test makes."""

    tryton: Tryton
    base: Base
    chargebee: Chargebee
    stack: Stack
    company: int = 0
    contact: int = 0
    employee: int = 0
    product: int = 0
    quotation: int = 0
    order: int = 0

    def sync(self) -> None:
        self.stack.sync()

    def links(self, party: int) -> list[str]:
        """What a party's identifiers say of other systems."""
        return [
            row["code"] for row in self.tryton.read("party.party", party, "identifiers.code")["identifiers."]
        ]

    def refused(self) -> list[Any]:
        """What a share pipe could not carry out."""
        bad = ("rejected", "conflict", "quarantined", "gone")
        return [
            (pipe, row["_id"], row.get("$error"))
            for pipe in self.stack.share_pipes()
            for row in self.stack.entities(f"{pipe}-share")
            if row.get("$status") in bad and not row.get("_deleted")
        ]

    def written(self) -> tuple[int, str]:
        """Writes to Chargebee so far, and the last change of anything in Tryton."""
        models = ("party.party", "sale.sale", "product.product", "product.template", "company.employee")
        stamps = [
            str(row["last_modified_at"])
            for model in models
            for row in self.tryton.find(model, [], "last_modified_at")
        ]
        return self.chargebee.writes(), str(sorted(stamps))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with tryton(place_of("tryton"), tmp_path_factory.mktemp("tryton")) as (user, base):
        folder = tmp_path_factory.mktemp("stack")
        plain = for_tests(folder, "empty")
        profile = impatient("tryton-8", tmp_path_factory.mktemp("profile"))
        erp = {"ERP_BASE_URL": user.rest, "ERP_TOKEN": base.rest_key, "ERP_PROFILE": profile}
        settings = replace(plain, real_erp=True, environment={**plain.environment, **erp})
        with Stack(settings=settings) as stack:
            yield World(user, base, Chargebee(stack.chargebee_sandbox_url), stack)


def test_what_is_made_in_tryton_appears_in_chargebee(world: World) -> None:
    user, base = world.tryton, world.base
    world.chargebee.business_entity("Acme AS")
    world.company = user.party("Acme AS", base.customer, email="post@acme.example")
    world.contact = user.party(
        "Kari Nordmann", base.contact, email="kari@acme.example", phone="+47 22 00 00 00"
    )
    relation = {"type": base.contact_of, "to": world.company}
    user.write("party.party", world.contact, relations=[["create", [relation]]])
    world.employee = user.employee(base, "Ola Selger", "ola@fjell.example")
    world.product = user.product(base, "CHAIN", "Anchor chain", "49.90", description="Galvanised")
    world.quotation = user.sale(base, world.company, world.product, 2.0, "49.90", comment="Ring first")
    world.order = user.sale(base, world.company, world.product, 3.0, "45.00")
    for sale in (world.quotation, world.order):
        user.press("sale.sale", "quote", sale)
    user.press("sale.sale", "confirm", world.order)
    world.sync()

    assert world.refused() == []
    kari = world.chargebee.get("customers", f"contact-{world.contact}")
    assert (kari["first_name"], kari["last_name"], kari["email"]) == ("Kari", "Nordmann", "kari@acme.example")
    assert (kari["phone"], kari["company"], kari["billing_address"]["city"]) == (
        "+47 22 00 00 00",
        "Acme AS",
        "Oslo",
    )
    ola = world.chargebee.get("customers", f"employee-{world.employee}")
    assert (ola["last_name"], ola["company"]) == ("Selger", "Fjell og Fjord AS")
    item = world.chargebee.get("items", f"product-{world.product}")
    assert (item["name"], item["description"]) == ("Anchor chain", "Galvanised")
    (price,) = world.chargebee.all("item_prices")
    assert (price["price"], price["currency_code"], price["accounting_detail"]["sku"]) == (
        4990,
        "USD",
        "CHAIN",
    )

    orders = {order["id"]: order for order in world.chargebee.all("orders")}
    assert set(orders) == {f"quote-{world.quotation}", f"order-{world.order}"}
    quote, order = orders[f"quote-{world.quotation}"], orders[f"order-{world.order}"]
    assert (quote["status"], quote["note"], quote["order_line_items"][0]["amount"]) == (
        "on_hold",
        "Ring first",
        9980,
    )
    assert (order["status"], order["customer_id"], order["total"]) == (
        "queued",
        f"contact-{world.contact}",
        13500,
    )


def test_links_are_kept_in_both_systems(world: World) -> None:
    kari = world.chargebee.get("customers", f"contact-{world.contact}")
    assert kari["meta_data"]["customerp"]["contact_id"] == str(world.contact)
    assert world.links(world.contact) == [f"chargebee:contact-{world.contact}"]
    assert any(code.startswith("business-entity:") for code in world.links(world.company))
    person = world.tryton.read("company.employee", world.employee, "party")["party"]
    assert world.links(person) == [f"chargebee:employee-{world.employee}"]
    chain = world.tryton.read("product.product", world.product, "identifiers.code")
    assert [row["code"] for row in chain["identifiers."]] == [f"chargebee:product-{world.product}"]
    sale = world.tryton.read("sale.sale", world.quotation, "description", "number")
    assert sale["description"] == f"chargebee:quote-{world.quotation}"
    quote = world.chargebee.get("orders", f"quote-{world.quotation}")
    assert quote["reference_id"] == sale["number"]


def test_nothing_bounces(world: World) -> None:
    before = world.written()
    world.sync()
    world.sync()
    assert world.written() == before


def test_edits_in_tryton_reach_chargebee(world: World) -> None:
    user = world.tryton
    (mail,) = user.find(
        "party.contact_mechanism", [["party", "=", world.contact], ["type", "=", "email"]], "id"
    )
    user.write("party.contact_mechanism", mail["id"], value="kari.n@acme.example")
    user.write(
        "product.template", user.read("product.product", world.product, "template")["template"], name="Chain"
    )
    user.write("sale.sale", world.order, comment="By the back door")
    world.sync()
    assert world.chargebee.get("customers", f"contact-{world.contact}")["email"] == "kari.n@acme.example"
    assert world.chargebee.get("items", f"product-{world.product}")["name"] == "Chain"
    assert world.chargebee.get("orders", f"order-{world.order}")["note"] == "By the back door"
    assert world.refused() == []


def test_edits_in_chargebee_reach_tryton(world: World) -> None:
    user = world.tryton
    world.chargebee.post(f"customers/contact-{world.contact}", phone="+47 33 33 33 33", last_name="Normann")
    world.chargebee.post(f"customers/employee-{world.employee}", first_name="Olav")
    world.chargebee.post(f"items/product-{world.product}", description="Stainless")
    world.chargebee.post(f"orders/quote-{world.quotation}", note="Ring twice")
    world.sync()
    kari = user.read("party.party", world.contact, *PARTY)
    assert (kari["name"], kari["phone"], kari["email"]) == (
        "Kari Normann",
        "+47 33 33 33 33",
        "kari.n@acme.example",
    )
    person = user.read("company.employee", world.employee, "party")["party"]
    assert user.read("party.party", person, "name")["name"] == "Olav Selger"
    assert user.read("product.product", world.product, "description")["description"] == "Stainless"
    assert user.read("sale.sale", world.quotation, "comment")["comment"] == "Ring twice"
    assert world.refused() == []


def test_edits_of_different_fields_on_both_sides_both_stay(world: World) -> None:
    user = world.tryton
    address = user.find("party.address", [["party", "=", world.contact]], "id")[0]["id"]
    user.write("party.address", address, city="Bergen")
    world.chargebee.post(f"customers/contact-{world.contact}", first_name="Karin")
    world.sync()
    kari = world.chargebee.get("customers", f"contact-{world.contact}")
    assert (kari["first_name"], kari["billing_address"]["city"]) == ("Karin", "Bergen")
    there = user.read("party.party", world.contact, *PARTY)
    assert (there["name"], there["addresses."][0]["city"]) == ("Karin Normann", "Bergen")


def test_a_confirmed_quotation_becomes_an_order_without_a_twin(world: World) -> None:
    world.tryton.press("sale.sale", "confirm", world.quotation)
    world.sync()
    orders = {order["id"]: order for order in world.chargebee.all("orders")}
    assert set(orders) == {f"quote-{world.quotation}", f"order-{world.order}"}
    order = orders[f"quote-{world.quotation}"]
    sale = world.tryton.read("sale.sale", world.quotation, "description", "number", "state")
    assert (order["status"], order["reference_id"]) == ("queued", sale["number"])
    assert (sale["description"], sale["state"]) == (f"chargebee:quote-{world.quotation}", "processing")
    assert len(world.tryton.find("sale.sale", [], "id")) == 2
    world.tryton.write("sale.sale", world.quotation, comment="An order now")
    world.sync()
    assert world.chargebee.get("orders", f"quote-{world.quotation}")["note"] == "An order now"
    assert world.refused() == []


def test_what_is_born_in_chargebee_is_made_in_tryton(world: World) -> None:
    address = {"line1": "Kirkegata 1", "city": "Tromsø", "zip": "9008", "country": "NO"}
    world.chargebee.post(
        "customers",
        id="cb-per",
        first_name="Per",
        last_name="Hansen",
        email="per@cb.example",
        billing_address=address,
    )
    world.sync()
    (party,) = world.tryton.find("party.party", [["identifiers.code", "=", "chargebee:cb-per"]], *PARTY)
    assert (party["name"], party["email"], party["addresses."][0]["city"]) == (
        "Per Hansen",
        "per@cb.example",
        "Tromsø",
    )
    assert [row["name"] for row in party["categories."]] == ["Contact"]
    family = world.chargebee.all("item_families")[0]["id"]
    world.chargebee.post("items", id="cb-bolt", name="Bolt", type="charge", item_family_id=family)
    world.chargebee.post(
        "item_prices",
        id="cb-bolt-USD",
        item_id="cb-bolt",
        name="Bolt USD",
        pricing_model="per_unit",
        price=125,
        currency_code="USD",
    )
    invoice = world.chargebee.post(
        "invoices/import_invoice",
        id="cb-inv",
        customer_id="cb-per",
        date=JULY,
        total=25000,
        currency_code="USD",
        line_items=[
            {
                "description": "Book",
                "unit_amount": 12500,
                "quantity": 2,
                "amount": 25000,
                "entity_type": "adhoc",
            }
        ],
    )
    world.chargebee.post(
        "orders/import_order",
        id="cb-order",
        invoice_id=invoice["id"],
        customer_id="cb-per",
        status="queued",
        created_at=JULY,
        order_date=JULY,
        shipping_date=JULY,
        note="From Chargebee",
    )
    world.sync()
    assert world.refused() == []
    (made,) = world.tryton.find(
        "product.product", [["identifiers.code", "=", "chargebee:cb-bolt"]], "name", "list_price_used"
    )
    assert (made["name"], made["list_price_used"]) == ("Bolt", decimal("1.25"))
    (sale,) = world.tryton.find(
        "sale.sale",
        [["description", "=", "chargebee:cb-order"]],
        "party",
        "state",
        "number",
        "comment",
        "total_amount",
        "lines.description",
        "lines.quantity",
    )
    assert (sale["party"], sale["state"], sale["comment"]) == (party["id"], "processing", "From Chargebee")
    assert (sale["total_amount"], [line["quantity"] for line in sale["lines."]]) == (decimal("250.00"), [2.0])
    assert world.chargebee.get("orders", "cb-order")["reference_id"] == sale["number"]
    assert len(world.chargebee.all("orders")) == 3


def test_a_deleted_party_is_noticed(world: World) -> None:
    user = world.tryton
    gone = user.party("Short Visit", world.base.contact, email="short@visit.example")
    world.sync()
    assert world.chargebee.get("customers", f"contact-{gone}")["meta_data"]["customerp"]["active"] is True
    user.delete("party.party", gone)
    world.sync()
    assert world.chargebee.get("customers", f"contact-{gone}")["meta_data"]["customerp"]["active"] is False
    assert (
        world.chargebee.get("customers", f"contact-{world.contact}")["meta_data"]["customerp"]["active"]
        is True
    )
    row = world.stack.entity("customerp-contact-collect", str(gone))
    assert row is None or row["_deleted"] is True


def test_a_price_changes_both_ways(world: World) -> None:
    user = world.tryton
    template = user.read("product.product", world.product, "template")["template"]
    user.write("product.template", template, list_price=decimal("52.50"))
    world.sync()
    price = next(
        row for row in world.chargebee.all("item_prices") if row["item_id"] == f"product-{world.product}"
    )
    assert price["price"] == 5250
    world.chargebee.post(f"item_prices/{price['id']}", price=6000)
    world.sync()
    assert user.read("product.template", template, "list_price")["list_price"] == decimal("60.00")


def test_in_the_end_nothing_moves(world: World) -> None:
    world.sync()
    before = world.written()
    world.sync()
    assert world.written() == before
    assert world.refused() == []
