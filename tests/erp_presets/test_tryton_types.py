"""Preset tryton-8 against a real Tryton: all six datatypes read, created, changed, contested and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from jsonschema import Draft202012Validator

from connectors.common.metrics import Metrics
from connectors.erp.datatype import ErpDatatype
from connectors.erp.http.client import make_client
from connectors.erp.read.known_deletions import Shared
from connectors.erp.read.lookups import Lookups
from connectors.erp.schema import load_schema
from connectors.erp.settings import read_settings
from core.clock import to_text
from tests.erp_presets.conftest import GUNICORN, place_of
from tests.erp_presets.tryton_server import Base, Tryton, tryton
from tests.support.erp import FAST, impatient
from tests.support.processes import free_port, process

pytestmark = pytest.mark.erp
DATATYPES = ("contact", "customer", "employee", "quote", "order", "product")
Record = dict[str, Any]


class Office:
    """The service in front of Tryton, and somebody who works in Tryton itself."""

    def __init__(self, user: Tryton, base: Base, service: str, environment: dict[str, str]) -> None:
        self.user = user
        self.base = base
        self.service = service
        self.environment = environment
        self.customer = user.party("Acme AS", base.customer, email="post@acme.example")
        self.contact = user.party("Kari Nordmann", base.contact, email="kari@acme.example")
        self.product = user.product(base, "CHAIN", "Anchor chain", "49.90", description="Galvanised")

    def entities(self, datatype: str, since: str | None = None) -> dict[str, Record]:
        answer = requests.get(
            f"{self.service}/{datatype}/entities", params={"since": since} if since else {}, timeout=30
        )
        assert answer.ok, answer.text
        rows = answer.json()
        found = {row["_id"]: row for row in rows}
        assert len(found) == len(rows)
        return found

    def entity(self, datatype: str, key: str | int) -> Record:
        answer = requests.get(f"{self.service}/{datatype}/entities/{key}", timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def share(self, datatype: str, **entity: Any) -> Record:
        answer = requests.post(f"{self.service}/{datatype}/share", json=[{"_id": "s", **entity}], timeout=30)
        assert answer.ok, answer.text
        return answer.json()[0]

    def insert(self, datatype: str, origin: str, **fields: Any) -> Record:
        return self.share(
            datatype, **{"$operation": "insert", "$origin": f"~:chargebee-x:{origin}", **fields}
        )

    def update(self, datatype: str, key: str | int, based_on: Record, **fields: Any) -> Record:
        return self.share(datatype, id=str(key), **{"$based_on": plain(based_on), **fields})


def upstream_calls(metrics: Metrics) -> float:
    """Calls to the ERP so far."""
    samples = (sample for metric in metrics.registry.collect() for sample in metric.samples)
    return sum(sample.value for sample in samples if sample.name == "upstream_calls_total")


def plain(entity: Record) -> Record:
    return {name: value for name, value in entity.items() if not name.startswith("_")}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    port = free_port()
    with tryton(place_of("tryton"), tmp_path_factory.mktemp("tryton")) as (user, base):
        env = {
            "BIND": f"127.0.0.1:{port}",
            "ERP_BASE_URL": user.rest,
            "ERP_TOKEN": base.rest_key,
            "ERP_PROFILE": impatient("tryton-8", tmp_path_factory.mktemp("profile")),
        }
        url = f"http://127.0.0.1:{port}"
        with process(GUNICORN, f"{url}/health", env, log=tmp_path_factory.mktemp("service") / "log"):
            yield Office(user, base, url, env)


def new(office: Office, datatype: str) -> Record:
    """The fields of a new record, as a share pipe sends them."""
    address = {
        "line1": "Kirkegata 1",
        "line2": "c/o Berg",
        "city": "Tromsø",
        "postal_code": "9008",
        "country": "NO",
    }
    person = {
        "first_name": "Åse Marie",
        "last_name": "Ås",
        "email": f"{datatype}@example.com",
        "phone": "+47 22",
        "address": address,
    }
    line = {"position": 1, "sku": "CHAIN", "description": "Chain", "quantity": "2", "unit_price": "49.90"}
    sale = {"customer_id": str(office.customer), "currency": "USD", "note": "Ring first", "lines": [line]}
    return {
        "contact": {**person, "language": "en", "customer_id": str(office.customer)},
        "customer": {
            "name": "Nord AS",
            "email": "nord@example.com",
            "billing_address": address,
            "business_entity_id": "be1",
        },
        "employee": {**person, "hire_date": "2025-01-15"},
        "quote": {**sale, "quote_date": "2026-11-02", "status": "sent"},
        "order": {**sale, "order_date": "2026-11-03", "status": "confirmed"},
        "product": {
            "sku": "BOLT",
            "name": "Bolt",
            "description": "M8",
            "unit_price": "1.25",
            "currency": "USD",
            "type": "service",
            "unit": "u",
            "status": "active",
        },
    }[datatype]


EDIT: dict[str, Record] = {
    "contact": {"email": "changed@example.com", "phone": None, "last_name": "Åsen"},
    "customer": {"name": "Nord og Sør AS", "billing_address": {"city": "Bodø"}},
    "employee": {"first_name": "Åsa", "phone": "+47 33"},
    "quote": {"note": "Ring twice"},
    "order": {"note": "Ring twice", "shipping_date": "2026-12-01"},
    "product": {"name": "Bolt M8", "unit_price": "1.30", "description": "Zinc"},
}


LATE = {"email": "late@example.com", "unit_price": "2.00"}


def expect(entity: Record, fields: Record) -> None:
    for name, value in fields.items():
        if isinstance(value, dict):
            expect(entity[name] or {}, value)
        elif isinstance(value, list):
            assert len(entity[name]) == len(value)
            for have, line in zip(entity[name], value, strict=True):
                expect(have, line)
        else:
            assert entity.get(name) == value, name


@pytest.mark.parametrize("datatype", DATATYPES)
def test_created_once_changed_contested_and_listed(office: Office, datatype: str) -> None:
    desired = new(office, datatype)
    first = office.insert(datatype, f"new-{datatype}", **desired)
    assert (first["$operation"], first["$status"]) == ("insert", "ok"), first["$error"]
    key = first["$generated_id"]
    again = office.insert(datatype, f"new-{datatype}", **desired)
    assert (again["$operation"], again["$generated_id"]) == ("none", key), again["$error"]

    entity = office.entity(datatype, key)
    Draft202012Validator(load_schema(datatype)).validate(
        {name: value for name, value in plain(entity).items() if value is not None}
    )
    expect(entity, {**desired, "external_refs": {"chargebee": f"new-{datatype}"}})
    assert plain(office.entities(datatype)[key]) == plain(entity)

    done = office.update(datatype, key, entity, **EDIT[datatype])
    assert (done["$operation"], done["$status"]) == ("update", "ok"), done["$error"]
    changed = office.entity(datatype, key)
    expect(changed, EDIT[datatype])
    assert changed["modified_at"] > entity["modified_at"]
    assert office.update(datatype, key, entity, **EDIT[datatype])["$operation"] == "none"

    name = next(name for name, value in EDIT[datatype].items() if isinstance(value, str))
    late = office.update(datatype, key, entity, **{name: LATE.get(name, "too late")})
    assert (late["$operation"], late["$status"]) == ("none", "conflict")
    assert office.entity(datatype, key)[name] == EDIT[datatype][name]


@pytest.mark.parametrize("datatype", DATATYPES)
def test_what_is_not_there_is_said_to_be(office: Office, datatype: str) -> None:
    for key in ("999999", "NOSUCH-1"):
        answer = requests.get(f"{office.service}/{datatype}/entities/{key}", timeout=60)
        assert (answer.status_code, answer.json()["kind"]) == (404, "fix-data")
    gone = office.share(datatype, id="999999", _deleted=True)
    assert (gone["$operation"], gone["$status"]) == ("none", "ok")


@pytest.mark.parametrize("datatype", ["contact", "customer", "employee", "product"])
def test_deleted_once_and_noticed_when_somebody_else_deletes(office: Office, datatype: str) -> None:
    keys = []
    for number in (1, 2):
        desired = {**new(office, datatype), "email": f"gone{number}@example.com"}
        if datatype == "product":
            desired = {**new(office, datatype), "sku": f"GONE-{number}"}
        keys.append(office.insert(datatype, f"gone-{datatype}-{number}", **desired)["$generated_id"])
    token = max(entity["_updated"] for entity in office.entities(datatype).values())
    first = office.share(datatype, id=keys[0], _deleted=True)
    assert (first["$operation"], first["$status"]) == ("delete", "ok"), first["$error"]
    assert office.share(datatype, id=keys[0], _deleted=True)["$operation"] == "none"
    model = {"employee": "company.employee", "product": "product.product"}.get(datatype, "party.party")
    office.user.delete(model, keys[1])
    found = office.entities(datatype, token)
    assert all(found[key]["_deleted"] for key in keys)
    gone = {key for key, entity in found.items() if entity["_deleted"]}
    live = {str(row["id"]) for row in office.user.find(model, [], "id")}
    assert datatype in ("contact", "customer") or gone.isdisjoint(live)
    assert not set(keys) & set(office.entities(datatype))


def test_a_quote_that_is_confirmed_leaves_the_quotes_and_is_an_order(office: Office) -> None:
    sale = office.user.sale(office.base, office.customer, office.product, 2.0, "49.90")
    office.user.press("sale.sale", "quote", sale)
    token = max(entity["_updated"] for entity in office.entities("quote").values())
    quote = office.entities("quote", token)[str(sale)]
    assert (quote["status"], quote["_deleted"], quote["lines"][0]["amount"]) == ("sent", False, "99.80")
    office.user.press("sale.sale", "confirm", sale)
    left = office.entities("quote", token)[str(sale)]
    assert (left["_deleted"], left["order_id"]) == (True, str(sale))
    order = office.entities("order", token)[str(sale)]
    assert (order["status"], order["quote_id"], order["order_number"]) == (
        "confirmed",
        str(sale),
        quote["quote_number"],
    )
    assert str(sale) not in office.entities("quote")
    gone = office.update("quote", sale, quote, note="too late")
    assert (gone["$operation"], gone["$status"]) == ("none", "gone")
    assert office.share("quote", id=str(sale), _deleted=True)["$operation"] == "none"
    assert office.user.read("sale.sale", sale, "state")["state"] == "processing"


def test_a_quote_is_accepted_and_rejected_by_its_buttons(office: Office) -> None:
    one, two = (office.user.sale(office.base, office.customer, office.product, 1.0, "5.00") for _ in range(2))
    accepted = office.update("quote", one, office.entity("quote", one), status="accepted")
    assert (accepted["$operation"], accepted["$response"]["order_id"]) == ("update", str(one))
    assert office.user.read("sale.sale", one, "state")["state"] == "processing"
    rejected = office.update("quote", two, office.entity("quote", two), status="rejected")
    assert (rejected["$operation"], rejected["$response"]["status"]) == ("update", "rejected")
    order = office.entity("order", one)
    refused = office.update("order", one, order, status="cancelled")
    assert refused["$status"] == "rejected"
    assert "can not call" in refused["$error"]["detail"]


@pytest.mark.parametrize("what", ["party.address", "party.contact_mechanism", "party.identifier"])
def test_a_change_below_a_party_is_a_change_of_the_party(office: Office, what: str) -> None:
    party = office.user.party("Below Zero", office.base.contact, email="below@example.com")
    office.user.write("party.party", party, identifiers=[["create", [{"code": "chargebee:below"}]]])
    before = office.entity("contact", party)
    below = office.user.find(what, [["party", "=", party]], "id")[0]["id"]
    field, value = {
        "party.address": ("city", "Bergen"),
        "party.contact_mechanism": ("value", "above@example.com"),
        "party.identifier": ("code", "chargebee:above"),
    }[what]
    office.user.write(what, below, **{field: value})
    after = office.entities("contact", before["modified_at"])[str(party)]
    assert after["modified_at"] > before["modified_at"]
    assert plain(after) != plain(before)


def test_what_tryton_refuses_is_said_in_its_words(office: Office) -> None:
    office.user.sale(office.base, office.customer, office.product, 1.0, "5.00")
    refused = office.share("customer", id=str(office.customer), _deleted=True)
    assert refused["$status"] == "rejected"
    assert "upstream answered 400: " in refused["$error"]["detail"]
    unknown = office.insert("contact", "abroad", first_name="A", last_name="B", address={"country": "SE"})
    assert unknown["$status"] == "rejected"
    assert "no country SE" in unknown["$error"]["detail"]


def test_an_idle_read_is_one_call_for_each_datatype(office: Office) -> None:
    """And in a minute one for all of them, by which the log says whether anything was deleted.

    Less than that cannot be: one call lists one model by its fields. Deletions are in the log only, to which no field
    of any model leads; and the log alone does not do, since it knows nothing of creates.
    """
    now = datetime.now(UTC) + timedelta(hours=1)  # what the other tests deleted is long ago
    settings = read_settings({**FAST, **office.environment, "ERP_PROFILE": "tryton-8"})
    metrics, shared = Metrics(), Shared()
    client = make_client(settings, metrics)
    lookups = Lookups(client, settings.profile.lookups)
    datatypes = {
        name: ErpDatatype(name, spec, load_schema(name), client, lookups, 100, lambda: now, shared)
        for name, spec in settings.profile.entities.items()
    }

    def calls() -> list[float]:
        made = []
        for datatype in datatypes.values():
            before = upstream_calls(metrics)
            pages = list(datatype.pages(to_text(now + timedelta(days=1)), None))
            assert [entity for page in pages for entity in page] == []
            made.append(upstream_calls(metrics) - before)
        return made

    calls()
    assert calls() == [1] * len(DATATYPES)
    now += timedelta(minutes=1)
    assert sum(calls()) == len(DATATYPES) + 1, "the log, for all of them"
    assert calls() == [1] * len(DATATYPES)
    gone = office.user.party("Quiet Death", office.base.contact)
    office.user.delete("party.party", gone)
    now = datetime.now(UTC)
    pages = list(datatypes["contact"].pages(to_text(datetime.now(UTC) - timedelta(minutes=5)), None))
    assert str(gone) in {entity["_id"] for page in pages for entity in page if entity["_deleted"]}
    assert office.user.find("ir.model.field", [["relation", "=", "ir.model.log"]], "name") == []
    assert office.user.find("ir.model.field", [["relation", "=", "party.party"]], "name") != []
    made = office.user.party("Quiet Birth", office.base.contact)
    assert office.user.find("ir.model.log", [["resource", "=", f"party.party,{made}"]], "event") == []
