"""A clock that is behind costs no edit and no deletion that was made when the other side had been synced.

Clocks that are wrong stay so here: one that jumps back makes records that no reader asks for any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.processes import Stack
from tests.e2e.conftest import World, _world
from tests.e2e.test_order_sync import chargebee_order, quoted, unix

AWRY_S = 90.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Stack(data="empty", folder=Path(tmp_path_factory.mktemp("clocks"))) as stack:
        yield _world(stack)


@pytest.fixture(scope="module")
def erp_is_behind(world: World) -> World:
    world.erp.faults(clock_skew_s=-AWRY_S)
    return world


@pytest.fixture(scope="module")
def chargebee_is_behind(world: World) -> World:
    """Behind the ERP, whose clock jumps ahead for it."""
    world.erp.faults(clock_skew_s=AWRY_S)
    return world


def edited_alone(world: World, in_erp: bool) -> None:
    """Both had the same from the start, so that nothing was written which its clock could be known from."""
    email = f"{in_erp}@clock.example"
    person = {"first_name": "Same", "last_name": "Person", "email": email}
    one, key = world.erp.create("contacts", **person)["id"], f"clock-{in_erp}"
    world.chargebee.post("customers", id=key, **person)
    world.sync()
    if in_erp:
        world.erp.patch("contacts", one, last_name="Edited")
    else:
        world.chargebee.post(f"customers/{key}", last_name="Edited")
    world.sync()
    seen = world.erp.get("contacts", one)["last_name"], world.chargebee.get("customers", key)["last_name"]
    assert seen == ("Edited", "Edited")
    golden = next(
        each for each in world.stack.entities("global-person") if f"~:customerp-contact:{one}" in each["$ids"]
    )
    assert isinstance(golden["golden"]["last_name"]["t"], str)


def test_an_edit_in_an_erp_that_is_behind(erp_is_behind: World) -> None:
    edited_alone(erp_is_behind, in_erp=True)


def test_a_deletion_in_an_erp_that_is_behind_archives_what_was_edited_before(erp_is_behind: World) -> None:
    world = erp_is_behind
    one = world.erp.create("products", sku="CL-1", name="Clock", type="goods")["id"]
    world.sync()
    item = world.erp.get("products", one)["external_refs"]["chargebee"]
    for status in ("archived", "active"):
        world.chargebee.post(f"items/{item}", status=status)
        world.sync()
    assert world.erp.get("products", one)["status"] == "active"
    world.erp.delete("products", one)
    world.sync()
    assert world.chargebee.get("items", item)["status"] == "archived"


def test_a_conversion_in_an_erp_that_is_behind(erp_is_behind: World) -> None:
    """What the new order says otherwise than its quote is later than all that was there to see."""
    world = erp_is_behind
    quote = quoted(world, "Quill", status="accepted")
    found = chargebee_order(world, quote["quote_number"])
    lines = [{"id": line["id"], "status": "partially_delivered"} for line in found["order_line_items"]]
    world.chargebee.post(f"orders/{found['id']}", order_date=unix("2026-07-01"), order_line_items=lines)
    world.sync()
    assert world.erp.get("quotes", quote["id"])["quote_date"] == "2026-07-01"
    order = world.erp.convert(quote["id"])
    assert order["order_date"] != "2026-07-01"
    world.sync()
    found = world.chargebee.get("orders", found["id"])
    assert found["order_date"] == unix(order["order_date"])
    assert {line["status"] for line in found["order_line_items"]} == {"queued"}
    assert world.erp.get("orders", order["id"])["order_date"] == order["order_date"]


def test_an_edit_in_a_chargebee_that_is_behind(chargebee_is_behind: World) -> None:
    edited_alone(chargebee_is_behind, in_erp=False)


@pytest.mark.parametrize("spelling", ["FJORD CLOCK A", " fjord clock b", "Fjord  Clock C"])
def test_a_name_that_the_other_side_spells_otherwise_was_there_to_see(
    chargebee_is_behind: World, spelling: str
) -> None:
    world = chargebee_is_behind
    name = " ".join(spelling.title().split())
    company = world.erp.create("customers", name=name, currency="NOK")["id"]
    theirs = world.chargebee.business_entity(spelling)["id"]
    world.sync()
    assert world.erp.get("customers", company)["business_entity_id"] == theirs
    world.erp.patch("customers", company, payment_terms_days=30)
    world.sync()
    world.chargebee.business_entity(f"Renamed {company}", key=theirs)
    world.sync()
    assert world.erp.get("customers", company)["name"] == f"Renamed {company}"


def test_a_deletion_in_a_chargebee_that_is_behind_makes_the_contact_inactive(
    chargebee_is_behind: World,
) -> None:
    world = chargebee_is_behind
    one = world.erp.create("contacts", first_name="Gone", last_name="Late", email="gone@clock.example")["id"]
    world.sync()
    world.chargebee.post(f"customers/contact-{one}/delete")
    world.sync()
    assert world.erp.get("contacts", one)["active"] is False
