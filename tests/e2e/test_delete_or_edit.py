"""Deleted on one side, edited on the other, neither synced yet: the edit wins and the delete is reported, or the delete wins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

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
