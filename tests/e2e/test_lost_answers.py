"""The answer to a create is lost, in every mapping and direction: afterwards there is one record, linked, and no twin."""

from __future__ import annotations

import threading

import pytest

from stack.processes import Stack
from tests.e2e.births import BIRTHS, Birth
from tests.e2e.conftest import World, _world
from tests.e2e.test_faults import attempt
from tests.support.processes import wait_until
from tests.support.systems import Chargebee, Erp

SLOW_MS = 700
"""How long every answer of the system takes: longer than it takes to kill a process that waits for one."""


def target(world: World, birth: Birth) -> Erp | Chargebee:
    return world.erp if birth.target == "erp" else world.chargebee


def one_and_quiet(world: World, birth: Birth, born: dict) -> None:
    world.sync()
    assert len(birth.found(world, born)) == 1, "one record, no twin"
    settled = world.writes()
    world.sync()
    assert world.writes() == settled


@pytest.mark.slow
@pytest.mark.parametrize("birth", BIRTHS.values(), ids=BIRTHS)
def test_a_lost_answer_makes_no_twin(world: World, birth: Birth) -> None:
    ready = birth.prepare(world, f"Lost-{birth.name}")
    world.sync()
    born = birth.bear(world, f"lost-{birth.name}", ready)
    system = target(world, birth)
    system.faults(drop_after_rate=1)
    attempt(world.stack)
    assert system.stats()["faults"]["dropped_after"] > 0
    system.faults()
    one_and_quiet(world, birth, born)


def die_after_the_first_write(world: World, birth: Birth, born: dict, victim: str) -> None:
    """Kill a process once the create was done, while the look for it is still under way."""
    system = target(world, birth)
    before = system.writes()
    system.faults(drop_after_rate=1, latency_ms=SLOW_MS)
    sync = threading.Thread(target=attempt, args=(world.stack,))
    sync.start()
    wait_until(lambda: system.writes() > before, timeout=60, what="the create")
    world.stack.kill(victim)
    system.faults()
    world.stack.start(victim)
    sync.join()
    attempt(world.stack)
    one_and_quiet(world, birth, born)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory):
    with Stack(data="empty", folder=tmp_path_factory.mktemp("dying")) as stack:
        yield _world(stack)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", ["service", "node"])
@pytest.mark.parametrize("birth", BIRTHS.values(), ids=BIRTHS)
def test_a_process_dies_before_the_look_up(own: World, birth: Birth, victim: str) -> None:
    tag = f"{victim}-{birth.name}"
    ready = birth.prepare(own, tag)
    own.sync()
    born = birth.bear(own, tag, ready)
    service = {"erp": "erp-service", "chargebee": "chargebee-service"}[birth.target]
    die_after_the_first_write(own, birth, born, service if victim == "service" else "node")


@pytest.mark.slow
def test_edits_between_a_lost_answer_and_the_next_try_survive(world: World) -> None:
    """The record is found made: what it says of the first try is no edit, what somebody typed since is one."""
    world.erp.create("products", sku="LOST-0", name="Its family is made", type="goods")
    world.sync()
    one = world.erp.create("products", sku="LOST-1", name="Lost", type="goods", description="1", unit="1")[
        "id"
    ]
    before = world.chargebee.writes()
    world.chargebee.faults(drop_after_rate=1, latency_ms=SLOW_MS, webhook_loss_rate=1)
    sync = threading.Thread(target=attempt, args=(world.stack,))
    sync.start()
    wait_until(lambda: world.chargebee.writes() > before, timeout=60, what="the create")
    world.stack.kill("chargebee-service")
    sync.join()
    world.chargebee.faults()
    world.chargebee.post(f"items/product-{one}", description="Chargebee")
    world.erp.patch("products", one, unit="ERP")
    world.stack.start("chargebee-service")
    world.sync()
    product, item = world.erp.get("products", one), world.chargebee.get("items", f"product-{one}")
    assert (product["description"], product["unit"]) == ("Chargebee", "ERP")
    assert (item["description"], item["unit"]) == ("Chargebee", "ERP")
    settled = world.writes()
    world.sync()
    assert world.writes() == settled
