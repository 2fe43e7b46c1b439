"""One table, two datatypes: who belongs where, who left, and changes of state by calls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.erp import app_of
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

QUOTE, ORDER = ["draft", "sent"], ["confirmed", "done"]


class Sales:
    """An ERP with quotes and orders in one table, whose state only buttons change."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.clock = 0
        self.silent: set[str] = set()

    def put(self, key: str, **fields: Any) -> None:
        self.clock += 1
        old = self.rows.get(key, {"id": key, "state": "draft"})
        self.rows[key] = {**old, **fields, "changed": f"2026-01-01T00:00:{self.clock:02}.000000Z"}

    def __call__(self, asked: Asked) -> Reply:
        parts = asked.path.strip("/").split("/")
        if asked.method == "POST" and len(parts) == 1:
            self.put(f"s{len(self.rows) + 1}", **asked.json)
            return Reply(self.rows[f"s{len(self.rows)}"], 201)
        if len(parts) == 1:
            rows = sorted(self.rows.values(), key=lambda row: row["changed"])
            rows = [row for row in rows if row["changed"] >= asked.query.get("since", "")]
            return Reply([row for row in rows if row.get("ref") == asked.query.get("ref", row.get("ref"))])
        if parts[1] not in self.rows:
            return Reply({}, 404)
        if len(parts) == 3:
            if parts[2] in self.silent:
                self.silent.remove(parts[2])
                return Reply({}, 500)
            self.put(
                parts[1], state={"send": "sent", "confirm": "confirmed", "cancel": "cancelled"}[parts[2]]
            )
        elif asked.method == "PATCH":
            self.put(parts[1], **asked.json)
        elif asked.method == "DELETE":
            del self.rows[parts[1]]
            return Reply(None, 204)
        return Reply(self.rows[parts[1]])


def step(name: str, *states: str) -> dict[str, Any]:
    return {"path": f"{{path}}/{{id}}/{name}", "body": {}, "when": [{"field": "state", "in": list(states)}]}


def document() -> dict[str, Any]:
    common = {
        "path": "/sales",
        "modified": ["changed"],
        "paginator": {"type": "single"},
        "incremental": {"param": "since", "order": "modified"},
        "origin": {"field": "external_refs.chargebee", "query": {"ref": "{origin}"}},
    }
    fields = {
        "status": {
            "from": "state",
            "map": {"draft": "draft", "sent": "sent", "confirmed": "ordered"},
            "default": "?",
        },
        "order_id": {"from": "id", "when": [{"field": "state", "in": ORDER}], "read_only": True},
        "external_refs.chargebee": "ref",
        "note": "text",
        "quote_date": "day",
        "customer_id": "buyer",
    }
    order = {
        "status": {
            "from": "state",
            "map": {"confirmed": "confirmed", "done": "completed"},
            "default": "draft",
        }
    }
    return {
        "profile_version": 1,
        "name": "one-table",
        "connection": {"rest": {"base_url": "${ERP_BASE_URL}", "retry": {"base": 0.001, "cap": 0.01}}},
        "defaults": common,
        "entities": {
            "quote": {
                "where": [{"field": "state", "in": QUOTE}],
                "keep": ["order_id"],
                "fields": fields,
                "actions": {"status": {"sent": [step("send", "draft")], "accepted": [step("send", "draft"), step("confirm", *QUOTE)]}},
            },
            "order": {
                "where": [{"field": "state", "in": ORDER}],
                "fields": {**order, "external_refs.chargebee": "ref", "note": "text", "order_date": "day", "customer_id": "buyer"},
                "actions": {"status": {"confirmed": [step("send", "draft"), step("confirm", *QUOTE)], "cancelled": [step("cancel", "draft")]}},
            },
        },
    }  # fmt: skip


@pytest.fixture
def sales() -> Sales:
    return Sales()


@pytest.fixture
def upstream(sales: Sales) -> Iterator[Upstream]:
    with scripted_upstream(sales) as running:
        yield running


@pytest.fixture
def client(upstream: Upstream, tmp_path: Path) -> FlaskClient:
    return app_of(tmp_path, upstream.url, document())


def listed(client: FlaskClient, datatype: str, since: str = "") -> dict[str, dict[str, Any]]:
    rows = client.get(f"/{datatype}/entities?since={since}").json
    return {row["_id"]: row for row in rows}


def share(client: FlaskClient, datatype: str, **entity: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.post(f"/{datatype}/share", json=[{"_id": "x", **entity}]).json[0]
    return answer


def test_each_datatype_has_its_part_of_the_table(client: FlaskClient, sales: Sales) -> None:
    sales.put("a")
    sales.put("b", state="confirmed")
    sales.put("c", state="sent")
    assert {key: row["_deleted"] for key, row in listed(client, "quote").items()} == {"a": False, "c": False}
    assert list(listed(client, "order")) == ["b"]


def test_leaving_the_set_is_a_change(client: FlaskClient, sales: Sales) -> None:
    sales.put("a", text="hello")
    token = listed(client, "quote")["a"]["_updated"]
    sales.put("a", state="confirmed")
    left = listed(client, "quote", token)["a"]
    assert left == {
        "_id": "a",
        "id": "a",
        "_deleted": True,
        "_updated": sales.rows["a"]["changed"],
        "order_id": "a",
    }
    assert listed(client, "order", token)["a"]["status"] == "confirmed"
    sales.put("a", state="draft")
    assert listed(client, "quote", token)["a"]["_deleted"] is False
    assert listed(client, "order", token)["a"]["_deleted"] is True


def test_nobody_writes_to_a_record_that_left(client: FlaskClient, sales: Sales) -> None:
    sales.put("a", state="confirmed", text="old")
    desired = {"id": "a", "note": "new", "$based_on": {"note": "old"}}
    assert share(client, "quote", **desired)["$status"] == "gone"
    assert share(client, "quote", id="a", _deleted=True)["$operation"] == "none"
    assert sales.rows["a"]["text"] == "old"
    assert client.get("/quote/entities/a").json["_deleted"] is True


def test_a_state_is_reached_by_its_steps(client: FlaskClient, sales: Sales, upstream: Upstream) -> None:
    sales.put("a", text="old")
    base = {"status": "draft", "note": "old"}
    done = share(client, "quote", id="a", status="accepted", note="new", **{"$based_on": base})
    assert (done["$operation"], done["$status"], done["$response"]["order_id"]) == ("update", "ok", "a")
    assert (sales.rows["a"]["state"], sales.rows["a"]["text"]) == ("confirmed", "new")
    written = [(asked.method, asked.path) for asked in upstream.asked if asked.method != "GET"]
    assert written == [("PATCH", "/sales/a"), ("POST", "/sales/a/send"), ("POST", "/sales/a/confirm")]
    assert b"state" not in next(asked for asked in upstream.asked if asked.method == "PATCH").body


def test_a_step_that_got_no_answer_is_looked_at_before_it_is_taken_again(
    client: FlaskClient, sales: Sales
) -> None:
    sales.put("a", state="sent")
    sales.silent = {"confirm"}
    failed = client.post(
        "/quote/share", json=[{"_id": "x", "id": "a", "status": "accepted", "$based_on": {"status": "sent"}}]
    )
    assert (failed.status_code, failed.json["kind"]) == (503, "wait")
    assert (
        share(client, "quote", id="a", status="accepted", **{"$based_on": {"status": "sent"}})["$operation"]
        == "update"
    )


def test_a_state_that_no_step_leads_to_is_refused_and_the_rest_is_written(
    client: FlaskClient, sales: Sales, upstream: Upstream
) -> None:
    sales.put("a", state="confirmed", text="old")
    wish = {"status": "shipped", "$based_on": {"status": "confirmed", "note": "old"}}
    alone = share(client, "order", id="a", **wish)
    assert (alone["$status"], alone["$error"]["field"], alone["$error"]["rule"]) == (
        "rejected",
        "/status",
        "enum",
    )
    assert "confirmed, cancelled" in alone["$error"]["detail"]
    assert upstream.calls("PATCH") == 0
    both = share(client, "order", id="a", note="new", **wish)
    (refused,) = both["$refused"]
    assert (both["$status"], both["$operation"], both["$response"]["note"]) == ("ok", "update", "new")
    assert (refused["field"], refused["value"], refused["rule"]) == ("/status", "shipped", "enum")
    assert both["$response"]["status"] == "confirmed"


def test_a_create_goes_on_where_an_earlier_one_stopped(client: FlaskClient, sales: Sales) -> None:
    desired = {
        "$operation": "insert", "$origin": "~:chargebee-order:O1", "order_date": "2026-01-01", "customer_id": "c", "status": "confirmed",
    }  # fmt: skip
    sales.silent = {"confirm"}
    assert client.post("/order/share", json=[{"_id": "x", **desired}]).status_code == 503
    assert [row["state"] for row in sales.rows.values()] == ["sent"]
    done = share(client, "order", **desired)
    assert (done["$status"], done["$generated_id"], done["$response"]["status"]) == ("ok", "s1", "confirmed")
    assert [row["state"] for row in sales.rows.values()] == ["confirmed"]
    assert share(client, "order", **desired)["$operation"] == "none"
