"""What no documentation says of orders: the service stands whichever way a site does it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.connectors.chargebee.conftest import Entity, Service, serving_here
from tests.connectors.chargebee.test_chargebee_orders import LINES, ORDER
from tests.support.systems import Chargebee

DROPS = "imported-order-keeps-adhoc-lines"
RENAMES = "reference-id-stays"
POSTED = "open-invoices-take-payments"
FOLLOWS = "payment-status-follows-the-invoice"


@pytest.fixture
def service(site: Chargebee) -> Iterator[Service]:
    """A service of its own, which has learnt nothing of the site yet."""
    with serving_here(site.root) as fresh:
        yield fresh


@pytest.fixture(autouse=True)
def _catalogue(site: Chargebee) -> None:
    site.post("customers", id="contact-CT-1")
    site.post("item_families", id="f", name="F")
    site.post("items", id="i", name="I", type="charge", item_family_id="f", is_shippable=True)
    site.post("item_prices", id="p", name="P", item_id="i", price=2000, currency_code="NOK")


def named(line: Entity, shippable: bool) -> Entity:
    return {**line, "entity_type": "charge_item_price", "entity_id": "p", "is_shippable": shippable}


def live_claims(site: Chargebee) -> list[str]:
    """Ids of the invoices that somebody could still be asked to pay."""
    return [one["id"] for one in site.all("invoices") if one["amount_due"] and one["status"] != "voided"]


@pytest.mark.parametrize("turned", [(), (DROPS,)], ids=["all lines", "shippable lines"])
@pytest.mark.parametrize("lines", ["adhoc", "mixed", "linked"])
def test_an_order_stands_whichever_lines_the_site_keeps(
    turned: tuple[str, ...], lines: str, service: Service, site: Chargebee
) -> None:
    site.turn_round(*turned)
    first, second = LINES
    rows = {
        "adhoc": [first, second],
        "mixed": [named(first, True), second],
        "linked": [named(first, True), named(second, True)],
    }[lines]
    answers = [
        service.insert("order", f"order:{lines}-{number}", **{**ORDER, "order_line_items": rows})
        for number in (1, 2)
    ]
    for answer in answers:
        assert (answer["$operation"], answer["$status"]) == ("insert", "ok"), answer["$error"]
    kept = [answer["$response"]["order_line_items"] for answer in answers]
    assert [line.get("sku") for line in kept[1]] == ["S", None], "the second at the latest has all lines"
    dropped = lines == "mixed" and bool(turned) and len(kept[0]) == 1
    assert [row["field"] for row in answers[0].get("$refused", [])] == (
        ["/order_line_items"] if dropped else []
    )
    assert dropped or [line["description"] for line in kept[0]] == ["Skrue", "Frakt"]
    assert len(live_claims(site)) == 2, "one for each order"
    assert all(site.get("invoices", row["$response"]["invoice_id"])["total"] == 2600 for row in answers)


def _imports(site: Chargebee) -> int:
    """How often an order was to be imported so far."""
    calls = site.stats()["calls"]
    return sum(count for name, count in calls.items() if "import_order" in name)


@pytest.mark.parametrize("paid", ["paid", "not_paid"])
def test_a_site_without_orders_is_asked_before_any_invoice_is_made(
    paid: str, service: Service, site: Chargebee
) -> None:
    site.configure(orders="off")
    for number in (1, 2):
        answer = service.insert("order", f"order:O-{number}", **ORDER, payment_status=paid)
        assert answer["$status"] == "rejected"
        assert "Orders is not enabled" in answer["$error"]["detail"]
        assert "link-only" in answer["$error"]["detail"]
    assert site.all("invoices") == []
    site.configure()
    again = service.insert("order", "order:O-1", **ORDER, payment_status=paid)
    assert (again["$operation"], again["$status"]) == ("insert", "ok")
    assert [one["id"] for one in site.all("invoices")] == [again["$response"]["invoice_id"]]
    asked = _imports(site)
    service.insert("order", "order:O-2", **ORDER)
    assert _imports(site) == asked + 1, "what a site takes is asked once"


def test_a_site_that_names_no_parameter_takes_orders_too(service: Service, site: Chargebee) -> None:
    site.turn_round("missing-reference-is-404-with-param")
    for number in (1, 2):
        answer = service.insert("order", f"order:O-{number}", **{**ORDER, "reference_id": f"SO-{number}"})
        assert (answer["$operation"], answer["$status"]) == ("insert", "ok"), answer["$error"]
    assert _imports(site) == 3, "asked once"


def test_orders_switched_off_later_leave_no_claim(service: Service, site: Chargebee) -> None:
    service.insert("order", "order:O-1", **ORDER)
    site.configure(orders="off")
    answer = service.insert("order", "order:O-2", **ORDER)
    assert (answer["$status"], answer["$error"]["rule"]) == ("rejected", "configuration_incompatible")
    assert len(live_claims(site)) == 1, "that of the first"
    site.configure()
    again = service.insert("order", "order:O-2", **ORDER)
    assert (again["$operation"], again["$status"]) == ("insert", "ok"), "ids that were given up are passed by"
    assert len(live_claims(site)) == 2


def withdrawn(service: Service, origin: str) -> Entity:
    asked = {"_id": "new:1", "$operation": "delete", "$origin": f"~:customerp-{origin}"}
    return service.share("order", asked)[0]


def _interrupted(service: Service, site: Chargebee, **more: Any) -> str:
    """Leave an invoice whose order was never imported, and return its id."""
    stored = service.insert("order", "order:O-1", **ORDER, **more)["$response"]
    site.post("orders/order-O-1/delete")
    return str(stored["invoice_id"])


@pytest.mark.parametrize("again", [False, True], ids=["one", "one after another"])
def test_an_invoice_without_its_order_is_taken_back(again: bool, service: Service, site: Chargebee) -> None:
    left = _interrupted(service, site)
    if again:
        site.post(f"invoices/{left}/void")
        site.post("customers", id="someone")
        invoice = {
            "date": 1_780_000_000,
            "total": 1,
            "customer_id": "someone",
            "status": "posted",
            "currency_code": "NOK",
        }
        lines = [{"description": "x", "amount": 1, "unit_amount": 1, "quantity": 1}]
        site.post("invoices/import_invoice", id=f"{left}-2", line_items=lines, **invoice)
    answer = withdrawn(service, "order:O-1")
    assert (answer["$operation"], answer["$status"]) == ("delete", "ok"), answer["$error"]
    assert live_claims(site) == []
    assert withdrawn(service, "order:O-1")["$operation"] == "none", "nothing is left to take back"
    assert withdrawn(service, "order:never")["$operation"] == "none"


def test_an_order_that_is_there_is_not_taken_back(service: Service, site: Chargebee) -> None:
    service.insert("order", "order:O-1", **ORDER)
    answer = withdrawn(service, "order:O-1")
    assert (answer["$operation"], answer["$status"]) == ("none", "ok")
    assert len(live_claims(site)) == 1


def test_a_paid_invoice_without_its_order_waits_for_a_person(service: Service, site: Chargebee) -> None:
    left = _interrupted(service, site, payment_status="paid")
    answer = withdrawn(service, "order:O-1")
    assert (answer["$status"], answer["$error"]["rule"]) == ("pending", "invoice")
    assert f"the invoice {left} is paid: credit or refund it in Chargebee" in answer["$error"]["detail"]


PAYMENTS = {"none": (), "posted takes none": (POSTED,), "order does not follow": (FOLLOWS,)}


@pytest.mark.parametrize("turned", PAYMENTS.values(), ids=PAYMENTS)
def test_a_payment_that_the_erp_learns_of_later_is_told(
    turned: tuple[str, ...], service: Service, site: Chargebee
) -> None:
    stored = service.insert("order", "order:O-1", **ORDER, payment_status="not_paid")["$response"]
    site.turn_round(*turned)
    answer = service.update("order", stored, payment_status="paid", note="Betalt")
    assert (answer["$operation"], answer["$status"]) == ("update", "ok"), answer["$error"]
    assert answer["$response"]["note"] == "Betalt"
    invoice = site.get("invoices", stored["invoice_id"])
    refused = [(row["field"], row["rule"]) for row in answer.get("$refused", [])]
    if POSTED in turned:
        assert (invoice["status"], refused) == ("posted", [("/payment_status", "payment")])
        assert "Settle it in Chargebee" in answer["$refused"][0]["detail"]
    else:
        assert (invoice["status"], invoice["amount_due"], refused) == ("paid", 0, [])
        assert live_claims(site) == []
    writes = site.writes()
    again = service.update("order", answer["$response"], payment_status="paid")
    assert site.writes() <= writes + (POSTED in turned), "no payment is recorded twice"
    assert again["$status"] in ("ok", "rejected")


def test_what_else_a_payment_status_could_become_is_reported(service: Service, site: Chargebee) -> None:
    stored = service.insert("order", "order:O-1", **ORDER, payment_status="paid")["$response"]
    answer = service.update("order", stored, payment_status="not_paid", note="Refundert")
    assert (answer["$status"], answer["$response"]["note"]) == ("ok", "Refundert")
    assert [row["field"] for row in answer["$refused"]] == ["/payment_status"]
    line = {"description": "x", "amount": 500, "unit_amount": 500, "quantity": 1}
    site.post("customers", id="born")
    site.post(
        "invoices/import_invoice", id="own", date=1_780_000_000, total=500, customer_id="born", status="posted",
        currency_code="NOK", line_items=[line],
    )  # fmt: skip
    site.post("orders/import_order", id="own", invoice_id="own", status="queued", created_at=1_780_000_000, order_date=1_780_000_000, shipping_date=1_780_000_000)  # fmt: skip
    answer = service.update("order", service.one("order", "own"), payment_status="paid")
    assert (answer["$status"], answer["$error"]["field"]) == ("rejected", "/payment_status")
    assert "whose own invoice it is" in answer["$error"]["detail"]
    assert site.get("invoices", "own")["status"] == "posted"


@pytest.mark.parametrize("turned", [(), (RENAMES,)], ids=["kept", "replaced"])
def test_the_reference_is_ours(turned: tuple[str, ...], service: Service, site: Chargebee) -> None:
    site.turn_round(*turned)
    answer = service.insert("order", "order:O-1", **ORDER)
    assert answer["$status"] == "ok", answer["$error"]
    assert answer["$response"]["reference_id"] == site.get("orders", "order-O-1")["reference_id"] == "SO-1001"


@pytest.mark.parametrize("legacy", [False, True], ids=["by its own call", "by update"])
@pytest.mark.parametrize("reason", [None, "product_not_required"])
def test_cancelling_settles_the_invoice_whatever_the_site_has_for_it(
    legacy: bool, reason: str | None, service: Service, site: Chargebee
) -> None:
    site.configure(legacy_orders=legacy)
    stored = service.insert("order", "order:O-1", **ORDER)["$response"]
    how: dict[str, Any] = {"cancellation_reason": reason} if reason else {}
    answer = service.update("order", stored, status="cancelled", note="Angret", **how)
    assert (answer["$operation"], answer["$status"]) == ("update", "ok"), answer["$error"]
    cancelled = site.get("orders", "order-O-1")
    assert (cancelled["status"], cancelled["note"]) == ("cancelled", "Angret")
    assert reason in (None, cancelled["cancellation_reason"])
    assert live_claims(site) == []
    assert site.collection()["charged"] == []
    back = service.update("order", answer["$response"], status="queued")
    assert (back["$status"], back["$response"]["status"]) == ("ok", "queued")
    assert [row["rule"] for row in back["$refused"]] == ["invoice"], "a person charges it again"


@pytest.mark.parametrize("legacy", [False, True], ids=["own calls", "by update"])
def test_cancelling_keeps_a_reason_that_stands_there_already(
    legacy: bool, service: Service, site: Chargebee
) -> None:
    """Whoever cancels says no reason, since it is there: Chargebee voids the invoice and would say its own."""
    site.configure(legacy_orders=legacy)
    service.insert("order", "order:O-1", **ORDER)
    stored = site.post("orders/order-O-1", cancellation_reason="alternative_found")
    answer = service.update("order", stored, status="cancelled")
    assert (answer["$operation"], answer["$status"]) == ("update", "ok"), answer["$error"]
    found = site.get("orders", "order-O-1")
    assert (found["status"], found["cancellation_reason"]) == ("cancelled", "alternative_found")


@pytest.mark.parametrize("legacy", [False, True], ids=["own calls", "by update"])
@pytest.mark.parametrize("path", [("queued", "delivered"), ("queued", "cancelled"), ("cancelled", "queued")])
def test_what_is_cleared_together_with_the_status_is_cleared(
    legacy: bool, path: tuple[str, str], service: Service, site: Chargebee
) -> None:
    site.configure(legacy_orders=legacy)
    stored = service.insert("order", "order:O-1", **ORDER)["$response"]
    first, second = path
    if first == "cancelled":
        stored = service.update("order", stored, status=first, cancellation_reason="others")["$response"]
    gone: dict[str, Any] = {"cancellation_reason": None} if first == "cancelled" else {}
    lines = [{"id": line["id"], "sku": None} for line in stored["order_line_items"]]
    answer = service.update("order", stored, status=second, note=None, order_line_items=lines, **gone)
    assert (answer["$operation"], answer["$status"]) == ("update", "ok"), answer["$error"]
    assert not answer.get("$kept")
    found = site.get("orders", "order-O-1")
    assert (found["status"], found.get("note")) == (second, None)
    assert [line.get("sku") for line in found["order_line_items"]] == [None, None]


def test_a_paid_order_is_cancelled_with_a_credit_note(service: Service, site: Chargebee) -> None:
    stored = service.insert("order", "order:O-1", **ORDER, payment_status="paid")["$response"]
    answer = service.update("order", stored, status="cancelled", cancellation_reason="fraudulent_transaction")
    assert (answer["$status"], answer.get("$refused")) == ("ok", None)
    (note,) = site.get("orders", "order-O-1")["linked_credit_notes"]
    assert note["amount"] == 2600
    assert site.collection()["charged"] == []


def test_an_order_that_is_sent_again_is_one_sale(service: Service, site: Chargebee) -> None:
    """The second shipment is read as no order of its own, and is never taken for the first."""
    stored = service.insert("order", "order:O-1", **ORDER)["$response"]
    again = site.post("orders/order-O-1/resend", resend_reason="lost on the way")
    assert (again["is_resent"], again["invoice_id"]) == (True, stored["invoice_id"])
    assert [entity["_id"] for entity in service.read("order")] == ["order-O-1"]
    assert site.get("orders", "order-O-1")["resent_status"] == "fully_resent"
    answer = service.insert("order", "order:O-1", **ORDER)
    assert (answer["$operation"], answer["$generated_id"]) == ("none", "order-O-1")
    assert len(site.all("invoices")) == 1
