"""What the judge takes for filled in: the shipping date of a Chargebee order whose ERP order has none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.soundness.judge import Judge, Systems
from tests.soundness.kinds import ERP_ORDER
from tests.soundness.model import Edit, Group, Member

EMPTY: dict[str, Any] = dict.fromkeys(ERP_ORDER.shown) | {
    "order_number": "N-1",
    "shipping_date": None,
    "requested_delivery_date": None,
    "status": "confirmed",
}
DATE, SHIPPED = 1_590_192_000, 1_590_278_400
"""2020-05-23 and the day after, in seconds since the epoch."""


def found(erp: str | None, chargebee: int, group: Group) -> list[str]:
    """What is wrong where the ERP order ships on the day `erp`, the Chargebee order of 2020-05-23 at `chargebee`."""
    records = {
        "order": EMPTY | {"order_date": "2020-05-23", "shipping_date": erp},
        "cb_order": {"status": "queued", "order_date": DATE, "shipping_date": chargebee},
    }
    systems = SimpleNamespace(record=lambda member: records[member.kind])
    judge = Judge(cast(Systems, systems), [group], lambda _: 0)
    judge._check_value(group, "shipping_date", group.members, {})
    return judge.found


def group(*edits: Edit) -> Group:
    """An order of 2020-05-23 in both systems, whose shipping date was edited."""
    members = [Member("order", "1"), Member("cb_order", "1", by_sync=True)]
    return Group("order", members, {"order_date": "2020-05-23"}, {"shipping_date": list(edits)})


def test_the_date_of_the_order_stands_in_for_a_shipping_date_that_nobody_said() -> None:
    assert found(None, DATE, group()) == []


@pytest.mark.parametrize(
    ("erp", "chargebee", "edits"),
    [
        pytest.param(None, SHIPPED, (), id="any other date is somebody's"),
        pytest.param("2020-05-23", DATE, (), id="a filler never travels"),
        pytest.param(None, DATE, (Edit("cb_order:1", "2020-05-23", 5, 6),), id="typed, it travels"),
        pytest.param("2020-05-24", DATE, (Edit("order:1", "2020-05-24", 5, 6),), id="a real value takes its place"),
    ],
)  # fmt: skip
def test_nothing_else_does(erp: str | None, chargebee: int, edits: tuple[Edit, ...]) -> None:
    assert found(erp, chargebee, group(*edits))
