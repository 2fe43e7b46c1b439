"""Contact ↔ Customer and Employee ↔ Customer, every mapped property, judged by the sandboxes' own APIs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import World

ADDRESS = {
    "line1": "Kirkegata 1", "line2": "2. etasje", "line3": "c/o Berg", "city": "Ærøskøbing",
    "state": "Fyn", "postal_code": "5970", "country": "DK",
}  # fmt: skip
MOVED = {
    "line1": "Rue de l'Église 7", "line2": "Bât. B", "line3": "Escalier 3", "city": "Genève",
    "state": "GE", "postal_code": "1204", "country": "CH",
}  # fmt: skip


def billing(address: dict[str, str]) -> dict[str, str]:
    return {("zip" if k == "postal_code" else k): v for k, v in address.items()}


def shows(record: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each expected value is there; nested dicts are compared on the keys given."""
    for key, value in expected.items():
        found = record.get(key)
        if isinstance(value, dict):
            found = {k: (found or {}).get(k) for k in value}
        assert found == value, f"{key}: {found!r}, expected {value!r} in {record}"


PERSON = {"first_name": "Øystein", "last_name": "O'Neil", "phone": "+47 22 22 22 22", "language": "nb"}
AS_CUSTOMER = {"first_name": "Øystein", "last_name": "O'Neil", "phone": "+47 22 22 22 22", "locale": "nb"}
EDITED = {"first_name": "株式", "last_name": "Sørensen 😀", "phone": "+41 44 668 18 00", "language": "fr-CH"}
EDITED_AS_CUSTOMER = {
    "first_name": "株式",
    "last_name": "Sørensen 😀",
    "phone": "+41 44 668 18 00",
    "locale": "fr-CH",
}


@pytest.mark.parametrize("kind", ["contacts", "employees"])
def test_erp_person_becomes_a_customer_and_every_edit_travels_both_ways(world: World, kind: str) -> None:
    one = kind[:-1]
    company = world.erp.create(
        "customers", name=f"Fjord {kind} AS", currency="NOK", payment_terms_days=30, vat_number="NO999"
    )
    extra = {"customer_id": company["id"]} if one == "contact" else {"company_name": company["name"]}
    person = world.erp.create(kind, email=f"Oystein.{one}@example.com", address=ADDRESS, **PERSON, **extra)
    world.sync()
    key = f"{one}-{person['id']}"
    customer = world.chargebee.get("customers", key)
    shows(
        customer,
        {
            **AS_CUSTOMER,
            "email": f"Oystein.{one}@example.com",
            "company": company["name"],
            "billing_address": billing(ADDRESS),
        },
    )
    assert customer["meta_data"]["customerp"][f"{one}_id"] == person["id"]
    assert customer["meta_data"]["customerp"]["active"] is True
    if one == "contact":
        shows(customer, {"vat_number": "NO999", "preferred_currency_code": "NOK", "net_term_days": 30})
    assert world.erp.get(kind, person["id"])["external_refs"]["chargebee"] == key

    before = world.writes()
    world.erp.patch(kind, person["id"], email=f"new.{one}@example.com", address=MOVED, **EDITED)
    world.sync()
    shows(
        world.chargebee.get("customers", key),
        {**EDITED_AS_CUSTOMER, "email": f"new.{one}@example.com", "billing_address": billing(MOVED)},
    )
    assert (world.erp.writes() - before[0], world.chargebee.writes() - before[1]) == (
        1,
        2,
    )  # the edit; plain + billing info

    before = world.writes()
    world.chargebee.post(f"customers/{key}", email=f"back.{one}@example.com", **AS_CUSTOMER)
    world.chargebee.bill(key, billing_address=billing(ADDRESS))
    world.sync()
    shows(
        world.erp.get(kind, person["id"]), {**PERSON, "email": f"back.{one}@example.com", "address": ADDRESS}
    )
    assert (world.erp.writes() - before[0], world.chargebee.writes() - before[1]) == (1, 2)

    before = world.writes()
    world.erp.patch(kind, person["id"], phone=None)
    world.sync()
    assert "phone" not in world.chargebee.get("customers", key), "a deliberate clear travels"
    assert (world.erp.writes() - before[0], world.chargebee.writes() - before[1]) == (1, 1)

    world.erp.delete(kind, person["id"])
    world.sync()
    assert world.chargebee.get("customers", key)["meta_data"]["customerp"]["active"] is False
    settled = world.writes()
    world.sync()
    assert world.writes() == settled


def test_what_the_erp_alone_decides(world: World) -> None:
    company = world.erp.create(
        "customers", name="Before AS", currency="EUR", payment_terms_days=14, vat_number="DE111"
    )
    person = world.erp.create(
        "contacts",
        first_name="Ann",
        email="ann.terms@example.com",
        customer_id=company["id"],
        mobile="+47 900 00 000",
    )
    world.sync()
    key = f"contact-{person['id']}"
    shows(world.chargebee.get("customers", key), {"company": "Before AS", "phone": "+47 900 00 000"})
    world.erp.patch("customers", company["id"], name="After AS", vat_number="DE222", payment_terms_days=60)
    world.erp.patch("contacts", person["id"], active=False)
    world.sync()
    customer = world.chargebee.get("customers", key)
    shows(customer, {"company": "After AS", "vat_number": "DE222", "net_term_days": 60})
    assert customer["meta_data"]["customerp"]["active"] is False


def test_different_properties_edited_on_both_sides_both_survive(world: World) -> None:
    person = world.erp.create(
        "contacts", first_name="Both", last_name="Sides", email="both@example.com", phone="1"
    )
    world.sync()
    key = f"contact-{person['id']}"
    world.erp.patch("contacts", person["id"], last_name="Ends")
    world.chargebee.post(f"customers/{key}", phone="2")
    world.sync()
    shows(world.chargebee.get("customers", key), {"last_name": "Ends", "phone": "2"})
    shows(world.erp.get("contacts", person["id"]), {"last_name": "Ends", "phone": "2"})


def test_the_later_edit_of_one_property_wins_on_both_sides(world: World) -> None:
    person = world.erp.create("contacts", first_name="Early", last_name="Late", email="later@example.com")
    world.sync()
    key = f"contact-{person['id']}"
    world.erp.patch("contacts", person["id"], first_name="First")
    world.chargebee.post(f"customers/{key}", first_name="Second")
    world.sync()
    assert world.chargebee.get("customers", key)["first_name"] == "Second"
    assert world.erp.get("contacts", person["id"])["first_name"] == "Second"
    world.chargebee.post(f"customers/{key}", first_name="Third")
    world.erp.patch("contacts", person["id"], first_name="Fourth")
    world.sync()
    assert world.chargebee.get("customers", key)["first_name"] == "Fourth"
    assert world.erp.get("contacts", person["id"])["first_name"] == "Fourth"


def test_contact_and_employee_with_one_email_are_one_customer(world: World) -> None:
    contact = world.erp.create("contacts", first_name="Kari", last_name="Nordmann", email="KARI@example.com")
    employee = world.erp.create(
        "employees", first_name="Kari", last_name="Nordmann", email=" kari@example.com"
    )
    world.sync()
    customers = [
        c
        for c in world.chargebee.all("customers")
        if c.get("email", "").strip().lower() == "kari@example.com"
    ]
    assert len(customers) == 1
    assert customers[0]["meta_data"]["customerp"] == {
        "contact_id": contact["id"],
        "employee_id": employee["id"],
        "active": True,
    }
    world.chargebee.post(f"customers/{customers[0]['id']}", last_name="Svensson")
    world.sync()
    assert world.erp.get("contacts", contact["id"])["last_name"] == "Svensson"
    assert world.erp.get("employees", employee["id"])["last_name"] == "Svensson"


def test_a_customer_born_in_chargebee_becomes_a_contact(world: World) -> None:
    customer = world.chargebee.post(
        "customers", id="cb-born-1", email="born@example.com", billing_address=billing(ADDRESS), **AS_CUSTOMER
    )
    world.sync()
    found = [c for c in world.erp.all("contacts") if c["external_refs"].get("chargebee") == customer["id"]]
    assert len(found) == 1
    shows(found[0], {**PERSON, "email": "born@example.com", "address": ADDRESS})
    assert (
        world.chargebee.get("customers", "cb-born-1")["meta_data"]["customerp"]["contact_id"]
        == found[0]["id"]
    )
    world.chargebee.post("customers/cb-born-1/delete")
    world.sync()
    assert world.erp.get("contacts", found[0]["id"])["active"] is False
    settled = world.writes()
    world.sync()
    assert world.writes() == settled


def test_shared_addresses_never_merge_people(world: World) -> None:
    one = world.erp.create("contacts", first_name="Info", last_name="One", email="info@shared.example")
    two = world.erp.create("contacts", first_name="Info", last_name="Two", email="info@shared.example")
    world.sync()
    found = [c for c in world.chargebee.all("customers") if c.get("email") == "info@shared.example"]
    assert sorted(c["id"] for c in found) == sorted([f"contact-{one['id']}", f"contact-{two['id']}"])


def test_an_ambiguous_customer_is_reported_and_nothing_is_made(world: World) -> None:
    world.chargebee.post(
        "customers", id="either", first_name="Ei", last_name="Ther", email="post@either.example"
    )
    one = world.erp.create("contacts", first_name="A", last_name="Either", email="post@either.example")
    two = world.erp.create("contacts", first_name="B", last_name="Either", email="Post@either.example")
    world.sync()
    assert [
        c["id"]
        for c in world.chargebee.all("customers")
        if c.get("email", "").lower() == "post@either.example"
    ] == ["either"]
    assert [
        c["id"] for c in world.erp.all("contacts") if (c["email"] or "").lower() == "post@either.example"
    ] == [one["id"], two["id"]]
    pending = [row for row in world.rows("chargebee-customer") if row.get("$status") == "pending"]
    assert {row["$error"]["rule"] for row in pending} == {"ambiguous"}
    assert len(pending) == 2
    world.erp.patch("contacts", one["id"], external_refs={"chargebee": "either"})
    world.sync()
    assert world.chargebee.get("customers", "either")["meta_data"]["customerp"]["contact_id"] == one["id"]
    assert world.erp.get("contacts", two["id"])["external_refs"]["chargebee"] == f"contact-{two['id']}"


def test_whom_chargebee_has_erased_is_not_erased_in_the_erp_nor_written_to(world: World) -> None:
    contact = world.erp.create(
        "contacts",
        first_name="Erna",
        last_name="Erased",
        email="erna@erased.example",
        phone="+47 1",
        address=ADDRESS,
    )
    world.sync()
    key = f"contact-{contact['id']}"
    before = world.erp.get("contacts", contact["id"])
    world.chargebee.post(f"customers/{key}/clear_personal_data")
    writes = world.writes()
    world.sync()
    after = world.erp.get("contacts", contact["id"])
    assert {name: value for name, value in after.items() if before[name] != value} == {}
    row = world.shared("chargebee-customer", key)
    assert row is not None
    assert (row["$status"], row["$error"]["rule"]) == ("pending", "erased")
    world.erp.patch("contacts", contact["id"], first_name="Ernie")
    world.sync()
    assert world.erp.get("contacts", contact["id"])["first_name"] == "Ernie"
    assert world.erp.writes() - writes[0] == 1
    assert "Ernie" not in str(world.chargebee.get("customers", key))
