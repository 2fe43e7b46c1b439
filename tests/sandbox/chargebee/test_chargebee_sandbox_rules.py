"""What the real API is strict about, over plain HTTP.

Forms, filters, envelopes, codes and the rules of each resource.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandbox.chargebee.conftest import start
from tests.support.processes import free_port, wait_until
from tests.support.systems import Chargebee

PLACED = 1_790_000_000


def send(site: Chargebee, path: str, fields: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
    answer = site.session.post(site.url(path), data=fields, headers=headers, timeout=60)
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    return answer.status_code, answer.json()


def refused(site: Chargebee, path: str, **fields: Any) -> tuple[int, str, str | None]:
    """(status, api_error_code, param) of a POST that must fail."""
    names = {name.replace("__", "[") + ("]" if "__" in name else ""): value for name, value in fields.items()}
    status, body = send(site, path, names)
    assert {"message", "type", "api_error_code"} <= body.keys()
    assert body["http_status_code"] == status
    return status, body["api_error_code"], body.get("param")


def listed(site: Chargebee, path: str, **params: Any) -> tuple[int, dict[str, Any]]:
    answer = site.session.get(site.url(path), params=params, timeout=60)
    return answer.status_code, answer.json()


def test_authentication(site: Chargebee) -> None:
    for auth in (None, ("wrong", ""), ("sandbox", "password")):
        answer = requests.get(site.url("customers"), auth=auth, timeout=60)
        assert (answer.status_code, answer.json()["api_error_code"]) == (401, "api_authentication_failed")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"first_name": "x" * 151}, "first_name"),
        ({"email": "ola@@firma.no"}, "email"),
        ({"email": "ÅSE@firma.no"}, "email"),
        ({"auto_collection": "maybe"}, "auto_collection"),
        ({"auto_collection": "ON"}, "auto_collection"),
        ({"allow_direct_debit": "yes"}, "allow_direct_debit"),
        ({"net_term_days": "ten"}, "net_term_days"),
        ({"preferred_currency_code": "XXQ"}, "preferred_currency_code"),
        ({"billing_address[country]": "Norge"}, "billing_address[country]"),
        ({"meta_data": "{'a': 1}"}, "meta_data"),
        ({"meta_data": "[1]"}, "meta_data"),
        ({"nickname": "Ola"}, "nickname"),
        ({"billing_address[planet]": "Mars"}, "billing_address[planet]"),
        ({"first_name[x]": "Ola"}, "first_name[x]"),
        ({"id": "x" * 51}, "id"),
    ],
)
def test_values_are_checked_one_by_one(site: Chargebee, fields: dict[str, str], param: str) -> None:
    status, body = send(site, "customers", fields)
    assert (status, body["api_error_code"], body["param"]) == (400, "param_wrong_value", param)


def test_update_takes_neither_address_nor_vat_number_nor_business_entity(site: Chargebee) -> None:
    site.post("customers", id="c1")
    for name in ("billing_address[city]", "vat_number", "business_entity_id"):
        status, body = send(site, "customers/c1", {name: "x"})
        assert (status, body["api_error_code"], body["param"]) == (400, "param_wrong_value", name)


def test_absent_values_are_left_out_and_cleared_ones_vanish(site: Chargebee) -> None:
    made = site.post("customers", id="c1", first_name="Ola", company="Firma")
    assert "last_name" not in made
    assert made["object"] == "customer"
    assert "company" not in site.post("customers/c1", company="")


def test_ids_are_unique_and_dead_customers_keep_theirs(site: Chargebee) -> None:
    site.post("customers", id="c1")
    assert refused(site, "customers", id="c1") == (400, "duplicate_entry", "id")
    site.configure(customer_deletion_s=0)
    site.post("customers/c1/delete")
    assert refused(site, "customers", id="c1") == (400, "duplicate_entry", "id")
    assert refused(site, "customers/c1", first_name="x") == (404, "resource_not_found", None)


def test_versions_grow_with_every_change_of_a_record(site: Chargebee) -> None:
    versions = [site.post("customers", id="c1")["resource_version"]]
    versions += [site.post("customers/c1", first_name=f"n{n}")["resource_version"] for n in range(20)]
    assert versions == sorted(set(versions))
    assert site.get("customers", "c1")["updated_at"] == versions[-1] // 1000


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"offset": "nonsense"},
        {"vat_number[is]": "1"},
        {"email[in]": "[a]"},
        {"updated_at[between]": "[1,2]"},
        {"updated_at[between]": "1700000000"},
        {"updated_at[after]": "yesterday"},
        {"auto_collection[is]": "maybe"},
        {"include_deleted": "1"},
        {"sort_by[asc]": "email"},
        {"sort_by": "updated_at"},
    ],
)
def test_lists_offer_exactly_what_is_documented(site: Chargebee, params: dict[str, str]) -> None:
    status, body = listed(site, "customers", **params)
    assert (status, body["api_error_code"]) == (400, "param_wrong_value")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("items", {"include_deleted": "true"}),
        ("item_families", {"sort_by[asc]": "updated_at"}),
        ("item_families", {"status[is]": "active"}),
        ("orders", {"customer_id[is]": "c1"}),
        ("orders", {"reference_id[is]": "1"}),
        ("events", {"sort_by[asc]": "id"}),
    ],
)
def test_lists_refuse_what_others_offer(site: Chargebee, path: str, params: dict[str, str]) -> None:
    assert listed(site, path, **params)[0] == 400


def test_pages_are_ten_long_and_the_last_has_no_next_offset(site: Chargebee) -> None:
    for number in range(12):
        site.post("customers", id=f"c{number:02d}")
    first = listed(site, "customers")[1]
    assert len(first["list"]) == 10
    second = listed(site, "customers", offset=first["next_offset"])[1]
    assert "next_offset" not in second
    ids = [row["customer"]["id"] for row in first["list"] + second["list"]]
    assert sorted(ids) == [f"c{number:02d}" for number in range(12)]
    newest = listed(site, "customers", **{"sort_by[desc]": "updated_at", "limit": 1})[1]
    assert newest["list"][0]["customer"]["id"] == "c11"


def test_lists_lag_behind_on_demand_and_single_reads_do_not(site: Chargebee) -> None:
    requests.put(f"{site.root}/_sandbox/faults", json={"list_lag_s": 600}, timeout=60)
    site.post("customers", id="c1")
    assert site.get("customers", "c1")["id"] == "c1"
    assert listed(site, "customers")[1]["list"] == []
    requests.put(f"{site.root}/_sandbox/faults", json={}, timeout=60)
    assert len(listed(site, "customers")[1]["list"]) == 1


def test_item_names_are_unique_and_prices_have_their_rules(site: Chargebee) -> None:
    site.post("item_families", id="f", name="F")
    site.post("items", id="i", name="Item", type="charge", item_family_id="f")
    site.post("items", id="p", name="Plan", type="plan", item_family_id="f")
    again = {"id": "j", "name": "Item", "type": "charge", "item_family_id": "f"}
    assert refused(site, "items", **again) == (400, "duplicate_entry", "name")
    assert refused(site, "items", **{**again, "name": "J", "item_family_id": "g"})[1:] == (
        "resource_not_found",
        "item_family_id",
    )
    assert refused(site, "items", **again, price=1)[2] == "price", "an item carries no price"
    assert refused(site, "items/i", type="plan")[2] == "type"
    price = {"name": "x", "item_id": "i", "price": 100, "currency_code": "NOK"}
    site.post("item_prices", id="i-NOK", **price)
    assert refused(site, "item_prices", id="i-NOK-2", **price)[1:] == ("duplicate_entry", "currency_code")
    assert refused(site, "item_prices", id="a", **{**price, "currency_code": "SEK"}, period=1)[2] == "period"
    assert refused(site, "item_prices", id="b", **{**price, "item_id": "p"})[2] == "period"
    assert (
        refused(site, "item_prices", id="c", **{**price, "currency_code": "SEK", "price": ""})[2] == "price"
    )
    assert refused(site, "item_prices/i-NOK", item_id="p")[2] == "item_id"
    assert refused(site, "item_families/f/delete")[:2] == (409, "invalid_state_for_request")


def test_a_used_price_is_frozen_and_archived_instead_of_deleted(site: Chargebee) -> None:
    site.post("customers", id="c1")
    site.post("item_families", id="f", name="F")
    site.post("items", id="i", name="Item", type="charge", item_family_id="f", is_shippable=True)
    site.post("item_prices", id="p", name="p", item_id="i", price=100, currency_code="NOK")
    row = {"description": "x", "entity_type": "charge_item_price", "entity_id": "p", "unit_amount": 100}
    site.post(
        "invoices/import_invoice",
        id="inv",
        customer_id="c1",
        date=PLACED,
        total=100,
        status="paid",
        line_items=[row],
    )
    generated = site.all("orders", **{"invoice_id[is]": "inv"})
    assert [(order["order_type"], order["status"]) for order in generated] == [("system_generated", "queued")]
    assert refused(site, f"orders/{generated[0]['id']}/delete")[:2] == (409, "invalid_state_for_request")
    assert refused(site, "item_prices/p", currency_code="SEK") == (400, "invalid_request", "currency_code")
    assert site.post("item_prices/p/delete")["status"] == "archived"


def test_invoices_must_add_up(site: Chargebee) -> None:
    site.post("customers", id="c1")
    base: dict[str, Any] = {"id": "inv", "customer_id": "c1", "date": PLACED, "total": 100}
    line = {"line_items[description][0]": "x", "line_items[unit_amount][0]": 99}
    assert send(site, "invoices/import_invoice", {**base, **line})[1]["param"] == "total"
    assert send(site, "invoices/import_invoice", {**base, **line, "round_off": 1})[0] == 200
    taxed = {**base, **line, "id": "inv2", "line_items[tax1_name][0]": "VAT", "line_items[tax1_amount][0]": 1}
    assert send(site, "invoices/import_invoice", taxed)[1]["param"] == "line_items[tax1_name][0]"
    nameless = {**base, "id": "inv3", "line_items[unit_amount][0]": 100}
    assert send(site, "invoices/import_invoice", nameless)[1]["param"] == "line_items[description][0]"


def test_orders_come_from_invoices_only(site: Chargebee) -> None:
    assert refused(site, "orders", invoice_id="inv")[:2] == (400, "configuration_incompatible")
    whole = {
        "invoice_id": "inv",
        "status": "queued",
        "created_at": PLACED,
        "order_date": PLACED,
        "shipping_date": PLACED,
    }
    for name in whole:
        rest = {key: value for key, value in whole.items() if key != name}
        assert refused(site, "orders/import_order", **rest) == (400, "invalid_request", name)
    assert refused(site, "orders/import_order", **whole) == (404, "resource_not_found", "invoice_id")
    assert refused(site, "orders/import_order", **{**whole, "status": "processing"})[2] == "status"
    site.post("customers", id="c1")
    invoice = {"id": "inv", "customer_id": "c1", "date": PLACED, "total": 0}
    assert refused(site, "invoices/import_invoice", **invoice) == (400, "param_wrong_value", "line_items")
    site.post("invoices/import_invoice", **invoice, line_items=[{"description": "x", "amount": 0}])
    site.post("orders/import_order", id="o", **whole)
    assert refused(site, "orders/import_order", id="o", **whole) == (400, "duplicate_entry", "id")
    assert refused(site, "orders/o", customer_id="c2")[2] == "customer_id"
    assert refused(site, "orders/o", billing_address__city="Oslo")[2] == "billing_address[city]"
    assert refused(site, "orders/o", cf_x="1")[2] == "cf_x"
    assert refused(site, "orders/o/reopen")[:2] == (409, "invalid_state_for_request")


def test_business_entities_have_no_api_but_a_console(site: Chargebee) -> None:
    for answer in (
        site.session.get(site.url("business_entities")),
        site.session.post(site.url("business_entities")),
    ):
        assert (answer.status_code, answer.json()["api_error_code"]) == (404, "resource_not_found")
    console = f"{site.root}/_sandbox/business_entities"
    made = site.business_entity("Nordlys")
    assert (
        requests.patch(f"{console}/{made['id']}", json={"status": "inactive"}, timeout=60).json()["status"]
        == "inactive"
    )
    for body in (
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "x", "status": "odd"},
        {"name": "x", "color": 1},
    ):
        assert requests.post(console, json=body, timeout=60).status_code == 400
    assert requests.patch(f"{console}/nobody", json={"name": "x"}, timeout=60).status_code == 404
    assert requests.delete(f"{console}/{made['id']}", timeout=60).json()["deleted"] is True
    assert [one["name"] for one in requests.get(console, timeout=60).json()] == ["Nordlys"]
    types = [event["event_type"] for event in site.all("events", **{"sort_by[asc]": "occurred_at"})]
    assert types == ["business_entity_created", "business_entity_updated", "business_entity_deleted"]


def test_the_business_entity_header_limits_what_is_seen(site: Chargebee) -> None:
    one, two = site.business_entity("One")["id"], site.business_entity("Two")["id"]
    header = "chargebee-business-entity-id"
    assert send(site, "customers", {"id": "c1"}, **{header: one})[1]["customer"]["business_entity_id"] == one
    site.post("customers", id="c2", business_entity_id=two)
    for path, expected in (("customers/c1", 200), ("customers/c2", 404)):
        assert site.session.get(site.url(path), headers={header: one}).status_code == expected
    assert send(site, "customers/c2", {"first_name": "x"}, **{header: one})[0] == 404
    rows = site.session.get(site.url("customers"), headers={header: one}).json()["list"]
    assert [row["customer"]["id"] for row in rows] == ["c1"]
    assert send(site, "customers", {"id": "c3"}, **{header: "nobody"})[0] == 404


def test_wrong_verbs_and_bodies(site: Chargebee) -> None:
    answer = site.session.put(site.url("customers"))
    assert (answer.status_code, answer.json()["api_error_code"]) == (405, "http_method_not_supported")
    whole = {"id": "i", "name": "I", "type": "charge", "item_family_id": "f"}
    refusal = site.session.post(site.url("items"), json=whole).json()
    assert (refusal["http_status_code"], refusal["api_error_code"]) == (400, "invalid_request")
    assert (refusal["param"], refusal["error_code"]) == ("id", "param_required"), "JSON is not read"


def test_a_stored_refusal_is_replayed_too(site: Chargebee) -> None:
    key = {"chargebee-idempotency-key": "k"}
    fields = {"id": "i", "name": "I", "type": "charge", "item_family_id": "f"}
    assert send(site, "items", fields, **key)[0] == 404
    site.post("item_families", id="f", name="F")
    again = site.session.post(site.url("items"), data=fields, headers=key)
    assert (again.status_code, again.headers["chargebee-idempotency-replayed"]) == (404, "true")
    assert send(site, "items", fields)[0] == 200


def test_webhooks_carry_the_event(site: Chargebee, tmp_path: Path) -> None:
    inbox = free_port()
    with start(tmp_path / "inbox.sqlite", port=inbox) as listener:
        url = f"{listener.root}/api/v2/customers"
        made = site.post("webhook_endpoints", name="node", url=url, basic_auth_username="sandbox")
        assert [one["id"] for one in site.all("webhook_endpoints")] == [made["id"]]
        site.post("customers", id="c1")
        _await_calls(listener.root, 1)
        site.post(f"webhook_endpoints/{made['id']}/delete")
        assert site.all("webhook_endpoints") == []


def _await_calls(root: str, count: int) -> None:
    def calls() -> bool:
        stats = requests.get(f"{root}/_sandbox/stats", timeout=60).json()
        return int(stats["calls"].get("POST /api/v2/customers", 0)) >= count

    wait_until(calls, what="webhook delivery")


def test_state_survives_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    with start(state) as running:
        Chargebee(running.root).post("customers", id="c1", first_name="Ola")
        running.child.kill()
        running.child.wait()
    with start(state) as running:
        assert Chargebee(running.root).get("customers", "c1")["first_name"] == "Ola"


def test_demo_data_has_what_was_promised(site: Chargebee) -> None:
    requests.post(
        f"{site.root}/_sandbox/reset", json={"data": "demo", "seed": 7}, timeout=30
    ).raise_for_status()
    counts = {kind: len(site.all(kind)) for kind in ("customers", "items", "orders", "item_prices")}
    assert counts["customers"] >= 40
    assert counts["items"] >= 20
    assert counts["orders"] >= 30
    assert counts["item_prices"] >= counts["items"]
    assert len(requests.get(f"{site.root}/_sandbox/business_entities", timeout=60).json()) >= 20
    without = [customer for customer in site.all("customers") if "updated_at" not in customer]
    assert {customer["created_at"] < 1_475_020_800 for customer in without} == {True, False}
