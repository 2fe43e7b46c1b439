"""Lost answers, errors and kill -9 at random moments: after it, no twin, no lost edit, and nothing moves any more."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from stack.process_manager import StackError
from stack.processes import Stack
from tests.e2e.conftest import World, _world
from tests.support.systems import Erp

PAIRS = {"first_name": "first_name", "last_name": "last_name", "phone": "phone", "language": "locale"}
PROCESSES = ("node", "erp-service", "chargebee-service", "erp-sandbox", "chargebee-sandbox")


def attempt(stack: Stack) -> bool:
    """One sync; False if an outage ended it, which the next one makes good."""
    try:
        stack.sync()
    except (StackError, OSError):
        return False
    return True


class Outsiders:
    """People who edit both systems at random, and what they meant: the newest value of each property."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.people: list[str] = []
        self.products: list[str] = []
        self.meant: dict[tuple[str, str], str] = {}

    def edit(self) -> None:
        kind = self.random.random()
        if kind < 0.25 or not self.people:
            number = len(self.people)
            person = self.world.erp.create(
                "contacts", first_name=f"F{number}", last_name="L", email=f"p{number}@chaos.example"
            )
            self.people.append(person["id"])
            self.meant[person["id"], "first_name"] = f"F{number}"
        elif kind < 0.35:
            sku = f"CHAOS-{len(self.products)}"
            self.products.append(sku)
            self.world.erp.create(
                "products", sku=sku, name=sku, type="goods", unit_price="9.50", currency="NOK"
            )
        else:
            person_id = self.random.choice(self.people)
            ours, theirs = self.random.choice(list(PAIRS.items()))
            value = f"{ours} {self.random.randint(0, 9999)}"
            key = self.world.erp.get("contacts", person_id)["external_refs"].get("chargebee")
            if key and self.random.random() < 0.5:
                self.world.chargebee.post(f"customers/{key}", **{theirs: value})
            else:
                self.world.erp.patch("contacts", person_id, **{ours: value})
            self.meant[person_id, ours] = value

    def faults(self, on: bool) -> None:
        for system in (self.world.erp, self.world.chargebee):
            rates = {"error_rate": 0.05, "drop_before_rate": 0.05, "drop_after_rate": 0.15} if on else {}
            system.faults(**rates, retry_after=False, seed=self.random.randint(1, 999))


def sync_with_a_kill(stack: Stack, name: str, delay: float) -> None:
    """Kill -9 one process while a sync is under way, and start it again."""
    sync = threading.Thread(target=attempt, args=(stack,))
    sync.start()
    time.sleep(delay)
    stack.kill(name)
    stack.start(name)
    sync.join()


def verify(outsiders: Outsiders, erp: Erp) -> None:
    contacts = {c["id"]: c for c in erp.all("contacts")}
    customers = {c["id"]: c for c in outsiders.world.chargebee.all("customers")}
    assert sorted(contacts) == sorted(outsiders.people), "no twin and no loss in the ERP"
    assert sorted(customers) == sorted(f"contact-{key}" for key in outsiders.people), "nor in Chargebee"
    for (key, ours), value in outsiders.meant.items():
        customer = customers[contacts[key]["external_refs"]["chargebee"]]
        assert (contacts[key][ours], customer[PAIRS[ours]]) == (value, value), f"{key} {ours}"
    assert len(erp.all("products")) == len(outsiders.world.chargebee.all("items")) == len(outsiders.products)
    assert len(outsiders.world.chargebee.all("item_prices")) == len(outsiders.products)


def ordeal(folder: Path, seed: int, rounds: int) -> None:
    """`rounds` rounds of edits, each synced under faults or with one process killed; then all must be well."""
    with Stack(data="empty", folder=folder) as stack:
        world = _world(stack)
        outsiders = Outsiders(world, seed)
        for _ in range(rounds):
            outsiders.faults(False)
            for _ in range(outsiders.random.randint(1, 6)):
                outsiders.edit()
            outsiders.faults(True)
            if outsiders.random.random() < 0.6:
                sync_with_a_kill(stack, outsiders.random.choice(PROCESSES), outsiders.random.uniform(0, 1.2))
            else:
                attempt(stack)
        outsiders.faults(False)
        for _ in range(5):
            if attempt(stack):
                break
        world.sync()
        settled = world.writes()
        world.sync()
        assert world.writes() == settled, "nothing bounces"
        verify(outsiders, world.erp)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 8))
def test_nothing_is_lost_or_made_twice(tmp_path: Path, seed: int) -> None:
    """The fast suite has the short soak of `tests/soundness` for this."""
    ordeal(tmp_path, seed, rounds=25)
