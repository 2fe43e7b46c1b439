"""The tables of deletions of docs/explanation/conflicts.md under the other settings, and a second currency."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from stack.processes import Stack
from stack.settings import for_tests
from tests.e2e.conftest import World, _world
from tests.e2e.expectations import cases, product, theirs
from tests.e2e.test_expectations import COLUMNS, Cell, cell, table
from tests.support.lockstep import Scenario, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def prices(world: World, item: str) -> dict[str, int]:
    """Return what an item costs, by currency."""
    found = world.chargebee.all("item_prices", **{"item_id[is]": item})
    return {each["currency_code"]: each["price"] for each in found}


def a_second_currency(world: World) -> Scenario:
    """A price in it is made, the first stays, and edits go to the one in the product's currency."""
    one = product(world, "SECOND", "Second currency")
    yield
    item = theirs(world, "products", one)
    world.erp.patch("products", one, currency="NOK", unit_price="20.00")
    yield
    yield
    assert prices(world, item) == {"EUR": 100, "NOK": 2000}
    world.erp.patch("products", one, unit_price="30.00")
    yield
    assert prices(world, item) == {"EUR": 100, "NOK": 3000}
    (kept,) = world.chargebee.all("item_prices", **{"item_id[is]": item, "currency_code[is]": "NOK"})
    world.chargebee.post(f"item_prices/{kept['id']}", price=4000)
    yield
    assert world.erp.get("products", one)["unit_price"] == "40.00"
    assert prices(world, item) == {"EUR": 100, "NOK": 4000}
    assert not cases(world, one)


@pytest.mark.parametrize("deletes", ["delete", "ignore"])
def test_the_other_settings(deletes: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = for_tests(tmp_path_factory.mktemp("expectations"), "empty")
    variables = {"max-deletes": 1000, "deletes": deletes, "currency-change": "price"}
    told, outcomes = table(f"deleted here, `deletes` at `{deletes}`"), dict[Cell, str]()
    assert len(told) == 12 * len(COLUMNS)
    with Stack(settings=replace(settings, variables=variables)) as stack:
        world = _world(stack)
        world.sync()
        todo = {str(at): partial(cell, world, at, outcomes) for at in told}
        assert run({**todo, "currency": partial(a_second_currency, world)}, world.sync) == {}
        assert outcomes == told
        before = world.writes()
        world.sync()
        assert world.writes() == before
        stack.wipe_node()
        world.sync()
        world.sync()
        assert world.writes() == before
