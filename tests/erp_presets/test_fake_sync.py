"""ERPs whose software cannot be had here, as their public documentation describes them, kept in sync with Chargebee.

What people do in the ERP appears in Chargebee, and back, by the preset and the shipped pipes. The tests of one ERP
follow one another like days at the office, on one running stack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from stack.processes import Stack
from stack.settings import for_tests
from tests.erp_presets.fakes import FAKES
from tests.erp_presets.fakes.serving import FakeErp, serving
from tests.support.systems import Chargebee

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
JULY = 1782864000
"""The first of July 2026, as Chargebee writes it."""


@dataclass
class World:
    """Both systems, as the people in them see them, and the records that the first test makes."""

    erp: FakeErp
    chargebee: Chargebee
    stack: Stack
    company: str = ""
    contact: str = ""
    employee: str = ""
    product: str = ""
    quote: str = ""
    order: str = ""

    def sync(self) -> None:
        self.stack.sync()

    def refused(self) -> list[Any]:
        """What a share pipe could not carry out, in whole or in part."""
        bad = ("rejected", "conflict", "quarantined", "gone")
        return [
            (pipe, row["_id"], row.get("$error") or row.get("$refused"))
            for pipe in self.stack.share_pipes()
            for row in self.stack.entities(f"{pipe}-share")
            if (row.get("$status") in bad or row.get("$refused")) and not row.get("_deleted")
        ]

    def sale(self, kind: str, key: str) -> dict[str, Any]:
        """The order in Chargebee that was made from a quote or order; long keys are cut in its id."""
        start = f"{kind}-{key}"[:24]
        (found,) = [order for order in self.chargebee.all("orders") if order["id"].startswith(start)]
        return found

    def written(self) -> tuple[int, int]:
        """Writes to either system so far."""
        return self.chargebee.writes(), self.erp.changes()


@pytest.fixture(scope="module", params=FAKES, ids=lambda fake: fake.preset)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    erp: FakeErp = request.param()
    with serving(erp.app) as url:
        plain = for_tests(tmp_path_factory.mktemp("stack"), "empty")
        folder = tmp_path_factory.mktemp("erp")
        settings = {"ERP_PROFILE": erp.profile(folder), **erp.environment(url, folder)}
        with Stack(
            settings=replace(plain, real_erp=True, environment={**plain.environment, **settings})
        ) as stack:
            yield World(erp, Chargebee(stack.chargebee_sandbox_url), stack)


def test_what_is_made_in_the_erp_appears_in_chargebee(world: World) -> None:
    erp = world.erp
    world.chargebee.business_entity("Acme AS")
    world.company = erp.company("Acme AS", "post@acme.example")
    world.contact = erp.contact("Kari", "Nordmann", "kari@acme.example", "+47 22 00", "Oslo", world.company)
    world.product = erp.product("CHAIN", "Anchor chain", "49.90", "Galvanised")
    world.order = erp.sale("order", world.company, world.contact, world.product, 3, "45.00", "At the gate")
    if erp.has.quotes:
        world.quote = erp.sale("quote", world.company, world.contact, world.product, 2, "49.90", "Ring first")
    if erp.has.employees:
        world.employee = erp.employee("Ola", "Selger", "ola@fjell.example")
    world.sync()

    assert world.refused() == []
    kari = world.chargebee.get("customers", f"contact-{world.contact}")
    assert (kari["first_name"], kari["last_name"], kari["email"], kari["phone"]) == (
        "Kari",
        "Nordmann",
        "kari@acme.example",
        "+47 22 00",
    )
    assert (kari["billing_address"]["city"], kari["billing_address"]["country"]) == ("Oslo", "NO")
    if erp.has.people_at_companies:
        assert kari["company"] == "Acme AS"
    item = world.chargebee.get("items", f"product-{world.product}")
    assert (item["name"], item["description"]) == ("Anchor chain", "Galvanised")
    (price,) = world.chargebee.all("item_prices")
    assert (price["price"], price["accounting_detail"]["sku"]) == (4990, "CHAIN")
    order = world.sale("order", world.order)
    assert (order["status"], order["customer_id"], order["total"], order["note"]) == (
        "queued",
        f"contact-{world.contact}",
        13500,
        "At the gate",
    )
    if erp.has.quotes:
        quote = world.sale("quote", world.quote)
        assert (quote["status"], quote["note"], quote["total"]) == ("on_hold", "Ring first", 9980)
    if erp.has.employees:
        assert world.chargebee.get("customers", f"employee-{world.employee}")["last_name"] == "Selger"


def test_links_are_kept_in_both_systems(world: World) -> None:
    kari = world.chargebee.get("customers", f"contact-{world.contact}")
    assert kari["meta_data"]["customerp"]["contact_id"] == world.contact
    if world.erp.has.links_on_contacts:
        assert (world.erp.see_contact(world.contact) or {})["link"] == f"contact-{world.contact}"
    assert world.erp.see_product(world.product)["link"] == f"product-{world.product}"


def test_nothing_bounces(world: World) -> None:
    before = world.written()
    world.sync()
    world.sync()
    assert world.written() == before


def test_edits_in_the_erp_reach_chargebee(world: World) -> None:
    world.erp.edit_contact(world.contact, email="kari.n@acme.example")
    world.erp.edit_product(world.product, name="Chain", price="52.50")
    world.erp.edit_note("order", world.order, "By the back door")
    world.sync()
    assert world.chargebee.get("customers", f"contact-{world.contact}")["email"] == "kari.n@acme.example"
    assert world.chargebee.get("items", f"product-{world.product}")["name"] == "Chain"
    (price,) = world.chargebee.all("item_prices")
    assert price["price"] == 5250
    assert world.sale("order", world.order)["note"] == "By the back door"
    assert world.refused() == []


def test_edits_in_chargebee_reach_the_erp(world: World) -> None:
    world.chargebee.post(f"customers/contact-{world.contact}", phone="+47 33 33", last_name="Normann")
    world.chargebee.post(f"items/product-{world.product}", description="Stainless")
    (price,) = world.chargebee.all("item_prices")
    world.chargebee.post(f"item_prices/{price['id']}", price=6000)
    world.chargebee.post(f"orders/{world.sale('order', world.order)['id']}", note="Ring twice")
    world.sync()
    kari = world.erp.see_contact(world.contact) or {}
    assert (kari["first"], kari["last"], kari["phone"], kari["email"]) == (
        "Kari",
        "Normann",
        "+47 33 33",
        "kari.n@acme.example",
    )
    chain = world.erp.see_product(world.product)
    assert (chain["name"], chain["description"], chain["price"]) == ("Chain", "Stainless", "60.00")
    assert world.erp.see_note("order", world.order) == "Ring twice"
    assert world.refused() == []


def test_edits_of_different_fields_on_both_sides_both_stay(world: World) -> None:
    world.erp.edit_contact(world.contact, city="Bergen")
    world.chargebee.post(f"customers/contact-{world.contact}", first_name="Karin")
    world.sync()
    kari = world.chargebee.get("customers", f"contact-{world.contact}")
    assert (kari["first_name"], kari["billing_address"]["city"]) == ("Karin", "Bergen")
    there = world.erp.see_contact(world.contact) or {}
    assert (there["first"], there["last"], there["city"]) == ("Karin", "Normann", "Bergen")


def test_a_quote_becomes_an_order_without_a_twin(world: World) -> None:
    if not world.erp.has.quotes or not world.erp.has.wins:
        pytest.skip("this ERP has no quotes, or its orders do not say what they were made from")
    before = len(world.chargebee.all("orders"))
    world.erp.win(world.quote)
    world.sync()
    orders = world.chargebee.all("orders")
    assert len(orders) == before
    assert world.sale("quote", world.quote)["status"] == "queued"
    assert world.refused() == []


def test_who_is_born_in_chargebee_is_made_in_the_erp(world: World) -> None:
    if not world.erp.has.makes_contacts:
        pytest.skip("this ERP's persons are made with their companies")
    address = {"line1": "Kirkegata 1", "city": "Tromsø", "zip": "9008", "country": "NO"}
    world.chargebee.post(
        "customers",
        id="cb'per",
        first_name="Per",
        last_name="O'Hansen",
        email="per@cb.example",
        billing_address=address,
    )
    world.sync()
    key = world.erp.find_contact("per@cb.example")
    per = world.erp.see_contact(key) or {}
    assert (per["first"], per["last"], per["city"], per["link"]) == ("Per", "O'Hansen", "Tromsø", "cb'per")
    assert world.refused() == []


def test_what_is_born_in_chargebee_is_made_in_the_erp(world: World) -> None:
    if not world.erp.has.makes_products:
        pytest.skip("this ERP's products are made by people")
    family = world.chargebee.all("item_families")[0]["id"]
    currency = world.chargebee.all("item_prices")[0]["currency_code"]
    world.chargebee.post("items", id="cb-bolt", name="Bolt", type="charge", item_family_id=family)
    price = {"pricing_model": "per_unit", "price": 125, "currency_code": currency}
    world.chargebee.post("item_prices", id="cb-bolt-1", item_id="cb-bolt", name="Bolt price", **price)
    world.sync()
    made = [world.erp.see_product(key) for key in world.erp.products()]
    assert [one["price"] for one in made if one["link"] == "cb-bolt"] == ["1.25"]
    assert world.refused() == []


def test_a_deletion_is_noticed(world: World) -> None:
    if not world.erp.has.deletions:
        pytest.skip("nothing tells an incremental read of a deletion")
    gone = world.erp.contact("Short", "Visit", "short@visit.example", "", "Oslo", world.company)
    world.sync()
    customer = f"contact-{gone}"
    assert world.chargebee.get("customers", customer)["meta_data"]["customerp"]["active"] is True
    world.erp.remove_contact(gone)
    world.sync()
    assert world.chargebee.get("customers", customer)["meta_data"]["customerp"]["active"] is False
    kari = world.chargebee.get("customers", f"contact-{world.contact}")
    assert kari["meta_data"]["customerp"]["active"] is True


def test_in_the_end_nothing_moves(world: World) -> None:
    world.sync()
    before = world.written()
    world.sync()
    assert world.written() == before
    assert world.refused() == []
