"""Webhooks hurry records along and can do no harm: lost, late, doubled, out of order, or here before our own answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from stack.processes import ERP_WEBHOOK_KEY, WEBHOOK_AUTH
from tests.e2e.conftest import World
from tests.support.processes import wait_until


@pytest.fixture(autouse=True)
def healthy(world: World) -> Iterator[None]:
    yield
    world.chargebee.faults()


def linked(world: World, name: str) -> tuple[str, str]:
    """A new contact and its customer: their ids."""
    contact = world.erp.create("contacts", last_name=name, email=f"{name.lower()}@hook.example")["id"]
    world.sync()
    return contact, world.erp.get("contacts", contact)["external_refs"]["chargebee"]


def heard(world: World, key: str, pipe: str = "chargebee-customer-event", **fields: Any) -> None:
    """Wait until the event pipe has a record with these fields."""

    def is_there() -> bool:
        found = world.stack.entity(pipe, key) or {}
        return all(found.get(name) == value for name, value in fields.items())

    wait_until(is_there, what=f"event of {key}")


def deliver(world: World, event_id: str, kind: str, **content: Any) -> None:
    """Deliver an event as Chargebee would."""
    body = {"id": event_id, "event_type": kind, "occurred_at": int(time.time()), "content": content}
    url = f"{world.stack.settings.url('chargebee-service')}/webhooks"
    requests.post(url, json=body, auth=WEBHOOK_AUTH, timeout=60).raise_for_status()


def tell(world: World, key: str) -> None:
    """Tell the service, as the sandbox ERP would, that a contact changed."""
    body = json.dumps({"type": "contact", "id": key}).encode()
    sign = hmac.new(ERP_WEBHOOK_KEY.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Sandbox-Signature": f"sha256={sign}"}
    url = f"{world.stack.settings.url('erp-service')}/webhooks"
    requests.post(url, data=body, headers=headers, timeout=60).raise_for_status()


def receive(world: World, entity: dict[str, Any]) -> None:
    """Give the node what the service would hand on to it."""
    url = f"{world.stack.settings.url('node')}/api/receivers/chargebee-customer-event/entities"
    requests.post(url, json=[entity], timeout=60).raise_for_status()


def settled(world: World) -> None:
    """Nothing is written any more, also when the reads have caught up."""
    world.chargebee.faults()
    world.sync()
    before = world.writes()
    world.sync()
    assert world.writes() == before


def test_an_event_brings_what_no_list_shows_yet(world: World) -> None:
    contact, key = linked(world, "Lagging")
    world.chargebee.faults(list_lag_s=600)
    world.chargebee.post(f"customers/{key}", phone="+47 1")
    heard(world, key, phone="+47 1")
    world.sync()
    assert world.erp.get("contacts", contact)["phone"] == "+47 1"
    settled(world)
    assert world.erp.get("contacts", contact)["phone"] == "+47 1"


def test_a_new_customer_and_a_new_business_entity_come_by_event(world: World) -> None:
    account = world.erp.create("customers", name="Hook Fjord AS")["id"]
    world.sync()
    world.chargebee.faults(list_lag_s=600)
    entity = world.chargebee.business_entity("Hook Fjord AS")
    world.chargebee.post("customers", id="hook-born", email="born@hook.example", last_name="Born")
    heard(world, "hook-born", last_name="Born")
    world.sync()
    assert [one["last_name"] for one in world.erp.all("contacts") if one["email"] == "born@hook.example"] == [
        "Born"
    ]
    assert world.erp.get("customers", account)["business_entity_id"] == entity["id"]
    settled(world)


def test_doubled_and_reordered_events_end_in_the_newest(world: World) -> None:
    contact, key = linked(world, "Disorder")
    world.chargebee.faults(webhook_duplicate_rate=0.7, webhook_delay_ms=400, list_lag_s=600, seed=3)
    for number in range(12):
        world.chargebee.post(f"customers/{key}", phone=f"+47 {number}")
    heard(world, key, phone="+47 11")
    time.sleep(0.5)  # the rest of the late ones
    heard(world, key, phone="+47 11")
    world.sync()
    assert world.erp.get("contacts", contact)["phone"] == "+47 11"
    settled(world)


def test_lost_events_are_made_good_by_the_read(world: World) -> None:
    contact, key = linked(world, "Lost")
    world.chargebee.faults(webhook_loss_rate=1.0)
    world.chargebee.post(f"customers/{key}", phone="+47 2")
    world.sync()
    assert world.erp.get("contacts", contact)["phone"] == "+47 2"
    settled(world)


def test_an_old_event_neither_reverts_nor_revives(world: World) -> None:
    contact, key = linked(world, "Oldevent")
    old = world.chargebee.get("customers", key)
    world.chargebee.post(f"customers/{key}", phone="+47 3")
    heard(world, key, phone="+47 3")
    world.sync()
    before = world.writes()
    deliver(world, "ev_old_1", "customer_changed", customer=old)
    world.sync()
    assert world.writes() == before
    assert world.erp.get("contacts", contact)["phone"] == "+47 3"
    live = world.chargebee.get("customers", key)
    world.chargebee.post(f"customers/{key}/delete")
    heard(world, key, deleted=True)
    deliver(world, "ev_old_2", "customer_changed", customer=live)
    world.sync()
    assert (world.stack.entity("chargebee-customer-collect", key) or {})["_deleted"] is True
    settled(world)


def test_a_record_that_a_whole_read_misses_is_gone_whatever_an_event_said(world: World) -> None:
    _, key = linked(world, "Vanished")
    ghost = {**world.chargebee.get("customers", key), "id": "hook-ghost", "email": None, "meta_data": {}}
    receive(world, {**ghost, "_id": "hook-ghost", "_deleted": False})
    world.sync()
    assert (world.stack.entity("chargebee-customer-collect", "hook-ghost") or {})["_deleted"] is False
    dead = {**ghost, "deleted": True, "resource_version": ghost["resource_version"] + 1}
    receive(world, {**dead, "_id": "hook-ghost", "_deleted": True})
    world.sync()
    assert (world.stack.entity("chargebee-customer-collect", "hook-ghost") or {})["_deleted"] is True


def test_a_forged_event_changes_nothing_and_stands_in_no_later_edits_way(world: World) -> None:
    contact, key = linked(world, "Forgery")
    real = world.chargebee.get("customers", key)
    before = world.writes()
    for kind, forged in (
        ("customer_changed", {"phone": "+47 forged", "resource_version": 99_999_999_999_999}),
        ("customer_deleted", {"deleted": True, "resource_version": 99_999_999_999_999}),
    ):
        deliver(world, f"ev_forged_{kind}", kind, customer={**real, **forged})
        world.sync()
    assert world.writes() == before
    assert world.erp.get("contacts", contact).get("phone") is None
    world.chargebee.post(f"customers/{key}", phone="+47 4")
    world.sync()
    assert world.erp.get("contacts", contact)["phone"] == "+47 4"
    settled(world)


def test_a_version_of_the_future_that_is_stored_already_does_not_overrule_the_truth(world: World) -> None:
    """Earlier releases believed what events said: their datasets may hold such a version."""
    contact, key = linked(world, "Prophecy")
    real = world.chargebee.get("customers", key)
    row = {**(world.stack.entity("chargebee-customer-event", key) or real), "_id": key}
    forged = {**row, "phone": "+47 forged", "resource_version": 99_999_999_999_999}
    url = f"{world.stack.settings.url('node')}/api/datasets/chargebee-customer-event/entities"
    requests.post(url, json=[forged], timeout=60).raise_for_status()
    before = world.writes()
    world.sync()
    assert world.writes() == before
    assert world.erp.get("contacts", contact).get("phone") is None
    world.chargebee.post(f"customers/{key}", phone="+47 5")
    heard(world, key, phone="+47 5")
    world.sync()
    assert world.erp.get("contacts", contact)["phone"] == "+47 5"
    settled(world)


def test_our_own_write_seen_before_its_answer_is_no_edit(world: World) -> None:
    """The write was done and its event is here; the answer is not, and meanwhile the ERP has moved on."""
    contact, key = linked(world, "Hasty")
    world.pump("chargebee-customer-share", "disable")
    try:
        world.erp.patch("contacts", contact, phone="+47 first")
        world.sync()
        world.erp.patch("contacts", contact, phone="+47 second")
        world.chargebee.post(f"customers/{key}", phone="+47 first")
        heard(world, key, phone="+47 first")
        world.sync()
    finally:
        world.pump("chargebee-customer-share", "enable")
    world.sync()
    values = world.erp.get("contacts", contact)["phone"], world.chargebee.get("customers", key)["phone"]
    assert values == ("+47 second", "+47 second"), "the echo of the first edit is no newer edit"
    settled(world)


def test_our_own_write_to_the_erp_read_before_its_answer_is_no_edit(world: World) -> None:
    contact, key = linked(world, "Hastyerp")
    world.pump("customerp-contact-share", "disable")
    try:
        world.chargebee.post(f"customers/{key}", phone="+47 first")
        heard(world, key, phone="+47 first")
        world.sync()
        world.chargebee.post(f"customers/{key}", phone="+47 second")
        heard(world, key, phone="+47 second")
        world.erp.patch("contacts", contact, phone="+47 first")
        world.sync()
    finally:
        world.pump("customerp-contact-share", "enable")
    world.sync()
    values = world.erp.get("contacts", contact)["phone"], world.chargebee.get("customers", key)["phone"]
    assert values == ("+47 second", "+47 second")
    settled(world)


def test_our_write_read_only_after_a_later_one_is_no_edit(world: World) -> None:
    """Neither lists nor events show it for a while; the ERP takes it back, which is what Chargebee still seems to say."""
    contact, key = linked(world, "Belated")
    world.erp.patch("contacts", contact, phone="+47 first")
    world.sync()
    world.chargebee.faults(list_lag_s=600, webhook_loss_rate=1)
    world.erp.patch("contacts", contact, phone="+47 second")
    world.sync()
    world.erp.patch("contacts", contact, phone="+47 first", first_name="Other")
    world.sync()
    assert world.chargebee.get("customers", key)["phone"] == "+47 second", "it could not be known yet"
    world.chargebee.faults()
    world.sync()
    values = world.erp.get("contacts", contact)["phone"], world.chargebee.get("customers", key)["phone"]
    assert values == ("+47 first", "+47 first")
    settled(world)


def test_the_erps_events_bring_edits_and_deletions(world: World) -> None:
    contact, key = linked(world, "Toldbyerp")
    world.erp.patch("contacts", contact, phone="+47 4")
    heard(world, contact, "customerp-contact-event", phone="+47 4")
    world.sync()
    assert world.chargebee.get("customers", key)["phone"] == "+47 4"
    world.erp.delete("contacts", contact)
    heard(world, contact, "customerp-contact-event", **{"$deleted": True})
    world.sync()
    collected = world.stack.entity("customerp-contact-collect", contact) or {}
    assert (collected["_deleted"], "$deleted" in collected, "$read" in collected) == (True, False, False)
    settled(world)


def test_a_record_that_was_told_of_before_it_could_be_read_is_not_gone(world: World) -> None:
    """As where an ERP tells of a record before its transaction is through: a 404, and then it is in the list."""
    contact, _ = linked(world, "Before")
    ahead = f"CT-{int(contact.removeprefix('CT-')) + 1}"
    tell(world, ahead)
    heard(world, ahead, "customerp-contact-event", **{"$deleted": True})
    world.erp.faults(webhook_loss_rate=1.0)
    try:
        late, key = linked(world, "Tooearly")
    finally:
        world.erp.faults()
    assert late == ahead
    assert world.chargebee.get("customers", key)["last_name"] == "Tooearly"
    settled(world)


def test_an_idle_sync_is_one_call_per_datatype(world: World) -> None:
    settled(world)
    before = world.chargebee.stats()["calls"]
    world.sync()
    after = world.chargebee.stats()["calls"]
    made = {
        route: count - before.get(route, 0) for route, count in after.items() if count > before.get(route, 0)
    }
    assert made == {
        f"GET /api/v2/{name}": 1 for name in ("customers", "events", "orders", "items", "item_prices")
    }


def test_chargebee_calls_the_receiver_of_the_node_itself(world: World) -> None:
    """As on a hosted node, where nothing outside reaches the services: whoever presents the secret is believed."""
    world.chargebee.post("customers", id="inbound", first_name="Ada", email="inbound@hook.example")
    api = f"{world.stack.settings.url('node')}/api"
    expected = "Basic " + base64.b64encode(":".join(WEBHOOK_AUTH).encode()).decode()
    requests.put(f"{api}/secrets", json={"webhook-authorization": expected}, timeout=30).raise_for_status()
    body = {"id": "ev_inbound", "event_type": "customer_created", "content": {"customer": {"id": "inbound", "first_name": "made up"}}}  # fmt: skip
    address = f"{api}/receivers/chargebee-webhook/entities"
    for auth in (None, ("chargebee", "guessed")):
        assert requests.post(address, json=body, auth=auth, timeout=30).status_code == 400
    assert world.stack.entity("chargebee-webhook", "ev_inbound") is None
    requests.post(address, json=body, auth=WEBHOOK_AUTH, timeout=30).raise_for_status()
    assert "made up" not in json.dumps(world.stack.entity("chargebee-webhook", "ev_inbound"))
    requests.post(f"{api}/pipes/chargebee-webhook-forward/pump", data={"operation": "start"}, timeout=30)
    heard(world, "ev_inbound", pipe="chargebee-webhook-forward", forwarded=["customer"])
    heard(world, "inbound", first_name="Ada")
