"""A link that a person types or copies is a claim: it never moves one record's values into another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import World

Json = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """A datatype of the ERP and the records that it is linked with. `edit`: a field of both, by its two names."""

    erp: str
    chargebee: str
    share: tuple[str, str]
    make: Callable[[World, str], str]
    edit: tuple[str, str]
    back_link: str | None = None
    """The key in the Chargebee record's own note of the sync."""

    def key(self, world: World, erp_id: str) -> str:
        """The linked Chargebee record."""
        return str(world.erp.get(self.erp, erp_id)["external_refs"]["chargebee"])

    def point(self, world: World, erp_id: str, link: Any) -> None:
        """What a person types into the ERP's link field."""
        world.erp.patch(self.erp, erp_id, external_refs={"chargebee": link})

    def values(self, world: World, erp_id: str, key: str) -> tuple[Any, Any]:
        """The edited field on both sides."""
        return world.erp.get(self.erp, erp_id)[self.edit[0]], world.chargebee.get(self.chargebee, key).get(
            self.edit[1]
        )


def _contact(world: World, name: str) -> str:
    return str(
        world.erp.create("contacts", first_name=name, last_name="T", email=f"{name}@taken.example")["id"]
    )


def _employee(world: World, name: str) -> str:
    return str(
        world.erp.create("employees", first_name=name, last_name="T", email=f"{name}@taken.example")["id"]
    )


def _product(world: World, name: str) -> str:
    fields = {"type": "goods", "unit_price": "1.00", "currency": "NOK"}
    return str(world.erp.create("products", sku=f"T-{name}", name=f"Taken {name}", **fields)["id"])


def _order(world: World, name: str) -> str:
    contact = _contact(world, f"payer-{name}")
    lines = [{"description": "x", "quantity": "1", "unit_price": "1.00"}]
    order = world.erp.create(
        "orders",
        contact_id=contact,
        currency="NOK",
        lines=lines,
        order_date="2026-01-05",
        status="confirmed",
        note=name,
    )
    return str(order["id"])


def _quote(world: World, name: str) -> str:
    lines = [{"description": "x", "quantity": "1", "unit_price": "1.00"}]
    fields: Json = {"contact_id": _contact(world, f"payer-{name}"), "currency": "NOK", "lines": lines}
    return str(world.erp.create("quotes", **fields, quote_date="2026-01-05", status="sent", note=name)["id"])


PAIRS = [
    Pair(
        "contacts",
        "customers",
        ("customerp-contact", "chargebee-customer"),
        _contact,
        ("first_name", "first_name"),
        "contact_id",
    ),
    Pair(
        "employees",
        "customers",
        ("customerp-employee", "chargebee-customer"),
        _employee,
        ("first_name", "first_name"),
        "employee_id",
    ),
    Pair(
        "products", "items", ("customerp-product", "chargebee-item"), _product, ("name", "name"), "product_id"
    ),
    Pair("orders", "orders", ("customerp-order", "chargebee-order"), _order, ("note", "note")),
]
EACH = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.erp)


def cases(world: World, pair: Pair) -> list[Json]:
    """The open cases of the rule `link-taken`."""
    rows = [row for pipe in pair.share for row in world.rows(pipe)]
    return [row["$error"] for row in rows if (row.get("$error") or {}).get("rule") == "link-taken"]


def two(world: World, pair: Pair, name: str) -> tuple[str, str, str, str]:
    """Two linked pairs: both ERP ids, both Chargebee ids."""
    one, other = pair.make(world, f"{name}-one"), pair.make(world, f"{name}-other")
    world.sync()
    return one, other, pair.key(world, one), pair.key(world, other)


@EACH
def test_a_copied_record_that_copies_the_link_is_reported_and_merged_with_nobody(
    world: World, pair: Pair
) -> None:
    one = pair.make(world, f"{pair.erp}-copied")
    world.sync()
    key = pair.key(world, one)
    before, edit = pair.values(world, one, key), f"{pair.erp}-copy"
    copy = pair.make(world, edit)
    pair.point(world, copy, key)
    world.sync()
    assert pair.values(world, one, key) == before
    assert world.erp.get(pair.erp, copy)["external_refs"]["chargebee"] == key, "nothing is written to it"
    found = [each["detail"] for each in cases(world, pair) if copy in each["detail"]]
    assert found and one in found[0] and key in found[0], "both records and the link are named"

    world.erp.patch(pair.erp, one, **{pair.edit[0]: f"{pair.erp} goes on"})
    world.sync()
    assert pair.values(world, one, key) == (f"{pair.erp} goes on",) * 2, "the linked pair is not held up"

    world.erp.patch(pair.erp, copy, external_refs={})
    world.sync()
    assert pair.key(world, copy) != key, "once it says no such thing any more, it gets a record of its own"
    assert not [each for each in cases(world, pair) if copy in each["detail"]]


@EACH
def test_a_link_typed_over_moves_no_values(world: World, pair: Pair) -> None:
    one, other, key, other_key = two(world, pair, f"{pair.erp}-typed")
    pair.point(world, one, other_key)
    world.sync()
    world.erp.patch(pair.erp, other, **{pair.edit[0]: f"{pair.erp} other edited"})
    world.sync()
    assert pair.values(world, other, other_key) == (f"{pair.erp} other edited",) * 2
    assert f"{pair.erp} other edited" not in pair.values(world, one, key)
    assert [each for each in cases(world, pair) if one in each["detail"] and other_key in each["detail"]]
    pair.point(world, one, key)
    world.sync()
    assert not [each for each in cases(world, pair) if one in each["detail"]]


@EACH
def test_swapped_links_move_no_values(world: World, pair: Pair) -> None:
    one, other, key, other_key = two(world, pair, f"{pair.erp}-swapped")
    before = pair.values(world, one, key), pair.values(world, other, other_key)
    pair.point(world, one, other_key)
    pair.point(world, other, key)
    world.sync()
    assert (pair.values(world, one, key), pair.values(world, other, other_key)) == before
    assert (
        len([each for each in cases(world, pair) if one in each["detail"] and other in each["detail"]]) >= 2
    )
    pair.point(world, one, key)
    pair.point(world, other, other_key)
    world.sync()
    assert not [each for each in cases(world, pair) if one in each["detail"]]


def test_an_order_that_names_the_quote_of_another_is_merged_with_nobody(world: World) -> None:
    order, quote = _order(world, "ordered-apart"), _quote(world, "quoted-apart")
    world.sync()
    keys = [PAIRS[-1].key(world, order), world.erp.get("quotes", quote)["external_refs"]["chargebee"]]
    world.erp.patch("orders", order, quote_id=quote)
    world.sync()
    world.erp.patch("quotes", quote, note="quoted-apart, edited")
    world.sync()
    assert world.erp.get("orders", order)["note"] == "ordered-apart"
    assert [world.chargebee.get("orders", key)["note"] for key in keys] == [
        "ordered-apart",
        "quoted-apart, edited",
    ]
    assert [each for each in cases(world, PAIRS[-1]) if order in each["detail"] and quote in each["detail"]]
    world.erp.patch("orders", order, quote_id=None)
    world.sync()
    assert not [each for each in cases(world, PAIRS[-1]) if order in each["detail"]]


@pytest.mark.parametrize(("kind", "make"), [("orders", _order), ("quotes", _quote)], ids=["orders", "quotes"])
def test_a_new_record_that_names_the_chargebee_order_of_the_other_kind_is_merged_with_nobody(
    world: World, kind: str, make: Callable[[World, str], str]
) -> None:
    """Orders and quotes share Chargebee's orders, and each keeps its own."""
    owning, owns = ("quotes", _quote) if kind == "orders" else ("orders", _order)
    owner = owns(world, f"{owning}-owner")
    world.sync()
    key = str(world.erp.get(owning, owner)["external_refs"]["chargebee"])
    late = make(world, f"{kind}-late")
    world.erp.patch(kind, late, external_refs={"chargebee": key})
    world.sync()
    world.erp.patch(kind, late, note=f"{kind}-late, edited")
    world.sync()
    assert world.erp.get(owning, owner)["note"] == f"{owning}-owner"
    assert world.chargebee.get("orders", key)["note"] == f"{owning}-owner"
    found = [row["$error"]["detail"] for row in world.rows(f"customerp-{kind[:-1]}") if row.get("$error")]
    assert [each for each in found if late in each and key in each and owner in each]

    world.erp.patch(kind, late, external_refs={})
    world.sync()
    own = str(world.erp.get(kind, late)["external_refs"]["chargebee"])
    assert own != key
    assert world.chargebee.get("orders", own)["note"] == f"{kind}-late, edited"
    assert world.erp.get(owning, owner)["note"] == f"{owning}-owner"


def test_an_order_of_one_quote_that_names_another_in_both_fields_is_merged_with_nobody(world: World) -> None:
    quote, other = _quote(world, "converted-own"), _quote(world, "converted-other")
    world.sync()
    own, key = (str(world.erp.get("quotes", each)["external_refs"]["chargebee"]) for each in (quote, other))
    order = str(world.erp.convert(quote)["id"])
    world.erp.patch("orders", order, quote_id=other)
    world.sync()
    world.erp.patch("orders", order, external_refs={"chargebee": key})
    world.sync()
    world.erp.patch("quotes", other, note="converted-other, edited")
    world.sync()
    assert world.erp.get("orders", order)["note"] == "converted-own"
    assert [world.chargebee.get("orders", each)["note"] for each in (own, key)] == [
        "converted-own",
        "converted-other, edited",
    ]
    assert [each for each in cases(world, PAIRS[-1]) if order in each["detail"] and key in each["detail"]]
    world.erp.patch("orders", order, quote_id=quote, external_refs={"chargebee": own})
    world.erp.patch("orders", order, note="converted-own, edited")
    world.sync()
    assert [world.chargebee.get("orders", each)["note"] for each in (own, key)] == [
        "converted-own, edited",
        "converted-other, edited",
    ]
    assert not [each for each in cases(world, PAIRS[-1]) if order in each["detail"]]


def test_two_ids_where_one_is_meant_link_nobody(world: World) -> None:
    one, other, key, other_key = two(world, PAIRS[0], "listed")
    note = world.chargebee.get("customers", key)["meta_data"]
    both = {**note, "customerp": {**note["customerp"], "contact_id": [one, other]}}
    before = PAIRS[0].values(world, one, key), PAIRS[0].values(world, other, other_key)
    world.chargebee.post(f"customers/{key}", meta_data=both)
    world.sync()
    assert (PAIRS[0].values(world, one, key), PAIRS[0].values(world, other, other_key)) == before
    assert [each for each in cases(world, PAIRS[0]) if key in each["detail"] and other in each["detail"]]
    world.chargebee.post(f"customers/{key}", meta_data=note)
    world.sync()
    assert not [each for each in cases(world, PAIRS[0]) if key in each["detail"]]


def test_a_node_that_lost_everything_writes_nothing_over_a_taken_link(world: World) -> None:
    one, other, key, other_key = two(world, PAIRS[0], "lost")
    PAIRS[0].point(world, one, other_key)
    copy = _contact(world, "lost-copy")
    PAIRS[0].point(world, copy, key)
    world.sync()
    before = world.writes()
    world.stack.wipe_node()
    world.sync()
    assert world.writes() == before
    assert [each for each in cases(world, PAIRS[0]) if one in each["detail"] and other_key in each["detail"]]
    assert [each for each in cases(world, PAIRS[0]) if copy in each["detail"] and key in each["detail"]]
    PAIRS[0].point(world, one, key)
    world.erp.patch("contacts", copy, external_refs={})
    world.sync()
    assert not [each for each in cases(world, PAIRS[0]) if one in each["detail"]]


@pytest.mark.parametrize(("mine", "theirs"), [(0, 1), (1, 0)], ids=["contact", "employee"])
def test_a_node_that_lost_everything_takes_nobody_for_another_whose_own_customer_is_there(
    world: World, mine: int, theirs: int
) -> None:
    """A contact and an employee may be one person, but not where each has a customer of its own."""
    pair, other = PAIRS[mine], PAIRS[theirs]
    one, near = pair.make(world, f"{pair.erp}-wiped"), other.make(world, f"{other.erp}-near-{pair.erp}")
    world.sync()
    key, near_key = pair.key(world, one), other.key(world, near)
    before = pair.values(world, one, key), other.values(world, near, near_key)
    pair.point(world, one, near_key)
    world.stack.wipe_node()
    world.sync()
    assert (pair.values(world, one, key), other.values(world, near, near_key)) == before
    world.erp.patch(pair.erp, one, first_name=f"{pair.erp}-wiped, edited")
    world.sync()
    assert other.values(world, near, near_key) == before[1]
    assert [each for each in cases(world, pair) if one in each["detail"] and near_key in each["detail"]]
    pair.point(world, one, key)
    world.sync()
    assert pair.values(world, one, key) == (f"{pair.erp}-wiped, edited",) * 2
    assert not [each for each in cases(world, pair) if one in each["detail"]]


@EACH
def test_a_chargebee_record_that_names_somebody_elses_is_merged_with_nobody(world: World, pair: Pair) -> None:
    if pair.back_link is None:
        pytest.skip("its Chargebee record names nobody")
    one, other, key, other_key = two(world, pair, f"{pair.erp}-named")
    before = pair.values(world, one, key), pair.values(world, other, other_key)
    field = "metadata" if pair.chargebee == "items" else "meta_data"
    note = world.chargebee.get(pair.chargebee, other_key)[field]
    world.chargebee.post(
        f"{pair.chargebee}/{other_key}",
        **{field: {**note, "customerp": {**note["customerp"], pair.back_link: one}}},
    )
    world.sync()
    assert (pair.values(world, one, key), pair.values(world, other, other_key)) == before
    assert [each for each in cases(world, pair) if other_key in each["detail"] and one in each["detail"]]
    world.chargebee.post(f"{pair.chargebee}/{other_key}", **{field: note})
    world.sync()
    assert not [each for each in cases(world, pair) if other_key in each["detail"]]


def test_a_customer_born_with_anothers_contact_id_makes_no_contact(world: World) -> None:
    one = _contact(world, "born-one")
    world.sync()
    contacts = len(world.erp.all("contacts"))
    world.chargebee.post(
        "customers", id="born-copy", last_name="Copy", meta_data={"customerp": {"contact_id": one}}
    )
    world.sync()
    assert world.erp.get("contacts", one)["last_name"] == "T"
    assert len(world.erp.all("contacts")) == contacts
    assert [
        each for each in cases(world, PAIRS[0]) if "born-copy" in each["detail"] and one in each["detail"]
    ]
    world.chargebee.post("customers/born-copy", meta_data={})
    world.sync()
    assert len(world.erp.all("contacts")) == contacts + 1


def test_two_erp_customers_of_one_business_entity(world: World) -> None:
    one = world.erp.create("customers", name="Taken AS")["id"]
    url = f"{world.chargebee.root}/_sandbox/business_entities"
    entity = world.chargebee.session.post(url, json={"name": "Taken AS"}, timeout=60).json()
    key = entity.get("business_entity", entity)["id"]
    world.sync()
    assert world.erp.get("customers", one)["business_entity_id"] == key
    copy = world.erp.create("customers", name="Copied AS", business_entity_id=key)["id"]
    world.sync()
    assert world.erp.get("customers", one)["name"] == "Taken AS"
    assert world.erp.get("customers", copy)["name"] == "Copied AS"
    rows = world.rows("chargebee-business_entity") + world.rows("customerp-customer")
    found = [row["$error"] for row in rows if (row.get("$error") or {}).get("rule") == "link-taken"]
    assert [each for each in found if copy in each["detail"] and one in each["detail"]]
    world.erp.patch("customers", copy, business_entity_id=None)
    world.sync()


def test_companies_that_a_new_node_found_linked_keep_each_other_when_their_links_are_swapped(
    world: World,
) -> None:
    """Business entities name nobody and cannot be renamed by the sync: the ERP's field alone tells their company."""
    names = ("Swapped One AS", "Swapped Other AS")
    for name in names:
        world.chargebee.business_entity(name)
    one, other = (world.erp.create("customers", name=name)["id"] for name in names)
    world.sync()
    key, other_key = (world.erp.get("customers", each)["business_entity_id"] for each in (one, other))
    for each in (one, other):
        world.erp.patch("customers", each, name=f"{each} renamed")
    world.sync()
    world.stack.wipe_node()
    world.sync()
    world.erp.patch("customers", one, business_entity_id=other_key)
    world.erp.patch("customers", other, business_entity_id=key)
    world.sync()
    world.chargebee.business_entity("Entity renamed", key)
    world.sync()
    assert world.erp.get("customers", other)["name"] == f"{other} renamed"
    found = _company_cases(world)
    for each, named in ((one, other_key), (other, key)):
        assert [detail for detail in found if each in detail and named in detail]
    world.erp.patch("customers", one, business_entity_id=key)
    world.erp.patch("customers", other, business_entity_id=other_key)
    world.sync()
    assert not [detail for detail in _company_cases(world) if one in detail]
    assert world.erp.get("customers", one)["name"] == "Entity renamed"


def _company_cases(world: World) -> list[str]:
    rows = world.rows("chargebee-business_entity") + world.rows("customerp-customer")
    return [row["$error"]["detail"] for row in rows if (row.get("$error") or {}).get("rule") == "link-taken"]


@EACH
def test_a_node_that_lost_everything_makes_no_second_record_where_the_first_has_a_wrong_link(
    world: World, pair: Pair
) -> None:
    """The Chargebee record says by its id which one it was created from, whatever that one names by now."""
    one, other, key, other_key = two(world, pair, f"{pair.erp}-twin")
    pair.point(world, one, other_key)
    if pair.back_link is not None:
        field = "metadata" if pair.chargebee == "items" else "meta_data"
        world.chargebee.post(f"{pair.chargebee}/{key}", **{field: {}})
    world.stack.wipe_node()
    known = len(world.erp.all(pair.erp))
    world.sync()
    assert len(world.erp.all(pair.erp)) == known
    assert [each for each in cases(world, pair) if one in each["detail"] and key in each["detail"]]
    pair.point(world, one, key)
    world.sync()
    assert pair.key(world, one) == key and pair.key(world, other) == other_key
    assert not [each for each in cases(world, pair) if key in each["detail"]]
    world.erp.patch(pair.erp, one, **{pair.edit[0]: f"{pair.erp} twin edited"})
    world.sync()
    assert pair.values(world, one, key) == (f"{pair.erp} twin edited",) * 2


def _converted(world: World, name: str) -> tuple[str, str, str]:
    """A synced quote that has just become an order: both, and the Chargebee order that they share."""
    quote = _quote(world, name)
    world.sync()
    key = str(world.erp.get("quotes", quote)["external_refs"]["chargebee"])
    return quote, str(world.erp.convert(quote)["id"]), key


def _note_edited(world: World, order: str, key: str, note: str) -> None:
    """An edit of the order reaches its own Chargebee order, and no case about the order is open."""
    world.erp.patch("orders", order, note=note)
    world.sync()
    assert PAIRS[-1].values(world, order, key) == (note, note)
    assert not [each for each in cases(world, PAIRS[-1]) if order in each["detail"]]


def test_another_quote_typed_into_an_order_before_it_is_read_keeps_both_apart(world: World) -> None:
    other = _quote(world, "typed-other")
    quote, order, key = _converted(world, "typed-own")
    other_key = str(world.erp.get("quotes", other)["external_refs"]["chargebee"])
    world.erp.patch("orders", order, quote_id=other)
    world.sync()
    world.erp.patch("quotes", other, note="typed-other, edited")
    world.sync()
    assert world.erp.get("orders", order)["note"] == "typed-own"
    notes = [world.chargebee.get("orders", each)["note"] for each in (key, other_key)]
    assert notes == ["typed-own", "typed-other, edited"]
    assert [each for each in cases(world, PAIRS[-1]) if order in each["detail"] and other in each["detail"]]
    world.erp.patch("orders", order, quote_id=quote)
    world.sync()
    _note_edited(world, order, key, "typed-own, edited")
    assert world.erp.get("quotes", other)["note"] == "typed-other, edited"


def test_a_copy_of_an_order_that_was_a_quote_is_merged_with_nobody(world: World) -> None:
    _, order, key = _converted(world, "copied-quote")
    world.sync()
    copy = _order(world, "copied-quote-copy")
    PAIRS[-1].point(world, copy, key)
    world.sync()
    assert PAIRS[-1].values(world, order, key) == ("copied-quote", "copied-quote")
    assert world.erp.get("orders", copy)["note"] == "copied-quote-copy"
    assert [each for each in cases(world, PAIRS[-1]) if copy in each["detail"] and key in each["detail"]]
    world.erp.patch("orders", copy, external_refs={})
    world.sync()
    assert PAIRS[-1].key(world, copy) != key
    _note_edited(world, order, key, "copied-quote, edited")


def test_a_node_that_lost_everything_finds_the_order_of_a_quote_whose_link_was_cleared(world: World) -> None:
    _, order, key = _converted(world, "cleared-quote")
    world.sync()
    known = len(world.erp.all("orders")), len(world.chargebee.all("orders"))
    world.erp.patch("orders", order, external_refs={})
    world.stack.wipe_node()
    world.sync()
    assert (len(world.erp.all("orders")), len(world.chargebee.all("orders"))) == known
    assert PAIRS[-1].values(world, order, key) == ("cleared-quote", "cleared-quote")
    PAIRS[-1].point(world, order, key)
    world.sync()
    _note_edited(world, order, key, "cleared-quote, edited")
