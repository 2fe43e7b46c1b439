"""Webhooks of the sandbox: delivered again until taken, and lost, doubled or late on demand."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sandbox.chargebee.app import create_app
from sandbox.common import delivery
from tests.support.processes import wait_until
from tests.support.systems import Chargebee
from tests.support.upstream import Reply, Upstream, scripted_upstream


@pytest.fixture
def listener() -> Iterator[Upstream]:
    with scripted_upstream(lambda asked: Reply({})) as running:
        yield running


def hook(site: Chargebee, listener: Upstream, **fields: str) -> str:
    made = site.post("webhook_endpoints", name="n", url=f"{listener.url}/hook", **fields)
    return str(made["id"])


def test_a_delivery_is_repeated_until_it_is_taken(
    listener: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With pauses that a test can wait for, so in this process."""
    monkeypatch.setattr(delivery, "RETRIES_S", (0.02, 0.06))
    replies = [Reply(status=302, headers={"Location": "/hook"}), Reply(status=503)]
    listener.script = lambda asked: replies.pop() if replies else Reply({})
    client = create_app(tmp_path / "state.sqlite", "empty").test_client()
    user = {"basic_auth_username": "u", "basic_auth_password": "p"}
    for path, fields in (
        ("webhook_endpoints", {"name": "n", "url": f"{listener.url}/hook", **user}),
        ("customers", {"id": "c1"}),
    ):
        assert client.post(f"/api/v2/{path}", data=fields, auth=("sandbox", "")).status_code == 200
    wait_until(lambda: listener.calls() == 3, what="third delivery")
    assert len({asked.json["id"] for asked in listener.asked}) == 1
    assert {asked.path for asked in listener.asked} == {"/hook"}
    assert listener.asked[0].headers["Authorization"] == f"Basic {base64.b64encode(b'u:p').decode()}"


def test_faults_lose_double_and_delay(site: Chargebee, listener: Upstream) -> None:
    hook(site, listener)
    site.faults(webhook_loss_rate=1.0)
    site.post("customers", id="lost")
    site.faults(webhook_duplicate_rate=1.0, webhook_delay_ms=150, seed=5)
    for number in range(12):
        site.post("customers", id=f"c{number:02}")
    wait_until(lambda: listener.calls() == 24, what="all deliveries")
    told = [asked.json["content"]["customer"]["id"] for asked in listener.asked]
    assert sorted(told) == sorted([f"c{number:02}" for number in range(12)] * 2)
    assert told != sorted(told), "not in order"


def test_the_official_client_manages_endpoints(sdk: Any, site: Chargebee, listener: Upstream) -> None:
    fields = {"name": "one", "url": f"{listener.url}/hook", "enabled_events": ["customer_created"]}
    made = sdk.WebhookEndpoint.create(fields).webhook_endpoint
    assert [row.webhook_endpoint.id for row in sdk.WebhookEndpoint.list({}).list] == [made.id]
    site.post("customers", id="c1")
    site.post("customers/c1", first_name="A")
    site.post("customers", id="c2")
    wait_until(lambda: listener.calls() == 2, what="two deliveries")
    assert {asked.json["event_type"] for asked in listener.asked} == {"customer_created"}
    assert sdk.WebhookEndpoint.update(made.id, {"disabled": True}).webhook_endpoint.disabled is True
    assert sdk.WebhookEndpoint.retrieve(made.id).webhook_endpoint.url == fields["url"]
    sdk.WebhookEndpoint.delete(made.id)
    assert sdk.WebhookEndpoint.list({}).list == []


def test_the_official_client_reads_as_the_service_does(
    chargebee: ModuleType, sdk: Any, site: Chargebee
) -> None:
    """The windows, orders and filters of incremental reads, for every list that the service reads."""
    site.business_entity("Fjord AS")
    sdk.Customer.create({"id": "c1"})
    sdk.ItemFamily.create({"id": "f1", "name": "F"})
    sdk.ItemFamily.update("f1", {"description": "Things"})
    sdk.Item.create({"id": "i1", "name": "I", "type": "charge", "item_family_id": "f1"})
    sdk.ItemPrice.create({"id": "p1", "name": "P", "item_id": "i1", "currency_code": "KWD", "price": 1250})
    invoice = {"id": "inv-1", "customer_id": "c1", "date": 1790000000, "total": 100, "currency_code": "KWD",
               "line_items": [{"description": "L", "unit_amount": 100, "quantity": 1, "amount": 100}]}  # fmt: skip
    sdk.Invoice.import_invoice(invoice)
    assert sdk.Invoice.retrieve("inv-1").invoice.total == 100
    placed = {"created_at": 1790000000, "order_date": 1790000000, "shipping_date": 1790000000}
    sdk.Order.import_order({"id": "o1", "invoice_id": "inv-1", "status": "queued", **placed})
    assert sdk.Order.retrieve("o1").order.status == "queued"
    moment = sdk.Customer.retrieve("c1").customer.updated_at
    window = chargebee.Filters.TimestampFilter(BETWEEN=[moment - 300, moment + 300])
    changed = {"updated_at": window, "sort_by": chargebee.Filters.SortFilter(ASC="updated_at"), "limit": 100}
    states = {"status": chargebee.Filters.EnumFilter(IN=["active", "archived", "deleted"])}
    assert [row.customer.id for row in sdk.Customer.list({**changed, "include_deleted": True}).list] == ["c1"]
    assert [row.order.id for row in sdk.Order.list({**changed, "include_deleted": True}).list] == ["o1"]
    assert [row.item.id for row in sdk.Item.list({**changed, **states}).list] == ["i1"]
    assert [row.item_price.price for row in sdk.ItemPrice.list({**changed, **states}).list] == [1250]
    assert [row.item_family.description for row in sdk.ItemFamily.list({"limit": 100}).list] == ["Things"]
    assert sdk.ItemPrice.retrieve("p1").item_price.currency_code == "KWD"
    types = chargebee.Filters.EnumFilter(
        IN=["business_entity_created", "business_entity_updated", "business_entity_deleted"]
    )
    events = {
        "event_type": types,
        "occurred_at": window,
        "sort_by": chargebee.Filters.SortFilter(ASC="occurred_at"),
    }
    assert [row.event.content["business_entity"]["name"] for row in sdk.Event.list(events).list] == [
        "Fjord AS"
    ]
    sdk.ItemPrice.delete("p1")
    sdk.Item.delete("i1")
    assert sdk.ItemFamily.delete("f1").item_family.deleted is True
