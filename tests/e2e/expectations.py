"""What people expect of a two-way sync, as scenarios: each `yield` is one sync, see `tests.support.lockstep`."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import requests

from stack.decisions import send
from stack.links import decide, export, read
from tests.e2e.conftest import World
from tests.e2e.test_order_sync import customer, unix
from tests.support.lockstep import Scenario

Record = dict[str, Any]
SHARES = (
    "customerp-contact", "customerp-customer", "customerp-product", "customerp-order", "chargebee-customer",
    "chargebee-item", "chargebee-item_price", "chargebee-order",
)  # fmt: skip
SCENARIOS: dict[str, Callable[[World], Scenario]] = {}


def scenario(made: Callable[[World], Scenario]) -> Callable[[World], Scenario]:
    """Register a scenario."""
    SCENARIOS[made.__name__] = made
    return made


def theirs(world: World, kind: str, key: str) -> str:
    """Return the key of a record's counterpart in Chargebee."""
    found = world.erp.get(kind, key)["external_refs"].get("chargebee")
    assert found, f"{kind} {key} has no counterpart"
    return str(found)


def cases(world: World, *texts: str) -> set[str]:
    """Return the rules of the open cases that say all of the texts."""
    return {
        row["$error"]["rule"]
        for pipe in SHARES
        for row in world.rows(pipe)
        if row["$status"] not in ("ok", None)
        and all(text in json.dumps(row, ensure_ascii=False) for text in texts)
    }


def contact_of(world: World, customer_id: str) -> Record:
    """Return the contact of a customer."""
    found = [
        each for each in world.erp.all("contacts") if each["external_refs"].get("chargebee") == customer_id
    ]
    assert len(found) == 1, found
    return found[0]


def product(world: World, sku: str | None, name: str, **more: Any) -> str:
    """Make a product."""
    facts = {"unit_price": "1.00", "currency": "EUR", **({"sku": sku} if sku else {}), **more}
    return str(world.erp.create("products", name=name, type="goods", **facts)["id"])


def item(world: World, key: str, name: str, sku: str | None = None) -> None:
    """Make an item with a price in euros."""
    chargebee = world.chargebee
    chargebee.post("item_families", id=f"family-{key}", name=f"family-{key}")
    chargebee.post("items", id=key, name=name, type="charge", item_family_id=f"family-{key}")
    facts = {"currency_code": "EUR", "price": 500, "pricing_model": "per_unit"}
    told = {"accounting_detail": {"sku": sku}} if sku else {}
    chargebee.post("item_prices", id=f"{key}-EUR", name=f"{key}-EUR", item_id=key, **facts, **told)


def order(world: World, tag: str, *skus: str, **more: Any) -> str:
    """Make an order with a line for each SKU."""
    _, payer = customer(world, f"payer-{tag}")
    lines = [
        {"description": "x", "quantity": "1", "unit_price": "10.00", "sku": sku} for sku in skus or (tag,)
    ]
    facts = {"status": "confirmed", "order_date": "2026-01-02", "currency": "NOK", "lines": lines, **more}
    return str(world.erp.create("orders", contact_id=payer["id"], **facts)["id"])


# --- fillers


@scenario
def a_name_that_nobody_said_stays_empty(world: World) -> Scenario:
    """An e-mail is enough for the ERP: no last name is invented."""
    world.chargebee.post("customers", id="nameless", email="nameless@fill.example")
    yield
    one = contact_of(world, "nameless")
    assert one["last_name"] is None
    world.erp.patch("contacts", one["id"], email="changed@fill.example")
    yield
    found = world.chargebee.get("customers", "nameless")
    assert (found["email"], found.get("last_name")) == ("changed@fill.example", None)


@scenario
def a_last_name_that_the_erp_demands_never_travels(world: World) -> Scenario:
    """Nor does it once the customer is edited; it goes once there is a first name."""
    world.chargebee.post("customers", id="company-only", company="Fill AS")
    world.chargebee.post("customers", id="nothing-at-all")
    yield
    first, second = contact_of(world, "company-only"), contact_of(world, "nothing-at-all")
    assert (first["last_name"], second["last_name"]) == ("Fill AS", "nothing-at-all")
    world.erp.patch("contacts", first["id"], phone="7")
    world.chargebee.post("customers/nothing-at-all", first_name="Fia")
    yield
    found = world.chargebee.get("customers", "company-only")
    assert (found.get("last_name"), found["phone"]) == (None, "7")
    second = world.erp.get("contacts", second["id"])
    assert (second["first_name"], second["last_name"]) == ("Fia", None)
    world.erp.patch("contacts", first["id"], last_name="Typed")
    yield
    assert world.chargebee.get("customers", "company-only")["last_name"] == "Typed"


@scenario
def a_last_name_follows_the_company_that_it_is_made_of(world: World) -> Scenario:
    """Also for a node that lost everything: it reports no difference (see the test)."""
    world.chargebee.post("customers", id="renamed-company", company="First AS")
    world.chargebee.post("customers", id="named-once", company="Once AS", last_name="Real")
    yield
    assert contact_of(world, "named-once")["last_name"] == "Real"
    world.chargebee.post("customers/renamed-company", company="Second AS")
    world.chargebee.post("customers/named-once", last_name="")
    yield
    yield
    assert contact_of(world, "renamed-company")["last_name"] == "Second AS"
    assert contact_of(world, "named-once")["last_name"] == "Once AS"
    for key in ("renamed-company", "named-once"):
        assert world.chargebee.get("customers", key).get("last_name") is None


@scenario
def a_date_that_chargebee_demands_never_travels(world: World) -> Scenario:
    """And clearing a real one is not undone."""
    one = order(world, "no-date")
    yield
    key = theirs(world, "orders", one)
    assert world.chargebee.get("orders", key)["shipping_date"] == unix("2026-01-02")
    assert world.erp.get("orders", one)["shipping_date"] is None
    world.erp.patch("orders", one, shipping_date="2026-02-02")
    yield
    assert world.chargebee.get("orders", key)["shipping_date"] == unix("2026-02-02")
    world.erp.patch("orders", one, shipping_date=None)
    yield
    world.erp.patch("orders", one, order_date="2026-01-09")
    yield
    found = world.chargebee.get("orders", key)
    assert (found["order_date"], found["shipping_date"]) == (unix("2026-01-09"), unix("2026-01-09"))
    assert world.erp.get("orders", one)["shipping_date"] is None
    world.chargebee.post(f"orders/{key}", shipping_date=unix("2026-03-03"))
    yield
    assert world.erp.get("orders", one)["shipping_date"] == "2026-03-03"


@scenario
def a_reason_that_chargebee_demands_never_travels(world: World) -> Scenario:
    """An order that is cancelled without a reason."""
    one = order(world, "no-reason")
    yield
    key = theirs(world, "orders", one)
    world.erp.patch("orders", one, status="cancelled")
    yield
    yield
    assert world.chargebee.get("orders", key)["status"] == "cancelled"
    assert world.erp.get("orders", one)["cancellation_reason"] is None


@scenario
def a_reason_demanded_of_an_order_born_in_chargebee_never_travels(world: World) -> Scenario:
    """Nor does a node that lost everything take it for somebody's (see the test)."""
    chargebee, day = world.chargebee, unix("2026-01-02")
    chargebee.post("customers", id="born-there", last_name="A", email="born@reason.example")
    line = {"description": "x", "unit_amount": 100, "quantity": 1, "amount": 100, "entity_type": "adhoc"}
    facts = {"customer_id": "born-there", "date": day, "total": 100, "currency_code": "NOK"}
    chargebee.post("invoices/import_invoice", id="i-born-there", line_items=[line], **facts)
    dates = {"created_at": day, "order_date": day, "shipping_date": day}
    of = {"invoice_id": "i-born-there", "customer_id": "born-there", "status": "queued"}
    chargebee.post("orders/import_order", id="o-born-there", **of, **dates)
    yield
    yield
    [one] = [
        each for each in world.erp.all("orders") if each["external_refs"].get("chargebee") == "o-born-there"
    ]
    world.erp.patch("orders", one["id"], status="cancelled")
    yield
    assert chargebee.get("orders", "o-born-there")["cancellation_reason"] == "others"
    world.erp.patch("orders", one["id"], note="Later")
    yield
    assert world.erp.get("orders", one["id"])["cancellation_reason"] is None


@scenario
def a_reason_that_reads_like_the_filler_is_a_word_and_its_clear_is_reported(world: World) -> Scenario:
    """Chargebee's API empties no reason: both sides keep their own, and the case names it."""
    one = order(world, "reason-typed", "lens-1")
    yield
    key = theirs(world, "orders", one)
    world.erp.patch("orders", one, cancellation_reason="others")
    yield
    assert world.chargebee.get("orders", key)["cancellation_reason"] == "others"
    world.erp.patch("orders", one, cancellation_reason=None)
    yield
    assert world.chargebee.get("orders", key)["cancellation_reason"] == "others"
    assert world.erp.get("orders", one)["cancellation_reason"] is None
    case = (world.shared("chargebee-order", key) or {})["$error"]
    assert (case["field"], case["rule"]) == ("/cancellation_reason", "notEmpty")


@scenario
def an_item_without_sku_makes_a_product_without(world: World) -> Scenario:
    """Nor does the product's write one back."""
    item(world, "no-sku", "No SKU")
    yield
    found = [each for each in world.erp.all("products") if each["external_refs"].get("chargebee") == "no-sku"]
    assert [each["sku"] for each in found] == [None]
    assert not (world.chargebee.get("item_prices", "no-sku-EUR").get("accounting_detail") or {}).get("sku")
    world.chargebee.post("item_prices/no-sku-EUR", accounting_detail={"sku": "REAL"})
    yield
    assert world.erp.get("products", found[0]["id"])["sku"] == "REAL"


# --- match keys


@scenario
def two_skus_are_two_products_whatever_their_names(world: World) -> Scenario:
    """Reported with both ids."""
    one = product(world, "CLASH-A", "Same name")
    item(world, "clash", "Same name", sku="CLASH-B")
    yield
    yield
    assert world.erp.get("products", one)["external_refs"] == {}
    assert "key-clash" in cases(world, one, "clash")


@scenario
def a_name_matches_where_one_side_has_no_sku(world: World) -> Scenario:
    """Either side."""
    one, two = product(world, None, "Named one"), product(world, "NAMED-2", "Named two")
    item(world, "named-1", "Named one", sku="NAMED-1")
    item(world, "named-2", "Named two")
    yield
    yield
    assert (theirs(world, "products", one), theirs(world, "products", two)) == ("named-1", "named-2")
    assert world.erp.get("products", one)["sku"] == "NAMED-1"


@scenario
def keys_are_compared_without_regard_to_spelling(world: World) -> Scenario:
    """Case, blanks and how letters are composed; what nobody edited stays as each has it."""
    apart = unicodedata.normalize("NFD", "Blåbær  Café")
    person = world.erp.create("contacts", last_name="K", email="KEY@Value.example")["id"]
    world.chargebee.post("customers", id="key", last_name="K", email="key@value.example")
    by_name, by_sku = product(world, None, apart), product(world, " sku-Key ", "Keyed")
    item(world, "key-name", "blåbær café")
    reverse = product(world, None, "Crème Brûlée")
    item(world, "key-reverse", unicodedata.normalize("NFD", "Crème  brûlée"))
    item(world, "key-sku", "Keyed otherwise", sku="SKU-KEY")
    company = world.erp.create("customers", name=f"{apart} AS", currency="NOK", status="active")["id"]
    entity = world.chargebee.business_entity("blåbær café as")["id"]
    yield
    yield
    assert theirs(world, "contacts", person) == "key"
    assert (theirs(world, "products", by_name), theirs(world, "products", by_sku)) == ("key-name", "key-sku")
    assert theirs(world, "products", reverse) == "key-reverse"
    found = world.erp.get("customers", company)
    assert (found["business_entity_id"], found["name"]) == (entity, f"{apart} AS")
    assert world.erp.get("contacts", person)["email"] == "KEY@Value.example"
    assert world.chargebee.get("customers", "key")["email"] == "key@value.example"
    assert world.erp.get("products", by_name)["name"] == apart
    assert world.chargebee.get("items", "key-name")["name"] == "blåbær café"


@scenario
def the_case_of_an_address_travels_if_somebody_edits_it(world: World) -> Scenario:
    """Both ways."""
    one = world.erp.create("contacts", last_name="Case", email="case@value.example")["id"]
    yield
    key = theirs(world, "contacts", one)
    world.erp.patch("contacts", one, email="Case@value.example")
    yield
    assert world.chargebee.get("customers", key)["email"] == "Case@value.example"
    world.chargebee.post(f"customers/{key}", email="CASE@value.example")
    yield
    assert world.erp.get("contacts", one)["email"] == "CASE@value.example"


@scenario
def a_table_of_links_that_a_person_gives_back_counts(world: World) -> Scenario:
    """One customer who could be either of two contacts, and a pair that is none."""
    for key in ("asked", "parted"):
        world.chargebee.post("customers", id=f"table-{key}", last_name="A", email=f"{key}@table.example")
    erp = world.erp
    first, second = (
        erp.create("contacts", last_name="A", email="asked@table.example")["id"] for _ in range(2)
    )
    third = erp.create("contacts", last_name="A", email="parted@table.example")["id"]
    yield
    assert "ambiguous" in cases(world, first)
    table = io.StringIO(newline="")
    export(world.stack.node, table)
    rows = list(csv.DictReader(io.StringIO(table.getvalue())))
    [asked] = [row for row in rows if row["erp_id"] == second and row["state"] == "ambiguous"]
    asked |= {"decision": "link", "chargebee_datatype": "customer", "chargebee_id": "table-asked"}
    [parted] = [row for row in rows if row["erp_id"] == third and row["state"] == "linked"]
    parted |= {"decision": "unlink"}
    edited = io.StringIO(newline="")
    writer = csv.DictWriter(edited, rows[0], delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    send(world.stack.node, decide(world.stack.node, read(io.StringIO(edited.getvalue()))))
    yield
    yield
    refs = {each: erp.get("contacts", each)["external_refs"].get("chargebee") for each in (first, second)}
    assert refs == {first: f"contact-{first}", second: "table-asked"}
    erp.patch("contacts", third, phone="3")
    erp.patch("contacts", second, phone="2")
    yield
    assert world.chargebee.get("customers", "table-parted").get("phone") is None
    assert world.chargebee.get("customers", "table-asked")["phone"] == "2"


@scenario
def three_categories_stay_three(world: World) -> Scenario:
    """A slash, and names that are equal in their first fifty characters."""
    names = ["Fam/A", "Fam-A", "K" * 50, "K" * 50 + "1", "K" * 50 + "2"]
    made = [product(world, f"FAMILY-{at}", f"Family {at}", category=name) for at, name in enumerate(names)]
    yield
    keys = [theirs(world, "products", one) for one in made]
    assert len({world.chargebee.get("items", key)["item_family_id"] for key in keys}) == len(names)
    assert [world.erp.get("products", one)["category"] for one in made] == names


@scenario
def values_travel_with_their_blanks_and_line_breaks(world: World) -> Scenario:
    """Where the target keeps them; what is nothing but blanks is empty."""
    one, two = order(world, "blanks"), product(world, "BLANKS", "Blanks", description="first\n  second ")
    who = world.erp.create("contacts", last_name="N", phone="12 34", email="spelt@value.example")["id"]
    yield
    key, item_id = theirs(world, "orders", one), theirs(world, "products", two)
    world.erp.patch("orders", one, note=" a\n\nb  c ")
    world.chargebee.post(f"items/{item_id}", unit=" box ")
    yield
    assert world.chargebee.get("orders", key)["note"] == " a\n\nb  c "
    assert world.chargebee.get("items", item_id)["description"] == "first\n  second "
    assert world.erp.get("products", two)["unit"] == " box "
    world.erp.patch("orders", one, note=" a\n\nb  c")
    world.erp.patch("contacts", who, phone="12-34", last_name="n")
    yield
    person = world.chargebee.get("customers", theirs(world, "contacts", who))
    assert (person["phone"], person["last_name"]) == ("12-34", "n")
    assert world.chargebee.get("orders", key)["note"] == " a\n\nb  c"
    world.erp.patch("orders", one, note=" \n ")
    yield
    assert not world.chargebee.get("orders", key).get("note")


# --- clears


@scenario
def the_sku_of_a_line_can_be_cleared(world: World) -> Scenario:
    """On either side, of one line and of all."""
    one, two = order(world, "one-line", "A"), order(world, "two-lines", "A", "B")
    yield
    key, second = theirs(world, "orders", one), theirs(world, "orders", two)
    for each in (one, two):
        first, *rest = world.erp.get("orders", each)["lines"]
        world.erp.patch("orders", each, lines=[{**first, "sku": None}, *rest])
    yield
    assert _skus(world.chargebee.get("orders", key)["order_line_items"]) == [None]
    assert _skus(world.chargebee.get("orders", second)["order_line_items"]) == [None, "B"]
    line = world.erp.get("orders", one)["lines"][0]
    world.erp.patch("orders", one, lines=[{**line, "sku": "AGAIN"}])
    last = world.chargebee.get("orders", second)["order_line_items"][1]
    world.chargebee.post(f"orders/{second}", order_line_items=[{"id": last["id"], "sku": ""}])
    yield
    assert _skus(world.chargebee.get("orders", key)["order_line_items"]) == ["AGAIN"]
    assert _skus(world.erp.get("orders", two)["lines"]) == [None, None]
    line = world.chargebee.get("orders", key)["order_line_items"][0]
    world.chargebee.post(f"orders/{key}", order_line_items=[{"id": line["id"], "sku": ""}])
    yield
    assert _skus(world.erp.get("orders", one)["lines"]) == [None]


@scenario
def lines_edited_on_both_sides_count_each_by_itself(world: World) -> Scenario:
    """In the same moment, in every property of lines; of one line the later edit counts."""
    one, two = order(world, "line-by-line", "A", "B", "C"), order(world, "line-cleared", "A", "B")
    yield
    key, second = theirs(world, "orders", one), theirs(world, "orders", two)
    mine, other = (
        world.erp.get("orders", one)["lines"],
        world.chargebee.get("orders", key)["order_line_items"],
    )
    changed = [{**mine[0], "sku": "A2"}, mine[1], {**mine[2], "sku": "C2", "status": "shipped"}]
    world.erp.patch("orders", one, lines=changed)
    told = [{"id": other[1]["id"], "sku": "B3", "status": "on_hold"}, {"id": other[2]["id"], "sku": "C3"}]
    world.chargebee.post(f"orders/{key}", order_line_items=told)
    mine, other = (
        world.erp.get("orders", two)["lines"],
        world.chargebee.get("orders", second)["order_line_items"],
    )
    world.erp.patch("orders", two, lines=[{**mine[0], "sku": None}, mine[1]])
    world.chargebee.post(f"orders/{second}", order_line_items=[{"id": other[1]["id"], "sku": "B3"}])
    yield
    yield
    mine, other = (
        world.erp.get("orders", one)["lines"],
        world.chargebee.get("orders", key)["order_line_items"],
    )
    assert _skus(mine) == _skus(other) == ["A2", "B3", "C3"]
    assert [line["status"] for line in mine][1:] == ["on_hold", "shipped"]
    assert [line["status"] for line in other][1:] == ["on_hold", "shipped"]
    mine, other = (
        world.erp.get("orders", two)["lines"],
        world.chargebee.get("orders", second)["order_line_items"],
    )
    assert _skus(mine) == _skus(other) == [None, "B3"]
    world.chargebee.post(f"orders/{second}", order_line_items=[{"id": other[1]["id"], "sku": ""}])
    world.erp.patch("orders", two, lines=[{**mine[0], "sku": "A4"}, mine[1]])
    yield
    yield
    mine, other = (
        world.erp.get("orders", two)["lines"],
        world.chargebee.get("orders", second)["order_line_items"],
    )
    assert _skus(mine) == _skus(other) == ["A4", None]


def _skus(lines: list[Record]) -> list[Any]:
    return [line.get("sku") for line in lines]


def _by_line(lines: list[Record]) -> dict[str, Any]:
    """Return the SKUs by what the lines say that they are."""
    return {str(line["description"]): line.get("sku") for line in lines}


def _lines_that_come_and_go(kind: str) -> Callable[[World], Scenario]:
    """Taken out, put in and moved: each line keeps its counterpart, whatever its place."""

    def made(world: World) -> Scenario:
        erp, chargebee = world.erp, world.chargebee
        _, payer = customer(world, f"payer-lines-of-{kind}")
        lines = [
            {"description": each, "quantity": "1", "unit_price": "10.00", "sku": each} for each in "ABCD"
        ]
        said = "order_date" if kind == "orders" else "quote_date"
        status = "confirmed" if kind == "orders" else "accepted"
        facts = {"status": status, said: "2026-01-02", "currency": "NOK", "lines": lines}
        one = str(erp.create(kind, contact_id=payer["id"], **facts)["id"])
        yield
        key = theirs(world, kind, one)

        def skus() -> tuple[Record, Record]:
            """Return them as the ERP has them, and as Chargebee does."""
            there = chargebee.get("orders", key)["order_line_items"]
            return _by_line(erp.get(kind, one)["lines"]), _by_line(there)

        def rename(**named: str) -> None:
            """Give lines another SKU in Chargebee."""
            found = {
                each["description"]: each["id"] for each in chargebee.get("orders", key)["order_line_items"]
            }
            told = [{"id": found[line], "sku": sku} for line, sku in named.items()]
            chargebee.post(f"orders/{key}", order_line_items=told)

        first, _, third, fourth = erp.get(kind, one)["lines"]
        erp.patch(kind, one, lines=[first, third, fourth])
        yield
        assert skus()[1] == {"A": "A", "B": "B", "C": "C", "D": "D"}, "a line that is gone there says nothing"
        erp.patch(kind, one, lines=[first, {**third, "sku": "C2"}, fourth])
        rename(A="A2", B="B2")
        yield
        assert skus()[0] == {"A": "A2", "C": "C2", "D": "D"}
        assert skus()[1] == {"A": "A2", "B": "B2", "C": "C2", "D": "D"}
        assert kind == "quotes" or "totals" in cases(world, one), "that a line is missing is said"
        first, third, fourth = erp.get(kind, one)["lines"]
        new = {"description": "N", "quantity": "1", "unit_price": "1.00", "sku": "N"}
        moved = [
            {**fourth, "position": 1},
            {**new, "position": 2},
            {**first, "position": 3},
            {**third, "position": 4},
        ]
        erp.patch(kind, one, lines=moved)
        rename(D="D3")
        yield
        assert skus()[0] == {"A": "A2", "C": "C2", "D": "D3", "N": "N"}
        assert skus()[1] == {"A": "A2", "B": "B2", "C": "C2", "D": "D3"}
        assert [line["description"] for line in erp.get(kind, one)["lines"]] == list("DNAC"), (
            "each where it was"
        )
        changed = [
            {**line, "sku": None if line["description"] == "A" else f"{line['sku']}+"}
            for line in erp.get(kind, one)["lines"]
        ]
        erp.patch(kind, one, lines=changed)
        yield
        assert skus()[1] == {"A": None, "B": "B2", "C": "C2+", "D": "D3+"}
        if kind == "orders":
            return
        made_of_it = erp.convert(one)["id"]
        yield
        lines = erp.get("orders", made_of_it)["lines"]
        erp.patch("orders", made_of_it, lines=[{**each, "sku": f"{each['description']}5"} for each in lines])
        yield
        assert skus()[1] == {"A": "A5", "B": "B2", "C": "C5", "D": "D5"}
        rename(C="C6", B="B6")
        yield
        assert _by_line(erp.get("orders", made_of_it)["lines"]) == {
            "A": "A5",
            "C": "C6",
            "D": "D5",
            "N": "N5",
        }

    return made


for _kind in ("orders", "quotes"):
    SCENARIOS[f"lines_of_{_kind}_that_come_and_go"] = _lines_that_come_and_go(_kind)


@scenario
def lines_taken_out_before_an_order_is_imported_are_none(world: World) -> Scenario:
    """A draft that was read with more lines than the order has in the end."""
    one = order(world, "fewer-lines", "A", "B", "C", status="draft")
    yield
    first, _, third = world.erp.get("orders", one)["lines"]
    world.erp.patch("orders", one, lines=[first, third], status="confirmed")
    yield
    key = theirs(world, "orders", one)
    assert _skus(world.chargebee.get("orders", key)["order_line_items"]) == ["A", "C"]
    first, third = world.erp.get("orders", one)["lines"]
    world.erp.patch("orders", one, lines=[first, {**third, "sku": "C2"}])
    yield
    assert _skus(world.chargebee.get("orders", key)["order_line_items"]) == ["A", "C2"]


@scenario
def a_price_that_chargebee_can_not_be_without_is_reported(world: World) -> Scenario:
    """Both sides stay as they are, also for a node that lost everything (see the test)."""
    one = product(world, "PRICELESS", "Priceless")
    yield
    world.erp.patch("products", one, unit_price=None)
    yield
    yield
    assert world.erp.get("products", one)["unit_price"] is None
    assert cases(world, f"{theirs(world, 'products', one)}-EUR")


@scenario
def a_currency_that_is_changed_is_reported(world: World) -> Scenario:
    """No second price is made, and the first stays; until it is changed back."""
    one = product(world, "CURRENCY", "Currency")
    yield
    world.erp.patch("products", one, currency="NOK")
    yield
    yield
    prices = world.chargebee.all("item_prices", **{"item_id[is]": theirs(world, "products", one)})
    assert [each["currency_code"] for each in prices] == ["EUR"]
    assert "currency" in cases(world, one)
    two = product(world, "CURRENCY-BACK", "Currency there and back")
    yield
    world.erp.patch("products", two, currency="NOK")
    yield
    assert "currency" in cases(world, two)
    world.erp.patch("products", two, currency="EUR")
    yield
    assert not cases(world, two)
    world.erp.patch("products", two, unit_price="2.00")
    yield
    assert world.chargebee.get("item_prices", f"{theirs(world, 'products', two)}-EUR")["price"] == 200


@scenario
def a_note_is_cleared_with_the_same_edit_that_reopens_the_order(world: World) -> Scenario:
    """And the reason of the cancellation goes."""
    one = order(world, "reopened", note="N")
    yield
    key = theirs(world, "orders", one)
    world.erp.patch("orders", one, status="cancelled", cancellation_reason="product_not_required")
    yield
    assert world.chargebee.get("orders", key)["cancellation_reason"] == "product_not_required"
    world.erp.patch("orders", one, status="confirmed", note=None, cancellation_reason=None)
    yield
    yield
    found = world.chargebee.get("orders", key)
    assert (found["status"], found.get("note"), found.get("cancellation_reason")) == ("queued", None, None)


@scenario
def two_contacts_swap_their_addresses(world: World) -> Scenario:
    """Their links stay."""
    ones = [
        world.erp.create("contacts", last_name="S", email=f"swap-{at}@value.example")["id"] for at in (0, 1)
    ]
    yield
    keys = [theirs(world, "contacts", one) for one in ones]
    for at, one in enumerate(ones):
        world.erp.patch("contacts", one, email=f"swap-{1 - at}@value.example")
    yield
    yield
    assert [theirs(world, "contacts", one) for one in ones] == keys
    found = [world.chargebee.get("customers", key)["email"] for key in keys]
    assert found == ["swap-1@value.example", "swap-0@value.example"]


@scenario
def a_taken_sku_keeps_no_price_back(world: World) -> Scenario:
    """Of one edit in Chargebee only what the ERP refuses stays behind, and is reported."""
    product(world, "TAKEN-1", "Taken one")
    two = product(world, "TAKEN-2", "Taken two")
    yield
    key = theirs(world, "products", two)
    world.chargebee.post(f"item_prices/{key}-EUR", accounting_detail={"sku": "TAKEN-1"}, price=777)
    yield
    yield
    found = world.erp.get("products", two)
    assert (found["sku"], found["unit_price"]) == ("TAKEN-2", "7.77")
    assert cases(world, f'"{two}"')


@scenario
def who_is_made_again_twice_takes_over_twice(world: World) -> Scenario:
    """In another spelling, too."""
    one = world.erp.create("contacts", last_name="T", email="twice@value.example")["id"]
    yield
    key = theirs(world, "contacts", one)
    for email in ("TWICE@value.example", "twice@value.example"):
        world.erp.delete("contacts", one)
        yield
        one = world.erp.create("contacts", last_name="T", email=email)["id"]
        yield
        yield
        assert theirs(world, "contacts", one) == key
    assert world.chargebee.get("customers", key)["meta_data"]["customerp"]["active"] is True


@scenario
def another_sku_does_not_take_over_what_a_deleted_product_left(world: World) -> Scenario:
    """It is a product of its own, or a case."""
    one = product(world, "GONE-1", "Gone by name")
    yield
    key = theirs(world, "products", one)
    world.erp.delete("products", one)
    yield
    two = product(world, "GONE-2", "Gone by name")
    yield
    yield
    found = world.erp.get("products", two)["external_refs"].get("chargebee")
    assert found != key
    assert found or cases(world, two)


# --- business entities


@scenario
def a_deleted_business_entity_is_reported_with_the_customer_that_it_leaves(world: World) -> Scenario:
    """Until it is made again."""
    one = world.erp.create("customers", name="Left AS", currency="NOK", status="active")["id"]
    entity = world.chargebee.business_entity("Left AS")["id"]
    yield
    assert world.erp.get("customers", one)["business_entity_id"] == entity
    requests.delete(
        f"{world.chargebee.root}/_sandbox/business_entities/{entity}", timeout=10
    ).raise_for_status()
    yield
    assert world.erp.get("customers", one)["status"] == "inactive"
    assert cases(world, one, f"business_entity {entity} was deleted") == {"deleted-elsewhere"}
    again = world.chargebee.business_entity("Left AS")["id"]
    yield
    yield
    found = world.erp.get("customers", one)
    assert (found["business_entity_id"], found["status"]) == (again, "active")
    assert not cases(world, one)


# --- what is over


def _over(status: str, side: str) -> Callable[[World], Scenario]:
    def made(world: World) -> Iterator[None]:
        one = order(world, f"over-{status}-{side}")
        yield
        key = theirs(world, "orders", one)
        world.erp.patch("orders", one, status=status)
        yield
        if side == "erp":
            world.erp.delete("orders", one)
        else:
            world.chargebee.post(f"orders/{key}/delete")
        yield
        yield
        left = world.chargebee.get("orders", key) if side == "erp" else world.erp.get("orders", one)
        assert left["status"] == ("delivered" if (status, side) == ("completed", "erp") else status)
        assert left.get("cancellation_reason") is None

    return made


for _status in ("delivered", "returned", "completed"):
    for _side in ("erp", "chargebee"):
        SCENARIOS[f"{_status}_stays_when_it_is_deleted_in_{_side}"] = _over(_status, _side)


@scenario
def an_open_order_is_cancelled_with_the_reason(world: World) -> Scenario:
    """Whichever side deletes it."""
    one, two = order(world, "open-1"), order(world, "open-2")
    yield
    key = theirs(world, "orders", one)
    world.erp.delete("orders", one)
    world.chargebee.post(f"orders/{theirs(world, 'orders', two)}/delete")
    yield
    for found in (world.chargebee.get("orders", key), world.erp.get("orders", two)):
        assert (found["status"], found["cancellation_reason"]) == ("cancelled", "others")


@scenario
def a_person_who_is_deleted_leaves_what_is_over(world: World) -> Scenario:
    """Chargebee deletes the orders of a customer with it."""
    one = order(world, "buyer-gone", status="delivered")
    yield
    world.chargebee.post(f"customers/contact-{world.erp.get('orders', one)['contact_id']}/delete")
    yield
    yield
    assert world.erp.get("orders", one)["status"] == "delivered"
