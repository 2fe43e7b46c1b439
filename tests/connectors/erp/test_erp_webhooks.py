"""Webhooks of an ERP: who may call, what an event is about, and what reaches the node."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from connectors.common.errors import SettingsError
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

STAMP = "2026-01-01T00:00:00.000000Z"
KEY = "wh-s3cret"


class Erp:
    """People, and sales of which some are orders and some are quotes."""

    def __init__(self) -> None:
        self.people = {"1": {"id": "1", "changed": STAMP, "name": "Ann"}}
        self.sales = {"7": {"id": "7", "changed": STAMP, "phase": "ORDER"}}
        self.broken = False

    def __call__(self, asked: Asked) -> Reply:
        table = self.people if asked.path.startswith("/people") else self.sales
        _, _, key = asked.path[1:].partition("/")
        date = {"Date": "Thu, 01 Jan 2026 12:00:00 GMT"}
        if self.broken:
            return Reply({}, 503)
        if not key:
            return Reply(list(table.values()), headers=date)
        return Reply(table[key], headers=date) if key in table else Reply({}, 404, headers=date)


@pytest.fixture
def erp() -> Erp:
    return Erp()


@pytest.fixture
def node() -> Iterator[Upstream]:
    with scripted_upstream(lambda asked: Reply({})) as running:
        yield running


SALE = {
    "path": "/sales",
    "modified": ["changed"],
    "paginator": {"type": "single"},
    "incremental": {"order": "modified"},
    "read_only": True,
}
ENTITIES = {
    "contact": {**profile()["entities"]["contact"], "fields": {"first_name": "name", "external_refs.chargebee": "ref", "modified_at": {"from": "@modified"}}},
    "order": {**SALE, "where": [{"field": "phase", "equals": "ORDER"}]},
    "quote": {**SALE, "where": [{"field": "phase", "equals": "QUOTE"}]},
}  # fmt: skip
HEADER = {"type": "header", "name": "X-Key", "secret": "${ERP_WEBHOOK_KEY}", "prefix": "Key "}
WEBHOOKS = {
    "auth": HEADER,
    "id": {"path": "key"},
    "datatype": {"from": {"path": "kind"}, "map": {"person": ["contact"], "sale": ["order", "quote"]}},
}


def service(upstream: Upstream, node: Upstream, folder: Path, **webhooks: Any) -> FlaskClient:
    document = {**profile(), "entities": ENTITIES, "webhooks": {**WEBHOOKS, **webhooks}}
    return app_of(
        folder, upstream.url, document, ERP_WEBHOOK_KEY=KEY, NODE_URL=f"{node.url}/api", NODE_JWT="j"
    )


def call(client: FlaskClient, body: Any, **headers: str) -> Any:
    return client.post("/webhooks", json=body, headers={"X-Key": f"Key {KEY}", **headers})


def received(node: Upstream) -> dict[str, dict[str, Any]]:
    """What the node was sent, by pipe."""
    return {asked.path.split("/")[-2]: asked.json[0] for asked in node.asked}


def test_an_event_makes_its_record_be_read_and_handed_on(
    upstream: Upstream, node: Upstream, tmp_path: Path
) -> None:
    client = service(upstream, node, tmp_path)
    answer = call(client, {"kind": "person", "key": 1, "name": "what an event says counts for nothing"})
    assert answer.json == {"forwarded": [["contact", "1"]], "ignored": 0}
    assert [asked.path for asked in upstream.asked] == ["/people/1"]
    (asked,) = node.asked
    assert asked.path == "/api/receivers/customerp-contact-event/entities"
    assert asked.headers["Authorization"] == "Bearer j"
    (read,) = client.get("/contact/entities").json
    (sent,) = asked.json
    began = sent.pop("$read")
    assert began > "2026"
    assert sent == {**{name: value for name, value in read.items() if name != "_updated"}, "$deleted": False}


def test_a_record_that_is_gone_is_told_by_the_erps_clock(
    upstream: Upstream, node: Upstream, tmp_path: Path
) -> None:
    call(service(upstream, node, tmp_path), {"kind": "person", "key": "9"})
    sent = received(node)["customerp-contact-event"]
    assert (sent["_id"], sent["_deleted"], sent["$deleted"]) == ("9", False, True)
    assert sent["modified_at"][:19] == "2026-01-01T12:00:00"


def test_a_record_may_be_of_several_datatypes(upstream: Upstream, node: Upstream, tmp_path: Path) -> None:
    answer = call(service(upstream, node, tmp_path), {"kind": "sale", "key": "7"})
    assert answer.json["forwarded"] == [["order", "7"], ["quote", "7"]]
    found = received(node)
    assert [found[f"customerp-{name}-event"]["$deleted"] for name in ("order", "quote")] == [False, True]
    assert found["customerp-quote-event"]["modified_at"] == STAMP


def signed(secret: str, encoding: str) -> Callable[[bytes], str]:
    def sign(body: bytes) -> str:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        return f"sha256={digest.hex()}" if encoding == "hex" else base64.b64encode(digest).decode()

    return sign


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_signature_is_of_the_bytes_that_came(
    upstream: Upstream, node: Upstream, tmp_path: Path, encoding: str
) -> None:
    auth = {"type": "hmac", "header": "X-Sign", "key": "${ERP_WEBHOOK_KEY}", "encoding": encoding}
    client = service(
        upstream, node, tmp_path, auth=auth | ({"prefix": "sha256="} if encoding == "hex" else {})
    )
    body = b'{"kind": "person",\n "key": "1"}'

    def send(sign: str, sent: bytes = body) -> int:
        headers = {"X-Sign": sign, "Content-Type": "application/json"}
        return client.post("/webhooks", data=sent, headers=headers).status_code

    assert send(signed(KEY, encoding)(body)) == 200
    assert send(signed("other", encoding)(body)) == 401
    assert send(signed(KEY, encoding)(body), body + b" ") == 401
    assert send("") == 401


AUTHS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("header", HEADER, {"headers": {"X-Key": f"Key {KEY}"}}, {"headers": {"X-Key": KEY}}),
    ("query", {"type": "query", "name": "k", "secret": "${ERP_WEBHOOK_KEY}"}, {"query_string": {"k": KEY}}, {"query_string": {"k": "x"}}),
    ("body", {"type": "body", "path": "state", "secret": "${ERP_WEBHOOK_KEY}"}, {"json": {"state": KEY}}, {"json": {"state": "ü"}}),
    ("basic", {"type": "basic", "username": "${ERP_WEBHOOK_KEY}", "password": "${ERP_WEBHOOK_KEY}"}, {"auth": (KEY, KEY)}, {"auth": (KEY, "x")}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "auth", "good", "bad"), AUTHS, ids=[case[0] for case in AUTHS])
def test_only_the_erp_may_call(
    upstream: Upstream, node: Upstream, tmp_path: Path, kind: str, auth: Any, good: Any, bad: Any
) -> None:
    client = service(upstream, node, tmp_path, auth=auth)
    event = {"kind": "person", "key": "1"}
    for given, status in ((good, 200), (bad, 401), ({}, 401)):
        answer = client.post("/webhooks", **{**given, "json": {**event, **given.get("json", {})}})
        assert answer.status_code == status, (kind, given)
        assert KEY not in answer.text
    assert node.calls() == 1


def test_several_events_of_one_call_with_a_handshake(
    upstream: Upstream, node: Upstream, tmp_path: Path
) -> None:
    """As Business Central sends them."""
    client = service(
        upstream, node, tmp_path, challenge="validationToken", events="value",
        auth={"type": "body", "path": "clientState", "secret": "${ERP_WEBHOOK_KEY}"},
        id={"path": "resource", "pattern": r"\(([^()]+)\)$"},
        datatype={"from": {"path": "resource", "pattern": r"(\w+)(?:\([^()]*\))?(?:\?.*)?$"}, "map": {"people": ["contact"]}},
    )  # fmt: skip
    answer = client.post("/webhooks?validationToken=abc%2B1")
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "abc+1", "text/plain")
    assert client.get("/webhooks?validationToken=x").text == "x"
    assert client.post("/webhooks?validationToken=<script>").status_code == 422
    resources = ["people(1)", "people(1)", "companies(8)/people(2)", "people?$filter=x", "things(3)"]
    events = [{"clientState": KEY, "resource": resource} for resource in resources]
    answer = client.post("/webhooks", json={"value": events})
    assert answer.json == {"forwarded": [["contact", "1"], ["contact", "2"]], "ignored": 2}
    assert client.post("/webhooks", json={"value": [{**events[0], "clientState": "x"}]}).status_code == 401


def test_each_datatype_may_have_an_address_and_a_form_for_a_body(
    upstream: Upstream, node: Upstream, tmp_path: Path
) -> None:
    client = service(upstream, node, tmp_path, datatype={}, id={"path": "record[id]"})
    headers = {"X-Key": f"Key {KEY}"}
    answer = client.post("/webhooks?datatype=contact", data={"record[id]": "1"}, headers=headers)
    assert answer.json["forwarded"] == [["contact", "1"]]
    answer = client.post("/webhooks?datatype=contcat", data={"record[id]": "1"}, headers=headers)
    assert (answer.status_code, "contact" in answer.json["detail"]) == (422, True)
    answer = client.post("/webhooks?datatype=product", data={"record[id]": "1"}, headers=headers)
    assert answer.json == {"forwarded": [], "ignored": 1}, "this ERP has none"


@pytest.mark.parametrize(
    ("body", "says"),
    [({"kind": "person"}, "key"), ({"key": "1"}, "kind"), ([], None), ([1], "no event"), ("x", "no event")],
)
def test_what_is_no_event_is_said(
    upstream: Upstream, node: Upstream, tmp_path: Path, body: Any, says: str | None
) -> None:
    answer = call(service(upstream, node, tmp_path), body)
    assert answer.status_code == (200 if says is None else 422)
    assert says is None or says in answer.json["detail"]


def test_an_event_is_asked_for_again_while_the_erp_or_the_node_is_away(
    erp: Erp, upstream: Upstream, node: Upstream, tmp_path: Path
) -> None:
    client = service(upstream, node, tmp_path)
    event = {"kind": "person", "key": "1"}
    erp.broken = True
    assert call(client, event).status_code == 503
    erp.broken = False
    node.script = lambda asked: Reply({}, 503)
    assert call(client, event).status_code == 503
    node.script = lambda asked: Reply({}, 404)
    assert (call(client, event).status_code, call(client, event).json["setting"]) == (502, "NODE_URL")
    node.script = lambda asked: Reply({})
    assert call(client, event).status_code == 200


def test_a_flood_is_left_to_the_next_read(upstream: Upstream, node: Upstream, tmp_path: Path) -> None:
    client = service(upstream, node, tmp_path)
    answer = call(client, [{"kind": "person", "key": str(key)} for key in range(500)])
    assert (len(answer.json["forwarded"]), answer.json["ignored"], node.calls()) == (100, 400, 100)


def test_webhooks_are_off_until_all_is_set(upstream: Upstream, tmp_path: Path) -> None:
    document = {**profile(), "webhooks": {**WEBHOOKS, "datatype": {}}}
    answer = app_of(tmp_path, upstream.url, document).post("/webhooks", json={})
    assert (answer.status_code, "ERP_WEBHOOK_KEY" in answer.json["detail"]) == (404, True)
    with pytest.raises(SettingsError, match="NODE_URL: is required"):
        app_of(tmp_path, upstream.url, document, ERP_WEBHOOK_KEY=KEY)
    answer = app_of(tmp_path, upstream.url, profile()).post("/webhooks", json={})
    assert (answer.status_code, "has no webhooks" in answer.json["detail"]) == (404, True)
    wrong = {**document, "webhooks": {**WEBHOOKS, "datatype": {"map": {"p": ["contcat"]}}}}
    with pytest.raises(SettingsError, match="/webhooks/datatype/map/p: there is no datatype contcat"):
        app_of(tmp_path, upstream.url, wrong)
    unweighed = {**ENTITIES, "contact": {**ENTITIES["contact"], "fields": {"first_name": "name"}}}
    with pytest.raises(SettingsError, match="/entities/contact/fields: events are weighed .* by modified_at"):
        app_of(tmp_path, upstream.url, {**document, "entities": unweighed})
    literal = {**document, "webhooks": {**WEBHOOKS, "auth": {**HEADER, "secret": KEY}}}
    with pytest.raises(SettingsError) as caught:
        app_of(tmp_path, upstream.url, json.loads(json.dumps(literal)))
    assert KEY not in caught.value.detail
