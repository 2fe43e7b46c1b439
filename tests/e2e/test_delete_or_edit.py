"""Deleted on one side, edited on the other, neither synced yet: the edit wins and the delete is reported, or the delete wins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from stack.processes import Stack
from stack.settings import for_tests
from tests.e2e.conftest import World, _world

SETTINGS = [("archive", "edit"), ("archive", "delete"), ("delete", "edit"), ("delete", "delete")]


pytestmark = pytest.mark.slow


@pytest.fixture(
    scope="module", params=SETTINGS, ids=lambda each: f"deletes={each[0]},delete-or-edit={each[1]}"
)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    deletes, choice = request.param
    settings = for_tests(tmp_path_factory.mktemp("delete-or-edit"), "empty")
    with Stack(settings=replace(settings, variables={"deletes": deletes, "delete-or-edit": choice})) as stack:
        yield _world(stack)


def setting(world: World, name: str) -> str:
    return str(world.stack.settings.variables[name])


def judge(world: World, pipe: str, key: str, survives: bool, alive: bool) -> None:
    """`survives`: the record is there; `alive`: and is not archived. Both settings, for a share pipe's row."""
    edit_wins = setting(world, "delete-or-edit") == "edit"
    assert (survives, alive) == (
        (True, True) if edit_wins else (setting(world, "deletes") == "archive", False)
    )
    row = world.shared(pipe, key) or {}
    reported = [
        each
        for each in world.stack.entities("audit")
        if (each.get("error") or {}).get("rule") == "deleted-elsewhere" and each["record"] == key
    ]
    if edit_wins:
        assert (row["$status"], row["$error"]["rule"]) == ("pending", "deleted-elsewhere")
        shown = world.stack.node._call("GET", "/publishers/open-endpoint/csv").text
        assert f"{pipe}-share:{key},pending" in shown
        assert len(reported) == 1
    else:
        assert reported == []
    settled = world.writes()
    world.sync()
    assert world.writes() == settled


def there(getter: Any, kind: str, key: str) -> dict[str, Any] | None:
    """The record, None once it is deleted."""
    try:
        record: dict[str, Any] = getter(kind, key)
    except AssertionError:
        return None
    return None if record.get("deleted") or record.get("deleted_at") else record


def contact(world: World, name: str) -> tuple[str, str]:
    one = world.erp.create("contacts", first_name=name, last_name="DE", email=f"{name}@de.example")["id"]
    world.sync()
    return one, f"contact-{one}"


def test_contact_deleted_in_the_erp_and_customer_edited(world: World) -> None:
    person, key = contact(world, "gone-here")
    world.chargebee.post(f"customers/{key}", last_name="Edited")
    world.erp.delete("contacts", person)
    world.sync()
    found = there(world.chargebee.get, "customers", key)
    assert found is None or found["last_name"] == "Edited"
    judge(
        world,
        "chargebee-customer",
        key,
        found is not None,
        bool(found and found["meta_data"]["customerp"]["active"]),
    )


def test_customer_deleted_in_chargebee_and_contact_edited(world: World) -> None:
    person, key = contact(world, "gone-there")
    world.chargebee.post(f"customers/{key}/delete")
    world.erp.patch("contacts", person, last_name="Edited")
    world.sync()
    found = there(world.erp.get, "contacts", person)
    judge(world, "customerp-contact", person, found is not None, bool(found and found["active"]))


def test_customer_deleted_in_chargebee_and_employee_edited(world: World) -> None:
    one = world.erp.create("employees", first_name="Em", last_name="DE", email="em@de.example")["id"]
    world.sync()
    world.chargebee.post(f"customers/employee-{one}/delete")
    world.erp.patch("employees", one, last_name="Edited")
    world.sync()
    found = there(world.erp.get, "employees", one)
    judge(world, "customerp-employee", one, found is not None, bool(found and found["active"]))


def product(world: World, sku: str, **price: str) -> tuple[str, str]:
    one = world.erp.create("products", sku=sku, name=f"Product {sku}", type="goods", **price)["id"]
    world.sync()
    return one, world.erp.get("products", one)["external_refs"]["chargebee"]


def test_product_deleted_in_the_erp_and_item_edited(world: World) -> None:
    one, item = product(world, "DE-1", unit_price="1.00", currency="NOK")
    world.chargebee.post(f"items/{item}", description="Edited")
    world.erp.delete("products", one)
    world.sync()
    found = there(world.chargebee.get, "items", item)
    judge(
        world,
        "chargebee-item",
        item,
        found is not None and found["status"] != "deleted",
        bool(found and found["status"] == "active"),
    )


def test_item_deleted_in_chargebee_and_product_edited(world: World) -> None:
    one, item = product(world, "DE-2")
    world.chargebee.post(f"items/{item}/delete")
    world.erp.patch("products", one, description="Edited")
    world.sync()
    found = there(world.erp.get, "products", one)
    judge(world, "customerp-product", one, found is not None, bool(found and found["status"] == "active"))


def order(world: World, name: str) -> tuple[str, str]:
    company = world.erp.create("customers", name=f"Company {name}", currency="NOK")["id"]
    person = {
        "first_name": name,
        "last_name": "Buyer",
        "email": f"{name}@buyer.example",
        "is_billing_contact": True,
    }
    buyer = world.erp.create("contacts", customer_id=company, **person)["id"]
    line = {"description": "x", "quantity": "1", "unit_price": "10.00"}
    fields = {"status": "confirmed", "order_date": "2026-01-02", "currency": "NOK", "lines": [line]}
    one = world.erp.create("orders", customer_id=company, contact_id=buyer, **fields)["id"]
    world.sync()
    return one, world.erp.get("orders", one)["external_refs"]["chargebee"]


def test_order_deleted_in_the_erp_and_edited_in_chargebee(world: World) -> None:
    one, theirs = order(world, "ord-1")
    world.chargebee.post(f"orders/{theirs}", note="Edited")
    world.erp.delete("orders", one)
    world.sync()
    found = there(world.chargebee.get, "orders", theirs)
    judge(world, "chargebee-order", theirs, found is not None, bool(found and found["status"] != "cancelled"))


def test_order_deleted_in_chargebee_and_edited_in_the_erp(world: World) -> None:
    one, theirs = order(world, "ord-2")
    world.chargebee.post(f"orders/{theirs}/delete")
    world.erp.patch("orders", one, note="Edited")
    world.sync()
    found = there(world.erp.get, "orders", one)
    judge(world, "customerp-order", one, found is not None, bool(found and found["status"] != "cancelled"))


def test_an_edit_long_after_the_delete_changes_nothing_about_it(world: World) -> None:
    if setting(world, "deletes") == "delete":
        pytest.skip("nothing is left to edit")
    person, key = contact(world, "later")
    world.erp.delete("contacts", person)
    world.sync()
    world.chargebee.post(f"customers/{key}", last_name="Later")
    world.sync()
    assert world.chargebee.get("customers", key)["meta_data"]["customerp"]["active"] is False
    row = world.shared("chargebee-customer", key)
    assert row is not None and row["$status"] == "ok"


def test_an_edit_that_was_synced_before_the_delete_is_no_objection(world: World) -> None:
    person, key = contact(world, "before")
    world.chargebee.post(f"customers/{key}", last_name="Synced")
    world.sync()
    world.erp.delete("contacts", person)
    world.sync()
    found = there(world.chargebee.get, "customers", key)
    assert found is None or found["meta_data"]["customerp"]["active"] is False


def test_another_spelling_of_an_address_is_no_objection(world: World) -> None:
    """Either side keeps its own: that is no edit which a deletion would have to give way to."""
    one = world.erp.create("contacts", last_name="Case", email="case@de.example")["id"]
    world.chargebee.post("customers", id="case", last_name="Case", email="CASE@de.example")
    world.sync()
    world.erp.delete("contacts", one)
    world.sync()
    found = there(world.chargebee.get, "customers", "case")
    assert found is None or found["meta_data"]["customerp"]["active"] is False


def company(world: World, name: str) -> tuple[str, str]:
    one = world.erp.create("customers", name=name, currency="NOK", status="active")["id"]
    theirs = world.chargebee.business_entity(name)["id"]
    world.sync()
    assert world.erp.get("customers", one)["business_entity_id"] == theirs
    return one, theirs


def quoted(world: World) -> tuple[str, str, str]:
    """A quote that became an order, whose note is gone by now: quote, order and Chargebee order."""
    buyer = world.erp.create("contacts", first_name="Q", last_name="Buyer", email="q@buyer.example")["id"]
    line = {"description": "x", "quantity": "1", "unit_price": "10.00"}
    fields = {
        "status": "accepted",
        "quote_date": "2026-01-02",
        "currency": "NOK",
        "lines": [line],
        "note": "Q",
    }
    quote = world.erp.create("quotes", contact_id=buyer, **fields)["id"]
    world.sync()
    one = world.erp.convert(quote)["id"]
    world.sync()
    world.erp.patch("orders", one, note=None)
    world.sync()
    return quote, one, world.erp.get("orders", one)["external_refs"]["chargebee"]


def test_a_node_that_lost_everything_carries_out_no_deletion(world: World) -> None:
    """In every mapping, both ways: whether the counterpart was edited since can not be told; a person decides."""
    erp, chargebee = world.erp, world.chargebee
    here, there_too = contact(world, "new-node-1"), contact(world, "new-node-2")
    staff = erp.create("employees", first_name="Em", last_name="DE", email="new-node@de.example")["id"]
    sold, bought = product(world, "DE-3", unit_price="1.00", currency="NOK"), product(world, "DE-4")
    (_, converted, from_quote), ordered = quoted(world), order(world, "ord-3")
    took = order(world, "ord-4")
    firm, entity = company(world, "New Node AS")
    erp.delete("contacts", here[0])
    erp.delete("products", sold[0])
    erp.delete("orders", converted)
    erp.delete("orders", took[0])
    chargebee.post(f"customers/{there_too[1]}/delete")
    chargebee.post(f"customers/employee-{staff}/delete")
    chargebee.post(f"items/{bought[1]}/delete")
    chargebee.post(f"orders/{ordered[1]}/delete")
    requests.delete(f"{chargebee.root}/_sandbox/business_entities/{entity}", timeout=60).raise_for_status()
    mapped = {
        "chargebee-customer": here[1], "customerp-contact": there_too[0], "customerp-employee": staff,
        "chargebee-item": sold[1], "customerp-product": bought[0], "chargebee-order": took[1],
        "customerp-order": ordered[0], "customerp-customer": firm,
    }  # fmt: skip
    status = chargebee.get("orders", from_quote)["status"]

    world.stack.wipe_node()
    before = world.writes()
    world.sync()
    world.sync()
    assert world.writes() == before
    rows = {pipe: world.shared(pipe, key) or {} for pipe, key in mapped.items()}
    told = {pipe: (row.get("$status"), (row.get("$error") or {}).get("rule")) for pipe, row in rows.items()}
    assert told == dict.fromkeys(mapped, ("pending", "deleted-elsewhere"))
    assert chargebee.get("orders", from_quote)["status"] == status, "nor of one that a quote still stands for"

    person, key = contact(world, "new-node-3")
    world.erp.delete("contacts", person)
    world.sync()
    found = there(world.chargebee.get, "customers", key)
    assert found is None or found["meta_data"]["customerp"]["active"] is False, "what it knows alive goes on"


def test_a_deletion_carried_out_before_is_no_open_case_for_a_new_node(world: World) -> None:
    if setting(world, "deletes") == "delete":
        pytest.skip("nothing is left to report")
    person, key = contact(world, "done")
    one, item = product(world, "DE-5")
    world.erp.delete("contacts", person)
    world.erp.delete("products", one)
    world.sync()
    world.stack.wipe_node()
    world.sync()
    for pipe, mine in (("chargebee-customer", key), ("chargebee-item", item)):
        row = world.shared(pipe, mine)
        assert row is None or row["$status"] == "ok"
