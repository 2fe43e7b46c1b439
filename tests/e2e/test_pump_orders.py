"""What a first load makes does not depend on the order in which pumps run: values that are set once, who is the same, what is made."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from core.diff import differences
from core.jsonio import Json
from stack.settings import for_tests
from tests.e2e.pump_orders import Services, first_load, load_and_edits

ORDERS = 200
FAST = (5,)
"""Of these the fast suite runs that one, in which an order would be imported before its product has a price."""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Sandboxes and services for all orders."""
    with Services(settings=for_tests(tmp_path_factory.mktemp("services"), "empty")) as running:
        yield running


@pytest.fixture(scope="module")
def by_name(services: Services, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Json]:
    """By name all of Chargebee's pipes run before those of the ERP, and these before the globals: the worst order."""
    return load_and_edits(services, tmp_path_factory.mktemp("by-name"))


def test_pumps_by_name(by_name: dict[str, Json]) -> None:
    found = by_name["loaded"]
    north, south = (found[f"chargebee customers {name}"] for name in ("kari@nord.example", "uwe@sud.example"))
    assert north["business_entity_id"] == "1", (
        "a contact's company is known before its Chargebee customer is made"
    )
    assert south["business_entity_id"] == "2"
    assert found["erp contacts uwe@sud.example"]["customer_id"] == "<erp customers Sud GmbH>"
    assert {name for name in found if name.startswith("chargebee items")} == {
        "chargebee items cb-rose", "chargebee items cb-spade", "chargebee items Levering"}, "no twin of what both have"  # fmt: skip
    lines = found["chargebee orders SO-10001"]["order_line_items"]
    assert [each.get("entity_id") for each in lines] == [
        "cb-rose-NOK",
        "product-<erp products SHIP>-NOK",
    ], "an order waits for the items of its lines, and for their prices"
    twice = found["chargebee customers jo@twice.example"]["id"]
    assert twice == "contact-<erp contacts jo@twice.example>", (
        "who is contact and employee is one person, made as contact"
    )


def test_a_new_order_waits_for_the_new_contact_who_is_to_pay(by_name: dict[str, Json]) -> None:
    found = by_name["edited"]
    payers = {
        each: found[f"chargebee customers {each}"]["id"]
        for each in ("per@alene.example", "ola@alene.example")
    }
    assert found["chargebee orders SO-10002"]["customer_id"] == payers["ola@alene.example"]
    assert found["chargebee orders SO-10004"]["customer_id"] == payers["per@alene.example"]


@pytest.mark.parametrize(
    "seeds",
    [FAST, pytest.param(range(ORDERS), marks=[pytest.mark.slow, pytest.mark.timeout(7200)])],
)
def test_pumps_in_random_orders(
    services: Services, tmp_path: Path, by_name: dict[str, Json], seeds: Sequence[int]
) -> None:
    for seed in seeds:
        found = first_load(services, tmp_path / str(seed), random.Random(seed))
        assert not list(differences(by_name["loaded"], found)), f"order {seed}"
