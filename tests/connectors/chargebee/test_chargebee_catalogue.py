"""Items, their prices and families shared to Chargebee."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from tests.connectors.chargebee.conftest import Calls, Service, insert
from tests.support.systems import Chargebee

ITEM: dict[str, Any] = {
    "name": "Skrue 4x40",
    "description": "<b>Rustfri</b>",
    "unit": "pk",
    "type": "charge",
    "is_shippable": True,
    "item_family_id": "hardware",
    "metadata": {"color": "blank"},
}


def test_insert_makes_item_and_family(service: Service, site: Chargebee) -> None:
    before = Calls(site)
    answer = service.insert("item", "product:P-1", **ITEM)
    assert (answer["$operation"], answer["$status"], answer["$generated_id"]) == (
        "insert",
        "ok",
        "product-P-1",
    )
    assert before.made() == {"POST /items": 2, "POST /item_families": 1}
    assert site.get("items", "product-P-1")["metadata"] == {
        "color": "blank",
        "customerp": {"product_id": "P-1"},
    }
    before = Calls(site)
    assert service.insert("item", "product:P-2", **{**ITEM, "name": "Spiker"})["$status"] == "ok"
    assert before.made() == {"POST /items": 1}, "the family is known"


def test_a_family_is_made_with_the_text_as_id_and_name(service: Service, site: Chargebee) -> None:
    answer = service.insert("item", "product:P-1", **{**ITEM, "item_family_id": "Små ting & diverse"})
    assert answer["$response"]["item_family_id"] == "Små ting & diverse"
    assert site.get("item_families", "Små ting & diverse")["name"] == "Små ting & diverse"
    moved = service.update("item", answer["$response"], item_family_id="Verktøy")
    assert moved["$response"]["item_family_id"] == "Verktøy"


@pytest.mark.parametrize("known", ["NFC", "NFD"])
def test_a_family_whose_letters_are_composed_otherwise_is_the_same(
    known: str, service: Service, site: Chargebee
) -> None:
    there, asked = (
        unicodedata.normalize(f, "Grå bånd") for f in (known, {"NFC": "NFD", "NFD": "NFC"}[known])
    )
    site.post("item_families", id=there, name=there)
    answer = service.insert("item", "product:P-1", **{**ITEM, "item_family_id": asked})
    assert (answer["$status"], answer["$response"]["item_family_id"]) == ("ok", there)
    stored = service.insert("item", "product:P-2", **{**ITEM, "name": "Two", "item_family_id": "x"})[
        "$response"
    ]
    moved = service.update("item", stored, item_family_id=asked)
    assert (moved["$status"], moved["$response"]["item_family_id"]) == ("ok", there)
    assert {one["id"] for one in site.all("item_families")} == {there, "x"}


def test_a_default_family_and_type(service: Service) -> None:
    stored = service.insert("item", "product:P-1", name="Bare navn")["$response"]
    assert (stored["item_family_id"], stored["type"]) == ("products", "charge")


def test_updates_archive_and_bring_back(service: Service, site: Chargebee) -> None:
    stored = service.insert("item", "product:P-1", **ITEM)["$response"]
    for payload in (
        {"name": "Skrue 5x50", "unit": "stk", "description": None, "is_shippable": False},
        {"status": "archived"},
        {"status": "active"},
        {"metadata": {"color": None, "size": "L"}},
    ):
        before = Calls(site)
        answer = service.update("item", stored, **payload)
        assert before.made() == {"GET /items/<record_id>": 1, "POST /items/<record_id>": 1}
        assert answer["$operation"] == "update"
        stored = answer["$response"]
    assert stored["metadata"] == {"size": "L", "customerp": {"product_id": "P-1"}}
    assert "description" not in stored
    archived = service.insert("item", "product:P-2", **{**ITEM, "status": "archived"})
    assert archived["$response"]["status"] == "archived"


def test_a_name_that_is_taken_is_rejected(service: Service) -> None:
    service.insert("item", "product:P-1", **ITEM)
    answer = service.insert("item", "product:P-2", **ITEM)
    assert (answer["$status"], answer["$error"]["field"], answer["$error"]["rule"]) == (
        "rejected",
        "/name",
        "duplicate_entry",
    )


@pytest.mark.parametrize(("currency", "price"), [("JPY", 1250), ("NOK", 1999), ("KWD", 12345)])
def test_prices_are_whole_numbers(currency: str, price: int, service: Service, site: Chargebee) -> None:
    item = service.insert("item", "product:P-1", **ITEM)["$generated_id"]
    payload = {
        "item_id": item,
        "name": f"Skrue {currency}",
        "currency_code": currency,
        "price": price,
        "accounting_detail": {"sku": "S-440"},
        "is_taxable": False,
    }
    answer = service.insert("item_price", "product:P-1", **payload)
    assert answer["$generated_id"] == f"product-P-1-{currency}"
    stored = site.get("item_prices", answer["$generated_id"])
    assert (stored["price"], stored["currency_code"], stored["is_taxable"]) == (price, currency, False)
    assert service.insert("item_price", "product:P-1", **payload)["$operation"] == "none"
    changed = service.update("item_price", stored, price=price + 1, accounting_detail={"sku": "S-441"})
    assert changed["$response"]["price"] == price + 1
    assert changed["$response"]["accounting_detail"] == {"sku": "S-441", "object": "accounting_detail"}


def test_a_price_waits_for_its_item(service: Service) -> None:
    payload = {"item_id": "product-P-1", "name": "x", "currency_code": "NOK", "price": 100}
    answer = service.insert("item_price", "product:P-1", **payload)
    assert (answer["$operation"], answer["$status"]) == ("none", "pending")
    service.insert("item", "product:P-1", **ITEM)
    again = service.insert("item_price", "product:P-1", **payload)
    assert (again["$operation"], again["$status"]) == ("insert", "ok"), (
        "the stored refusal is not the last word"
    )


def test_plans_have_periods(service: Service) -> None:
    item = service.insert("item", "product:P-1", **{**ITEM, "type": "plan"})["$generated_id"]
    payload = {"item_id": item, "name": "x", "currency_code": "NOK", "price": 100}
    refused = service.insert("item_price", "product:P-1", **payload)
    assert (refused["$status"], refused["$error"]["field"]) == ("rejected", "/period")
    made = service.insert("item_price", "product:P-1", **payload, period=1, period_unit="month")
    assert made["$generated_id"] == "product-P-1-NOK-1-month"


def test_deletes_as_chargebee_allows(service: Service) -> None:
    item = service.insert("item", "product:P-1", **ITEM)["$generated_id"]
    payload = {"item_id": item, "name": "x", "currency_code": "NOK", "price": 100}
    price = service.insert("item_price", "product:P-1", **payload)["$generated_id"]
    remove_item = {"_id": item, "id": item, "$operation": "delete"}
    remove_price = {"_id": price, "id": price, "$operation": "delete"}
    refused = service.share("item", remove_item)[0]
    assert (refused["$status"], refused["$error"]["rule"]) == ("rejected", "invalid_state_for_request")
    assert service.share("item_price", remove_price)[0]["$operation"] == "delete"
    assert [service.share("item", remove_item)[0]["$operation"] for _ in range(2)] == ["delete", "none"]
    again = service.insert("item", "product:P-1", **ITEM)
    assert (again["$operation"], again["$response"]["status"]) == ("insert", "active"), (
        "not the replay of the first"
    )


@pytest.mark.parametrize(
    ("payload", "field", "rule"),
    [
        ({"name": "x" * 101}, "/name", "maxLength"),
        ({"name": ""}, "/name", "minLength"),
        ({"description": "x" * 501}, "/description", "maxLength"),
        ({"description": "<p>" * 700}, "/description", "maxLength"),
        ({"unit": "x" * 31}, "/unit", "maxLength"),
        ({"status": "deleted"}, "/status", "enum"),
        ({"price": 100}, "/price", "additionalProperties"),
        ({"is_shippable": "yes"}, "/is_shippable", "type"),
    ],
)
def test_bad_items_are_refused_before_any_call(
    payload: dict[str, Any], field: str, rule: str, service: Service, site: Chargebee
) -> None:
    before = Calls(site)
    answer = service.share("item", insert("product:P-1", **{**ITEM, **payload}))[0]
    if field in ("/name", "/price"):
        assert (answer["$error"]["field"], answer["$error"]["rule"]) == (field, rule)
        assert before.made() == {}
        return
    (refused,) = answer["$refused"]
    assert (refused["field"], refused["rule"], answer["$status"]) == (field, rule, "ok")
    assert answer["$response"].get(field[1:]) != payload[field[1:]]


def test_a_long_description_in_tags_is_fine(service: Service) -> None:
    text = "".join(f"<b>{n:03d}</b>" for n in range(150))
    assert service.insert("item", "product:P-1", **{**ITEM, "description": text})["$status"] == "ok"


def test_the_kind_of_an_item_is_fixed(service: Service) -> None:
    stored = service.insert("item", "product:P-1", **ITEM)["$response"]
    answer = service.update("item", stored, type="plan")
    assert (answer["$status"], answer["$error"]["rule"], answer["$error"]["field"]) == (
        "rejected",
        "createOnly",
        "/type",
    )


def test_families_on_their_own(service: Service, site: Chargebee) -> None:
    stored = service.insert("item_family", "category:C-1", name="Verktøy")["$response"]
    assert stored["id"] == "category-C-1"
    assert service.update("item_family", stored, name="Utstyr")["$response"]["name"] == "Utstyr"
    remove = {"_id": stored["id"], "id": stored["id"], "$operation": "delete"}
    assert service.share("item_family", remove)[0]["$operation"] == "delete"
    assert site.all("item_families") == []


@pytest.mark.parametrize(
    "amount",
    [
        {"pricing_model": "per_unit", "price_in_decimal": "0.0035"},
        {
            "pricing_model": "tiered",
            "tiers": [
                {"starting_unit": 1, "ending_unit": 9, "price": 500},
                {"starting_unit": 10, "price": 400},
            ],
        },
    ],
    ids=["price_in_decimal", "tiers"],
)
def test_a_price_that_is_no_single_amount_is_left_alone_and_reported(
    amount: dict[str, Any], service: Service, site: Chargebee
) -> None:
    site.configure(multi_decimal_pricing=True)
    site.post("item_families", id="f", name="F")
    site.post("items", id="i", name="I", type="charge", item_family_id="f")
    site.post("item_prices", id="p", name="P", item_id="i", currency_code="NOK", **amount)
    stored = site.get("item_prices", "p")
    assert "price" not in stored
    answer = service.update("item_price", stored, price=1250, name="P 2")
    assert (answer["$operation"], answer["$status"]) == ("update", "ok")
    (refused,) = answer["$refused"]
    assert (refused["field"], refused["value"], refused["rule"]) == ("/price", 1250, "price_in_decimal")
    assert site.get("item_prices", "p")["name"] == "P 2"
    assert "price" not in site.get("item_prices", "p")
    alone = service.update("item_price", site.get("item_prices", "p"), price=1250)
    assert (alone["$operation"], alone["$status"]) == ("none", "rejected")
    assert alone["$error"]["rule"] == "price_in_decimal"
