"""More deletions in one run than the breaker allows: nothing of them is written until a person commits them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from stack.process_manager import StackError
from stack.processes import Stack
from tests.e2e.conftest import World, _world
from tests.support import commands

PEOPLE, GONE = 20, 12


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for these tests alone: a breaker counts all records of a datatype."""
    with Stack(data="empty", folder=tmp_path_factory.mktemp("mass")) as stack:
        yield _world(stack)


@pytest.fixture
def synced(alone: World) -> tuple[World, list[str]]:
    """PEOPLE contacts of this test's own, all of them synced."""
    people = [_contact(alone) for _ in range(PEOPLE)]
    alone.sync()
    return alone, people


def _contact(world: World) -> str:
    fields = {"first_name": "F", "last_name": "L", "email": f"{uuid.uuid4()}@mass.example"}
    return str(world.erp.create("contacts", **fields)["id"])


def active(world: World, person: str) -> Any:
    customer = world.chargebee.get("customers", f"contact-{person}")
    return customer["meta_data"]["customerp"]["active"]


def localnode(world: World, *words: str) -> CompletedProcess[str]:
    """A command of the local node's command line, as a person gives it."""
    return commands.localnode(*words, "--node", world.stack.node.url)


def test_a_mass_delete_waits_for_a_person_and_is_carried_out_once_committed(
    synced: tuple[World, list[str]],
) -> None:
    world, people = synced
    for person in people[:GONE]:
        world.erp.delete("contacts", person)
    before = world.chargebee.writes()
    with pytest.raises(StackError, match="customerp-contact-deletes.*commit customerp-contact-deletes"):
        world.sync()
    assert world.chargebee.writes() == before, "nothing of it is written"

    world.erp.patch("contacts", people[-1], first_name="Edited")
    late = _contact(world)
    with pytest.raises(StackError, match="customerp-contact-deletes"):
        world.sync()
    assert world.chargebee.get("customers", f"contact-{people[-1]}")["first_name"] == "Edited"
    assert active(world, late) is True, "everything else goes on"

    listed = localnode(world, "breakers")
    assert listed.returncode == 1
    assert "customerp-contact-deletes" in listed.stdout and f"{GONE} uncommitted" in listed.stdout
    committed = localnode(world, "commit", "customerp-contact-deletes")
    assert committed.returncode == 0, committed.stderr
    assert localnode(world, "breakers").returncode == 0
    world.sync()
    assert [active(world, person) for person in people] == [False] * GONE + [True] * (PEOPLE - GONE)


@pytest.mark.slow
def test_a_mass_delete_rolled_back_once_the_records_are_there_again(
    synced: tuple[World, list[str]],
) -> None:
    world, people = synced
    dataset = [row for row in world.stack.node.entities("customerp-contact-all") if row["_id"] in people]
    gone = [{**row, "_deleted": True} for row in dataset[:GONE]]
    world.stack.node._call("POST", "/datasets/customerp-contact-all/entities", json=gone)
    before = world.writes()
    with pytest.raises(StackError, match="customerp-contact-deletes"):
        world.sync()
    world.stack.node._call("POST", "/datasets/customerp-contact-all/entities", json=dataset[:GONE])
    rolled_back = localnode(world, "rollback", "customerp-contact-deletes")
    assert rolled_back.returncode == 0, rolled_back.stderr
    world.sync()
    assert world.writes() == before
    assert all(active(world, person) for person in people)


def test_a_few_deletions_and_many_new_records_pass(synced: tuple[World, list[str]]) -> None:
    world, people = synced
    for person in people[:10]:
        world.erp.delete("contacts", person)
    more = [_contact(world) for _ in range(2 * PEOPLE)]
    world.sync()
    assert [active(world, person) for person in people] == [False] * 10 + [True] * (PEOPLE - 10)
    assert all(active(world, person) for person in more)


@pytest.mark.slow
def test_the_breaker_counts_what_was_there_at_first(tmp_path: Path) -> None:
    """5 % of 260 records are 13: twelve go, fourteen do not."""
    with Stack(data="empty", folder=tmp_path) as stack:
        world = _world(stack)
        products = [
            world.erp.create(
                "products", sku=f"S{n}", name=f"P{n}", type="goods", unit_price="1.00", currency="NOK"
            )["id"]
            for n in range(260)
        ]
        world.sync()
        for product in products[:12]:
            world.erp.delete("products", product)
        world.sync()
        for product in products[12:26]:
            world.erp.delete("products", product)
        with pytest.raises(StackError, match="customerp-product-deletes"):
            world.sync()


@pytest.mark.slow
def test_chargebee_is_watched_as_well(synced: tuple[World, list[str]]) -> None:
    world, people = synced
    for person in people[:GONE]:
        world.chargebee.post(f"customers/contact-{person}/delete")
    before = world.erp.writes()
    with pytest.raises(StackError, match="chargebee-customer-deletes"):
        world.sync()
    assert world.erp.writes() == before
    assert all(world.erp.get("contacts", person)["active"] for person in people)
