"""Each rule behind what people expect, broken: its scenario must notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from stack.processes import Stack
from stack.settings import for_tests
from tests.diagnostics.planned import ask
from tests.e2e.conftest import World, _world
from tests.e2e.expectations import SCENARIOS, contact_of, product
from tests.e2e.test_expectations import TABLE, Cell, cell
from tests.soundness.mutations import EXPECTATIONS, Mutation, mutated
from tests.support.lockstep import Scenario, run

pytestmark = pytest.mark.slow


def of_the_table(at: Cell) -> Callable[[World], Scenario]:
    """A cell of the table of deletions, as a scenario."""

    def scenario(world: World) -> Scenario:
        found: dict[Cell, str] = {}
        yield from cell(world, at, found)
        assert found[at] == TABLE[at]

    return scenario


def lost(world: World) -> Scenario:
    """A price that was cleared in the ERP, and a node that lost everything."""
    one = product(world, "LOST", "Lost")
    yield
    world.erp.patch("products", one, unit_price=None)
    yield
    yield
    world.stack.wipe_node()
    yield
    yield
    assert world.erp.get("products", one)["unit_price"] is None


def first_table(world: World) -> Scenario:
    """What a plan says before anything is written: one match, one that a person has to decide, none made of it."""
    for key in ("asked-1", "asked-2", "same"):
        world.chargebee.post(
            "customers", id=key, last_name="A", email=f"{key.partition('-')[0]}@first.example"
        )
    for email in ("asked@first.example", "same@first.example"):
        world.erp.create("contacts", last_name="A", email=email)
    table = {each["datatype"]: each for each in ask(world.stack)["kinds"] if each["system"] == "customerp"}
    found = table["contact"]
    assert (found["records"], found["matched"], found["open"]) == (2, 1, {"ambiguous": 1})
    yield


def filler_lost(world: World) -> Scenario:
    """A last name that was filled in, and a node that lost everything: the company's new name is the new filler."""
    world.chargebee.post("customers", id="lost", company="Lost AS")
    yield
    yield
    world.stack.wipe_node()
    yield
    yield
    world.chargebee.post("customers/lost", company="Found AS")
    yield
    assert contact_of(world, "lost")["last_name"] == "Found AS"
    assert world.chargebee.get("customers", "lost").get("last_name") is None


ALL: dict[str, Callable[[World], Scenario]] = {
    **SCENARIOS,
    "made again in the ERP": of_the_table(("contact", 0, "made again here later")),
    "made again in Chargebee": of_the_table(("contact", 1, "made again here later")),
    "brought back": of_the_table(("contact", 1, "brought back")),
    "a table before the first write": first_table,
    "a node that lost everything": lost,
    "a filler, and a node that lost everything": filler_lost,
}


@pytest.mark.parametrize("mutation", EXPECTATIONS, ids=lambda mutation: mutation.__name__)
def test_it_is_noticed(tmp_path: Path, mutation: Mutation) -> None:
    settings = for_tests(tmp_path / "stack", "empty")
    config = mutated(mutation, tmp_path / "config")
    with Stack(settings=replace(settings, config=config)) as stack:
        world = _world(stack)
        world.sync()
        name = EXPECTATIONS[mutation]
        assert name in run({name: partial(ALL[name], world)}, world.sync)
