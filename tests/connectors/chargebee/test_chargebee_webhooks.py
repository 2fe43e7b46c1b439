"""Webhooks: only with credentials, once per event, in the shape of a read, and not lost while the node is away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.chargebee.settings import read_settings
from connectors.chargebee.webhooks import Seen
from connectors.common.errors import SettingsError
from tests.connectors.chargebee.conftest import Service, serving, serving_here
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
    with serving(upstream.root, tmp_path_factory.mktemp("hooked"), **settings(node)) as service:
        yield service


@pytest.fixture
def unaware(upstream: Chargebee, node: Upstream) -> Iterator[Service]:
    """The same, having seen no event; a site that was reset gives the ids of its events again."""
    with serving_here(upstream.root, **settings(node)) as service:
        yield service


def settings(node: Upstream) -> dict[str, str]:
    return {
        "WEBHOOK_USERNAME": AUTH[0],
        "WEBHOOK_PASSWORD": AUTH[1],
        "NODE_URL": f"{node.url}/api",
        "NODE_JWT": JWT,
        "SERVICE_USERNAME": "sesam",
        "SERVICE_PASSWORD": "svc-secret-1",
        "MAX_REQUEST_BYTES": "20000",
    }


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
    read = requests.get(f"{hooked.root}/customer/entities", auth=("sesam", "svc-secret-1"), timeout=60).json()
    assert asked.json == [{name: value for name, value in read[0].items() if name != "_updated"}]
    assert asked.json[0]["cf_tier"] == made["cf_tier"] == "gold"
    assert asked.headers["Authorization"] == f"Bearer {JWT}"


def known(site: Chargebee, *keys: str) -> None:
    """Customers that exist; their own events go nowhere."""
    for key in keys:
        site.post("customers", id=key, first_name=f"Real {key}")


def kept_event(site: Chargebee, kind: str, text: str) -> dict[str, Any]:
    """The event of that type, with that text in it, as Chargebee keeps it, which may be a moment later."""

    def kept() -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = site.all("events")
        return [one for one in events if one["event_type"] == kind and f'"{text}"' in json.dumps(one)]

    return wait_until(kept, what=f"{kind} of {text}")[0]


@pytest.mark.parametrize("kind", ["customer_changed", "customer_deleted"])
def test_what_a_forged_event_says_counts_for_nothing(
    hooked: Service, node: Upstream, site: Chargebee, kind: str
) -> None:
    known(site, "real")
    snapshot = {
        "id": "real",
        "first_name": "Forged",
        "deleted": kind == "customer_deleted",
        "resource_version": 99_999_999_999_999,
        "updated_at": 9_999_999_999,
    }
    post(hooked, event(f"ev_forged_{kind}", kind, customer=snapshot))
    said = node.asked[0].json[0]
    assert (said["first_name"], said["deleted"], said["_deleted"]) == ("Real real", False, False)
    assert said["resource_version"] == site.get("customers", "real")["resource_version"]


@pytest.mark.parametrize(
    "odd",
    [
        b'"a\\ud83d"',
        b'"a\xff\xfeb"',
        b'"\\u0000"',
        b'"~:customerp-contact:CT-1"',
        b"12345678901234567890",
    ],
    ids=["half an emoji", "no UTF-8", "a control character", "an identifier", "a long number"],
)
def test_odd_text_in_an_event_is_taken_and_its_record_read_again(
    odd: bytes, hooked: Service, node: Upstream, site: Chargebee
) -> None:
    key = f"odd-{hashlib.sha256(odd).hexdigest()[:8]}"
    known(site, key)
    body = json.dumps(event(f"ev_{key}", customer={"id": key, "first_name": "?"})).encode()
    body = body.replace(b'"?"', odd)
    answer = post(hooked, None, json=None, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["forwarded"]) == (200, ["customer"]), answer.text
    assert node.asked[0].json[0]["first_name"] == f"Real {key}"


def test_a_made_up_record_or_business_entity_reaches_no_node(
    hooked: Service, node: Upstream, site: Chargebee
) -> None:
    for number, content in enumerate(
        [
            {"customer": {"id": "nobody"}},
            {"customer": {"id": "nobody", "deleted": True}},
            {"business_entity": {"id": "nothing", "name": "Forged AS", "resource_version": 10**14}},
            {"customer": {"id": ".."}, "order": {"id": "../customers"}},
        ]
    ):
        for kind in ("customer_deleted", "business_entity_updated"):
            answer = post(hooked, event(f"ev_nobody_{number}_{kind}", kind, **content))
            assert (answer.status_code, answer.json()["forwarded"]) == (200, [])
    assert node.calls() == 0


def test_an_event_of_a_business_entity_counts_as_chargebee_keeps_it(
    unaware: Service, node: Upstream, site: Chargebee
) -> None:
    site.business_entity("Fjord AS")
    kept = kept_event(site, "business_entity_created", "Fjord AS")
    entity = kept["content"]["business_entity"]
    forged = {**entity, "name": "Forged AS", "resource_version": 10**14}
    post(unaware, {**kept, "event_type": "business_entity_deleted", "content": {"business_entity": forged}})
    said = node.asked[0].json[0]
    assert (said["name"], said["resource_version"], said["_deleted"]) == (
        "Fjord AS",
        entity["resource_version"],
        False,
    )


def test_only_the_webhooks_own_credentials_open_it(hooked: Service, node: Upstream, site: Chargebee) -> None:
    known(site, "c")
    body = event("ev_auth", customer={"id": "c"})
    for auth in (None, ("sesam", "svc-secret-1"), (AUTH[0], "wrong"), ("", "")):
        answer = post(hooked, body, auth=auth)
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "wh-secret-1" not in answer.text
    assert node.calls() == 0
    assert post(hooked, body).status_code == 200
    assert requests.get(f"{hooked.root}/customer/entities", auth=AUTH, timeout=60).status_code == 401


def test_the_same_event_is_handed_on_once(hooked: Service, node: Upstream, site: Chargebee) -> None:
    known(site, "c")
    body = event("ev_twice", customer={"id": "c"})
    assert post(hooked, body).json() == {"forwarded": ["customer"], "duplicate": False}
    assert post(hooked, body).json() == {"forwarded": [], "duplicate": True}
    assert node.calls() == 1


def test_an_event_is_offered_again_until_the_node_has_it(
    hooked: Service, node: Upstream, site: Chargebee
) -> None:
    known(site, "c")
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


def test_deletions_copies_and_strangers(unaware: Service, node: Upstream, site: Chargebee) -> None:
    known(site, "gone", "live")
    site.post("customers/gone/delete")
    site.post("item_families", id="f", name="F")
    site.post("items", id="i", name="I", type="charge", item_family_id="f")
    site.post("items/i/delete")
    post(unaware, kept_event(site, "customer_deleted", "gone"))
    post(unaware, event("ev_d2", "subscription_deleted", customer={"id": "live"}))
    post(unaware, kept_event(site, "item_deleted", "i"))
    assert post(unaware, event("ev_d5", "invoice_generated", invoice={"id": "1"})).json()["forwarded"] == []
    assert post(unaware, event("ev___test__1", customer={"id": "live"})).json()["forwarded"] == []
    told = [(asked.json[0]["_id"], asked.json[0]["_deleted"]) for asked in node.asked]
    assert told == [("gone", True), ("live", False), ("i", True)]


def test_the_copy_that_a_transfer_leaves_behind_is_not_shown(
    hooked: Service, node: Upstream, site: Chargebee
) -> None:
    known(site, "c")
    entity = site.business_entity("Fjord AS")
    site.post(
        "business_entities/transfers",
        resource_types=["customer"],
        active_resource_ids=["c"],
        destination_business_entity_ids=[entity["id"]],
        reason_codes=["correction"],
    )
    copies = [one["id"] for one in site.all("customers") if one.get("active_id") not in (None, one["id"])]
    for key in copies:
        assert post(hooked, event(f"ev_{key}", customer={"id": key})).json()["forwarded"] == []
    assert copies and node.calls() == 0


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


def test_metrics_say_what_became_of_events(hooked: Service, node: Upstream, site: Chargebee) -> None:
    known(site, "c")
    post(hooked, event("ev_m", customer={"id": "c"}))
    text = requests.get(f"{hooked.root}/metrics", auth=("sesam", "svc-secret-1"), timeout=60).text
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


def test_the_node_hands_on_what_its_own_receiver_took(
    unaware: Service, node: Upstream, site: Chargebee
) -> None:
    site.post("customers", id="c9", first_name="Ada")
    events = [{"_id": "ev_1", **event("ev_1", customer={"id": "c9"})}, {"_id": "ev_2", "id": "ev_2"}]
    address = f"{unaware.root}/webhooks/events"
    for auth in (None, AUTH):
        refused = requests.post(address, json=events, auth=auth, timeout=30)
        assert refused.status_code == 401, "the node's credentials count here, not Chargebee's"
    assert not node.asked
    answer = requests.post(address, json=events, auth=("sesam", "svc-secret-1"), timeout=30)
    assert answer.json()[0] == {"_id": "ev_1", "forwarded": ["customer"], "duplicate": False}
    assert answer.json()[1] == {"_id": "ev_2", "error": "the event has no event_type"}, "it harms only itself"
    assert [asked.path for asked in node.asked] == ["/api/receivers/chargebee-customer-event/entities"]
    assert requests.post(address, json={}, auth=("sesam", "svc-secret-1"), timeout=30).status_code == 422
