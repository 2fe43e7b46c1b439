"""Edits on both sides between two syncs, in every mapping: different properties both survive, of one the later wins."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from core.jsonio import Json
from localnode.dtl import PipeSettings, compile_dtl
from stack.environment import ROOT
from tests.e2e.births import BIRTHS
from tests.e2e.conftest import World

NUMBERS = count(1)


@dataclass(frozen=True)
class Pair:
    """A mapping: where its two records are, and a text property of each side that the other side has too.

    `shared` is (ERP's place, Chargebee's place) of the property that both sides edit, `ours` and `theirs` of one
    that only that side does.
    """

    birth: str
    erp: str
    chargebee: str
    shared: tuple[str, str]
    ours: tuple[str, str]
    theirs: tuple[str, str]


PAIRS = [
    Pair("contact", "contacts", "customers", ("phone", "phone"), ("last_name", "last_name"), ("language", "locale")),
    Pair("employee", "employees", "customers", ("phone", "phone"), ("last_name", "last_name"), ("language", "locale")),
    Pair("product", "products", "items", ("description", "description"), ("unit", "unit"), ("name", "name")),
    Pair("order", "orders", "orders", ("note", "note"), ("shipment_carrier", "shipment_carrier"), ("tracking_number", "tracking_id")),
    Pair("quote", "quotes", "orders", ("note", "note"), ("quote_number", "reference_id"), ("note", "note")),
    Pair("customer", "contacts", "customers", ("phone", "phone"), ("last_name", "last_name"), ("language", "locale")),
    Pair("item", "products", "items", ("description", "description"), ("unit", "unit"), ("name", "name")),
    Pair("cb_order", "orders", "orders", ("note", "note"), ("shipment_carrier", "shipment_carrier"), ("tracking_number", "tracking_id")),
]  # fmt: skip


@pytest.fixture(params=PAIRS, ids=lambda pair: pair.birth)
def linked(request: pytest.FixtureRequest, world: World) -> tuple[Pair, str, str]:
    """A pair with the ids of its two records, synced."""
    pair: Pair = request.param
    birth = BIRTHS[pair.birth]
    tag = f"both-{next(NUMBERS)}"
    ready = birth.prepare(world, tag)
    world.sync()
    born = birth.bear(world, tag, ready)
    world.sync()
    made = birth.found(world, born)[0]
    ids = (born["id"], made["id"]) if birth.target == "chargebee" else (made["id"], born["id"])
    return pair, *ids


def edit(
    world: World, pair: Pair, ids: tuple[str, str], side: str, names: tuple[str, str], value: str
) -> None:
    if side == "erp":
        world.erp.patch(pair.erp, ids[0], **{names[0]: value})
    else:
        world.chargebee.post(f"{pair.chargebee}/{ids[1]}", **{names[1]: value})


def agreed(world: World, pair: Pair, ids: tuple[str, str], names: tuple[str, str]) -> Any:
    here = world.erp.get(pair.erp, ids[0])[names[0]]
    there = world.chargebee.get(pair.chargebee, ids[1])[names[1]]
    assert here == there
    return here


def test_different_properties_both_survive(world: World, linked: tuple[Pair, str, str]) -> None:
    pair, *ids = linked
    keys = (ids[0], ids[1])
    tag = pair.birth
    edit(world, pair, keys, "erp", pair.ours, f"ours {tag}")
    edit(world, pair, keys, "chargebee", pair.theirs, f"theirs {tag}")
    before = world.writes()
    world.sync()
    assert agreed(world, pair, keys, pair.ours) == f"ours {tag}"
    assert agreed(world, pair, keys, pair.theirs) == f"theirs {tag}"
    assert [now - then for now, then in zip(world.writes(), before, strict=True)] == [1, 1]


@pytest.mark.parametrize(
    "order", [("erp", "chargebee"), ("chargebee", "erp")], ids=lambda order: f"{order[1]} is later"
)
def test_of_one_property_the_later_edit_wins_and_the_loser_is_on_record(
    world: World, linked: tuple[Pair, str, str], order: tuple[str, str]
) -> None:
    pair, *ids = linked
    keys = (ids[0], ids[1])
    for side in order:
        edit(world, pair, keys, side, pair.shared, f"said by {side}")
    before = sum(world.writes())
    world.sync()
    assert agreed(world, pair, keys, pair.shared) == f"said by {order[1]}"
    assert sum(world.writes()) - before == 1
    system, key = ("customerp", keys[0]) if order[0] == "erp" else ("chargebee", keys[1])
    kind = {"erp": pair.erp, "chargebee": pair.chargebee}[order[0]][:-1]
    row = world.shared(f"{system}-{kind}", key)
    assert row is not None
    assert f"said by {order[0]}" in row["$was"].values()


def test_an_organisation_is_renamed_on_both_sides(world: World) -> None:
    """Chargebee's API cannot take a name: the ERP's later one stands and is reported, Chargebee's later one travels."""
    company = world.erp.create("customers", name="Both sides AS")
    entity = world.chargebee.business_entity("Both sides AS")
    world.sync()
    world.chargebee.business_entity("Theirs AS", key=entity["id"], status="inactive")
    world.erp.patch("customers", company["id"], name="Ours AS")
    world.sync()
    found = world.erp.get("customers", company["id"])
    assert (found["name"], found["status"]) == ("Ours AS", "inactive")
    row = world.shared("chargebee-business_entity", entity["id"])
    assert row is not None
    assert row["$status"] == "pending"
    assert "Ours AS" in row["$error"]["detail"]
    world.erp.patch("customers", company["id"], name="Earlier AS")
    world.chargebee.business_entity("Later AS", key=entity["id"])
    world.sync()
    assert world.erp.get("customers", company["id"])["name"] == "Later AS"
    written = world.shared("customerp-customer", company["id"])
    assert written is not None
    assert written["$was"]["name"] == "Earlier AS"


CLOCK = "2026-05-01T12:00:00.000000Z"
GLOBALS: dict[str, dict[str, str]] = {
    "person": {"first_name": "customerp", "address_city": "chargebee"},
    "organisation": {"name": "chargebee", "status": "chargebee"},
    "product": {"name": "customerp", "unit_price": "customerp"},
    "order": {"note": "chargebee", "status": "chargebee"},
}
"""Who wins at equal clocks: the ERP for master data, Chargebee for billing and fulfilment."""


@pytest.mark.parametrize("concept", GLOBALS)
@pytest.mark.parametrize("turned", [False, True])
def test_equal_clocks_decide_as_documented(
    concept: str, turned: bool, golden: Callable[[str, Json], Json]
) -> None:
    sides = ["customerp", "chargebee"]
    members = [
        {"claims": {name: {"v": side, "t": CLOCK, "by": f"{side}-thing", "of": f"~:{side}:1"} for name in GLOBALS[concept]}}
        for side in (reversed(sides) if turned else sides)
    ]  # fmt: skip
    found = golden(concept, {"_id": "x", "members": members})
    assert {name: claim["v"] for name, claim in found.items()} == GLOBALS[concept]


@pytest.fixture
def golden() -> Callable[[str, Json], Json]:
    """What the rule of a global pipe makes of members."""

    def run(concept: str, entity: Json) -> Json:
        pipe = json.loads((ROOT / "pipes" / f"global-{concept}.conf.json").read_text(encoding="utf-8"))
        program = compile_dtl(pipe["transform"][0]["rules"], PipeSettings(pipe_id=pipe["_id"]))
        return dict(list(program.transform(entity, None))[-1]["golden"])

    return run
