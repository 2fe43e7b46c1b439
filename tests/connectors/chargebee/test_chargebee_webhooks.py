"""Webhooks: only with credentials, once per event, in the shape of a read, and not lost while the node is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.chargebee.settings import read_settings
from connectors.chargebee.webhooks import Seen
from connectors.common.errors import SettingsError
from tests.connectors.chargebee.conftest import Service, serving
from tests.support.processes import wait_until
from tests.support.systems import Chargebee
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

AUTH = ("chargebee", "wh-secret-1")
JWT = "node-token-1"


@pytest.fixture(scope="module")
def node() -> Iterator[Upstream]:
    """A node that takes everything, unless a test says otherwise."""
    with scripted_upstream(lambda asked: Reply({})) as running:
        yield running


@pytest.fixture(scope="module")
def hooked(
    upstream: Chargebee, node: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service that takes webhooks and asks other credentials of its other callers."""
    settings = {
        "WEBHOOK_USERNAME": AUTH[0],
        "WEBHOOK_PASSWORD": AUTH[1],
        "NODE_URL": f"{node.url}/api",
        "NODE_JWT": JWT,
        "SERVICE_USERNAME": "sesam",
        "SERVICE_PASSWORD": "svc-secret-1",
        "MAX_REQUEST_BYTES": "20000",
    }
    with serving(upstream.root, tmp_path_factory.mktemp("hooked"), **settings) as service:
        yield service


@pytest.fixture(autouse=True)
def healthy(node: Upstream) -> None:
    node.script = always(Reply({}))
    node.asked.clear()


def event(event_id: str, kind: str = "customer_changed", **content: Any) -> dict[str, Any]:
    return {"id": event_id, "event_type": kind, "occurred_at": 1700000000, "content": content}


def always(reply: Reply) -> Callable[[Asked], Reply]:
    return lambda asked: reply


def post(service: Service, body: Any, **options: Any) -> requests.Response:
    return requests.post(f"{service.root}/webhooks", **{"json": body, "auth": AUTH, "timeout": 30, **options})


def test_a_snapshot_reaches_its_receiver_in_the_shape_of_a_read(
    hooked: Service, node: Upstream, site: Chargebee
) -> None:
    site.post("webhook_endpoints", name="n", url=f"{hooked.root}/webhooks",
              basic_auth_username=AUTH[0], basic_auth_password=AUTH[1])  # fmt: skip
    made = site.post("customers", id="c1", first_name="A", billing_address={"city": "Oslo"}, cf_tier="gold")
    site.business_entity("Fjord AS")
    site.post("item_families", id="f", name="F")
    site.post("items", id="i", name="I", type="charge", item_family_id="f")
    site.post(
        "item_prices", id="p", name="P", item_id="i", currency_code="NOK", price=100, pricing_model="per_unit"
    )
    wait_until(lambda: node.calls() == 4, what="four events")
    sent = {asked.path.split("/")[-2]: asked for asked in node.asked}
    assert sent.keys() == {
        f"chargebee-{kind}-event" for kind in ("customer", "business_entity", "item", "item_price")
    }
    asked = sent["chargebee-customer-event"]
    read = requests.get(f"{hooked.root}/customer/entities", auth=("sesam", "svc-secret-1"), timeout=10).json()
    assert asked.json == [{name: value for name, value in read[0].items() if name != "_updated"}]
    assert asked.json[0]["cf_tier"] == made["cf_tier"] == "gold"
    assert asked.headers["Authorization"] == f"Bearer {JWT}"


def test_only_the_webhooks_own_credentials_open_it(hooked: Service, node: Upstream) -> None:
    body = event("ev_auth", customer={"id": "c"})
    for auth in (None, ("sesam", "svc-secret-1"), (AUTH[0], "wrong"), ("", "")):
        answer = post(hooked, body, auth=auth)
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "wh-secret-1" not in answer.text
    assert node.calls() == 0
    assert post(hooked, body).status_code == 200
    assert requests.get(f"{hooked.root}/customer/entities", auth=AUTH, timeout=10).status_code == 401


def test_the_same_event_is_handed_on_once(hooked: Service, node: Upstream) -> None:
    body = event("ev_twice", customer={"id": "c"})
    assert post(hooked, body).json() == {"forwarded": ["customer"], "duplicate": False}
    assert post(hooked, body).json() == {"forwarded": [], "duplicate": True}
    assert node.calls() == 1


def test_an_event_is_offered_again_until_the_node_has_it(hooked: Service, node: Upstream) -> None:
    body = event("ev_later", customer={"id": "c"})
    for reply in (Reply(status=503), Reply(status=500), Reply(cut=-1)):
        node.script = always(reply)
        answer = post(hooked, body)
        assert (answer.status_code, answer.json()["kind"]) == (503, "wait")
        assert "Retry-After" in answer.headers
    for status, setting in ((401, "NODE_JWT"), (404, "NODE_URL"), (302, "NODE_URL")):
        node.script = always(Reply(status=status, headers={"Location": "http://x.example/"}))
        answer = post(hooked, body)
        assert (answer.status_code, answer.json()["setting"]) == (502, setting)
        assert JWT not in answer.text
    node.script = always(Reply({}))
    assert post(hooked, body).json() == {"forwarded": ["customer"], "duplicate": False}


def test_deletions_copies_and_strangers(hooked: Service, node: Upstream) -> None:
    post(hooked, event("ev_d1", "customer_deleted", customer={"id": "c", "deleted": False}))
    post(hooked, event("ev_d2", "subscription_deleted", customer={"id": "d", "deleted": False}))
    post(hooked, event("ev_d3", "item_deleted", item={"id": "i", "status": "deleted"}))
    copy = {"id": "random", "active_id": "c"}
    assert (
        post(hooked, event("ev_d4", "customer_business_entity_changed", customer=copy)).json()["forwarded"]
        == []
    )
    assert post(hooked, event("ev_d5", "invoice_generated", invoice={"id": "1"})).json()["forwarded"] == []
    assert post(hooked, event("ev___test__1", customer={"id": "sample"})).json()["forwarded"] == []
    told = [
        (asked.json[0]["_id"], asked.json[0]["_deleted"], asked.json[0].get("deleted"))
        for asked in node.asked
    ]
    assert told == [("c", True, True), ("d", False, False), ("i", True, True)]


@pytest.mark.parametrize(
    ("status", "options"),
    [
        (400, {"json": None, "data": b"{", "headers": {"Content-Type": "application/json"}}),
        (422, {"json": None, "data": b"[" * 900 + b"]" * 900, "headers": {"Content-Type": "application/json"}}),
        (422, {"json": None, "data": b'{"a":' * 90 + b"1" + b"}" * 90, "headers": {"Content-Type": "application/json"}}),
        (415, {"json": None, "data": {"id": "x"}}),
        (413, {"json": {"id": "x" * 30_000}}),
        (422, {"json": []}),
        (422, {"json": {"event_type": "customer_changed", "content": {"customer": {"id": "c"}}}}),
        (422, {"json": {"id": "e", "content": {"customer": {"id": "c"}}}}),
        (422, {"json": {"id": "e", "event_type": "customer_changed"}}),
        (422, {"json": {"id": "e", "event_type": "customer_changed", "content": {"customer": {"name": "x"}}}}),
        (422, {"json": {"id": "e", "event_type": "customer_changed", "content": {"customer": "x"}}}),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_with_a_reason(
    hooked: Service, node: Upstream, status: int, options: dict[str, Any]
) -> None:
    answer = post(hooked, None, **options)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["kind"] == "fix-data"
    assert node.calls() == 0


def test_metrics_say_what_became_of_events(hooked: Service, node: Upstream) -> None:
    post(hooked, event("ev_m", customer={"id": "c"}))
    text = requests.get(f"{hooked.root}/metrics", auth=("sesam", "svc-secret-1"), timeout=10).text
    assert 'webhook_events_total{outcome="forwarded"}' in text
    assert 'node_calls_total{method="POST",operation="receive",status="200"}' in text
    assert not any(secret in text for secret in (JWT, AUTH[1], "svc-secret-1"))


def test_without_settings_there_is_no_webhook(service: Service) -> None:
    answer = post(service, event("ev", customer={"id": "c"}))
    assert answer.status_code == 404
    assert "WEBHOOK_USERNAME" in answer.json()["detail"]


def test_half_the_settings_stop_the_service() -> None:
    given = {"CHARGEBEE_SITE": "acme-test", "CHARGEBEE_API_KEY": "k", "WEBHOOK_USERNAME": "u"}
    with pytest.raises(SettingsError, match="WEBHOOK_PASSWORD"):
        read_settings(given)
    with pytest.raises(SettingsError, match="NODE_URL"):
        read_settings({**given, "WEBHOOK_PASSWORD": "p"})
    assert read_settings({**given, "WEBHOOK_PASSWORD": "p", "NODE_URL": "http://n/api"}).webhooks is not None


def test_seen_ids_take_bounded_memory() -> None:
    seen = Seen(3)
    for number in range(10):
        seen.add(str(number))
    assert [str(number) in seen for number in range(10)] == [False] * 7 + [True] * 3


def test_the_log_holds_no_secret(hooked: Service, tmp_path_factory: pytest.TempPathFactory) -> None:
    logs = [path.read_text() for path in Path(tmp_path_factory.getbasetemp()).glob("hooked*/service.log")]
    assert logs
    assert not any(secret in text for text in logs for secret in (JWT, AUTH[1]))
