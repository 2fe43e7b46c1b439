"""A loop in which every call succeeds: a record that an outside script keeps changing back is written so often and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stack.decisions import retry
from stack.processes import Stack
from stack.settings import for_tests
from tests.e2e.conftest import World, _world

BUDGET = 5


pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    settings = replace(for_tests(tmp_path, "empty"), variables={"write-budget": str(BUDGET)})
    with Stack(settings=settings) as stack:
        yield _world(stack)


def flip(world: World, person: str, times: int) -> None:
    """An outside script writes to the ERP, again and again, whatever the sync does in between."""
    for number in range(times):
        world.erp.patch("contacts", person, first_name=f"Flip {number}")
        world.sync()


def test_a_record_is_quarantined_named_and_released(world: World) -> None:
    person = world.erp.create("contacts", first_name="Flip", last_name="Flop", email="flip@flop.example")[
        "id"
    ]
    other = world.erp.create("contacts", first_name="By", last_name="Stander", email="by@flop.example")["id"]
    world.sync()
    key, before = f"contact-{person}", world.chargebee.writes()
    flip(world, person, 100)
    assert world.chargebee.writes() - before == BUDGET
    assert world.chargebee.get("customers", key)["first_name"] == f"Flip {BUDGET - 1}"

    row = world.shared("chargebee-customer", key)
    assert row is not None and (row["$status"], row["$error"]["rule"]) == ("quarantined", "write-budget")
    shown = world.stack.node._call("GET", "/publishers/open-endpoint/csv").text
    assert [
        line for line in shown.splitlines() if line.startswith(f"chargebee-customer-share:{key},quarantined")
    ]
    held = [each for each in world.stack.entities("audit") if each["answer"]["status"] == "quarantined"]
    assert {each["record"] for each in held} == {key}

    world.erp.patch("contacts", other, first_name="Unharmed")
    world.sync()
    assert world.chargebee.get("customers", f"contact-{other}")["first_name"] == "Unharmed"

    assert len(retry(world.stack.node, "chargebee-customer", key)) == 1
    world.sync()
    assert world.chargebee.get("customers", key)["first_name"] == "Flip 99"
    row = world.shared("chargebee-customer", key)
    assert row is not None and row["$status"] == "ok"
    flip(world, person, BUDGET + 2)
    row = world.shared("chargebee-customer", key)
    assert row is not None and row["$status"] == "quarantined", "a release is no free ticket"
