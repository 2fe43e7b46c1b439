"""Facts that no short call to a real site settles.

The sandbox keeps to each, and does otherwise when it is turned round.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.support.processes import wait_until
from tests.support.systems import Chargebee
from tests.support.upstream import Asked, Reply, scripted_upstream

NOW = 1_790_000_000
LATER = 4_000_000_000


@pytest.fixture(autouse=True)
def default_configuration(site: Chargebee) -> Iterator[None]:
    yield
    site.configure()
    site.faults()


def turn_round(site: Chargebee, *ids: str) -> None:
    requests.put(f"{site.root}/_sandbox/facts", json=dict.fromkeys(ids, False), timeout=60).raise_for_status()


def collection(site: Chargebee) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{site.root}/_sandbox/collection", timeout=60).json()
    return found


def invoice(site: Chargebee, key: str, **fields: Any) -> dict[str, Any]:
    line = {"description": "x", "amount": 1250}
    whole = {"customer_id": "c1", "date": NOW, "due_date": LATER, "total": 1250, "status": "posted", **fields}
    return site.post("invoices/import_invoice", id=key, line_items=[line], **whole)


def test_limits_are_told_with_or_without_a_pause(site: Chargebee) -> None:
    for given in (True, False):
        site.faults(rate_per_minute=1, retry_after=given)
        answers = [site.session.get(site.url("customers"), timeout=60) for _ in range(3)]
        refused = answers[-1]
        assert (refused.status_code, refused.json()["api_error_code"]) == (429, "api_request_limit_exceeded")
        assert ("Retry-After" in refused.headers) is given


def test_mails_can_be_kept_back(site: Chargebee) -> None:
    quiet = {"chargebee-event-email": "all-disabled"}
    site.post("customers", id="c1", email="a@firma.example")
    fields = {
        "customer_id": "c1",
        "date": NOW,
        "total": 5,
        "line_items[description][0]": "x",
        "line_items[amount][0]": 5,
    }

    def mailed(key: str, headers: dict[str, str]) -> bool:
        answer = site.session.post(
            site.url("invoices/import_invoice"), data={"id": key, **fields}, headers=headers, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return any(key in mail["about"] for mail in collection(site)["mailed"])

    assert mailed("loud", {})
    assert not mailed("quiet", quiet)
    turn_round(site, "mails-can-be-kept-back")
    assert mailed("not-quiet", quiet)


def test_webhooks_can_be_kept_back(site: Chargebee) -> None:
    with scripted_upstream(lambda asked: Reply({})) as listener:
        made = site.post("webhook_endpoints", name="n", url=f"{listener.url}/hook")
        for header in ("chargebee-event-webhook", "chargebee-event-actions"):
            site.session.post(site.url("customers"), headers={header: "all-disabled"}, timeout=60)
        site.post("customers", id="told")
        wait_until(listener.calls, what="the one event that is told")
        turn_round(site, "webhooks-can-be-kept-back")
        quiet = {"chargebee-event-webhook": "all-disabled"}
        site.session.post(site.url("customers"), data={"id": "too"}, headers=quiet, timeout=60)
        wait_until(lambda: listener.calls() == 2, what="an event that is told all the same")
        assert [asked.json["content"]["customer"]["id"] for asked in listener.asked] == ["told", "too"]
        site.post(f"webhook_endpoints/{made['id']}/delete")


def test_a_customer_gets_an_id(site: Chargebee) -> None:
    first, second = (site.post("customers", first_name="Ann")["id"] for _ in range(2))
    assert first and second and first != second


def test_location_validation_refuses_on_sites_that_have_it(site: Chargebee) -> None:
    address = {"billing_address": {"country": "SE", "city": "Malmö"}}
    site.post("customers", id="c0", **address)
    site.configure(location_validation=True, location="NO")
    fields = {"billing_address[country]": "SE", "billing_address[city]": "Malmö"}
    assert site.session.post(site.url("customers"), data=fields, timeout=60).status_code == 400
    turn_round(site, "location-validation-refuses")
    site.post("customers", id="c1", **address)


def test_erased_persons_say_so(site: Chargebee) -> None:
    site.configure(customer_deletion_s=0)
    site.post("customers", id="c1", first_name="Ann", email="a@firma.example")
    assert site.post("customers/c1/clear_personal_data")["pii_cleared"] == "scheduled_for_clear"
    wait_until(lambda: site.get("customers", "c1")["pii_cleared"] == "cleared", what="erasure")
    assert not {"first_name", "email"} & site.get("customers", "c1").keys()
    turn_round(site, "erased-persons-say-so")
    site.post("customers", id="c2", first_name="Kari")
    site.post("customers/c2/clear_personal_data")
    wait_until(lambda: "first_name" not in site.get("customers", "c2"), what="erasure")
    assert site.get("customers", "c2")["pii_cleared"] == "active"


def test_every_site_has_a_business_entity(site: Chargebee) -> None:
    first, second = (site.post("customers", id=key)["business_entity_id"] for key in ("c1", "c2"))
    assert first == second
    turn_round(site, "one-default-business-entity")
    assert "business_entity_id" not in site.post("customers", id="c3")


@pytest.mark.parametrize(
    ("status", "held", "turned"),
    [("payment_due", True, False), ("not_paid", True, False), ("posted", False, False)],
)
def test_what_is_collected(status: str, held: bool, turned: bool, site: Chargebee) -> None:
    site.post("customers", id="c1")
    invoice(site, "inv", status=status)
    assert bool(collection(site)["charged"]) is held
    turn_round(site, "payment-due-is-collected")
    assert bool(collection(site)["charged"]) is turned


def test_who_is_charged(site: Chargebee) -> None:
    site.post("customers", id="c1")
    site.post("customers", id="c2", auto_collection="off")
    for number in (1, 2):
        invoice(site, f"inv{number}", customer_id=f"c{number}", status="payment_due")

    def how() -> dict[str, str]:
        return {one["customer"]: one["how"] for one in collection(site)["charged"]}

    assert how() == {"c1": "charged", "c2": "dunned"}
    turn_round(site, "auto-collection-charges")
    assert how() == {"c1": "dunned", "c2": "dunned"}


def test_an_invoice_that_is_due_is_collected_whatever_its_status(site: Chargebee) -> None:
    site.post("customers", id="c1")
    invoice(site, "inv", due_date=NOW - 86_400 * 400)
    assert [one["why"] for one in collection(site)["charged"]] == ["overdue"]


@pytest.mark.parametrize(
    ("currency", "held", "turned"),
    [("KWD", "12.50", "1.250"), ("JPY", "1250", "1250"), ("NOK", "12.50", "12.50")],
)
def test_amounts_are_hundredths_but_for_currencies_without_any(
    currency: str, held: str, turned: str, site: Chargebee
) -> None:
    site.post("customers", id="c1")
    invoice(site, "inv", currency_code=currency, status="payment_due")
    assert collection(site)["charged"][0]["amount"] == f"{held} {currency}"
    turn_round(site, "money-is-hundredths")
    invoice(site, "inv2", currency_code=currency, due_date=NOW - 86_400 * 400)
    assert collection(site)["charged"][0]["amount"] == f"{turned} {currency}"


def test_imports_reach_the_books_of_sites_that_have_an_integration(site: Chargebee) -> None:
    site.post("customers", id="c1")
    invoice(site, "inv")
    assert collection(site)["booked"] == []
    site.configure(accounting_integration=True)
    assert [one["invoice"] for one in collection(site)["booked"]] == ["inv"]
    turn_round(site, "imports-reach-the-accounting")
    assert collection(site)["booked"] == []


def test_orders_need_the_feature(site: Chargebee) -> None:
    site.configure(orders="off")
    fields = {
        "invoice_id": "i",
        "status": "queued",
        "created_at": NOW,
        "order_date": NOW,
        "shipping_date": NOW,
    }
    answer = site.session.post(site.url("orders/import_order"), data=fields, timeout=60)
    assert (answer.status_code, answer.json()["api_error_code"]) == (400, "configuration_incompatible")
    turn_round(site, "orders-need-the-feature")
    answer = site.session.post(site.url("orders/import_order"), data=fields, timeout=60)
    assert answer.json()["param"] == "invoice_id"


def test_events_are_kept(site: Chargebee) -> None:
    for number in range(3):
        site.post("customers", id=f"c{number}")
    events = site.all("events", **{"sort_by[asc]": "occurred_at", "event_type[in]": '["customer_created"]'})
    assert [event["content"]["customer"]["id"] for event in events] == ["c0", "c1", "c2"]


def test_webhook_status_looks_back_six_days(site: Chargebee) -> None:
    requests.post(f"{site.root}/_sandbox/reset", json={"data": "demo", "seed": 7}, timeout=30)
    site.post("customers", id="young")
    six_days_ago = time.time() - 6 * 86_400

    def oldest(**params: str) -> int:
        query = {"webhook_status[is]": "not_configured", "sort_by[asc]": "occurred_at", **params}
        answer = site.session.get(site.url("events"), params=query, timeout=60).json()
        return int(answer["list"][0]["event"]["occurred_at"])

    assert oldest() >= six_days_ago - 5
    assert oldest(**{"occurred_at[after]": "1500000000"}) < six_days_ago
    turn_round(site, "webhook-status-looks-back-six-days")
    assert oldest() < six_days_ago
    turn_round(site, "webhook-status-looks-back-six-days", "events-are-kept")
    assert oldest() > time.time() - 91 * 86_400


def test_the_id_of_a_deleted_customer_stays_taken(site: Chargebee) -> None:
    site.configure(customer_deletion_s=0)
    site.post("customers", id="c1")
    site.post("customers/c1/delete")

    def again() -> int:
        return site.session.post(site.url("customers"), data={"id": "c1"}, timeout=60).status_code

    assert again() == 400
    turn_round(site, "deleted-customer-keeps-its-id")
    assert again() == 200


def test_a_site_has_at_most_five_endpoints(site: Chargebee) -> None:
    def add() -> int:
        fields = {"name": "n", "url": "http://127.0.0.1:9/hook"}
        return site.session.post(site.url("webhook_endpoints"), data=fields, timeout=60).status_code

    assert [add() for _ in range(6)] == [200] * 5 + [400]
    turn_round(site, "five-endpoints")
    assert add() == 200


def test_any_2xx_takes_a_delivery(site: Chargebee) -> None:
    with scripted_upstream(lambda asked: Reply({}, 204)) as listener:
        site.post("webhook_endpoints", name="n", url=f"{listener.url}/hook")
        site.post("customers", id="once")
        turn_round(site, "any-2xx-is-success")
        site.post("customers", id="again")
        told = "a delivery that is repeated"
        wait_until(lambda: [_customer(asked) for asked in listener.asked].count("again") >= 2, what=told)


def _customer(asked: Asked) -> str:
    return str(asked.json["content"]["customer"]["id"])


def test_a_transfer_renames_the_original(site: Chargebee) -> None:
    first = requests.post(f"{site.root}/_sandbox/business_entities", json={"name": "A"}, timeout=60).json()[
        "id"
    ]
    site.post("customers", id="c1")

    def transferred() -> dict[str, Any]:
        fields = {
            "active_resource_ids[0]": "c1",
            "destination_business_entity_ids[0]": first,
            "reason_codes[0]": "correction",
            "resource_types[0]": "customer",
        }
        answer = site.session.post(site.url("business_entities/transfers"), data=fields, timeout=60)
        found: dict[str, Any] = answer.json()["business_entity_transfer"]
        return found

    assert transferred()["active_resource_id"] == "c1"
    turn_round(site, "transfer-renames-the-original")
    done = transferred()
    assert (done["resource_id"], site.get("customers", "c1")["active_id"]) == (
        "c1",
        done["active_resource_id"],
    )


def test_a_live_site_beyond_its_limit_refuses_reads_and_takes_writes(site: Chargebee) -> None:
    def status(method: str) -> int:
        return site.session.request(method, site.url("customers"), timeout=60).status_code

    def beyond() -> tuple[int, int]:
        site.faults(rate_per_minute=2)
        status("GET"), status("GET")
        return status("GET"), status("POST")

    assert beyond() == (429, 429)
    site.configure(is_live=True)
    assert beyond() == (429, 200)
    turn_round(site, "live-limits-block-reads")
    assert beyond() == (429, 429)


def test_some_items_of_the_demo_site_are_older_than_deleted(site: Chargebee) -> None:
    requests.post(f"{site.root}/_sandbox/reset", json={"data": "demo"}, timeout=60).raise_for_status()
    items = site.all("items")
    for late in ("deleted", "item_applicability"):
        assert 0 < sum(late not in item for item in items) < len(items)
    turn_round(site, "older-items-lack-deleted")
    assert all(item["deleted"] is False for item in site.all("items"))


def test_customers_show_what_they_consent_to(site: Chargebee) -> None:
    site.configure(consent_fields=["newsletter"])
    assert site.post("customers", first_name="Ann")["cs_newsletter"] is False


def test_a_vat_number_is_looked_up_later(site: Chargebee) -> None:
    site.configure(vat_validation=True)
    made = site.post("customers", id="c", vat_number="923609016", **{"billing_address[country]": "NO"})
    assert made["vat_number_status"] == "not_validated"
    wait_until(lambda: site.get("customers", "c")["vat_number_status"] == "valid", what="the look-up")
    assert site.get("customers", "c")["resource_version"] > made["resource_version"]


def test_a_site_with_catalogue_1_has_no_items(site: Chargebee) -> None:
    site.configure(product_catalog="v1")
    for path in ("items", "item_prices", "item_families"):
        answer = site.session.get(site.url(path), timeout=60)
        assert (answer.status_code, answer.json()["api_error_code"]) == (400, "configuration_incompatible")
        assert "not enabled for this site" in answer.json()["message"]
    assert site.session.get(site.url("customers"), timeout=60).status_code == 200
