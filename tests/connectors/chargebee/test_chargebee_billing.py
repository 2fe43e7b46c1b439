"""Billing information of customers: the call that changes it assigns, so everything that stays is sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connectors.chargebee.conftest import Entity, Service
from tests.support.systems import Chargebee

ADDRESS: dict[str, Any] = {
    "first_name": "Åse",
    "last_name": "O'Neil",
    "email": "faktura@firma.example",
    "company": "Firma AS",
    "phone": "+47 22 33 44 55",
    "line1": "Main Street 1",
    "line2": "2. etg.",
    "line3": "c/o Olsen",
    "city": "Walnut",
    "state_code": "CA",
    "country": "US",
    "zip": "91789",
}
INFO: dict[str, Any] = {
    "billing_address": ADDRESS,
    "vat_number": "123456",
    "is_einvoice_enabled": True,
    "einvoicing_method": "manual",
    "entity_identifier_scheme": "0192",
    "entity_identifier_standard": "iso6523",
}


LEFT = "billing-info-leaves-company-and-state-code"


@pytest.mark.parametrize("turned", [(), (LEFT,)], ids=["listed", "everything"])
def test_whoever_changes_one_billing_value_keeps_the_others(
    turned: tuple[str, ...], service: Service, site: Chargebee
) -> None:
    """`update_billing_info` is an assignment: what a request leaves out is removed."""
    site.turn_round(*turned)
    site.configure(australian_gst=True)
    service.insert("customer", "contact:CT-1", **INFO, registered_for_gst=True)
    stored = site.get("customers", "contact-CT-1")
    for name, value in {**{f"billing_address/{k}": v for k, v in ADDRESS.items()}, **INFO}.items():
        part = name.partition("/")[2]
        other = "New" if isinstance(value, str) and name not in _FIXED else _FIXED.get(name)
        if other is None:
            continue
        wanted = {"billing_address": {part: other}} if part else {name: other}
        answer = service.update("customer", stored, **wanted)
        assert (answer["$operation"], answer["$status"]) == ("update", "ok"), answer["$error"]
        expected = {**stored, **wanted}
        if part:
            expected["billing_address"] = {**stored["billing_address"], part: other}
            if part == "state_code":
                expected["billing_address"]["state"] = "New York"
        stored = site.get("customers", "contact-CT-1")
        assert stored == answer["$response"]
        assert _comparable(stored) == _comparable(expected), name


_FIXED = {
    "billing_address/email": "new@firma.example",
    "billing_address/country": None,
    "billing_address/state_code": "NY",
    "billing_address/zip": "10001",
    "einvoicing_method": "automatic",
    "is_einvoice_enabled": False,
}


def _comparable(record: Entity) -> Entity:
    """Without what every write moves."""
    moved = ("updated_at", "resource_version", "vat_number_status")
    return {name: value for name, value in record.items() if name not in moved}


@pytest.mark.parametrize("turned", [(), (LEFT,)], ids=["listed", "everything"])
def test_cleared_billing_values_go_and_the_rest_stays(
    turned: tuple[str, ...], service: Service, site: Chargebee
) -> None:
    site.turn_round(*turned)
    stored = service.insert("customer", "contact:CT-1", **INFO)["$response"]
    cleared = {"company": None, "state_code": None, "line3": ""}
    answer = service.update("customer", stored, billing_address=cleared)
    left = {name: value for name, value in ADDRESS.items() if name not in cleared}
    assert left.items() <= answer["$response"]["billing_address"].items()
    assert not cleared.keys() & answer["$response"]["billing_address"].keys()
    assert answer["$response"]["vat_number"] == "123456"
    gone = service.update("customer", answer["$response"], vat_number=None)["$response"]
    assert "vat_number" not in gone
    assert left.items() <= gone["billing_address"].items()


def test_a_vat_number_and_the_flag_for_none_take_each_other_away(service: Service, site: Chargebee) -> None:
    stored = service.insert(
        "customer", "contact:CT-1", billing_address=ADDRESS, business_customer_without_vat_number=True
    )["$response"]
    answer = service.update("customer", stored, vat_number="123")
    assert (answer["$status"], answer["$response"]["vat_number"]) == ("ok", "123")
    assert not answer["$response"].get("business_customer_without_vat_number")
    answer = service.update("customer", answer["$response"], business_customer_without_vat_number=True)
    assert (answer["$status"], answer["$response"].get("vat_number")) == ("ok", None)
    assert answer["$response"]["business_customer_without_vat_number"] is True
    answer = service.update("customer", answer["$response"], billing_address={"city": "Oslo"})
    assert answer["$response"]["business_customer_without_vat_number"] is True, "kept"
    both = {"vat_number": "5", "business_customer_without_vat_number": True}
    for outcome in (
        service.update("customer", answer["$response"], **both),
        service.insert("customer", "contact:CT-2", **both),
    ):
        (refused,) = outcome["$refused"]
        assert refused["field"] == "/business_customer_without_vat_number"
        assert (outcome["$status"], outcome["$response"]["vat_number"]) == ("ok", "5")
    false = service.insert("customer", "contact:CT-3", registered_for_gst=False, vat_number="7")["$response"]
    assert service.update("customer", false, vat_number="8")["$status"] == "ok", "no GST on this site"
