"""What a site refuses: the property is named, the rest of the record is written, and orders say what is missing."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.connectors.chargebee.conftest import Calls, Service, serving_here
from tests.connectors.chargebee.test_chargebee_orders import ORDER
from tests.support.processes import wait_until
from tests.support.systems import Chargebee

PERSON: dict[str, Any] = {"first_name": "Åse", "email": "ase@firma.example", "phone": "+47 22 33 44 55"}
REFUSED: dict[str, tuple[Any, Any]] = {
    "net_term_days": (13, 30),
    "preferred_currency_code": ("ZAR", "NOK"),
    "billing_address/zip": ("SE-211 22", "211 22"),
    "billing_address/country": ("NX", "SE"),
    "registered_for_gst": (True, False),
    "vat_number": ("9" * 21, "923609016"),
    "locale": ("nb-NO" * 11, "nb-NO"),
}
"""Values that the site refuses, by property, and ones that it takes."""


def payload(name: str, value: Any) -> dict[str, Any]:
    first, _, second = name.partition("/")
    address = {"line1": "Storgatan 1", "city": "Malmö", "country": "SE"}
    if second:
        return {"billing_address": {**address, second: value}}
    return {"billing_address": address, first: value}


@pytest.mark.parametrize("operation", ["insert", "update"])
@pytest.mark.parametrize("name", REFUSED)
def test_one_refused_value_holds_back_nothing_else(
    name: str, operation: str, service: Service, site: Chargebee
) -> None:
    bad, good = REFUSED[name]
    wanted = {**PERSON, **payload(name, bad)}
    if operation == "insert":
        answer = service.insert("customer", "contact:CT-1", **wanted)
    else:
        stored = service.insert("customer", "contact:CT-1", first_name="Before")["$response"]
        answer = service.update("customer", stored, **wanted)
    assert (answer["$operation"], answer["$status"]) == (operation, "ok"), answer["$error"]
    (refused,) = answer["$refused"]
    assert (refused["field"], refused["value"]) == (f"/{name}", bad)
    assert refused["detail"]
    stored = site.get("customers", "contact-CT-1")
    assert {field: stored[field] for field in PERSON} == PERSON
    assert stored["billing_address"]["line1"] == "Storgatan 1"
    settled = Calls(site)
    again = service.update("customer", stored, **payload(name, good))
    assert (again["$status"], again.get("$refused")) == ("ok", None)
    assert sum(count for call, count in settled.made().items() if call.startswith("POST")) <= 1


def test_a_refusal_that_takes_its_record_along_would_be_noticed(
    site: Chargebee, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.common.refused._MOST", 0)
    with serving_here(site.root) as service, pytest.raises(AssertionError):
        test_one_refused_value_holds_back_nothing_else("billing_address/zip", "insert", service, site)


def test_an_order_in_a_currency_that_the_site_lacks_says_so(service: Service, site: Chargebee) -> None:
    person = service.insert("customer", "contact:CT-1", **PERSON, preferred_currency_code="ZAR")
    assert [row["field"] for row in person["$refused"]] == ["/preferred_currency_code"]
    answer = service.insert("order", "order:O-1", **{**ORDER, "currency_code": "ZAR"})
    assert answer["$status"] == "rejected"
    assert answer["$error"]["field"] == "/currency_code"
    assert "currency" in answer["$error"]["detail"]
    assert "ZAR" in answer["$error"]["detail"]
    assert site.all("invoices") == []
    site.configure(currencies=["NOK", "ZAR"])
    answer = service.insert("order", "order:O-1", **{**ORDER, "currency_code": "ZAR"})
    assert (answer["$operation"], answer["$status"]) == ("insert", "ok")


STATES: list[tuple[dict[str, Any], tuple[str | None, str | None]]] = [
    ({"country": "US", "state": "California"}, ("CA", "California")),
    ({"country": "NO", "state": None, "zip": "0150"}, (None, None)),
    ({"country": "US", "state": "NY", "zip": "10001"}, ("NY", "New York")),
    ({"country": "IN", "state": "Kerala", "zip": "682001"}, ("KL", "Kerala")),
    ({"country": "DE", "state": "Bayern", "zip": "80331"}, (None, "Bayern")),
    ({"country": "CA", "state": "Québec", "zip": "H2X 1Y4"}, ("QC", "Quebec")),
]
"""Where a customer moves, and the state code and state that the site has then."""


@pytest.mark.parametrize("turned", [(), ("billing-info-leaves-company-and-state-code",)])
def test_a_customer_who_moves_between_countries_has_the_state_of_the_new_one(
    turned: tuple[str, ...], service: Service, site: Chargebee
) -> None:
    site.turn_round(*turned)
    address = {"line1": "1 Main Street", "city": "X"}
    stored = service.insert("customer", "contact:CT-1", **PERSON, billing_address=address)["$response"]
    for moved, (code, state) in STATES:
        answer = service.update("customer", stored, billing_address=moved)
        assert answer["$status"] == "ok", answer["$error"]
        assert "$refused" not in answer, answer["$refused"]
        stored = site.get("customers", "contact-CT-1")
        found = stored["billing_address"]
        assert (found.get("state_code"), found.get("state")) == (code, state), moved
        assert (found["country"], found["line1"]) == (moved["country"], "1 Main Street")


def test_an_erased_person_is_left_alone(service: Service, site: Chargebee) -> None:
    stored = service.insert("customer", "contact:CT-1", **PERSON)["$response"]
    site.post("customers/contact-CT-1/clear_personal_data")
    before = Calls(site)
    for answer in (
        service.update("customer", stored, first_name="Åse Marie"),
        service.update("customer", site.get("customers", "contact-CT-1"), billing_address={"city": "Oslo"}),
    ):
        assert (answer["$operation"], answer["$status"]) == ("none", "rejected"), answer
        assert answer["$error"]["rule"] == "pii_cleared"
    assert not any(call.startswith("POST") for call in before.made()), "nothing was sent"


NEVER_EMPTY = {
    "customer": (PERSON, {"email": None}, {"phone": "1"}),
    "order": (
        {**ORDER, "order_date": 1767312000, "shipping_date": 1767571200},
        {
            "order_date": None,
            "shipping_date": None,
            "shipped_at": None,
            "delivered_at": None,
            "cancellation_reason": None,
        },
        {"note": "Ny"},
    ),
    "item_price": ({}, {"price": None}, {"invoice_notes": "Ny"}),
}
"""By datatype, a new record, what is to be emptied of it, and something else to be written."""
NEEDED = {"price", "order_date", "shipping_date"}
"""What a record cannot be without in any case."""


def stored_with(service: Service, datatype: str, made: dict[str, Any]) -> dict[str, Any]:
    """A record that has all that is to be emptied."""
    if datatype == "item_price":
        service.insert("item", "product:P-1", name="Skrue")
        made = {"name": "Skrue", "item_id": "product-P-1", "currency_code": "NOK", "price": 100}
    if datatype != "order":
        return dict(service.insert(datatype, f"{datatype}:1", **made)["$response"])
    service.insert("customer", "contact:CT-1", **PERSON)
    order = service.insert("order", "order:O-1", **made)["$response"]
    later = {"shipped_at": 1767600000, "delivered_at": 1767700000, "cancellation_reason": "others"}
    return dict(service.update("order", order, **later)["$response"])


@pytest.mark.parametrize("turned", [(), ("empty-text-clears-other-types",)], ids=["taken", "refused"])
@pytest.mark.parametrize("datatype", NEVER_EMPTY)
def test_what_is_no_text_is_not_emptied_but_reported(
    datatype: str, turned: tuple[str, ...], service: Service, site: Chargebee
) -> None:
    """No call of Chargebee's is known to do it, so none is made, whatever a site would make of an empty text."""
    made, emptied, besides = NEVER_EMPTY[datatype]
    stored = stored_with(service, datatype, made)
    assert emptied.keys() <= stored.keys()
    site.turn_round(*turned)
    before = Calls(site)
    answer = service.update(datatype, stored, **emptied)
    assert (answer["$operation"], answer["$status"], answer["$error"]["rule"]) == (
        "none",
        "rejected",
        "notEmpty",
    )
    assert not any(call.startswith("POST") for call in before.made()), "nothing is sent"
    answer = service.update(datatype, stored, **emptied, **besides)
    assert (answer["$operation"], answer["$status"]) == ("update", "ok")
    assert {row["field"] for row in answer["$refused"]} == {f"/{name}" for name in emptied}
    assert {row["rule"] for row in answer["$refused"]} == {"notEmpty"}
    now = site.get(f"{datatype}s", stored["id"])
    assert {name: now[name] for name in (*emptied, *besides)} == {
        **{n: stored[n] for n in emptied},
        **besides,
    }


@pytest.mark.parametrize("turned", [(), ("empty-text-clears-other-types",)], ids=["taken", "refused"])
@pytest.mark.parametrize("datatype", NEVER_EMPTY)
def test_what_is_no_text_is_emptied_where_a_person_says_that_the_site_takes_it(
    datatype: str, turned: tuple[str, ...], site: Chargebee
) -> None:
    """One that a site refuses all the same is reported, and the rest is written."""
    made, emptied, besides = NEVER_EMPTY[datatype]
    with serving_here(site.root, CHARGEBEE_SEND_EMPTY="true") as service:
        stored = stored_with(service, datatype, made)
        site.turn_round(*turned)
        answer = service.update(datatype, stored, **emptied, **besides)
        assert (answer["$operation"], answer["$status"]) == ("update", "ok")
        now = site.get(f"{datatype}s", stored["id"])
        kept = {row["field"][1:] for row in answer.get("$refused", ())}
        assert kept if turned else kept <= NEEDED
        assert {name: now.get(name) for name in (*emptied, *besides)} == {
            **{name: stored[name] if name in kept else None for name in emptied},
            **besides,
        }


def test_what_has_a_default_is_set_to_it(service: Service, site: Chargebee) -> None:
    item = service.insert("item", "product:P-1", name="Skrue", is_shippable=True)["$response"]
    answer = service.update("item", item, is_shippable=None, metadata=None)
    assert (answer["$status"], answer["$response"]["is_shippable"]) == ("ok", False)
    assert site.get("items", item["id"])["is_shippable"] is False


def test_empty_values_clear_each_property_that_can_be_empty(service: Service, site: Chargebee) -> None:
    whole = {
        **{name: value for name, value in PERSON.items() if name != "email"},
        "last_name": "Olsen",
        "company": "Firma AS",
        "locale": "nb-NO",
        "preferred_currency_code": "NOK",
        "vat_number": "123456",
        "net_term_days": 30,
        "billing_address": {"line1": "Storgata 1", "city": "Oslo", "zip": "0150", "country": "NO"},
    }
    stored = service.insert("customer", "contact:CT-1", **whole)["$response"]
    for name in whole:
        gone = dict.fromkeys(whole[name]) if name == "billing_address" else None
        answer = service.update("customer", stored, **{name: gone})
        assert answer["$status"] == "ok", (name, answer["$error"])
        stored = site.get("customers", "contact-CT-1")
        left = stored.get(name) or None
        assert left in (None, 0), name
        assert not answer.get("$refused"), name


def test_a_site_with_product_catalog_1_is_said_to_be_one(site: Chargebee) -> None:
    site.configure(product_catalog="v1")
    with serving_here(site.root) as service:
        ready = requests.get(f"{service.root}/ready", timeout=60)
        assert ready.status_code == 503
        assert "Product Catalog 2.0" in ready.text


def test_what_others_add_to_a_customer_is_read_and_left_alone(service: Service, site: Chargebee) -> None:
    """Consents, and what came of looking up the VAT number: nobody here has edited anything."""
    site.configure(consent_fields=["newsletter"], vat_validation=True)
    stored = service.insert("customer", "contact:CT-1", **PERSON, vat_number="923609016")["$response"]
    wait_until(
        lambda: site.get("customers", stored["id"])["vat_number_status"] == "valid", what="the look-up"
    )
    now = service.one("customer", stored["id"])
    assert (now["cs_newsletter"], now["vat_number_status"]) == (False, "valid")
    before = Calls(site)
    answer = service.update("customer", stored, **PERSON, vat_number="923609016")
    assert (answer["$operation"], answer["$status"]) == ("none", "ok")
    assert not any(call.startswith("POST") for call in before.made())
