"""What people expect, and the table of deletions of docs/explanation/conflicts.md, all on one stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import pytest

from stack.processes import Stack
from stack.settings import for_tests
from tests.e2e.conftest import World, _world
from tests.e2e.deletions import CHARGEBEE, ERP, PIPES, Pair
from tests.e2e.expectations import SCENARIOS, SHARES, cases
from tests.support.lockstep import Scenario, run
from tests.support.processes import ROOT

pytestmark = pytest.mark.timeout(600)

Cell = tuple[str, int, str]
"""A kind, the side on which a record is deleted, and what happens besides: the heading of a column."""


def nothing(pair: Pair) -> Scenario:
    pair.delete(pair.deleted)
    yield


def edited(pair: Pair) -> Scenario:
    pair.edit(1 - pair.deleted)
    pair.delete(pair.deleted)
    yield


def both_deleted(pair: Pair) -> Scenario:
    pair.delete(1 - pair.deleted)
    pair.delete(pair.deleted)
    yield


def retired_before(pair: Pair) -> Scenario:
    pair.retire(1 - pair.deleted)
    yield
    pair.delete(pair.deleted)
    yield


def made_again_at_once(pair: Pair) -> Scenario:
    pair.delete(pair.deleted)
    pair.make_again()
    yield
    yield


def made_again_later(pair: Pair) -> Scenario:
    pair.delete(pair.deleted)
    yield
    pair.make_again()
    yield
    yield


def brought_back(pair: Pair) -> Scenario:
    pair.delete(pair.deleted)
    yield
    pair.bring_back(1 - pair.deleted)
    yield


COLUMNS: Mapping[str, Callable[[Pair], Scenario]] = {
    "nothing": nothing,
    "edited": edited,
    "deleted, too": both_deleted,
    "retired before": retired_before,
    "made again here at once": made_again_at_once,
    "made again here later": made_again_later,
    "brought back": brought_back,
}


def table(corner: str) -> dict[Cell, str]:
    """Return a table of the documentation, by what stands in its corner."""
    page = (ROOT / "docs/explanation/conflicts.md").read_text(encoding="utf-8")
    lines = page.partition(f"| {corner} |")[2].partition("\n\n")[0].splitlines()
    heads = [head.strip() for head in lines[0].strip(" |").split("|")]
    found: dict[Cell, str] = {}
    for line in lines[2:]:
        of, *outcomes = [cell.strip() for cell in line.strip("| ").split("|")]
        kind, _, system = of.partition(" in ")
        side = ERP if system == "the ERP" else CHARGEBEE
        found |= {(kind, side, head): outcome for head, outcome in zip(heads, outcomes, strict=True)}
    return found


TABLE = table("deleted here")


@dataclass
class Played:
    """What came of everything: outcomes of the cells, and what failed."""

    world: World
    outcomes: dict[Cell, str]
    failed: dict[str, Exception]


def cell(world: World, at: Cell, outcomes: dict[Cell, str]) -> Scenario:
    kind, side, column = at
    tag = f"{kind}{side}{''.join(part[:4] for part in column.replace(',', '').split())}"
    pair = Pair(world, kind, side, tag)
    pair.make()
    yield
    pair.link()
    yield from COLUMNS[column](pair)
    outcomes[at] = pair.outcome()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Everything, in lockstep."""
    settings = for_tests(tmp_path_factory.mktemp("expectations"), "empty")
    with Stack(settings=replace(settings, variables={"max-deletes": 1000})) as stack:
        world, outcomes = _world(stack), dict[Cell, str]()
        world.sync()
        todo = {name: partial(made, world) for name, made in SCENARIOS.items()}
        todo |= {str(at): partial(cell, world, at, outcomes) for at in TABLE}
        yield Played(world, outcomes, run(todo, world.sync))


def test_the_table_is_whole() -> None:
    assert set(TABLE) == {(kind, side, column) for kind in PIPES for side in (ERP, CHARGEBEE) for column in COLUMNS}  # fmt: skip


@pytest.mark.parametrize("at", TABLE, ids=lambda at: f"{at[0]}-{('erp', 'chargebee')[at[1]]}-{at[2]}")
def test_the_table_of_deletions(played: Played, at: Cell) -> None:
    if str(at) in played.failed:
        raise played.failed[str(at)]
    assert played.outcomes[at] == TABLE[at]


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_is_as_people_expect(played: Played, name: str) -> None:
    if name in played.failed:
        raise played.failed[name]


def test_after_all_that_nothing_moves_and_a_node_that_lost_everything_writes_nothing(played: Played) -> None:
    world = played.world
    before = world.writes()
    world.sync()
    assert world.writes() == before
    world.stack.wipe_node()
    world.sync()
    world.sync()
    assert world.writes() == before
    told = [
        row["$error"]
        for pipe in SHARES
        for row in world.rows(pipe)
        if (row["$error"] or {}).get("rule") == "settled-difference"
    ]
    assert [each for each in told if "in unit_price," in each["detail"]], "a true difference is reported"
    assert not [each for each in told if "last_name" in each["detail"]], "a filler is none"
    assert "settled-difference" not in cases(world, "o-born-there"), "nor is that of a reason"
    assert "currency" in cases(world, "currency")
