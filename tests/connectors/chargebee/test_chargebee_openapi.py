"""Every request of the service and every answer and event of the sandbox fit Chargebee's OpenAPI document.

A proxy between the two records what goes over the wire while records of all datatypes are read, made, changed and
deleted; then each exchange is held against the document, where that is at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from tests.connectors.chargebee.conftest import Service, serving
from tests.support.openapi import DOCUMENT, FORM, document, operation_of, problems, request_problems
from tests.support.processes import ROOT, wait_until
from tests.support.systems import Chargebee
from tests.support.upstream import Asked, Reply, scripted_upstream

CONTENT = {
    "customer": "Customer",
    "business_entity": "BusinessEntity",
    "order": "Order",
    "item": "Item",
    "item_price": "ItemPrice",
    "item_family": "ItemFamily",
    "invoice": "Invoice",
}
SCHEMAS = ROOT / "connectors" / "chargebee" / "schemas"
UPDATES = {
    "customer": ("POST /customers/{customer-id}", "POST /customers/{customer-id}/update_billing_info"),
    "order": ("POST /orders/{order-id}",),
    "item": ("POST /items/{item-id}",),
    "item_price": ("POST /item_prices/{item-price-id}",),
    "item_family": ("POST /item_families/{item-family-id}",),
}
USED = {
    "GET /configurations",
    "GET /customers",
    "POST /customers",
    "GET /customers/{customer-id}",
    "POST /customers/{customer-id}",
    "POST /customers/{customer-id}/update_billing_info",
    "POST /customers/{customer-id}/delete",
    "GET /events",
    "GET /item_families",
    "POST /item_families",
    "GET /item_families/{item-family-id}",
    "POST /item_families/{item-family-id}",
    "POST /item_families/{item-family-id}/delete",
    "GET /items",
    "POST /items",
    "GET /items/{item-id}",
    "POST /items/{item-id}",
    "POST /items/{item-id}/delete",
    "GET /item_prices",
    "POST /item_prices",
    "GET /item_prices/{item-price-id}",
    "POST /item_prices/{item-price-id}",
    "POST /item_prices/{item-price-id}/delete",
    "POST /invoices/import_invoice",
    "GET /invoices/{invoice-id}",
    "POST /invoices/{invoice-id}/void",
    "GET /orders",
    "POST /orders/import_order",
    "GET /orders/{order-id}",
    "POST /orders/{order-id}",
    "POST /orders/{order-id}/delete",
}
"""Every operation that the service relies on."""

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason="the OpenAPI document is not beside the project"
)


@dataclass
class Exchange:
    """One call and its answer."""

    asked: Asked
    status: int
    body: Any


@pytest.fixture(scope="module")
def exchanges(upstream: Chargebee, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Exchange]]:
    """What goes over the wire while all the service can do is done."""
    # What the schemas require and records of old sites lack (facts.json) would be no fault of the service.
    # Turned round for the demo data's events, and once more since a reset sets all facts right.
    upstream.turn_round("older-items-lack-deleted")
    requests.post(
        f"{upstream.root}/_sandbox/reset", json={"data": "demo", "seed": 1}, timeout=30
    ).raise_for_status()
    upstream.turn_round("older-items-lack-deleted")
    upstream.faults()
    seen: list[Exchange] = []

    def relay(asked: Asked) -> Reply:
        headers = {
            name: value
            for name, value in asked.headers.items()
            if name.lower() not in ("host", "content-length")
        }
        answer = requests.request(
            asked.method,
            f"{upstream.root}{asked.path}",
            params=asked.query,
            data=asked.body,
            headers=headers,
            timeout=30,
        )
        seen.append(Exchange(asked, answer.status_code, answer.json()))
        kept = {name: value for name, value in answer.headers.items() if name.lower().startswith("chargebee")}
        return Reply(answer.content, answer.status_code, kept)

    with scripted_upstream(relay) as proxy:
        with serving(proxy.url, tmp_path_factory.mktemp("openapi"), PAGE_SIZE="100") as service:
            do_everything(service)
        yield seen
    upstream.turn_round()


def do_everything(service: Service) -> None:
    assert requests.get(f"{service.root}/ready", timeout=60).status_code == 200
    for datatype in ("customer", "business_entity", "order", "item", "item_price", "item_family"):
        whole = service.read(datatype)
        service.read(datatype, since=whole[-1]["_updated"])
        service.read(datatype, limit=3)
    address = {"line1": "Storgata 1", "city": "Oslo", "zip": "0155", "country": "NO"}
    person = service.insert(
        "customer", "contact:OA-1", first_name="Åse", email="ase@oa.example", billing_address=address, cf_tier="gold",
        preferred_currency_code="NOK", net_term_days=0, allow_direct_debit=True,
    )["$response"]  # fmt: skip
    person = service.update(
        "customer", person, last_name="Li", phone=None, vat_number="NO123", cf_tier="silver",
        billing_address={"line1": None, "line2": "B"}, meta_data={"customerp": {"active": True}}, net_term_days=0,
    )["$response"]  # fmt: skip
    item = service.insert(
        "item", "product:OA-1", name="Hammer OA", item_family_id="oa-tools", status="archived", is_shippable=True,
        metadata={"colour": "red"}, cf_shelf="B2",
    )["$response"]  # fmt: skip
    item = service.update("item", item, status="active", description="Heavy", unit=None)["$response"]
    for currency, price in (("JPY", 1200), ("NOK", 9950), ("KWD", 1250)):
        stored = service.insert(
            "item_price", f"product:OA-{currency}", name=f"Hammer {currency}", item_id=item["id"], price=price,
            currency_code=currency, accounting_detail={"sku": "H-1"}, is_taxable=True,
        )["$response"]  # fmt: skip
        stored = service.update("item_price", stored, price=price + 1, accounting_detail={"sku": "H-2"})[
            "$response"
        ]
        service.share("item_price", {"_id": stored["id"], "id": stored["id"], "_deleted": True})
    service.share("item", {"_id": item["id"], "id": item["id"], "_deleted": True})
    family = service.insert("item_family", "category:OA", name="OA")["$response"]
    family = service.update("item_family", family, description="Things")["$response"]
    service.share("item_family", {"_id": family["id"], "id": family["id"], "_deleted": True})
    line = {
        "description": "Hammer",
        "fulfillment_quantity": 2,
        "unit_price": 5000,
        "amount": 10000,
        "tax_amount": 2500,
    }
    order = service.insert(
        "order", "order:OA-1", customer_id=person["id"], currency_code="NOK", status="queued", order_date=1790000000,
        reference_id="SO-OA-1", shipping_address=address, order_line_items=[{**line, "sku": "H-1", "status": "queued"}],
    )["$response"]  # fmt: skip
    lines = [{"id": order["order_line_items"][0]["id"], "sku": "H-9", "status": "shipped"}]
    order = service.update(
        "order",
        order,
        status="shipped",
        tracking_id="T1",
        shipped_at=1790001000,
        order_line_items=lines,
        note=None,
    )["$response"]
    service.update("order", order, status="cancelled", cancellation_reason="others", cancelled_at=1790002000)
    service.share("order", {"_id": order["id"], "id": order["id"], "_deleted": True})
    doomed = service.insert("customer", "contact:OA-2", first_name="B")["$response"]
    service.insert("customer", "contact:OA-2", first_name="B")
    service.share("customer", {"_id": doomed["id"], "id": doomed["id"], "_deleted": True})
    service.share(
        "customer", {"_id": "x", "id": "nobody", "$operation": "update", "$based_on": {}, "first_name": "A"}
    )


def test_every_operation_that_is_relied_on_was_used(exchanges: list[Exchange]) -> None:
    assert {operation_of(one.asked)[0] for one in exchanges} == USED


def test_requests_are_as_documented(exchanges: list[Exchange]) -> None:
    assert len(exchanges) > 60
    for one in exchanges:
        name, operation = operation_of(one.asked)
        assert request_problems(one.asked, operation) == [], (
            f"{name} {one.asked.query} {one.asked.body.decode()}"
        )


def test_answers_are_as_documented(exchanges: list[Exchange]) -> None:
    for one in exchanges:
        name, operation = operation_of(one.asked)
        schema = operation["responses"][str(one.status)]["content"]["application/json"]["schema"]
        assert problems(schema, one.body) == [], f"{name} → {one.status}"
        assert one.status == 200 or one.body["api_error_code"] in ("resource_not_found", "duplicate_entry")


def test_events_are_as_documented(exchanges: list[Exchange], upstream: Chargebee) -> None:
    def is_told() -> bool:
        return any(event["event_type"] == "customer_deleted" for event in upstream.all("events"))

    wait_until(is_told, 20, what="the scheduled deletion of a customer is carried out")
    events = upstream.all("events")
    told = {event["event_type"] for event in events}
    assert told >= {
        "customer_created", "customer_changed", "customer_deleted", "business_entity_created",
        "order_created", "order_updated", "order_deleted", "item_created", "item_updated", "item_deleted",
        "item_price_created", "item_price_updated", "item_family_created", "item_family_updated", "item_family_deleted",
    }  # fmt: skip
    for event in events:
        assert problems({"$ref": "#/components/schemas/Event"}, event) == [], event["event_type"]
        for kind, record in event["content"].items():
            assert problems({"$ref": f"#/components/schemas/{CONTENT[kind]}"}, record) == [], event[
                "event_type"
            ]


def test_a_parameter_that_is_not_documented_would_be_noticed(tmp_path: Path) -> None:
    asked = Asked(
        "POST", "/api/v2/customers/c1", {}, {"Content-Type": FORM}, b"vat_number=1&net_term_days=soon"
    )
    assert len(request_problems(asked, operation_of(asked)[1])) == 2
    listing = Asked("GET", "/api/v2/item_families", {"sort_by[asc]": "updated_at"}, {}, b"")
    assert request_problems(listing, operation_of(listing)[1]) == ["sort_by is no filter"]


@pytest.mark.parametrize("datatype", UPDATES)
def test_only_plain_texts_are_sent_empty(datatype: str) -> None:
    """What the document has for a number, an instant, a yes-or-no, one of a list or an e-mail address is no text."""
    schema = orjson.loads((SCHEMAS / f"{datatype}.schema.json").read_bytes())
    known: dict[str, Any] = {}
    for name in UPDATES[datatype]:
        verb, _, path = name.partition(" ")
        body = document()["paths"][path][verb.lower()]["requestBody"]["content"][FORM]["schema"]
        known |= body["properties"]
    texts = {
        name
        for name, rule in known.items()
        if rule.get("type") == "string" and not rule.keys() & {"enum", "format"}
    }
    sent_empty = {
        name
        for name, rule in schema["properties"].items()
        if name in known
        and is_nullable(schema, rule)
        and not rule.keys() & {"x-neverEmpty", "default", "x-createOnly"}
    }
    objects = {"billing_address", "shipping_address", "meta_data", "metadata", "order_line_items"}
    assert sorted(sent_empty - texts - objects - {"accounting_detail", "tax_detail"}) == []


def is_nullable(schema: dict[str, Any], rule: dict[str, Any]) -> bool:
    found = schema["$defs"][rule["$ref"].rpartition("/")[2]] if "$ref" in rule else rule
    return None in found.get("enum", []) or "null" in found.get("type", [])
