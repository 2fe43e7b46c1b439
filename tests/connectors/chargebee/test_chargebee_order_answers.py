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


def test_a_refusal_that_has_nothing_to_do_with_lines_is_told_as_it_came(
    service: Service, site: Chargebee
) -> None:
    site.configure(orders="off")
    answer = service.insert("order", "order:O-1", **ORDER)
    assert answer["$status"] == "rejected"
    assert "Orders is not enabled" in answer["$error"]["detail"]
    assert live_claims(site) == []
    site.configure()
    again = service.insert("order", "order:O-1", **ORDER)
    assert (again["$operation"], again["$status"]) == ("insert", "ok"), "ids that were given up are passed by"
    assert len(live_claims(site)) == 1


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
    assert [row["rule"] for row in back["$refused"]] == ["invoice"], "a person charges it anew"


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
