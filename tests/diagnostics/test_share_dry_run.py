"""`POST /<datatype>/share?dry_run=true`: says what the same call without it then does, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from core.jsonio import Json
from stack.processes import Stack
from tests.support.systems import Chargebee, Erp

pytestmark = pytest.mark.timeout(600)


class Services:
    """Both services of a stack, asked directly."""

    def __init__(self, stack: Stack) -> None:
        self._roots = {name: stack.settings.url(f"{name}-service") for name in ("erp", "chargebee")}
        self.erp, self.chargebee = Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url)

    def post(self, service: str, datatype: str, *entities: Json, **params: str) -> requests.Response:
        return requests.post(
            f"{self._roots[service]}/{datatype}/share", json=list(entities), params=params, timeout=30
        )

    def dry(self, service: str, datatype: str, entity: Json) -> Json:
        """What would be done; nothing is."""
        before = self.erp.writes(), self.chargebee.writes()
        answer = self.post(service, datatype, entity, dry_run="true")
        assert (answer.status_code, answer.headers["Dry-Run"]) == (200, "true"), answer.text
        assert (self.erp.writes(), self.chargebee.writes()) == before
        (found,) = answer.json()
        assert found["$dry_run"] is True
        return dict(found)

    def real(self, service: str, datatype: str, entity: Json) -> Json:
        answer = self.post(service, datatype, entity)
        assert "Dry-Run" not in answer.headers
        (found,) = answer.json()
        assert "$dry_run" not in found
        return dict(found)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with Stack(data="empty", folder=tmp_path_factory.mktemp("dry")) as stack:
        yield Services(stack)


def insert(origin: str, **payload: Any) -> Json:
    return {"_id": f"new:{origin}", "$operation": "insert", "$origin": f"~:{origin}", **payload}


def update(record: Json, **payload: Any) -> Json:
    return {"_id": record["id"], "$operation": "update", "id": record["id"], "$based_on": record, **payload}


def says_the_same(dry: Json, real: Json, unlike: tuple[str, ...] = ()) -> None:
    """The foreseen record has what the real one has, but for stamps and what only the system can know."""
    assert (dry["$operation"], dry["$status"]) == (real["$operation"], real["$status"]), (dry, real)
    for name, value in (dry["$response"] or {}).items():
        if name not in ("created_at", "updated_at", "modified_at", "resource_version", "version", *unlike):
            assert (real["$response"] or {}).get(name) == value, name


CUSTOMER = {
    "first_name": "Ann",
    "email": "ann@dry.example",
    "phone": "1",
    "net_term_days": 7,
    "preferred_currency_code": "NOK",
}
ADDRESS = {"billing_address": {"line1": "Gata 1", "city": "Bergen", "country": "NO"}}
LINE = {"description": "Work", "fulfillment_quantity": 2, "unit_price": 1000, "amount": 2000, "tax_amount": 500,
        "sku": "W", "status": "queued"}  # fmt: skip


def shows(answer: Json, **fields: object) -> None:
    """The record of an answer has these values; None: not at all."""
    assert {name: answer["$response"].get(name) for name in fields} == fields


def test_a_chargebee_customer(services: Services) -> None:
    desired = insert("customerp-contact:D-1", **CUSTOMER)
    dry = services.dry("chargebee", "customer", desired)
    assert dry["$generated_id"] == "contact-D-1"
    real = services.real("chargebee", "customer", desired)
    says_the_same(dry, real)
    again = services.dry("chargebee", "customer", desired)
    assert (again["$operation"], again["$generated_id"]) == ("none", "contact-D-1"), "it would be adopted"
    change = update(real["$response"], last_name="By", phone=None, **ADDRESS)
    dry = services.dry("chargebee", "customer", change)
    assert "phone" not in dry["$response"]
    assert dry["$response"]["billing_address"]["city"] == "Bergen"
    says_the_same(dry, services.real("chargebee", "customer", change), ("billing_address",))


def test_a_chargebee_item_with_its_family_and_price(services: Services) -> None:
    item = insert("customerp-product:D-1", name="Thing", type="charge", item_family_id="new-family")
    dry = services.dry("chargebee", "item", item)
    says_the_same(dry, services.real("chargebee", "item", item))
    price = insert(
        "customerp-product:D-1", name="Thing NOK", item_id="product-D-1", currency_code="NOK", price=1050
    )
    dry = services.dry("chargebee", "item_price", price)
    says_the_same(dry, services.real("chargebee", "item_price", price))


def test_a_chargebee_order_with_its_invoice(services: Services) -> None:
    services.chargebee.post("customers", id="payer", first_name="P")
    order = insert(
        "customerp-order:D-1",
        status="queued",
        order_date=1775001600,  # or it is the second in which it is made, which may be another one each time
        customer_id="payer",
        currency_code="NOK",
        order_line_items=[LINE],
    )
    dry = services.dry("chargebee", "order", order)
    assert dry["$response"]["invoice_id"] == "inv-order-D-1"
    assert dry["$response"]["total"] == 2500
    real = services.real("chargebee", "order", order)
    says_the_same(dry, real, ("order_line_items",))
    (line,), (made,) = dry["$response"]["order_line_items"], real["$response"]["order_line_items"]
    assert {name: line[name] for name in LINE} == {name: made[name] for name in LINE}
    change = update(real["$response"], order_line_items=[{"id": made["id"], "status": "shipped"}], note="N")
    dry = services.dry("chargebee", "order", change)
    assert dry["$response"]["order_line_items"][0]["status"] == "shipped"
    says_the_same(dry, services.real("chargebee", "order", change))
    fixed = update(real["$response"], order_line_items=[{"id": made["id"], "amount": 1}])
    assert services.dry("chargebee", "order", fixed)["$error"]["rule"] == "createOnly"
    present = services.chargebee.get("orders", "order-D-1")
    cancelled = update(present, status="cancelled", cancellation_reason="alternative_found", note="M")
    dry = services.dry("chargebee", "order", cancelled)
    shows(dry, status="cancelled", note="M", cancellation_reason="alternative_found")
    real = services.real("chargebee", "order", cancelled)
    shows(real, status="cancelled", note="M", cancellation_reason="alternative_found")
    assert abs(dry["$response"]["cancelled_at"] - real["$response"]["cancelled_at"]) < 60
    reopened = update(real["$response"], status="awaiting_shipment")
    for answer in (
        services.dry("chargebee", "order", reopened),
        services.real("chargebee", "order", reopened),
    ):
        shows(answer, status="awaiting_shipment", cancellation_reason=None, cancelled_at=None)


def test_an_erp_contact(services: Services) -> None:
    desired = insert("chargebee-customer:cb-9", first_name="Dan", email="dan@dry.example")
    dry = services.dry("erp", "contact", desired)
    assert dry["$generated_id"] == "new-customer-cb-9"
    assert dry["$response"]["external_refs"] == {"chargebee": "cb-9"}
    real = services.real("erp", "contact", desired)
    says_the_same(dry, real, ("id",))
    assert services.dry("erp", "contact", desired)["$generated_id"] == real["$generated_id"], "found again"
    change = update(real["$response"], phone="1")
    says_the_same(services.dry("erp", "contact", change), services.real("erp", "contact", change))


def test_conflicts_and_refusals_are_the_real_ones(services: Services) -> None:
    record = services.erp.create("contacts", last_name="Old")
    services.erp.patch("contacts", record["id"], last_name="Newer")
    dry = services.dry("erp", "contact", update(record, last_name="Ours"))
    assert (dry["$status"], dry["$error"]["field"]) == ("conflict", "/last_name")
    dry = services.dry("erp", "contact", update(record, last_name="x" * 151))
    assert (dry["$status"], dry["$error"]["rule"]) == ("rejected", "maxLength")
    gone = {"_id": "CT-999", "$operation": "update", "id": "CT-999", "$based_on": {}, "last_name": "x"}
    assert services.dry("erp", "contact", gone)["$status"] == "gone"
    entity = insert("customerp-customer:D-7", name="Nobody's Ltd")
    assert services.dry("chargebee", "business_entity", entity)["$status"] == "pending"


def test_a_delete(services: Services) -> None:
    record = services.erp.create("contacts", last_name="Short")
    desired = {"_id": record["id"], "$operation": "delete", "id": record["id"]}
    assert services.dry("erp", "contact", desired)["$operation"] == "delete"
    services.chargebee.post("customers", id="short", last_name="S")
    desired = {"_id": "short", "$operation": "delete", "id": "short"}
    assert services.dry("chargebee", "customer", desired)["$operation"] == "delete"


def test_what_an_earlier_dry_run_foresaw_stands_in_for_the_record(services: Services) -> None:
    """A record that does not exist yet can be changed further, as far as a plan is concerned."""
    present = {"id": "contact-D-8", "last_name": "A", "resource_version": 1}
    desired = {**update(present, last_name="B"), "$present": present}
    dry = services.dry("chargebee", "customer", desired)
    assert (dry["$operation"], dry["$response"]["last_name"]) == ("update", "B")
    assert services.real("chargebee", "customer", desired)["$status"] == "gone", (
        "in earnest it counts for nothing"
    )


def test_a_parameter_that_is_neither_is_refused_before_anything_is_done(services: Services) -> None:
    answer = services.post("erp", "contact", insert("chargebee-customer:no", last_name="N"), dry_run="maybe")
    assert answer.status_code == 400
    assert answer.json()["field"] == "dry_run"
