"""The demo data: enough of it, reproducible, valid on both sides, and a third of it matching."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from sandbox.common.demodata import chargebee_demo, erp_demo
from sandbox.common.demodata.draw import BASE, mailbox
from sandbox.common.iso import COUNTRIES, CURRENCIES

CHARGEBEE_EMAIL = re.compile(
    r"(?:[A-Za-z0-9_'+\-]+\.)*[A-Za-z0-9_'+\-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}"
)
SEEDS = (1, 2, 99)


def key(text: str | None) -> str:
    return (text or "").strip().casefold()


def test_same_seed_same_data_and_other_seed_other_data() -> None:
    assert erp_demo(1) == erp_demo(1)
    assert chargebee_demo(1) == chargebee_demo(1)
    assert erp_demo(1) != erp_demo(2)


def test_there_is_enough_of_everything() -> None:
    erp, chargebee = erp_demo(1), chargebee_demo(1)
    wanted = {"customer": 60, "contact": 150, "employee": 30, "product": 60, "quote": 80, "order": 120}
    assert all(len(erp[kind]) >= count for kind, count in wanted.items())
    wanted = {"customers": 40, "items": 20, "invoices_and_orders": 30, "business_entities": 20}
    assert all(len(chargebee[kind]) >= count for kind, count in wanted.items())
    assert {"JPY", "KWD", "EUR"} <= {price["currency_code"] for price in chargebee["item_prices"]}


@pytest.mark.parametrize("seed", SEEDS)
def test_about_a_third_matches(seed: int) -> None:
    erp, chargebee = erp_demo(seed), chargebee_demo(seed)
    mails = {key(r["email"]) for r in erp["contact"] + erp["employee"] if r["email"]}
    assert 12 <= sum(key(r.get("email")) in mails for r in chargebee["customers"]) <= 17
    companies = {key(r["name"]) for r in erp["customer"]}
    assert sum(key(r["name"]) in companies for r in chargebee["business_entities"]) == 7
    numbers = {r["order_number"] for r in erp["order"]}
    assert sum(r["order"].get("reference_id") in numbers for r in chargebee["invoices_and_orders"]) >= 9
    skus, names = {r["sku"] for r in erp["product"]}, {key(r["name"]) for r in erp["product"]}
    sold = {
        p["item_id"] for p in chargebee["item_prices"] if p.get("accounting_detail", {}).get("sku") in skus
    }
    assert len(sold | {r["id"] for r in chargebee["items"] if key(r["name"]) in names}) == 7


@pytest.mark.parametrize("seed", SEEDS)
def test_match_keys_are_unique_but_for_the_deliberate_ones(seed: int) -> None:
    erp, chargebee = erp_demo(seed), chargebee_demo(seed)
    twice = [
        mail for mail, n in Counter(key(r["email"]) for r in erp["contact"] if r["email"]).items() if n > 1
    ]
    assert len(twice) == 2
    assert not set(twice) & {key(r.get("email")) for r in chargebee["customers"]}
    both = {key(r["email"]) for r in erp["contact"]} & {
        key(r["email"]) for r in erp["employee"] if r["email"]
    }
    assert len(both) == 3
    for records, name in (
        (chargebee["customers"], "email"),
        (chargebee["business_entities"], "name"),
        (chargebee["items"], "name"),
        (erp["product"], "sku"),
        (erp["product"], "name"),
    ):
        values = [key(r[name]) for r in records if r.get(name)]
        assert len(values) == len(set(values)), name


@pytest.mark.parametrize("seed", SEEDS)
def test_both_sides_can_hold_it(seed: int) -> None:
    erp, chargebee = erp_demo(seed), chargebee_demo(seed)
    for person in erp["contact"] + erp["employee"] + chargebee["customers"]:
        if person.get("email"):
            assert CHARGEBEE_EMAIL.fullmatch(person["email"])
            assert len(person["email"]) <= 70
        address = person.get("address") or person.get("billing_address") or {}
        assert {len(address.get(name) or "") <= 50 for name in ("city", "state")} == {True}
        assert (address.get("country") or "NO") in COUNTRIES
    for entity in chargebee["business_entities"]:
        assert len(entity["name"]) <= 100
    for price in chargebee["item_prices"]:
        assert price["currency_code"] in CURRENCIES
        assert price["price"] >= 0
    for row in chargebee["invoices_and_orders"]:
        lines = row["invoice"]["line_items"]
        assert row["invoice"]["total"] == sum(line["amount"] + line.get("tax1_amount", 0) for line in lines)
        assert all(line["amount"] == line["unit_amount"] * line["quantity"] for line in lines)


def test_every_sale_has_somebody_who_gets_the_bill() -> None:
    erp = erp_demo(1)
    billed = {person["customer_id"] for person in erp["contact"] if person["is_billing_contact"]}
    for sale in erp["quote"] + erp["order"]:
        assert sale["contact_id"] or sale["customer_id"] in billed
    assert {order["status"] for order in erp["order"]} >= {"draft", "on_hold", "returned", "cancelled"}
    assert {quote["status"] for quote in erp["quote"]} == {
        "draft",
        "sent",
        "accepted",
        "rejected",
        "expired",
        "ordered",
    }


def test_converted_quotes_and_their_orders_name_each_other() -> None:
    erp = erp_demo(1)
    orders = {order["id"]: order for order in erp["order"]}
    ordered = [quote for quote in erp["quote"] if quote["order_id"]]
    assert len(ordered) >= 5
    assert all(orders[quote["order_id"]]["quote_id"] == quote["id"] for quote in ordered)
    assert all(len(orders[quote["order_id"]]["lines"]) == len(quote["lines"]) for quote in ordered)


def test_stamps_lie_in_the_past_over_months() -> None:
    stamps = [datetime.fromisoformat(r["modified_at"]) for records in erp_demo(1).values() for r in records]
    assert max(stamps) <= BASE < datetime.now(UTC)
    assert (max(stamps) - min(stamps)).days > 300
    assert len({stamp.strftime("%Y-%m") for stamp in stamps}) >= 10


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("O'Neil", "o'neil"),
        ("Ødegård", "odegard"),
        ("佐藤", ""),
        ("Müller-Lüdenscheidt", "muller-ludenscheidt"),
    ],
)
def test_mailbox(name: str, local: str) -> None:
    assert mailbox(name) == local
