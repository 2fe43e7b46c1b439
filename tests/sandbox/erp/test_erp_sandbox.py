"""The sandbox ERP's API: lists, checks, locking, uniqueness, references, totals, status and conversion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sandbox.erp.app import create_app

Call = Callable[..., TestResponse]


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return create_app(tmp_path / "erp.sqlite", "empty").test_client()


@pytest.fixture
def call(client: FlaskClient) -> Call:
    def send(method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Authorization", "Bearer sandbox")
        return client.open(f"/api/v1/{path}", method=method, json=body, headers=named)

    return send


@pytest.fixture
def make(call: Call) -> Callable[..., dict[str, Any]]:
    def create(path: str, **body: Any) -> dict[str, Any]:
        answer = call("POST", path, body)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return dict(answer.get_json())

    return create


def broken(answer: TestResponse) -> set[tuple[str, str]]:
    assert answer.content_type == "application/problem+json"
    return {(error["field"], error["rule"]) for error in answer.get_json()["errors"]}


def test_create_answers_201_with_location_stamps_and_number(call: Call) -> None:
    answer = call("POST", "customers", {"name": " Ærø "})
    record = answer.get_json()
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/customers/CU-1")
    assert record["name"] == " Ærø "
    assert (record["version"], record["active"], record["deleted_at"]) == (1, True, None)
    assert record["created_at"] == record["modified_at"]
    assert len(record["modified_at"]) == 27
    assert record["customer_number"] == "C-10001"
    assert call("GET", "customers/CU-1").get_json() == record


def test_every_call_needs_the_token(call: Call) -> None:
    for token in ("", "Bearer wrong", "Basic c2FuZGJveA=="):
        assert call("GET", "contacts", Authorization=token).status_code == 401


def test_bodies_must_be_json_objects(client: FlaskClient) -> None:
    def post(data: str, content_type: str = "application/json") -> int:
        headers = {"Authorization": "Bearer sandbox"}
        return client.post(
            "/api/v1/contacts", data=data, content_type=content_type, headers=headers
        ).status_code

    assert post("{") == 400
    assert post("[]") == 400
    assert post('{"last_name": "x"}', "text/plain") == 415
    assert post('{"notes": "' + "x" * 1_000_001 + '"}') == 413


def test_every_broken_rule_is_named_at_once(call: Call) -> None:
    body = {
        "first_name": "x" * 151,
        "email": "no address",
        "frist_name": "x",
        "is_primary": "yes",
        "address": {"country": "XX", "zip": "1"},
        "customer_id": "CU-404",
    }
    answer = call("POST", "contacts", body)
    assert answer.status_code == 400
    assert broken(answer) == {
        ("first_name", "max_length"),
        ("email", "email"),
        ("frist_name", "unknown"),
        ("is_primary", "type"),
        ("address.country", "enum"),
        ("address.zip", "unknown"),
    }
    assert broken(call("POST", "contacts", {"last_name": "x", "customer_id": "CU-404"})) == {
        ("customer_id", "reference")
    }
    assert broken(call("POST", "contacts", {})) == {("last_name", "required")}


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("customers", {}, ("name", "required")),
        ("customers", {"name": "  "}, ("name", "required")),
        ("customers", {"name": "x", "currency": "XXX"}, ("currency", "enum")),
        ("customers", {"name": "x", "payment_terms_days": -1}, ("payment_terms_days", "range")),
        ("customers", {"name": "x", "payment_terms_days": True}, ("payment_terms_days", "type")),
        ("products", {"name": "x", "unit_price": 1.5}, ("unit_price", "type")),
        ("products", {"name": "x", "unit_price": "1.5", "currency": "JPY"}, ("unit_price", "scale")),
        ("products", {"name": "x", "unit_price": "Infinity"}, ("unit_price", "range")),
        (
            "products",
            {"name": "x", "billing_period": 1, "billing_period_unit": "month"},
            ("billing_period", "subscription_only"),
        ),
        (
            "products",
            {"name": "x", "type": "subscription", "billing_period": 1},
            ("billing_period", "required"),
        ),
        ("products", {"name": "x", "id": "PR-7"}, ("id", "computed")),
        ("orders", {"order_date": "2026-01-01"}, ("customer_id", "required")),
        ("orders", {"order_date": "2026-02-30", "contact_id": "x"}, ("order_date", "date")),
        ("orders", {"order_date": "20260101", "contact_id": "x"}, ("order_date", "date")),
        (
            "orders",
            {"order_date": "2026-01-01", "shipped_at": "2026-01-01T10:00:00"},
            ("shipped_at", "datetime"),
        ),
        ("orders", {"order_date": "2026-01-01", "status": "processing"}, ("status", "enum")),
        ("orders", {"order_date": "2026-01-01", "lines": [{"quantity": "0"}]}, ("lines.0.quantity", "range")),
        ("contacts", {"last_name": "x", "custom_fields": {"a": {}}}, ("custom_fields.a", "type")),
        (
            "contacts",
            {"last_name": "x", "external_refs": {"chargebee": 1}},
            ("external_refs.chargebee", "type"),
        ),
    ],
)
def test_rules_of_single_fields(call: Call, path: str, body: dict[str, Any], error: tuple[str, str]) -> None:
    answer = call("POST", path, body)
    assert answer.status_code == 400
    assert error in broken(answer)


def test_values_are_kept_in_one_form(make: Callable[..., dict[str, Any]]) -> None:
    contact = make(
        "contacts", last_name=" O'Neil ", phone="", address={"line1": ""}, external_refs={"a": None, "b": "1"}
    )
    assert (contact["last_name"], contact["phone"], contact["address"]) == (" O'Neil ", None, None)
    assert contact["external_refs"] == {"b": "1"}
    product = make("products", name="P", unit_price="7.5", currency="KWD", tax_percent="25.0")
    assert (product["unit_price"], product["tax_percent"], product["is_shippable"]) == ("7.500", "25", True)
    order = make(
        "orders", contact_id=contact["id"], order_date="2026-01-01", shipped_at="2026-01-02T03:04:05+02:00"
    )
    assert order["shipped_at"] == "2026-01-02T01:04:05.000000Z"


def test_patch_changes_only_what_it_names_and_moves_stamp_and_version(
    call: Call, make: Callable[..., dict[str, Any]]
) -> None:
    before = make("contacts", first_name="A", last_name="B", address={"city": "Å", "country": "NO"})
    after = call("PATCH", "contacts/CT-1", {"last_name": "C", "address": {"city": "Oslo"}}).get_json()
    assert (after["first_name"], after["last_name"], after["version"]) == ("A", "C", 2)
    assert after["address"]["city"] == "Oslo"
    assert after["address"]["country"] is None
    assert after["modified_at"] > before["modified_at"]
    again = call("PATCH", "contacts/CT-1", after)
    assert again.get_json() == after, "a record sent back whole changes nothing"
    cleared = call("PATCH", "contacts/CT-1", {"first_name": None}).get_json()
    assert (cleared["first_name"], cleared["version"]) == (None, 3)


def test_if_match_refuses_a_stale_version(call: Call, make: Callable[..., dict[str, Any]]) -> None:
    make("contacts", last_name="A")
    assert call("PATCH", "contacts/CT-1", {"last_name": "B"}, If_Match='"1"').headers["ETag"] == '"2"'
    assert call("PATCH", "contacts/CT-1", {"last_name": "C"}, If_Match='"1"').status_code == 412
    assert call("DELETE", "contacts/CT-1", If_Match="1").status_code == 412
    assert call("PATCH", "contacts/CT-1", {"last_name": "C"}, If_Match="*").status_code == 200
    assert call("DELETE", "contacts/CT-1", If_Match="3").status_code == 204


def test_lists_page_in_order_of_change_from_an_inclusive_instant(
    call: Call, make: Callable[..., dict[str, Any]]
) -> None:
    for number in range(7):
        make("products", name=f"P{number}")
    moved = call("PATCH", "products/PR-2", {"sku": "S"}).get_json()
    query, seen, pages = "limit=3", [], 0
    while True:
        page = call("GET", f"products?{query}").get_json()
        seen += [item["id"] for item in page["items"]]
        pages += 1
        if page["next"] is None:
            break
        query = f"limit=3&cursor={page['next']}"
    assert (seen, pages) == (["PR-1", "PR-3", "PR-4", "PR-5", "PR-6", "PR-7", "PR-2"], 3)
    since = call("GET", f"products?modified_since={moved['modified_at']}").get_json()
    assert [item["id"] for item in since["items"]] == ["PR-2"]
    assert len(call("GET", "products?limit=100000").get_json()["items"]) == 7
    exact = call("GET", "products?limit=7").get_json()
    assert exact["next"] is None


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=x",
        "cursor=%25",
        "modified_since=yesterday",
        "include_deleted=1",
        "external_ref=x",
        "page=2",
    ],
)
def test_bad_list_parameters_are_refused(call: Call, query: str) -> None:
    answer = call("GET", f"contacts?{query}")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.get_json()["errors"]] == [query.split("=")[0]]


def test_a_deleted_record_is_a_tombstone(call: Call, make: Callable[..., dict[str, Any]]) -> None:
    before = make("products", name="P", sku="S")
    assert call("DELETE", "products/PR-1").status_code == 204
    assert call("GET", "products").get_json()["items"] == []
    (tombstone,) = call("GET", "products?include_deleted=true").get_json()["items"]
    assert tombstone["deleted_at"] == tombstone["modified_at"] > before["modified_at"]
    assert tombstone["name"] == "P"
    assert call("GET", "products/PR-1").status_code == 404
    assert call("GET", "products/PR-1?include_deleted=true").get_json() == tombstone
    assert call("PATCH", "products/PR-1", {"name": "Q"}).status_code == 404
    assert call("DELETE", "products/PR-1").status_code == 404
    assert make("products", name="P", sku="S")["id"] == "PR-2", "name and SKU are free again"


def test_external_reference_finds_the_counterpart(call: Call, make: Callable[..., dict[str, Any]]) -> None:
    make("contacts", last_name="A", external_refs={"chargebee": "cb-1"})
    make("contacts", last_name="B", external_refs={"other": "cb-1"})

    def found(more: str = "") -> list[str]:
        return [
            item["id"]
            for item in call("GET", f"contacts?external_ref=chargebee:cb-1{more}").get_json()["items"]
        ]

    assert found() == ["CT-1"]
    call("DELETE", "contacts/CT-1")
    assert found() == []
    assert found("&include_deleted=true") == ["CT-1"]


def test_numbers_skus_and_product_names_are_unique(call: Call, make: Callable[..., dict[str, Any]]) -> None:
    make("products", name="P", sku="S")
    answer = call("POST", "products", {"name": "P", "sku": "T"})
    assert (answer.status_code, broken(answer)) == (409, {("name", "unique")})
    assert answer.get_json()["existing_id"] == "PR-1"
    make("products", name="Q", sku="T")
    assert call("PATCH", "products/PR-2", {"sku": "S"}).status_code == 409
    make("customers", name="A", customer_number="C-10002")
    assert make("customers", name="B")["customer_number"] == "C-10001"
    assert make("customers", name="C")["customer_number"] == "C-10003", "a taken number is passed over"


def test_what_is_referenced_cannot_be_deleted(call: Call, make: Callable[..., dict[str, Any]]) -> None:
    make("customers", name="A")
    make("contacts", last_name="B", customer_id="CU-1")
    make("products", name="P", sku="S")
    make("orders", contact_id="CT-1", order_date="2026-01-01", lines=[{"sku": "S"}])
    for path, user in (("customers/CU-1", "CT-1"), ("contacts/CT-1", "OR-1"), ("products/PR-1", "OR-1")):
        answer = call("DELETE", path)
        assert answer.status_code == 409
        assert answer.get_json()["referenced_by"] == [user]
    for path in ("orders/OR-1", "products/PR-1", "contacts/CT-1", "customers/CU-1"):
        assert call("DELETE", path).status_code == 204
    assert broken(call("POST", "contacts", {"last_name": "x", "customer_id": "CU-1"})) == {
        ("customer_id", "reference")
    }


def test_totals_are_computed_and_cannot_be_written(call: Call, make: Callable[..., dict[str, Any]]) -> None:
    make("customers", name="A", currency="NOK")
    lines = [
        {
            "description": "a",
            "quantity": "3",
            "unit_price": "33.33",
            "discount_percent": "10",
            "tax_percent": "25",
        },
        {"description": "b", "quantity": "1", "unit_price": "10", "tax_amount": "1.23"},
    ]
    order = make("orders", customer_id="CU-1", order_date="2026-01-01", lines=lines)
    assert [(line["amount"], line["tax_amount"]) for line in order["lines"]] == [
        ("89.99", "22.50"),
        ("10.00", "1.23"),
    ]
    sums = {name: order[name] for name in ("currency", "subtotal", "discount_amount", "tax_amount", "total")}
    assert sums == {
        "currency": "NOK",
        "subtotal": "99.99",
        "discount_amount": "10.00",
        "tax_amount": "23.73",
        "total": "123.72",
    }
    assert call("PATCH", "orders/OR-1", {"total": "123.72"}).get_json()["version"] == 1
    assert broken(call("PATCH", "orders/OR-1", {"total": "100.00"})) == {("total", "computed")}
    assert broken(
        call("POST", "orders", {"customer_id": "CU-1", "order_date": "2026-01-01", "total": "1"})
    ) == {("total", "computed")}
    yen = make(
        "orders",
        customer_id="CU-1",
        order_date="2026-01-01",
        currency="JPY",
        lines=[{"quantity": "3", "unit_price": "5"}],
    )
    assert (yen["total"], yen["lines"][0]["unit_price"]) == ("15", "5")
    gross = make(
        "orders",
        customer_id="CU-1",
        order_date="2026-01-01",
        prices_include_tax=True,
        lines=[{"unit_price": "125", "tax_percent": "25"}],
    )
    assert (gross["subtotal"], gross["tax_amount"], gross["total"]) == ("100.00", "25.00", "125.00")


def test_lines_are_changed_by_their_id(call: Call, make: Callable[..., dict[str, Any]]) -> None:
    make("contacts", last_name="B")
    make("products", name="P", sku="S", unit="kg", tax_percent="15")
    lines = [{"sku": "S", "unit_price": "10"}, {"line_id": "cb", "description": "b", "unit_price": "1"}]
    order = make("orders", contact_id="CT-1", order_date="2026-01-01", status="confirmed", lines=lines)
    first = order["lines"][0]
    assert (first["product_id"], first["description"], first["unit"], first["tax_amount"]) == (
        "PR-1",
        "P",
        "kg",
        "1.50",
    )
    assert [(line["line_id"], line["position"], line["status"]) for line in order["lines"]] == [
        ("L1", 1, "confirmed"),
        ("cb", 2, "confirmed"),
    ]
    sent = [
        {"line_id": "cb", "status": "shipped"},
        {"line_id": "L1", "quantity": "2"},
        {"description": "new"},
    ]
    after = call("PATCH", "orders/OR-1", {"lines": sent}).get_json()
    assert [(line["line_id"], line["description"]) for line in after["lines"]] == [
        ("cb", "b"),
        ("L1", "P"),
        ("L2", "new"),
    ]
    assert (after["lines"][0]["status"], after["lines"][1]["amount"]) == ("shipped", "20.00")
    assert after["modified_at"] > order["modified_at"]
    whole = call("PATCH", "orders/OR-1", {"lines": after["lines"]})
    assert whole.get_json()["version"] == after["version"]
    twice = call("PATCH", "orders/OR-1", {"lines": [{"line_id": "a"}, {"line_id": "a"}]})
    assert broken(twice) == {("lines.1.line_id", "unique")}


def test_status_moves_freely_but_never_back_to_draft(call: Call, make: Callable[..., dict[str, Any]]) -> None:
    make("contacts", last_name="B")
    make("orders", contact_id="CT-1", order_date="2026-01-01", lines=[{"description": "a"}])
    confirmed = call("PATCH", "orders/OR-1", {"status": "confirmed"}).get_json()
    assert confirmed["lines"][0]["status"] == "confirmed", "lines are drafts only within a draft"
    for status in (
        "confirmed",
        "shipped",
        "in_progress",
        "delivered",
        "cancelled",
        "confirmed",
        "returned",
        "cancelled",
    ):
        assert call("PATCH", "orders/OR-1", {"status": status}).status_code == 200, status
    answer = call("PATCH", "orders/OR-1", {"status": "draft"})
    assert (answer.status_code, broken(answer)) == (409, {("status", "transition")})


def test_a_quote_becomes_one_order(call: Call, make: Callable[..., dict[str, Any]]) -> None:
    make("contacts", last_name="B")
    lines = [{"description": "a", "quantity": "2", "unit_price": "5", "tax_percent": "25"}]
    quote = make("quotes", contact_id="CT-1", quote_date="2026-01-01", note="n", currency="EUR", lines=lines)
    assert call("PATCH", "quotes/QU-1", {"status": "ordered"}).status_code == 409
    answer = call("POST", "quotes/QU-1/convert")
    order = answer.get_json()
    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/orders/OR-1")
    assert (order["quote_id"], order["status"], order["note"]) == ("QU-1", "confirmed", "n")
    assert (order["total"], order["currency"]) == (quote["total"], "EUR")
    after = call("GET", "quotes/QU-1").get_json()
    assert (after["status"], after["order_id"]) == ("ordered", "OR-1")
    assert after["modified_at"] > quote["modified_at"]
    again = call("POST", "quotes/QU-1/convert")
    assert (again.status_code, again.get_json()["order_id"]) == (409, "OR-1")
    assert call("PATCH", "quotes/QU-1", {"status": "sent"}).status_code == 409
    assert call("DELETE", "quotes/QU-1").status_code == 409, "the order names it"
    for status in ("rejected", "expired"):
        other = make("quotes", contact_id="CT-1", quote_date="2026-01-01", status=status)
        assert call("POST", f"quotes/{other['id']}/convert").status_code == 409


def test_stamps_are_unique_and_ascend(call: Call, make: Callable[..., dict[str, Any]]) -> None:
    stamps = [make("contacts", last_name=str(n))["modified_at"] for n in range(50)]
    assert stamps == sorted(set(stamps))


def test_demo_data_is_accepted_whole_and_numbers_go_on(tmp_path: Path) -> None:
    client = create_app(tmp_path / "demo.sqlite", "demo", seed=2).test_client()
    auth = {"Authorization": "Bearer sandbox"}
    assert len(client.get("/api/v1/orders?limit=500", headers=auth).get_json()["items"]) == 126
    created = client.post("/api/v1/customers", json={"name": "New"}, headers=auth).get_json()
    assert created["id"] == "CU-65"
    assert created["modified_at"] > "2026-09"


def test_unknown_paths_and_methods_are_problems(call: Call) -> None:
    assert call("GET", "invoices").status_code == 404
    answer = call("PUT", "contacts/CT-1", {})
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
