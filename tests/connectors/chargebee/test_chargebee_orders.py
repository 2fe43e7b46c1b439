"""Orders shared to Chargebee: imported once against an imported invoice, then kept in step."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.chargebee.conftest import Calls, Entity, Service, insert
from tests.support.systems import Chargebee

PLACED = 1_790_000_000
LINES: list[dict[str, Any]] = [
    {
        "description": "Skrue",
        "unit_price": 1000,
        "fulfillment_quantity": 2,
        "amount": 2000,
        "tax_amount": 500,
        "sku": "S",
    },
    {"description": "Frakt", "unit_price": 100, "fulfillment_quantity": 1, "amount": 100, "tax_amount": 0},
]
ORDER: dict[str, Any] = {
    "customer_id": "contact-CT-1",
    "currency_code": "NOK",
    "status": "queued",
    "reference_id": "SO-1001",
    "order_date": PLACED,
    "sub_total": 2100,
    "tax": 500,
    "total": 2600,
    "order_line_items": LINES,
    "note": "Ring på 🙂",
    "shipping_address": {"line1": "Storgata 1", "city": "Oslo", "country": "NO"},
    "billing_address": {"line1": "Postboks 2", "country": "NO"},
}
IMPORTS = {"GET /orders": 1, "POST /invoices/import_invoice": 1, "POST /orders/import_order": 1}


@pytest.fixture(autouse=True)
def _customer(site: Chargebee) -> None:
    site.post("customers", id="contact-CT-1")


def test_insert_imports_an_invoice_and_an_order(service: Service, site: Chargebee) -> None:
    service.insert("order", "order:O-0", **{**ORDER, "reference_id": "SO-1000"})  # the first asks for Orders
    before = Calls(site)
    answer = service.insert("order", "order:O-1", **ORDER)
    assert (answer["$operation"], answer["$status"], answer["$generated_id"]) == ("insert", "ok", "order-O-1")
    assert before.made() == {**IMPORTS, "POST /orders/<record_id>": 1}, "the last one marks the lines"
    stored = site.get("orders", "order-O-1")
    assert stored == answer["$response"]
    assert {
        name: stored[name]
        for name in ("status", "reference_id", "currency_code", "total", "tax", "sub_total")
    } == {
        "status": "queued",
        "reference_id": "SO-1001",
        "currency_code": "NOK",
        "total": 2600,
        "tax": 500,
        "sub_total": 2100,
    }
    assert stored["order_date"] == stored["shipping_date"] == stored["created_at"] == PLACED
    assert (stored["shipping_address"]["city"], stored["billing_address"]["line1"]) == ("Oslo", "Postboks 2")
    names = ("description", "unit_price", "fulfillment_quantity", "amount", "tax_amount", "sku")
    assert [
        {name: line[name] for name in names if name in line} for line in stored["order_line_items"]
    ] == LINES
    invoice = site.get("invoices", "inv-order-O-1")
    assert (invoice["total"], invoice["status"], invoice["customer_id"]) == (
        2600,
        "posted",
        "contact-CT-1",
    )


@pytest.mark.parametrize("turned", [[], ["paid-import-needs-no-payments"]], ids=["status", "payments"])
def test_a_paid_order_gets_a_paid_invoice(service: Service, site: Chargebee, turned: list[str]) -> None:
    """Whether the status is enough, or the site asks for the payment."""
    site.turn_round(*turned)
    try:
        stored = service.insert("order", "order:O-1", **ORDER, payment_status="paid")["$response"]
    finally:
        site.turn_round()
    assert stored["payment_status"] == "paid"
    assert site.get("invoices", "inv-order-O-1")["amount_due"] == 0


def test_a_repeated_insert_makes_no_twin(service: Service, site: Chargebee) -> None:
    service.insert("order", "order:O-1", **ORDER)
    again = service.insert("order", "order:O-1", **ORDER)
    assert (again["$operation"], again["$status"], again["$generated_id"]) == ("none", "ok", "order-O-1")
    assert len(site.all("orders")) == len(site.all("invoices")) == 1


def test_an_order_that_the_site_generated_is_adopted(service: Service, site: Chargebee) -> None:
    """As if the invoice had been imported and paid, and the site had been quicker than the import of the order."""
    site.post("item_families", id="f", name="F")
    site.post("items", id="i", name="I", type="charge", item_family_id="f", is_shippable=True)
    site.post("item_prices", id="p", name="P", item_id="i", price=2600, currency_code="NOK")
    row = {"description": "x", "entity_type": "charge_item_price", "entity_id": "p", "unit_amount": 2600}
    fields = {
        "customer_id": "contact-CT-1",
        "date": PLACED,
        "total": 2600,
        "status": "paid",
        "line_items": [row],
    }
    site.post("invoices/import_invoice", id="inv-order-O-1", **fields)
    (generated,) = site.all("orders")
    answer = service.insert("order", "order:O-1", **ORDER)
    assert (answer["$operation"], answer["$generated_id"]) == ("none", generated["id"])
    assert len(site.all("orders")) == 1


def test_an_interrupted_import_goes_on(service: Service, site: Chargebee) -> None:
    """The invoice is there, the order is not."""
    lines = [{"description": "Skrue", "amount": 2500}, {"description": "Frakt", "amount": 100}]
    fields = {"customer_id": "contact-CT-1", "date": PLACED, "total": 2600, "status": "posted"}
    site.post("invoices/import_invoice", id="inv-order-O-1", **fields, line_items=lines)
    answer = service.insert("order", "order:O-1", **{**ORDER, "order_line_items": LINES})
    assert (answer["$operation"], answer["$status"], answer["$generated_id"]) == ("insert", "ok", "order-O-1")
    assert len(site.all("invoices")) == 1


@pytest.mark.parametrize("fault", ["drop_after_rate", "error_rate"])
def test_lost_answers_make_no_twin(fault: str, service: Service, site: Chargebee) -> None:
    site.faults(**{fault: 0.3}, seed=3, retry_after=False)
    for number in range(6):
        answer = service.insert("order", f"order:O-{number}", **ORDER)
        assert (answer["$status"], answer["$generated_id"]) == ("ok", f"order-O-{number}")
    site.faults()
    assert len(site.all("orders")) == len(site.all("invoices")) == 6


def test_an_order_waits_for_its_customer(service: Service, site: Chargebee) -> None:
    answer = service.insert("order", "order:O-1", **{**ORDER, "customer_id": "contact-CT-2"})
    assert (answer["$operation"], answer["$status"]) == ("none", "pending")
    site.post("customers", id="contact-CT-2")
    again = service.insert("order", "order:O-1", **{**ORDER, "customer_id": "contact-CT-2"})
    assert (again["$operation"], again["$status"]) == ("insert", "ok")


@pytest.mark.parametrize(("total", "stored"), [(2601, 2601), (2550, 2550), (2000, 2000), (None, 2600)])
def test_totals_are_kept_to_the_unit(total: int | None, stored: int, service: Service) -> None:
    answer = service.insert("order", "order:O-1", **{**ORDER, "total": total})
    assert answer["$response"]["total"] == stored


def test_a_total_above_its_lines_is_refused_before_any_write(service: Service, site: Chargebee) -> None:
    before = site.writes()
    error = service.insert("order", "order:O-1", **{**ORDER, "total": 9999})["$error"]
    assert (error["field"], error["rule"]) == ("/total", "sum")
    assert site.writes() == before


def stored_order(service: Service) -> Entity:
    stored: Entity = service.insert("order", "order:O-1", **ORDER)["$response"]
    return stored


def test_one_change_is_one_call(service: Service, site: Chargebee) -> None:
    stored = stored_order(service)
    first, second = (line["id"] for line in stored["order_line_items"])
    cases: list[dict[str, Any]] = [
        {"status": "shipped", "shipped_at": PLACED + 9, "tracking_id": "T1", "shipment_carrier": "Posten"},
        {"order_line_items": [{"id": second, "sku": "F", "status": "shipped"}, {"id": first, "sku": "S"}]},
        {"order_line_items": [{"sku": "S2", "status": "shipped"}, {"sku": "F", "status": "delivered"}]},
        {"shipping_address": {"line1": None, "city": "Bergen"}, "note": None, "reference_id": "SO-1002"},
    ]
    for payload in cases:
        before = Calls(site)
        answer = service.update("order", stored, **payload)
        assert (answer["$operation"], answer["$status"], answer["$error"]) == ("update", "ok", None)
        assert before.made() == {"GET /orders/<record_id>": 1, "POST /orders/<record_id>": 1}
        stored = answer["$response"]
        same = service.update("order", stored, **payload)
        assert same["$operation"] == "none"
    assert [(line["sku"], line["status"]) for line in stored["order_line_items"]] == [
        ("S2", "shipped"),
        ("F", "delivered"),
    ]
    assert stored["shipping_address"]["city"] == "Bergen"
    assert "note" not in stored


@pytest.mark.parametrize("wanted", [{"status": None}, {}], ids=["null", "absent"])
def test_the_status_of_a_line_is_never_cleared(
    wanted: dict[str, Any], service: Service, site: Chargebee
) -> None:
    """Chargebee has no line without a status: where none is wanted, it stays and nothing is sent."""
    order = stored_order(service)
    before = Calls(site)
    lines = [
        {name: value for name, value in line.items() if name != "status"} | wanted
        for line in order["order_line_items"]
    ]
    answer = service.update("order", order, order_line_items=lines)
    assert (answer["$operation"], answer["$status"]) == ("none", "ok")
    assert before.made() == {"GET /orders/<record_id>": 1}
    kept = site.get("orders", order["id"])["order_line_items"]
    assert [line["status"] for line in kept] == [line["status"] for line in order["order_line_items"]]


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"currency_code": "SEK"}, "/currency_code"),
        ({"total": 1}, "/total"),
        ({"customer_id": "c2"}, "/customer_id"),
        ({"order_line_items": [{"amount": 1}, {"amount": 2}]}, "/order_line_items/0/amount"),
        ({"order_line_items": [*LINES, {"description": "Ny", "amount": 1}]}, "/order_line_items/2"),
    ],
)
def test_what_comes_from_the_invoice_is_fixed(payload: dict[str, Any], field: str, service: Service) -> None:
    answer = service.update("order", stored_order(service), **payload)
    assert (answer["$status"], answer["$error"]["field"], answer["$error"]["rule"]) == (
        "rejected",
        field,
        "createOnly",
    )


@pytest.mark.parametrize(
    ("payload", "field", "rule"),
    [
        ({"note": "x" * 601}, "/note", "maxLength"),
        ({"tracking_url": "x" * 256}, "/tracking_url", "maxLength"),
        ({"status": "confirmed"}, "/status", "enum"),
        ({"status": "processing"}, "/status", "enum"),
        ({"order_date": "2026-01-01"}, "/order_date", "type"),
        ({"order_date": 12}, "/order_date", "minimum"),
        ({"cf_x": "1"}, "/cf_x", "additionalProperties"),
        ({"invoice_id": "inv"}, "/invoice_id", "readOnly"),
        ({"shipping_address": {"country": "Norge"}}, "/shipping_address/country", "iso-3166-1"),
        ({"order_line_items": []}, "/order_line_items", "minItems"),
        ({"order_line_items": [{"amount": 1}]}, "/order_line_items/0/description", "required"),
        ({"order_line_items": [{"description": "x", "amount": 1.5}]}, "/order_line_items/0/amount", "type"),
    ],
)
def test_bad_orders_are_refused_before_any_call(
    payload: dict[str, Any], field: str, rule: str, service: Service, site: Chargebee
) -> None:
    before = Calls(site)
    answer = service.share("order", insert("order:O-1", **{**ORDER, **payload}))[0]
    if field in ("/note", "/tracking_url", "/shipping_address/country"):
        (refused,) = answer["$refused"]
        assert (refused["field"], refused["rule"], answer["$operation"]) == (field, rule, "insert")
        return
    assert (answer["$error"]["field"], answer["$error"]["rule"]) == (field, rule)
    assert before.made() == {}


def test_delete_only_what_was_imported(service: Service, site: Chargebee) -> None:
    key = stored_order(service)["id"]
    remove = {"_id": key, "id": key, "$operation": "delete"}
    assert [service.share("order", remove)[0]["$operation"] for _ in range(2)] == ["delete", "none"]
