"""The ERP's admin page, used as a browser without scripts would."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sandbox.erp.app import create_app
from tests.support.forms import filled

ORIGIN = {"Origin": "http://localhost", "Host": "localhost"}
AUTH = {"Authorization": "Bearer sandbox"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return create_app(tmp_path_factory.mktemp("admin") / "erp.sqlite", "demo").test_client()


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return create_app(tmp_path / "erp.sqlite", "empty").test_client()


@pytest.mark.parametrize(
    "path",
    ["contacts/CT-1", "customers/CU-1", "employees/EM-1", "products/PR-7", "quotes/QU-3", "orders/OR-8"],
)
def test_saving_an_unchanged_form_changes_nothing(demo: FlaskClient, path: str) -> None:
    before = demo.get(f"/api/v1/{path}", headers=AUTH).get_json()
    form = filled(demo.get(f"/{path}").text)
    assert form.foreign == [], "nothing is loaded from another host"
    assert [demo.get(path).status_code for path in form.styles] == [200]
    assert demo.post(f"/{path}", data=form.values, headers=ORIGIN).status_code == 303
    assert demo.get(f"/api/v1/{path}", headers=AUTH).get_json() == before


def test_lists_search_and_page(demo: FlaskClient) -> None:
    assert demo.get("/").status_code == 200
    first = demo.get("/contacts").text
    assert "Older" in first
    assert "CU-2" in demo.get("/customers?q=株式会社さくら").text
    assert "Nothing found." in demo.get("/customers?q=no+such+company").text
    assert demo.get("/invoices").status_code == 404


def test_an_edit_is_saved_and_a_stale_one_refused(client: FlaskClient) -> None:
    client.post(
        "/api/v1/contacts", json={"last_name": "<b>O'Neil</b>", "address": {"city": "Å"}}, headers=AUTH
    )
    page = client.get("/contacts/CT-1").text
    assert "<b>O" not in page
    values = filled(page).values | {"email": "A@b.no", "address.city": "", "is_primary": "true"}
    assert client.post("/contacts/CT-1", data=values, headers=ORIGIN).status_code == 303
    record = client.get("/api/v1/contacts/CT-1", headers=AUTH).get_json()
    assert (record["email"], record["address"], record["is_primary"], record["version"]) == (
        "A@b.no",
        None,
        True,
        2,
    )
    assert client.post("/contacts/CT-1", data=values, headers=ORIGIN).status_code == 412
    wrong = filled(client.get("/contacts/CT-1").text).values | {"email": "nonsense"}
    answer = client.post("/contacts/CT-1", data=wrong, headers=ORIGIN)
    assert answer.status_code == 400
    assert "is not an e-mail address" in answer.text
    assert "nonsense" in answer.text


def test_create_add_a_line_convert_and_delete(client: FlaskClient) -> None:
    client.post("/customers", data={"name": "A"}, headers=ORIGIN)
    values = {
        "customer_id": "CU-1",
        "quote_date": "2026-01-01",
        "lines.0.description": "x",
        "lines.0.unit_price": "7",
    }
    assert client.post("/quotes", data=values, headers=ORIGIN).headers["Location"] == "/quotes/QU-1"
    form = filled(client.get("/quotes/QU-1").text).values | {
        "lines.1.description": "y",
        "lines.1.unit_price": "1",
    }
    client.post("/quotes/QU-1", data=form, headers=ORIGIN)
    quote = client.get("/api/v1/quotes/QU-1", headers=AUTH).get_json()
    assert ([line["description"] for line in quote["lines"]], quote["total"]) == (["x", "y"], "8.00")
    assert client.post("/quotes/QU-1/convert", headers=ORIGIN).headers["Location"] == "/orders/OR-1"
    assert client.post("/customers/CU-1/delete", headers=ORIGIN).status_code == 409
    assert client.post("/orders/OR-1/delete", headers=ORIGIN).status_code == 303
    assert client.get("/api/v1/orders/OR-1", headers=AUTH).status_code == 404
    assert "deleted at" in client.get("/orders/OR-1").text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://evil.example", "Host": "evil.example"},
    ],
)
def test_forms_of_other_sites_are_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post("/customers", data={"name": "A"}, headers=headers).status_code == 403
    assert client.get("/api/v1/customers", headers=AUTH).get_json()["items"] == []


def test_the_page_tells_browsers_to_load_nothing_else(client: FlaskClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert client.get("/", headers={"Host": "rebound.example"}).status_code == 403
    assert client.post("/_sandbox/reset", headers={"Origin": "http://evil.example"}).status_code == 403
