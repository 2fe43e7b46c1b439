"""Customer ↔ Business_entity: read-only in Chargebee's API, so pending with what to do, then linked by itself."""

from __future__ import annotations

from tests.e2e.conftest import World


def test_an_erp_customer_waits_for_its_business_entity_and_then_links(world: World) -> None:
    company = world.erp.create("customers", name="Lofoten Laks AS")
    world.sync()
    row = next(
        r for r in world.rows("chargebee-business_entity") if "Lofoten Laks AS" in str(r.get("$error"))
    )
    assert row["$status"] == "pending"
    entity = world.chargebee.business_entity(" lofoten laks as")
    world.sync()
    assert world.erp.get("customers", company["id"])["business_entity_id"] == entity["id"]
    assert not [
        r
        for r in world.rows("chargebee-business_entity")
        if r.get("$status") == "pending" and "Lofoten" in str(r.get("$error"))
    ]
    contact = world.erp.create(
        "contacts", first_name="Liv", email="liv@lofoten.example", customer_id=company["id"]
    )
    world.sync()
    assert world.chargebee.get("customers", f"contact-{contact['id']}")["business_entity_id"] == entity["id"]


def test_a_business_entity_becomes_a_customer_and_its_edits_travel(world: World) -> None:
    entity = world.chargebee.business_entity("Blåfjell Energi")
    world.sync()
    company = next(c for c in world.erp.all("customers") if c["business_entity_id"] == entity["id"])
    assert (company["name"], company["status"]) == ("Blåfjell Energi", "active")
    before = world.writes()
    world.chargebee.business_entity("Blåfjell Kraft", key=entity["id"], status="inactive")
    world.sync()
    company = world.erp.get("customers", company["id"])
    assert (company["name"], company["status"]) == ("Blåfjell Kraft", "inactive")
    assert world.erp.writes() - before[0] == 1
    world.erp.patch("customers", company["id"], status="blocked")
    world.chargebee.business_entity("Blåfjell Kraft", key=entity["id"], status="active")
    world.sync()
    assert world.erp.get("customers", company["id"])["status"] == "blocked", "blocked is the ERP's own"


def test_a_differing_name_is_reported_as_drift(world: World) -> None:
    entity = world.chargebee.business_entity("Drift Holding")
    company = world.erp.create("customers", name="Drift Holding")
    world.sync()
    assert world.erp.get("customers", company["id"])["business_entity_id"] == entity["id"]
    world.erp.patch("customers", company["id"], name="Drift Group")
    world.sync()
    row = world.shared("chargebee-business_entity", entity["id"])
    assert row is not None
    assert row["$status"] == "pending"
    assert "Drift Group" in str(row["$error"])
