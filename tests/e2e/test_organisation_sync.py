"""Customer ↔ Business_entity: read-only in Chargebee's API, so pending with what to do, then linked by itself."""

from __future__ import annotations

import json
import unicodedata

from stack.environment import ROOT
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


def test_a_name_matches_whether_its_letters_are_one_character_or_two(world: World) -> None:
    """macOS and some web forms send a letter and its mark, most ERPs one character."""
    names = {"NFC": "Åsgård Café Šiška Đặng Ёлка", "NFD": "Özgür Bäckerei Νέα Ļeņins"}
    made = {}
    for theirs, name in names.items():
        ours = "NFD" if theirs == "NFC" else "NFC"
        company = world.erp.create("customers", name=unicodedata.normalize(ours, name))
        made[company["id"]] = world.chargebee.business_entity(unicodedata.normalize(theirs, name))["id"]
    count = len(world.erp.all("customers"))
    world.sync()
    assert {key: world.erp.get("customers", key)["business_entity_id"] for key in made} == made
    assert len(world.erp.all("customers")) == count, "no twin"
    settled = world.writes()
    world.sync()
    assert world.writes() == settled


def test_the_letters_that_names_are_matched_by_are_all_there() -> None:
    wanted = {}
    for letter in map(chr, range(0xC0, 0x2000)):
        sequence = unicodedata.normalize("NFD", letter)
        is_known = unicodedata.name(letter, "").startswith(("LATIN", "GREEK", "CYRILLIC"))
        if (
            is_known
            and letter == letter.lower()
            and sequence != letter == unicodedata.normalize("NFC", letter)
        ):
            wanted[sequence] = letter
    for name in ("prod-env.json", "test-env.json"):
        assert json.loads((ROOT / name).read_text(encoding="utf-8"))["composed-letters"] == wanted
