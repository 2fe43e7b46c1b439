"""What a person decides: unlinking, relinking, telling an ambiguous match, retrying what was rejected."""

from __future__ import annotations

from typing import Any

import requests

from tests.e2e.conftest import World
from tests.support import commands


def stack(world: World, *words: str) -> str:
    """A command of `python -m stack`, as a person gives it; its output."""
    done = commands.stack(*words, "--node", world.stack.node.url)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sizes(world: World) -> tuple[int, ...]:
    erp = [len(world.erp.all(kind)) for kind in ("contacts", "products", "orders", "customers")]
    return (*erp, *(len(world.chargebee.all(kind)) for kind in ("customers", "items", "orders")))


def quiet_edits(world: World, edits: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Each edit is made and nothing else is written because of it."""
    before = world.writes()
    for kind, key, fields in edits:
        if "/" in kind or kind in ("items",):
            world.chargebee.post(f"{kind.strip('/')}/{key}", **fields)
        else:
            world.erp.patch(kind, key, **fields)
    world.sync()
    assert sum(world.writes()) - sum(before) == len(edits), "nobody overwrites anybody"


def test_unlinked_people_are_left_alone_and_relinked_they_sync_again(world: World) -> None:
    one = world.erp.create("contacts", first_name="Un", last_name="Linked", email="un@linked.example")["id"]
    world.sync()
    key, count = f"contact-{one}", sizes(world)
    assert f"unlink chargebee-customer:{key}" in stack(world, "unlink", "customerp", "contact", one)
    world.sync()
    quiet_edits(world, [("contacts", one, {"phone": "1"}), ("customers/", key, {"first_name": "Other"})])
    assert sizes(world) == count, "no twin"
    assert world.erp.get("contacts", one)["first_name"] == "Un"
    assert "phone" not in world.chargebee.get("customers", key)

    world.stack.wipe_node()
    decision = {
        "_id": "1",
        "decision": "unlink",
        "records": [f"customerp-contact:{one}", f"chargebee-customer:{key}"],
    }
    requests.post(
        f"{world.stack.node.url}/receivers/decisions/entities", json=[decision], timeout=60
    ).raise_for_status()
    before = world.writes()
    world.sync()
    assert (world.writes(), sizes(world)) == (before, count), (
        "a decision holds on a node that forgot everything else"
    )

    stack(world, "relink", "customerp", "contact", one, "chargebee", "customer", key)
    world.sync()
    assert world.erp.get("contacts", one)["first_name"] == "Other"
    assert world.chargebee.get("customers", key)["phone"] == "1"
    assert sizes(world) == count


def test_a_wrong_pair_is_put_right(world: World) -> None:
    """B's customer is given to A: A's own and B are left alone, nothing is created, and A and it sync."""
    a, b = (
        world.erp.create("contacts", first_name=name, last_name="Wrong", email=f"{name}@wrong.example")["id"]
        for name in ("a", "b")
    )
    world.sync()
    count = sizes(world)
    said = stack(world, "relink", "customerp", "contact", a, "chargebee", "customer", f"contact-{b}")
    assert said.count("unlink") == 2
    world.sync()
    assert world.erp.get("contacts", a)["external_refs"]["chargebee"] == f"contact-{b}"
    given = world.chargebee.get("customers", f"contact-{b}")
    assert given["meta_data"]["customerp"]["contact_id"] == a
    quiet_edits(world, [("contacts", b, {"phone": "7"}), ("customers/", f"contact-{a}", {"phone": "8"})])
    world.erp.patch("contacts", a, phone="9")
    world.sync()
    assert world.chargebee.get("customers", f"contact-{b}")["phone"] == "9"
    assert sizes(world) == count


def test_products_are_unlinked_and_relinked(world: World) -> None:
    fields = {"sku": "UNLINK-1", "name": "Unlinked", "type": "goods", "unit_price": "1.00", "currency": "NOK"}
    product = world.erp.create("products", **fields)["id"]
    world.sync()
    item = world.erp.get("products", product)["external_refs"]["chargebee"]
    count = sizes(world)
    stack(world, "unlink", "customerp", "product", product)
    world.sync()
    quiet_edits(world, [("products", product, {"name": "Mine"}), ("items", item, {"description": "Theirs"})])
    assert sizes(world) == count
    stack(world, "relink", "chargebee", "item", item, "customerp", "product", product)
    world.sync()
    assert world.chargebee.get("items", item)["name"] == "Mine"
    assert world.erp.get("products", product)["description"] == "Theirs"


def test_orders_are_unlinked_and_relinked(world: World) -> None:
    company = world.erp.create("customers", name="Order Apart AS", currency="NOK")["id"]
    person = world.erp.create(
        "contacts",
        first_name="O",
        last_name="A",
        email="oa@apart.example",
        customer_id=company,
        is_billing_contact=True,
    )["id"]
    line = {"description": "x", "quantity": "1", "unit_price": "10.00"}
    order = world.erp.create(
        "orders",
        customer_id=company,
        contact_id=person,
        status="confirmed",
        order_date="2026-01-02",
        currency="NOK",
        lines=[line],
    )["id"]
    world.sync()
    theirs = world.erp.get("orders", order)["external_refs"]["chargebee"]
    count = sizes(world)
    stack(world, "unlink", "customerp", "order", order)
    world.sync()
    quiet_edits(
        world, [("orders", order, {"note": "mine"}), ("orders/", theirs, {"shipment_carrier": "Posten"})]
    )
    assert sizes(world) == count
    stack(world, "relink", "customerp", "order", order, "chargebee", "order", theirs)
    world.sync()
    assert world.chargebee.get("orders", theirs)["note"] == "mine"
    assert world.erp.get("orders", order)["shipment_carrier"] == "Posten"


def test_companies_are_unlinked_and_relinked(world: World) -> None:
    entity = world.chargebee.business_entity("Company Apart AS")
    company = world.erp.create("customers", name="Company Apart AS", currency="NOK")["id"]
    world.sync()
    assert world.erp.get("customers", company)["business_entity_id"] == entity["id"]
    count = sizes(world)
    stack(world, "unlink", "customerp", "customer", company)
    world.sync()
    world.chargebee.business_entity("Renamed Apart AS", entity["id"])
    world.sync()
    assert world.erp.get("customers", company)["name"] == "Company Apart AS"
    assert sizes(world) == count
    stack(world, "relink", "customerp", "customer", company, "chargebee", "business_entity", entity["id"])
    world.sync()
    assert world.erp.get("customers", company)["name"] == "Renamed Apart AS"


def test_an_ambiguous_match_is_told_by_the_same_command(world: World) -> None:
    world.chargebee.post(
        "customers", id="whose", first_name="Wh", last_name="Ose", email="post@whose.example"
    )
    one, two = (
        world.erp.create("contacts", first_name=name, last_name="Ose", email="post@whose.example")["id"]
        for name in "AB"
    )
    world.sync()
    pending = [
        row
        for row in world.rows("chargebee-customer")
        if (row.get("$error") or {}).get("rule") == "ambiguous"
    ]
    assert pending
    stack(world, "relink", "customerp", "contact", two, "chargebee", "customer", "whose")
    world.sync()
    assert world.chargebee.get("customers", "whose")["meta_data"]["customerp"]["contact_id"] == two
    assert world.erp.get("contacts", one)["external_refs"]["chargebee"] == f"contact-{one}"


def test_a_bad_decision_is_refused(world: World) -> None:
    url = f"{world.stack.node.url}/receivers/decisions/entities"
    for bad in ({"decision": "merge"}, {"decision": "unlink", "records": ["customerp-contact:CT-1"]}, {}):
        answer = requests.post(url, json=[{"_id": "bad", **bad}], timeout=60)
        assert answer.status_code == 400
        assert "a decision is" in answer.text


def test_what_was_rejected_is_tried_again_once_the_data_changes(world: World) -> None:
    edited, _ = sold(world, "CHANGES-0"), sold(world, "CHANGES-1")
    world.sync()
    item = world.erp.get("products", edited)["external_refs"]["chargebee"]
    price = next(each["id"] for each in world.chargebee.all("item_prices") if each["item_id"] == item)
    world.chargebee.post(f"item_prices/{price}", accounting_detail={"sku": "CHANGES-1"})
    world.sync()
    row = world.shared("customerp-product", edited) or {}
    assert (row["$status"], row["$error"]["rule"]) == ("rejected", "unique")
    world.chargebee.post(f"item_prices/{price}", accounting_detail={"sku": "CHANGES-2"})
    world.sync()
    assert (world.shared("customerp-product", edited) or {})["$status"] == "ok"
    assert world.erp.get("products", edited)["sku"] == "CHANGES-2"


def test_what_was_rejected_is_tried_again_by_one_command(world: World) -> None:
    """Two SKUs edited in Chargebee are taken in the ERP. What is in the way goes, which touches neither product."""
    edited = [sold(world, f"FREE-{number}") for number in range(2)]
    in_the_way = [sold(world, f"TAKEN-{number}") for number in range(2)]
    world.sync()
    prices = {each["item_id"]: each["id"] for each in world.chargebee.all("item_prices")}
    for number, product in enumerate(edited):
        item = world.erp.get("products", product)["external_refs"]["chargebee"]
        world.chargebee.post(f"item_prices/{prices[item]}", accounting_detail={"sku": f"TAKEN-{number}"})
    world.sync()

    def outcome() -> list[Any]:
        return [(world.shared("customerp-product", each) or {})["$status"] for each in edited]

    assert outcome() == ["rejected"] * 2
    for number, product in enumerate(in_the_way):
        world.erp.patch("products", product, sku=f"GIVEN-UP-{number}")
    world.sync()
    assert outcome() == ["rejected"] * 2, "nothing about them has changed"
    assert stack(world, "retry", "customerp-product", edited[0]).count("retry") == 1
    world.sync()
    assert outcome() == ["ok", "rejected"]
    stack(world, "retry")
    world.sync()
    assert outcome() == ["ok", "ok"]
    assert world.erp.get("products", edited[1])["sku"] == "TAKEN-1"


def foresee(world: World, **asked: Any) -> dict[str, Any]:
    """What a decision comes to, and what would follow."""
    answer = requests.post(f"{world.stack.node.url}/diagnostics/decisions", json=asked, timeout=120)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def decide(world: World, **asked: Any) -> dict[str, Any]:
    """Take the decision that was looked at first, and sync; what was foreseen."""
    before = world.writes()
    found = foresee(world, **asked)
    assert world.writes() == before, "a look ahead writes nothing"
    world.stack.node.push("decisions", found["decisions"])
    world.sync()
    effects: dict[str, Any] = found["effects"]
    return effects


def record(system: str, datatype: str, key: str) -> dict[str, str]:
    return {"system": system, "datatype": datatype, "id": key}


def test_who_is_nobody_s_counterpart_gets_one_of_its_own(world: World) -> None:
    world.chargebee.post("customers", id="nobodys", first_name="N", last_name="New", email="n@new.example")
    one, two = (
        world.erp.create("contacts", first_name=name, last_name="New", email="n@new.example")["id"]
        for name in "AB"
    )
    world.sync()
    told = {"customers": len(world.chargebee.all("customers"))}
    effects = decide(world, action="new", record=record("customerp", "contact", one))
    made = [each for each in effects["writes"] if each["operation"] == "insert"]
    assert [(each["label"], each["name"]) for each in made] == [("Chargebee customer", "A New")]
    assert {case["rule"] for case in effects["settled"]} == {"ambiguous"}
    assert world.erp.get("contacts", one)["external_refs"]["chargebee"] == f"contact-{one}"
    assert len(world.chargebee.all("customers")) == told["customers"] + 1
    effects = decide(
        world,
        action="link",
        record=record("customerp", "contact", two),
        other=record("chargebee", "customer", "nobodys"),
    )
    assert effects["counts"]["insert"] == 0
    assert world.erp.get("contacts", two)["external_refs"]["chargebee"] == "nobodys"


def test_a_value_is_chosen_and_settles_what_was_refused(world: World) -> None:
    edited, _ = sold(world, "CHOSEN-0"), sold(world, "CHOSEN-1")
    world.sync()
    item = world.erp.get("products", edited)["external_refs"]["chargebee"]
    price = next(each["id"] for each in world.chargebee.all("item_prices") if each["item_id"] == item)
    world.chargebee.post(f"item_prices/{price}", accounting_detail={"sku": "CHOSEN-1"})
    world.sync()
    assert (world.shared("customerp-product", edited) or {})["$error"]["rule"] == "unique"
    here = record("customerp", "product", edited)
    effects = decide(world, action="choose", record=here, property="sku")
    assert [each["rule"] for each in effects["settled"]] == ["unique"]
    assert (world.shared("customerp-product", edited) or {})["$status"] == "ok"
    assert world.erp.get("products", edited)["sku"] == "CHOSEN-0"
    accounting = world.chargebee.get("item_prices", price)["accounting_detail"]
    assert accounting["sku"] == "CHOSEN-0"
    world.chargebee.post(f"item_prices/{price}", accounting_detail={"sku": "CHOSEN-2"})
    world.sync()
    assert world.erp.get("products", edited)["sku"] == "CHOSEN-2", "an edit made later counts"


def test_a_decision_is_taken_back(world: World) -> None:
    one = world.erp.create("contacts", first_name="Un", last_name="Done", email="un@done.example")["id"]
    world.sync()
    here = record("customerp", "contact", one)
    decide(world, action="unlink", record=here)
    world.erp.patch("contacts", one, phone="1")
    world.sync()
    assert "phone" not in world.chargebee.get("customers", f"contact-{one}")
    key = f"chargebee-customer:contact-{one}|customerp-contact:{one}"
    effects = decide(world, action="undo", ids=[key])
    assert [each["id"] for each in effects["writes"]] == [f"contact-{one}"]
    assert world.chargebee.get("customers", f"contact-{one}")["phone"] == "1"


def test_a_link_is_taken_back_with_what_it_took_apart(world: World) -> None:
    """Two people were linked to their own customers; a link between them crosswise is undone as a whole."""
    one, two = (
        world.erp.create("contacts", first_name=name, last_name="Cross", email=f"{name}@cross.example")["id"]
        for name in ("a", "b")
    )
    world.sync()
    link = {
        "record": record("customerp", "contact", one),
        "other": record("chargebee", "customer", f"contact-{two}"),
    }
    made = foresee(world, action="link", **link)["decisions"]
    assert len(made) > 1, "others are taken apart"
    decide(world, action="link", **link)
    key = f"chargebee-customer:contact-{two}|customerp-contact:{one}"
    back = foresee(world, action="undo", ids=[key])["decisions"]
    assert {each["_id"] for each in back} == {each["_id"] for each in made}
    decide(world, action="undo", ids=[key])
    for each in (one, two):
        world.erp.patch("contacts", each, phone=f"+47 {each}")
    world.sync()
    phones = [world.chargebee.get("customers", f"contact-{each}")["phone"] for each in (one, two)]
    assert phones == [f"+47 {one}", f"+47 {two}"]


def test_what_cannot_be_decided_is_refused(world: World) -> None:
    url = f"{world.stack.node.url}/diagnostics/decisions"
    one = world.erp.create("contacts", first_name="No", last_name="One", email="no@one.example")["id"]
    company = world.erp.create("customers", name="No One AS")["id"]
    world.sync()
    here, gone = record("customerp", "contact", one), record("customerp", "contact", "CT-999999")
    firm, person = record("customerp", "customer", company), record("chargebee", "customer", f"contact-{one}")
    refused = [
        ({"action": "merge", "record": here}, 400),
        ({"action": "unlink", "record": {"system": "customerp"}}, 400),
        ({"action": "unlink", "record": gone}, 404),
        ({"action": "link", "record": here, "other": here}, 400),
        ({"action": "link", "record": firm, "other": person}, 400),
        ({"action": "choose", "record": here}, 400),
        ({"action": "retry", "pipe": "chargebee-customer-share", "id": "none"}, 404),
        ({"action": "retry", "pipe": "decisions", "id": "none"}, 404),
        ({"action": "undo", "ids": ["none"]}, 404),
        ({"action": "commit", "dataset": "none"}, 404),
        ([], 400),
    ]
    for body, status in refused:
        assert requests.post(url, json=body, timeout=30).status_code == status, body


def sold(world: World, sku: str) -> str:
    """A product; its id."""
    fields = {"name": f"Sold {sku}", "type": "goods", "unit_price": "1.00", "currency": "NOK"}
    return str(world.erp.create("products", sku=sku, **fields)["id"])
