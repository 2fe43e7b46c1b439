"""What every preset must do against the fake of its ERP, without the rest of the stack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from connectors.erp.app import create_app
from connectors.erp.check.__main__ import FITS, main
from connectors.erp.schema import DATATYPES
from tests.erp_presets.fakes import FAKES
from tests.erp_presets.fakes.serving import FakeErp, Record, serving
from tests.support.erp import FAST

PEOPLE = 5
"""More than two pages."""


@dataclass
class Office:
    """A fake with a company, some people at it and a product, and the service in front of it."""

    erp: FakeErp
    client: FlaskClient
    environment: dict[str, str]
    company: str
    people: list[str]
    product: str

    def listed(self, datatype: str, since: str | None = None) -> list[Record]:
        answer = self.client.get(f"/{datatype}/entities", query_string={"since": since} if since else {})
        assert answer.status_code == 200, answer.json
        return list(answer.json)

    def share(self, datatype: str, **entity: Any) -> Record:
        (answer,) = self.client.post(f"/{datatype}/share", json=[{"_id": "s", **entity}]).json
        return dict(answer)


@pytest.fixture(scope="module", params=FAKES, ids=lambda fake: fake.preset)
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    erp: FakeErp = request.param()
    with serving(erp.app) as url:
        folder = tmp_path_factory.mktemp("erp")
        given = {"ERP_PROFILE": erp.profile(folder), **erp.environment(url, folder)}
        environment = {**FAST, **given, "PAGE_SIZE": "2"}
        company = erp.company("Acme AS", "post@acme.example")
        people = [
            erp.contact("Kari", f"O'Neil{n}", f"p{n}@acme.example", "+47 1", "Oslo", company)
            for n in range(PEOPLE)
        ]
        product = erp.product("CHAIN", "Anchor chain", "49.90", "Galvanised")
        for kind in ("order", "quote") if erp.has.quotes else ("order",):
            erp.sale(kind, company, people[0], product, 2, "49.90", f"a {kind}")
        if erp.has.employees:
            erp.employee("Ola", "Selger", "ola@fjell.example")
        yield Office(erp, create_app(environment).test_client(), environment, company, people, product)


def test_the_check_has_nothing_to_say(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    code = main([], office.environment)
    said = capsys.readouterr().out
    assert code == FITS, said


def test_all_are_listed_once_and_changes_alone_after_a_token(office: Office) -> None:
    found = office.listed("contact")
    assert sorted(one["_id"] for one in found if not one["_deleted"]) == sorted(office.people)
    assert {one["address"]["country"] for one in found if not one["_deleted"]} == {"NO"}
    token = max(one["_updated"] for one in found)
    office.erp.edit_contact(office.people[1], phone="+47 2")
    changed = {one["_id"]: one for one in office.listed("contact", token)}
    assert changed[office.people[1]]["phone"] == "+47 2"
    if office.erp.has.people_at_companies:
        assert changed[office.people[1]]["customer_id"] == office.company


def test_sales_have_their_lines(office: Office) -> None:
    for kind in ("order", "quote") if office.erp.has.quotes else ("order",):
        sales = [one for one in office.listed(kind) if not one["_deleted"]]
        (sale,) = [one for one in sales if one["note"] == f"a {kind}"]
        (line,) = sale["lines"]
        assert (line["sku"], float(line["quantity"]), float(line["unit_price"])) == ("CHAIN", 2.0, 49.9)
        if office.erp.has.sales_name_people:
            assert sale["contact_id"] == office.people[0]
        else:
            assert sale["customer_id"] == office.company


def test_an_edit_that_a_person_made_meanwhile_is_a_conflict(office: Office) -> None:
    key = office.people[2]
    seen = office.client.get(f"/contact/entities/{key}").json
    office.erp.edit_contact(key, city="Bergen")
    based = {"address": seen["address"]}
    wish = {**seen["address"], "city": "Tromsø"}
    late = office.share("contact", id=key, address=wish, **{"$based_on": based})
    assert late["$status"] == "conflict"
    now = office.client.get(f"/contact/entities/{key}").json["address"]
    done = office.share(
        "contact", id=key, address={**now, "city": "Tromsø"}, **{"$based_on": {"address": now}}
    )
    assert (done["$status"], done["$operation"]) == ("ok", "update"), done.get("$error")
    assert (office.erp.see_contact(key) or {})["city"] == "Tromsø"
    again = office.share(
        "contact", id=key, address={**now, "city": "Tromsø"}, **{"$based_on": {"address": now}}
    )
    assert again["$operation"] == "none"


def test_a_create_that_comes_twice_makes_one_record(office: Office) -> None:
    if not office.erp.has.makes_contacts:
        pytest.skip("this ERP's persons are made with their companies")
    person = {"first_name": "Eve", "last_name": "D'Arc", "email": "eve@cb.example"}
    for operation in ("insert", "none"):
        made = office.share("contact", **person, **{"$origin": "~:chargebee-customer:cb'eve"})
        assert (made["$status"], made["$operation"]) == ("ok", operation), made.get("$error")
    key = office.erp.find_contact("eve@cb.example")
    assert made["$generated_id"] == key
    assert (office.erp.see_contact(key) or {})["link"] == "cb'eve"


def test_a_product_is_made_with_its_price(office: Office) -> None:
    if not office.erp.has.makes_products:
        pytest.skip("this ERP's products are made by people")
    bolt = {"sku": "BOLT", "name": "Bolt", "unit_price": "1.25", "type": "goods", "status": "active"}
    for operation in ("insert", "none"):
        made = office.share("product", **bolt, **{"$origin": "~:chargebee-item:cb-bolt"})
        assert (made["$status"], made["$operation"]) == ("ok", operation), made.get("$error")
    there = office.erp.see_product(made["$generated_id"])
    assert (there["name"], there["price"], there["link"]) == ("Bolt", "1.25", "cb-bolt")


def test_a_product_that_has_no_sku_is_made_too(office: Office) -> None:
    if not office.erp.has.makes_products:
        pytest.skip("this ERP's products are made by people")
    nut = {"sku": None, "name": "Nut", "unit_price": "0.25", "type": "goods", "status": "active"}
    for operation in ("insert", "none"):
        made = office.share("product", **nut, **{"$origin": "~:chargebee-item:cb-nut"})
        assert (made["$status"], made["$operation"]) == ("ok", operation), made.get("$error")
    there = office.erp.see_product(made["$generated_id"])
    assert (there["name"], there["link"]) == ("Nut", "cb-nut")


def test_a_login_that_the_erp_ends_is_made_again(office: Office) -> None:
    office.listed("product")
    office.erp.log_out()
    assert office.listed("product")


def test_what_is_not_there_is_not_found(office: Office) -> None:
    for key in ("999999", "no'such"):
        assert office.client.get(f"/contact/entities/{key}").status_code == 404
        gone = office.share("contact", id=key, first_name="x", **{"$based_on": {}})
        assert gone["$status"] == "gone"


def test_a_deletion_shows_in_an_incremental_read(office: Office) -> None:
    if not office.erp.has.deletions:
        pytest.skip("nothing tells an incremental read of a deletion")
    key = office.erp.contact("Short", "Visit", "short@visit.example", "", "Oslo", office.company)
    token = max(one["_updated"] for one in office.listed("contact"))
    office.listed("contact", token)
    office.erp.remove_contact(key)
    for _ in range(2):  # an answer may be lost, so it is said again
        gone = [one["_id"] for one in office.listed("contact", token) if one["_deleted"]]
        assert key in gone
        assert not set(office.people[:3]) & set(gone)


def test_an_idle_read_is_one_call_for_each_datatype(office: Office) -> None:
    """By the preset as it is, once it has heard of deletions; later, too, but for one call in a minute or more."""
    client = create_app({**office.environment, "ERP_PROFILE": office.erp.preset}).test_client()

    def calls() -> dict[str, int]:
        before = office.erp.calls.total()
        told = {}
        for datatype in DATATYPES:
            before = office.erp.calls.total()
            answer = client.get(f"/{datatype}/entities", query_string={"since": "2099-01-01T00:00:00Z"})
            assert answer.status_code == 200, answer.json
            told[datatype] = office.erp.calls.total() - before
        return told

    calls()
    assert set(calls().values()) <= {0, 1}


def test_a_deletion_by_the_sync_reaches_the_erp(office: Office) -> None:
    key = office.people[-1]
    done = office.share("contact", id=key, _deleted=True)
    if office.erp.has.deletes_contacts:
        assert (done["$status"], done["$operation"]) == ("ok", "delete"), done.get("$error")
        assert office.erp.see_contact(key) is None
    else:
        assert done["$status"] == "rejected"


def test_wrong_credentials_are_told_from_an_erp_that_is_away(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    client = create_app({**office.environment, "ERP_TOKEN": "wrong-token"}).test_client()
    answer = client.get("/contact/entities")
    assert answer.status_code == 502 or answer.json["kind"] == "fix-settings", answer.json
    assert "wrong-token" not in answer.text
