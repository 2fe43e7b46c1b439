"""The ERP service against the real sandbox process: six datatypes, both ways, and its faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from tests.support.erp import app_of, sandbox_app
from tests.support.processes import ROOT, free_port, process

DATATYPES = ("contact", "customer", "employee", "quote", "order", "product")
PATHS = {name: f"/api/v1/{name}s" for name in DATATYPES}
TOKEN = {"Authorization": "Bearer sandbox"}


class Sandbox:
    """The sandbox ERP, as somebody else would use it."""

    def __init__(self, root: str) -> None:
        self.root = root

    def reset(self, data: str = "empty") -> None:
        requests.post(
            f"{self.root}/_sandbox/reset", json={"data": data, "seed": 1}, timeout=60
        ).raise_for_status()
        self.faults()

    def faults(self, **given: Any) -> None:
        none = {
            "latency_ms": 0,
            "error_rate": 0,
            "drop_before_rate": 0,
            "drop_after_rate": 0,
            "rate_per_minute": 0,
        }
        requests.put(f"{self.root}/_sandbox/faults", json={**none, **given}, timeout=60).raise_for_status()

    def stats(self) -> dict[str, Any]:
        return dict(requests.get(f"{self.root}/_sandbox/stats", timeout=60).json())

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = requests.request(method, self.root + path, headers=TOKEN, timeout=60, **kwargs)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def all(self, datatype: str) -> list[dict[str, Any]]:
        found, query = [], {"include_deleted": "true", "limit": "500"}
        while True:
            page = self.call("GET", PATHS[datatype], params=query)
            found += page["items"]
            if page["next"] is None:
                return found
            query["cursor"] = page["next"]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    port = free_port()
    state = tmp_path_factory.mktemp("erp") / "state.sqlite"
    root = f"http://127.0.0.1:{port}"
    command = ["python", "-m", "sandbox.erp", "--port", str(port), "--state", str(state)]
    with process(command, f"{root}/_sandbox/stats"):
        yield Sandbox(root)


@pytest.fixture(scope="module")
def service(sandbox: Sandbox) -> FlaskClient:
    return sandbox_app(f"{sandbox.root}/api/v1", UPSTREAM_ATTEMPTS="5")


def read(service: FlaskClient, datatype: str, **query: Any) -> list[dict[str, Any]]:
    answer = service.get(f"/{datatype}/entities", query_string=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json)


def share(service: FlaskClient, datatype: str, *entities: dict[str, Any]) -> list[dict[str, Any]]:
    answer = service.post(f"/{datatype}/share", json=list(entities))
    assert answer.status_code == 200, answer.text
    return list(answer.json)


def raw(entity: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entity.items() if not name.startswith("_")}


def test_demo_data_is_read_whole_and_untouched(sandbox: Sandbox, service: FlaskClient) -> None:
    sandbox.reset("demo")
    for datatype in DATATYPES:
        entities = read(service, datatype)
        assert [raw(entity) for entity in entities] == sandbox.all(datatype)
        assert [e["_updated"] for e in entities] == sorted(e["_updated"] for e in entities)
        assert {len(e["_updated"]) for e in entities} == {27}
        assert all(e["_id"] == e["id"] for e in entities)
        assert service.get(f"/{datatype}/entities/{entities[0]['_id']}").json == entities[0]


def test_demo_data_fits_our_schemas_as_it_is_written_back(sandbox: Sandbox, service: FlaskClient) -> None:
    """What the ERP holds and may be written must pass the share validation unchanged, and be no change."""
    sandbox.reset("demo")
    for datatype in DATATYPES:
        schema = service.get(f"/schemas/{datatype}").get_json(force=True)
        locked = {name for name, spec in schema["properties"].items() if spec.get("readOnly")} - {"id"}
        desired_states = []
        for entity in read(service, datatype):
            payload = {name: value for name, value in raw(entity).items() if name not in locked}
            for line in payload.get("lines", []):
                line.pop("amount", None)
            desired_states.append({"_id": "s", **payload, "$based_on": raw(entity)})
        answers = share(service, datatype, *desired_states)
        assert {(a["$operation"], a["$status"]) for a in answers} == {("none", "ok")}, [
            a for a in answers if a["$error"]
        ][:2]


def test_an_idle_read_costs_one_call_a_datatype(sandbox: Sandbox, service: FlaskClient) -> None:
    sandbox.reset("demo")
    for datatype in DATATYPES:
        token = read(service, datatype)[-1]["_updated"]
        before = sandbox.stats()["reads"]
        again = read(service, datatype, since=token)
        assert {entity["_updated"] for entity in again} == {token}
        assert sandbox.stats()["reads"] - before == 1


def test_changes_and_deletes_come_with_since(sandbox: Sandbox, service: FlaskClient) -> None:
    sandbox.reset()
    ann = sandbox.call("POST", "/api/v1/contacts", json={"first_name": "Ann"})
    bob = sandbox.call("POST", "/api/v1/contacts", json={"first_name": "Bob"})
    token = read(service, "contact")[-1]["_updated"]
    sandbox.call("PATCH", f"/api/v1/contacts/{ann['id']}", json={"first_name": "Anna"})
    sandbox.call("DELETE", f"/api/v1/contacts/{bob['id']}")
    changed = {entity["_id"]: entity for entity in read(service, "contact", since=token)}
    assert changed[ann["id"]]["first_name"] == "Anna"
    assert changed[bob["id"]]["_deleted"] is True
    assert {e["_id"]: e["_deleted"] for e in read(service, "contact")} == {ann["id"]: False, bob["id"]: True}
    assert service.get(f"/contact/entities/{bob['id']}").status_code == 404


def test_small_pages_and_limits_lose_nothing(sandbox: Sandbox, service: FlaskClient) -> None:
    sandbox.reset("demo")
    small = sandbox_app(f"{sandbox.root}/api/v1", PAGE_SIZE="7")
    whole = read(service, "order")
    assert read(small, "order") == whole
    seen, token = [], None
    while page := read(small, "order", limit=10, **({"since": token} if token else {})):
        fresh = [entity["_id"] for entity in page if entity["_id"] not in seen]
        if not fresh:
            break
        seen += fresh
        token = page[-1]["_updated"]
    assert seen == [entity["_id"] for entity in whole]


NEW: dict[str, dict[str, Any]] = {
    "customer": {
        "name": "Bjørk & Sønn 株式会社",
        "currency": "NOK",
        "billing_address": {"city": "Ærøskøbing"},
    },
    "contact": {
        "first_name": "Siân",
        "email": " Sian@Example.com",
        "address": {"line1": "1 Road", "country": "GB"},
    },
    "employee": {"last_name": "O'Neil", "status": "active", "hire_date": "2024-02-29"},
    "product": {
        "name": "Honey 🍯",
        "sku": "H-1",
        "unit_price": "10.5",
        "currency": "NOK",
        "metadata": {"a": {"b": 1}},
    },
    "quote": {
        "quote_date": "2026-01-01",
        "currency": "JPY",
        "lines": [{"description": "x", "quantity": "2", "unit_price": "300"}],
    },
    "order": {
        "order_date": "2026-01-01",
        "currency": "KWD",
        "lines": [{"description": "x", "quantity": 1, "unit_price": "1.234"}],
    },
}
CHANGE: dict[str, dict[str, Any]] = {
    "customer": {"status": "blocked", "billing_address": {"postal_code": "5970"}},
    "contact": {"email": "new@example.com", "address": {"line1": "2 Road"}},
    "employee": {"phone": "+47 1", "custom_fields": {"desk": 7}},
    "product": {"unit_price": "11.00", "metadata": {"a": {"c": 2}}},
    "quote": {"status": "sent", "note": "hello"},
    "order": {"status": "confirmed", "shipping_date": "2026-02-01"},
}


def test_insert_update_delete_of_every_datatype(sandbox: Sandbox, service: FlaskClient) -> None:
    sandbox.reset()
    owner = sandbox.call("POST", "/api/v1/customers", json={"name": "Owner"})["id"]
    for datatype in DATATYPES:
        fields = NEW[datatype] | ({"customer_id": owner} if datatype in ("quote", "order") else {})
        origin = {"$origin": f"~:chargebee-x:{datatype}-1"}
        [made] = share(service, datatype, {"_id": "s", **origin, **fields})
        assert (made["$operation"], made["$status"]) == ("insert", "ok"), made["$error"]
        key, stored = made["$generated_id"], made["$response"]
        assert stored["external_refs"] == {"chargebee": f"{datatype}-1"}
        assert share(service, datatype, {"_id": "s", **origin, **fields})[0]["$operation"] == "none"
        desired = {"_id": "s", "id": key, "$based_on": stored, **CHANGE[datatype]}
        before = sandbox.stats()["writes"]
        [changed] = share(service, datatype, desired)
        assert (changed["$operation"], changed["$status"]) == ("update", "ok"), changed["$error"]
        [again] = share(service, datatype, desired)
        assert (again["$operation"], again["$status"]) == ("none", "ok")
        assert sandbox.stats()["writes"] - before == 1
        now = sandbox.call("GET", f"{PATHS[datatype]}/{key}")
        assert now == changed["$response"]
        assert now["version"] == stored["version"] + 1
        [gone] = share(service, datatype, {"_id": "s", "id": key, "_deleted": True})
        assert (gone["$operation"], gone["$status"]) == ("delete", "ok"), gone["$error"]
        [none] = share(service, datatype, {"_id": "s", "id": key, "_deleted": True})
        assert (none["$operation"], none["$status"]) == ("none", "ok")


def test_merging_keeps_what_others_wrote(sandbox: Sandbox, service: FlaskClient) -> None:
    sandbox.reset()
    [made] = share(service, "contact", {"_id": "s", "$origin": "~:c-x:1", **NEW["contact"]})
    key, base = made["$generated_id"], made["$response"]
    address = base["address"] | {"city": "Cardiff"}
    sandbox.call("PATCH", f"/api/v1/contacts/{key}", json={"address": address, "last_name": "Jones"})
    [answer] = share(service, "contact", {"_id": "s", "id": key, "$based_on": base, **CHANGE["contact"]})
    assert answer["$status"] == "ok"
    stored = answer["$response"]
    assert (stored["address"]["city"], stored["address"]["line1"], stored["last_name"]) == (
        "Cardiff",
        "2 Road",
        "Jones",
    )
    sandbox.call("PATCH", f"/api/v1/contacts/{key}", json={"email": "they@example.com"})
    [contested] = share(
        service, "contact", {"_id": "s", "id": key, "$based_on": base, "email": "we@example.com"}
    )
    assert (contested["$status"], contested["$error"]["field"]) == ("conflict", "/email")


def test_lines_are_changed_by_their_id(sandbox: Sandbox, service: FlaskClient) -> None:
    sandbox.reset("demo")
    order = next(
        raw(e)
        for e in read(service, "order")
        if len(e["lines"]) > 1 and e["status"] in ("confirmed", "in_progress")
    )
    line = order["lines"][1]
    desired = {
        "_id": "s",
        "id": order["id"],
        "$based_on": order,
        "lines": [{"line_id": line["line_id"], "status": "shipped"}],
    }
    [answer] = share(service, "order", desired)
    assert answer["$operation"] == "update", answer["$error"]
    lines = answer["$response"]["lines"]
    assert [one["line_id"] for one in lines] == [one["line_id"] for one in order["lines"]]
    assert lines[1]["status"] == "shipped"
    assert [one["amount"] for one in lines] == [one["amount"] for one in order["lines"]]
    assert share(service, "order", desired)[0]["$operation"] == "none"


def test_the_erps_reasons_reach_the_caller(sandbox: Sandbox, service: FlaskClient) -> None:
    sandbox.reset("demo")
    customer = next(e["customer_id"] for e in read(service, "order") if e["customer_id"])
    products = [raw(e) for e in read(service, "product") if not e["_deleted"]]
    answers = share(service, "customer", {"_id": "s", "id": customer, "_deleted": True})
    answers += share(
        service,
        "product",
        {"_id": "s", "id": products[0]["id"], "$based_on": products[0], "name": products[1]["name"]},
    )
    answers += share(
        service, "contact", {"_id": "s", "$origin": "~:c-x:1", "first_name": "x", "customer_id": "CU-none"}
    )
    assert [a["$status"] for a in answers] == ["rejected"] * 3
    assert [a["$error"]["rule"] for a in answers] == ["referenced", "unique", "reference"]
    assert [a["$error"]["field"] for a in answers] == ["/id", "/name", "/customer_id"]


def test_lost_answers_make_no_twins(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.reset()
    document = json.loads((ROOT / "connectors/erp/profiles/sandbox.json").read_text())
    document["connection"]["rest"]["retry"] = {"max": 4, "base": 0.001, "cap": 0.01}
    service = app_of(tmp_path, f"{sandbox.root}/api/v1", document, ERP_TOKEN="sandbox")
    batch = [
        {"_id": f"s{n}", "$origin": f"~:chargebee-customer:cb-{n}", "first_name": f"N{n}"} for n in range(40)
    ]
    sandbox.faults(drop_after_rate=0.25, drop_before_rate=0.1, error_rate=0.1, seed=7)
    for _ in range(40):
        answer = service.post("/contact/share", json=batch)
        if answer.status_code == 200:
            break
        assert answer.status_code == 503
    sandbox.faults()
    assert answer.status_code == 200
    assert {a["$status"] for a in answer.json} == {"ok"}
    references = [record["external_refs"]["chargebee"] for record in sandbox.all("contact")]
    assert sorted(references) == sorted(f"cb-{n}" for n in range(40))


def test_push_upserts_and_a_full_sequence_deletes(sandbox: Sandbox, service: FlaskClient) -> None:
    sandbox.reset()
    batch = [{"_id": f"ext-{n}", "first_name": f"N{n}", "_updated": n, "_deleted": False} for n in range(3)]
    full = {"sequence_id": "s", "is_full": "true"}
    for query in (
        {"is_first": "true", "request_id": "1"},
        {"is_last": "true", "request_id": "2", "previous_request_id": "1"},
    ):
        answer = service.post(
            "/contact/entities", json=batch if "is_first" in query else [], query_string={**full, **query}
        )
        assert (answer.status_code, answer.json) == (200, {})
    batch[0]["first_name"] = "changed"
    assert service.post("/contact/entities", json=batch).status_code == 200
    live = [record for record in sandbox.all("contact") if not record["deleted_at"]]
    assert sorted(record["first_name"] for record in live) == ["N1", "N2", "changed"]
    query = {**full, "sequence_id": "t", "is_first": "true", "is_last": "true", "request_id": "1"}
    assert service.post("/contact/entities", json=batch[:1], query_string=query).status_code == 200
    live = [record for record in sandbox.all("contact") if not record["deleted_at"]]
    assert [record["first_name"] for record in live] == ["changed"]


def test_wrong_token(sandbox: Sandbox) -> None:
    client = sandbox_app(f"{sandbox.root}/api/v1", ERP_TOKEN="wrong")
    assert client.get("/ready").json["setting"] == "ERP_TOKEN"
    assert client.get("/contact/entities").status_code == 502
    assert (
        client.post("/contact/share", json=[{"_id": "s", "id": "CT-1", "_deleted": True}]).status_code == 502
    )
