"""Every row of the dataflow documents, proved in a running stack."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stack.dataflow.document import row_id
from stack.dataflow.rows import Pair, mappings
from tests.e2e.conftest import World
from tests.e2e.rows import people, sales, things
from tests.e2e.rows.steps import Missing, Step, Story, at
from tests.support import shipped

STORIES: dict[str, Callable[[World], Story]] = {
    "contact": people.contact,
    "customer": things.customer,
    "employee": people.employee,
    "order": sales.order,
    "product": things.product,
    "quote": sales.quote,
}
CASES = [
    pytest.param(mapping.erp.datatype, pair, id=row_id(mapping, pair))
    for mapping in mappings(shipped.mappings())
    for pair in mapping.pairs()
]


@pytest.fixture(scope="module")
def told(world: World) -> dict[str, list[Step] | Exception]:
    """The steps of each mapping's story. They are told side by side, so that one sync serves them all."""
    running = {erp: story(world) for erp, story in STORIES.items()}
    ended: dict[str, list[Step] | Exception] = {}
    while running:
        for erp, story in list(running.items()):
            try:
                next(story)
            except StopIteration as end:
                ended[erp] = end.value
            except Exception as error:
                ended[erp] = error
        running = {erp: story for erp, story in running.items() if erp not in ended}
        world.sync()
    return ended


@pytest.mark.parametrize(("erp", "row"), CASES)
def test_row(told: dict[str, list[Step] | Exception], erp: str, row: Pair) -> None:
    steps = told[erp]
    if isinstance(steps, Exception):
        raise steps
    proofs = [(step.by, step.is_new) for step in steps if _shows(step, row)]
    for by, how in (("erp", row.to_chargebee), ("chargebee", row.to_erp)):
        is_given_once = row.arrow == "←" and any(is_new for _, is_new in proofs)
        if how == "always" and not is_given_once:
            assert (by, False) in proofs, f"no step edits it in {by}"
        elif how == "created":
            assert any(is_new for _, is_new in proofs), "no step makes a record with it"


def _shows(step: Step, row: Pair) -> bool:
    """True if the step is about this row; then both sides must say what the step expects."""
    try:
        expected = at(step.erp, row.erp), at(step.chargebee, row.chargebee)
    except Missing:
        return False
    found = []
    for record, path in zip(step.found, (row.erp, row.chargebee), strict=True):
        try:
            found.append(at(record, path))
        except Missing:
            found.append(None)
    assert tuple(found) == expected, f"{row.erp} {row.arrow} {row.chargebee} after a step by {step.by}"
    return True
