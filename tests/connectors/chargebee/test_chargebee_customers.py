"""Customers and business entities shared to Chargebee.

What is written, with how many calls, and what is refused.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.connectors.chargebee.conftest import Calls, Entity, Service, insert, update
from tests.support.processes import wait_until
from tests.support.systems import Chargebee

PERSON: dict[str, Any] = {
    "first_name": "Åse",
    "last_name": "O'Neil",
    "email": "ase@firma.example",
    "phone": "+47 22 33 44 55",
    "locale": "nb",
    "vat_number": "NO123",
    "preferred_currency_code": "NOK",
    "net_term_days": 14,
    "billing_address": {"line1": "Storgata 1", "city": "Ærøskøbing", "zip": "5970", "country": "DK"},
    "meta_data": {"customerp": {"active": True}},
    "cf_region": "north",
}
CREATE = {"POST /customers": 1}
READ = {"GET /customers/<record_id>": 1}
UPDATE = {"POST /customers/<record_id>": 1}
BILLING = {"POST /customers/<record_id>/update_billing_info": 1}


def test_insert_is_one_call_and_leaves_the_link(service: Service, site: Chargebee) -> None:
    before = Calls(site)
    answer = service.insert("customer", "contact:CT-1", **PERSON, **{"$ids": ["a"], "$odd": {"kept": 1}})
    assert before.made() == CREATE
    assert (answer["$operation"], answer["$status"], answer["$error"]) == ("insert", "ok", None)
    assert (answer["$generated_id"], answer["$ids"], answer["$odd"]) == ("contact-CT-1", ["a"], {"kept": 1})
    stored = site.get("customers", "contact-CT-1")
    assert stored == answer["$response"]
    assert stored["meta_data"] == {"customerp": {"contact_id": "CT-1", "active": True}}
    assert {name: stored[name] for name in ("first_name", "vat_number", "cf_region")} == {
        "first_name": "Åse",
        "vat_number": "NO123",
        "cf_region": "north",
    }
    assert stored["billing_address"]["city"] == "Ærøskøbing"


def test_a_repeated_insert_adopts(service: Service, site: Chargebee) -> None:
    service.insert("customer", "contact:CT-1", **PERSON)
    for payload in (PERSON, {**PERSON, "first_name": "Other"}):
        answer = service.insert("customer", "contact:CT-1", **payload)
        assert (answer["$operation"], answer["$status"], answer["$generated_id"]) == (
            "none",
            "ok",
            "contact-CT-1",
        )
    assert len(site.all("customers")) == 1
    assert site.get("customers", "contact-CT-1")["first_name"] == "Åse"


def test_a_stranger_with_the_derived_id_is_not_adopted(service: Service, site: Chargebee) -> None:
    site.post("customers", id="contact-CT-1", meta_data={"customerp": {"contact_id": "CT-99"}})
    answer = service.insert("customer", "contact:CT-1", **PERSON)
    assert (answer["$status"], answer["$error"]["rule"]) == ("rejected", "duplicate_entry")
    site.post("customers", id="contact-CT-2")
    assert service.insert("customer", "contact:CT-2", **PERSON)["$operation"] == "none", (
        "no link names another"
    )


def test_the_id_of_a_deleted_customer_is_not_free(service: Service, site: Chargebee) -> None:
    service.insert("customer", "contact:CT-1", first_name="A")
    site.configure(customer_deletion_s=0)
    site.post("customers/contact-CT-1/delete")
    answer = service.insert("customer", "contact:CT-1", first_name="B")
    assert (answer["$operation"], answer["$status"]) == ("none", "rejected")


@pytest.mark.parametrize("fault", ["drop_after_rate", "drop_before_rate", "error_rate"])
def test_a_lost_answer_makes_no_twin(fault: str, service: Service, site: Chargebee) -> None:
    site.faults(**{fault: 0.3}, seed=11, retry_after=False)
    for number in range(10):
        answer = service.insert("customer", f"contact:CT-{number}", **PERSON)
        assert (answer["$status"], answer["$generated_id"]) == ("ok", f"contact-CT-{number}")
        changed = service.update("customer", answer["$response"], first_name="Changed", vat_number="NO456")
        assert (changed["$operation"], changed["$status"]) == ("update", "ok")
    site.faults()
    stored = site.all("customers")
    assert [(c["first_name"], c["vat_number"]) for c in stored] == [("Changed", "NO456")] * 10


def test_one_change_is_one_call(service: Service, site: Chargebee) -> None:
    stored = service.insert("customer", "contact:CT-1", **PERSON)["$response"]
    cases: list[tuple[dict[str, Any], dict[str, int]]] = [
        ({"first_name": "Kari", "company": "Firma", "meta_data": {"customerp": {"active": False}}}, UPDATE),
        ({"billing_address": {"city": "Oslo", "country": "NO"}, "vat_number": "NO9"}, BILLING),
        ({"first_name": "Liv", "billing_address": {"zip": "0150"}}, {**UPDATE, **BILLING}),
        (
            {
                "first_name": "Liv",
                "billing_address": {"zip": "0150", "city": "Oslo"},
                "phone": "+47 22 33 44 55",
            },
            {},
        ),
    ]
    for payload, calls in cases:
        before = Calls(site)
        answer = service.update("customer", stored, **payload)
        assert answer["$status"] == "ok"
        assert answer["$operation"] == ("update" if calls else "none")
        assert before.made() == {**READ, **calls}
        stored = answer["$response"]
    assert stored["meta_data"] == {"customerp": {"contact_id": "CT-1", "active": False}}, (
        "merged, then written whole"
    )
    assert stored["billing_address"] == {
        "line1": "Storgata 1",
        "city": "Oslo",
        "zip": "0150",
        "country": "NO",
        "validation_status": "not_validated",
        "object": "billing_address",
    }


def test_nulls_clear(service: Service, site: Chargebee) -> None:
    stored = service.insert("customer", "contact:CT-1", **PERSON)["$response"]
    answer = service.update(
        "customer",
        stored,
        phone=None,
        vat_number=None,
        billing_address={"line1": None},
        meta_data={"customerp": {"active": None}},
    )
    stored = answer["$response"]
    assert not {"phone", "vat_number"} & stored.keys()
    assert "line1" not in stored["billing_address"]
    assert stored["meta_data"] == {"customerp": {"contact_id": "CT-1"}}
    empty = service.update("customer", stored, phone="", company=None)
    assert empty["$operation"] == "none", "empty and missing are one"


def test_what_others_changed_is_not_overwritten(service: Service, site: Chargebee) -> None:
    stored = service.insert("customer", "contact:CT-1", **PERSON)["$response"]
    site.post("customers/contact-CT-1", first_name="Console", company="Console AS")
    before = site.writes()
    answer = service.update("customer", stored, first_name="ERP", last_name="ERP")
    assert (answer["$operation"], answer["$status"], answer["$error"]["field"]) == (
        "none",
        "conflict",
        "/first_name",
    )
    assert site.writes() == before
    other = service.update("customer", stored, last_name="ERP")
    assert other["$status"] == "ok", "another property was changed, not this one"
    unsafe = {**update(stored, first_name="ERP"), "$unsafe_skip_optimistic_locking": True}
    assert service.share("customer", unsafe)[0]["$operation"] == "update"
    result = site.get("customers", "contact-CT-1")
    assert (result["first_name"], result["last_name"], result["company"]) == ("ERP", "ERP", "Console AS")


def test_the_same_value_twice_within_the_idempotency_window_is_written_twice(
    service: Service, site: Chargebee
) -> None:
    """A to B to A to B: a key made of id and payload alone would replay the first B and lose the last one."""
    stored = service.insert("customer", "contact:CT-1", **PERSON)["$response"]
    for name in ("B", "A", "B", "A", "B"):
        answer = service.update("customer", stored, first_name=name)
        assert answer["$operation"] == "update"
        stored = answer["$response"]
        assert site.get("customers", "contact-CT-1")["first_name"] == name


def test_the_same_create_in_another_order_of_its_properties_is_no_reuse_of_a_key(
    service: Service, site: Chargebee
) -> None:
    """As it happens when the process died after the create and the entity is read again."""
    made = service.insert("customer", "contact:CT-1", **PERSON)
    again = service.insert("customer", "contact:CT-1", **dict(reversed(PERSON.items())))
    assert (made["$operation"], again["$operation"], again["$status"]) == ("insert", "none", "ok")
    assert len(site.all("customers")) == 1


def test_delete_and_gone(service: Service, site: Chargebee) -> None:
    stored = service.insert("customer", "contact:CT-1", **PERSON)["$response"]
    remove = {"_id": "contact-CT-1", "id": "contact-CT-1", "$operation": "delete"}
    site.configure(customer_deletion_s=0)
    assert [service.share("customer", remove)[0]["$operation"] for _ in range(2)] == ["delete", "none"]
    gone = service.update("customer", stored, first_name="x")
    assert (gone["$operation"], gone["$status"]) == ("none", "gone")
    site.post("customers", id="parent")
    site.post("customers", id="child")
    site.post("customers/child/relationships", parent_id="parent")
    refused = service.share("customer", {"_id": "parent", "id": "parent", "$operation": "delete"})[0]
    assert (refused["$status"], refused["$error"]["rule"]) == ("rejected", "invalid_state_for_request")


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"first_name": "x" * 151}, "/first_name", "maxLength"),
    ({"email": "a@b@c.example"}, "/email", "format"),
    ({"email": "blåbær@firma.example"}, "/email", "format"),
    ({"email": "x" * 60 + "@firma.example"}, "/email", "maxLength"),
    ({"vat_number": "1" * 21}, "/vat_number", "maxLength"),
    ({"net_term_days": "14"}, "/net_term_days", "type"),
    ({"auto_collection": "maybe"}, "/auto_collection", "enum"),
    ({"preferred_currency_code": "KRONER"}, "/preferred_currency_code", "maxLength"),
    ({"preferred_currency_code": "KRO"}, "/preferred_currency_code", "iso-4217"),
    ({"billing_address": {"country": "Norge"}}, "/billing_address/country", "iso-3166-1"),
    ({"billing_address": {"line9": "x"}}, "/billing_address/line9", "additionalProperties"),
    ({"promotional_credits": 5}, "/promotional_credits", "readOnly"),
    ({"nickname": "Ola"}, "/nickname", "additionalProperties"),
]


@pytest.mark.parametrize(("payload", "field", "rule"), BAD)
def test_bad_values_are_refused_before_any_call(
    payload: dict[str, Any], field: str, rule: str, service: Service, site: Chargebee
) -> None:
    """The record goes without them; not without its e-mail address, and not where the pipes are wrong."""
    before = Calls(site)
    bad, good = service.share(
        "customer", insert("contact:CT-1", **payload, company="C"), insert("contact:CT-2", first_name="B")
    )
    assert good["$status"] == "ok", "the rest of the batch is done"
    if field in ("/email", "/nickname", "/promotional_credits", "/billing_address/line9"):
        assert (bad["$operation"], bad["$status"]) == ("none", "rejected")
        assert (bad["$error"]["field"], bad["$error"]["rule"], bad["$error"]["kind"]) == (
            field,
            rule,
            "fix-data",
        )
        assert before.made() == CREATE
        return
    assert (bad["$operation"], bad["$status"], bad["$error"]) == ("insert", "ok", None)
    (refused,) = bad["$refused"]
    assert (refused["field"], refused["rule"]) == (field, rule)
    root, _, part = field[1:].partition("/")
    assert refused["value"] == (payload[root][part] if part else payload[root])
    assert bad["$response"]["company"] == "C"
    assert before.made() == {"POST /customers": 2}


def test_the_limit_is_in_the_message(service: Service) -> None:
    (error,) = service.insert("customer", "contact:CT-1", company="x" * 251)["$refused"]
    assert "250" in error["detail"]
    assert error["limit"] == 250


def test_the_business_entity_is_set_on_create_only(service: Service, site: Chargebee) -> None:
    here, there = site.business_entity("Here")["id"], site.business_entity("There")["id"]
    stored = service.insert("customer", "contact:CT-1", business_entity_id=here)["$response"]
    assert stored["business_entity_id"] == here
    answer = service.update("customer", stored, business_entity_id=there)
    assert (answer["$status"], answer["$error"]["rule"]) == ("rejected", "createOnly")
    unknown = service.insert("customer", "contact:CT-2", business_entity_id="nobody")
    assert (unknown["$status"], unknown["$error"]["field"]) == ("rejected", "/business_entity_id")


def test_long_and_odd_origins_keep_apart(service: Service) -> None:
    origins = [
        "contact:" + "x" * 80,
        "contact:" + "x" * 79 + "y",
        "contact:a/b",
        "contact:a b",
        "contact:株式会社",
    ]
    keys = [service.insert("customer", origin, first_name="A")["$generated_id"] for origin in origins]
    assert len(set(keys)) == len(keys)
    assert all(len(key) <= 50 and key.isascii() for key in keys)


def test_parallel_writers_of_one_customer_take_turns(service: Service, site: Chargebee) -> None:
    stored = service.insert("customer", "contact:CT-1", **PERSON)["$response"]
    names = ["company", "phone", "locale", "invoice_notes", "exempt_number", "client_profile_id"]

    def write(name: str) -> Entity:
        return service.update("customer", stored, **{name: "new"})

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(write, names))
    assert {answer["$status"] for answer in answers} == {"ok"}
    result = site.get("customers", "contact-CT-1")
    assert [result[name] for name in names] == ["new"] * 6


def test_push_is_an_upsert(service: Service, site: Chargebee) -> None:
    site.post("customers", id="c1", first_name="Old")
    rows = [{"_id": "c1", "first_name": "New"}]
    answer = requests.post(f"{service.root}/customer/entities", json=rows, timeout=60)
    assert answer.status_code == 200, answer.text
    assert site.get("customers", "c1")["first_name"] == "New"


def test_business_entities_are_pending_with_what_to_do(service: Service, site: Chargebee) -> None:
    payload = {"name": "  Nordlys Ærø AS ", "status": "active"}
    answer = service.insert("business_entity", "customer:CU-1", **payload)
    assert (answer["$operation"], answer["$status"], answer["$generated_id"]) == ("none", "pending", None)
    assert answer["$error"]["name"] == "Nordlys Ærø AS"
    assert 'exactly the name "Nordlys Ærø AS"' in answer["$error"]["detail"]
    entity = site.business_entity("nordlys ærø as")

    def linked() -> Entity | None:
        again = service.insert("business_entity", "customer:CU-1", **payload)
        return again if again["$status"] == "ok" else None

    again = wait_until(linked, what="the entity is known") or {}
    assert (again["$operation"], again["$generated_id"]) == ("none", entity["id"])
    stored = service.one("business_entity", entity["id"])
    same = service.update("business_entity", stored, name="nordlys ærø as")
    assert (same["$operation"], same["$status"]) == ("none", "ok")
    renamed = service.update("business_entity", stored, name="Nordlys ASA")
    assert (renamed["$operation"], renamed["$status"]) == ("none", "pending")
    assert "Nordlys ASA" in renamed["$error"]["detail"]
    remove = {"_id": entity["id"], "id": entity["id"], "$operation": "delete"}
    assert service.share("business_entity", remove)[0]["$status"] == "pending"
    assert site.writes() == 0


def test_a_business_entity_that_no_event_tells_of_yet_is_not_gone(service: Service, site: Chargebee) -> None:
    """A webhook told of it, while the list of events is late: nothing is compared with what is older."""
    site.faults(list_lag_s=600)
    known = site.business_entity("Nordlys")
    for present in (known, site.business_entity("Nordlys AS", key=known["id"])):
        desired = {"_id": present["id"], "id": present["id"], "name": present["name"], "$based_on": present}
        same = service.share("business_entity", desired)[0]
        assert (same["$operation"], same["$status"]) == ("none", "ok")
        other = service.share("business_entity", {**desired, "name": "Nordlys ASA"})[0]
        assert (other["$operation"], other["$status"]) == ("none", "pending")
        assert f'open the business entity "{present["name"]}"' in other["$error"]["detail"]
    remove = {"_id": known["id"], "id": known["id"], "$operation": "delete"}
    assert service.share("business_entity", remove)[0]["$status"] == "pending"


def test_a_deleted_business_entity_is_gone_whatever_the_caller_saw(service: Service, site: Chargebee) -> None:
    known = site.business_entity("Nordlys")
    requests.delete(f"{site.root}/_sandbox/business_entities/{known['id']}", timeout=60).raise_for_status()
    desired = {"_id": known["id"], "id": known["id"], "name": "Nordlys AS", "$based_on": known}
    wait_until(lambda: service.share("business_entity", desired)[0]["$status"] == "gone", what="it is gone")


def test_the_spelling_of_a_business_entity_is_nobodys_task(service: Service, site: Chargebee) -> None:
    """A name that matches but for case and outer blanks: both sides keep their own, and it is settled."""
    made = site.business_entity(' NORDLYS "AS" ')
    answer = service.update("business_entity", made, name='Nordlys "AS"')
    assert answer["$status"] == "ok"
    assert answer["$response"]["name"] == ' NORDLYS "AS" '
    both = service.update("business_entity", made, name='nordlys "as"', status="inactive")
    assert both["$status"] == "pending"
    assert "status" in both["$error"]["detail"] and "nordlys" not in both["$error"]["detail"]
