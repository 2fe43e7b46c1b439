"""The console's pages, used as a browser without scripts would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.chargebee import console_pages
from sandbox.chargebee.app import create_app
from sandbox.chargebee.console_forms import KINDS
from tests.support.forms import filled

ORIGIN = {"Origin": "http://localhost", "Host": "localhost"}
NEW: dict[str, dict[str, str]] = {
    "business_entities": {"name": "Nordlys AS", "status": "active"},
    "customers": {
        "id": "c-1",
        "first_name": "Ada",
        "email": "ada@example.com",
        "billing_address[city]": "Oslo",
        "billing_address[country]": "NO",
        "meta_data": '{"a": [1]}',
    },
    "items": {"id": "tea", "name": "Tea", "type": "charge", "item_family_id": "{family}"},
    "item_prices": {"id": "tea-nok", "name": "Tea NOK", "item_id": "tea", "currency_code": "NOK", "price": "1250"},
    "orders": {
        "customer_id": "c-1",
        "currency_code": "NOK",
        "line_items[description][0]": "Tea",
        "line_items[entity_id][0]": "tea-nok",
        "line_items[quantity][0]": "2",
        "line_items[unit_amount][0]": "1250",
    },
}  # fmt: skip
EDITS = {
    "business_entities": {"name": "Nordlys Holding AS"},
    "customers": {"last_name": "Lovelace"},
    "items": {"description": "Green"},
    "item_prices": {"price": "1300"},
    "orders": {"status": "shipped", "shipped_at": "2026-01-31T12:00"},
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return create_app(tmp_path_factory.mktemp("console") / "cb.sqlite", "demo").test_client()


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return create_app(tmp_path / "cb.sqlite", "empty").test_client()


def api(client: FlaskClient, path: str, **form: str) -> dict[str, Any]:
    """One call of the API; its answer."""
    basic = {"Authorization": "Basic c2FuZGJveDo="}
    answer = (
        client.post(f"/api/v2/{path}", data=form, headers=basic)
        if form
        else client.get(f"/api/v2/{path}", headers=basic)
    )
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def without_stamps(record: dict[str, Any]) -> dict[str, Any]:
    stamps = ("updated_at", "resource_version", "status_update_at")
    return {name: value for name, value in record.items() if name not in stamps}


def make_all(client: FlaskClient) -> dict[str, str]:
    """One record of every kind, made by its page; the ids by path."""
    api(client, "item_families", id="drinks", name="Drinks")
    made = {}
    for kind in KINDS:
        form = filled(client.get(f"/{kind.path}/new").text)
        values = {
            name: text.format(family="drinks") if "{family" in text else text
            for name, text in NEW[kind.path].items()
        }
        assert set(values) <= set(form.values), "the form has every field that is filled in"
        answer = client.post(form.action, data=form.values | values, headers=ORIGIN)
        assert answer.status_code == 303, answer.text
        made[kind.path] = answer.location.split("/")[-1].partition("?")[0]
        assert "Saved" in client.get(answer.location).text
    return made


def test_records_of_all_kinds_are_made_edited_and_deleted(client: FlaskClient) -> None:
    made = make_all(client)
    order = api(client, f"orders/{made['orders']}")["order"]
    assert (order["total"], order["status"], order["order_line_items"][0]["entity_id"]) == (
        2500,
        "queued",
        "tea-nok",
    )
    for path, record_id in made.items():
        form = filled(client.get(f"/{path}/{record_id}").text, "/update")
        assert client.post(form.action, data=form.values | EDITS[path], headers=ORIGIN).status_code == 303
        shown = filled(client.get(f"/{path}/{record_id}").text, "/update").values
        assert {name: shown[name] for name in EDITS[path]} == EDITS[path]
    events = [each["event"] for each in api(client, "events?limit=100")["list"]]
    assert {each["source"] for each in events if "family" not in each["event_type"]} == {"admin_console"}
    assert {each["event_type"] for each in events} >= {
        "business_entity_created",
        "customer_changed",
        "order_updated",
    }
    for path in ("orders", "item_prices", "customers", "items", "business_entities"):
        answer = client.post(f"/{path}/{made[path]}/delete", headers=ORIGIN)
        expected = 303 if path != "items" else 400  # its used price is archived, not deleted
        assert answer.status_code == expected, (path, answer.text)


@pytest.mark.parametrize("path", ["customers", "items", "item_prices", "orders"])
def test_saving_an_unchanged_form_sends_nothing(demo: FlaskClient, path: str) -> None:
    listed = api(demo, f"{path}?limit=3")["list"]
    kind = next(kind.kind for kind in KINDS if kind.path == path)
    for row in listed:
        before = row[kind]
        page = demo.get(f"/{path}/{before['id']}").text
        form = filled(page, "/update")
        assert form.foreign == [], "nothing is loaded from another host"
        assert [demo.get(style).status_code for style in form.styles] == [200]
        assert demo.post(form.action, data=form.values, headers=ORIGIN).status_code == 303
        assert without_stamps(api(demo, f"{path}/{before['id']}")[kind]) == without_stamps(before)


def test_saving_unchanged_billing_information_keeps_it(demo: FlaskClient) -> None:
    for row in api(demo, "customers?limit=20")["list"]:
        before = row["customer"]
        form = filled(demo.get(f"/customers/{before['id']}").text, "/billing")
        answer = demo.post(form.action, data=form.values, headers=ORIGIN)
        if answer.status_code == 303:
            after = api(demo, f"customers/{before['id']}")["customer"]
            city = (before.get("billing_address") or {}).get("city")
            assert (after.get("billing_address") or {}).get("city") == city
            assert after.get("vat_number") == before.get("vat_number")


def test_what_the_api_would_refuse_is_refused_and_stays_in_the_form(client: FlaskClient) -> None:
    make_all(client)
    for path, record_id, typed, problem in (
        ("customers", "c-1", {"email": "no address"}, "email"),
        ("business_entities", "1", {"name": " "}, "name"),
        ("orders", "1001", {"shipped_at": "yesterday"}, "shipped_at"),
    ):
        answer = client.post(f"/{path}/{record_id}/update", data=typed, headers=ORIGIN)
        assert answer.status_code == 400 and 'role="alert"' in answer.text and problem in answer.text
        assert filled(answer.text, "/update").values.items() >= typed.items()
    assert client.post("/orders", data={"customer_id": "c-1"}, headers=ORIGIN).status_code == 400


def test_search_pages_and_what_is_not_there(demo: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_pages, "PAGE", 20)
    first = demo.get("/customers").text
    following = first.partition('<p><a href="')[2].partition('"')[0].replace("&amp;", "&")
    assert first.count("<tr>") == 21 and "after=" in following
    assert demo.get(following).text.count("<tr>") > 1
    assert "Nothing found" in demo.get("/orders?q=nowhere-at-all").text
    for path in ("/customers/nobody", "/nothing", "/customers/nobody/nothing/more"):
        assert demo.get(path).status_code == 404
    assert demo.get("/api/v2/nothing").json["api_error_code"] == "resource_not_found"


def test_forms_of_other_sites_are_refused(client: FlaskClient) -> None:
    for headers in ({}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/business_entities", data={"name": "X"}, headers=headers).status_code == 403
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
