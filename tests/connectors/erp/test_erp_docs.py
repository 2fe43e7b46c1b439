"""The how-to and the reference of profiles: the example works as it stands, and no key goes without a word."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from connectors.erp.profile.load import presets
from docs.profile_page import SCHEMA, page, schema_text
from tests.support.erp import app_of
from tests.support.processes import ROOT
from tests.support.upstream import Asked, Reply, scripted_upstream

HOWTO = (ROOT / "docs/howto/write-a-profile.md").read_text()


def example() -> Any:
    found = re.search(r"```json\n(.*?)```", HOWTO, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def erp(asked: Asked) -> Reply:
    """The ERP that the example speaks of."""
    assert (asked.headers["X-Tenant"], asked.headers["Authorization"]) == ("7", "Bearer key")
    person = {
        "no": 5, "version": 3, "name": "Kari Marie Ås", "channels": [{"id": 1, "kind": "EMAIL", "value": "k@x.example"}], "lang": "NOR",
        "inactive": False, "extRef": None, "createdAt": "2026-07-01T12:00:00", "changedAt": None,
    }  # fmt: skip
    sale = {
        "number": "Q1",
        "date": "2026-07-01",
        "buyer": 9,
        "extRef": None,
        "changedAt": "2026-07-01T12:00:00",
    }
    if asked.method == "PUT":
        return Reply({**person, **asked.json, "version": 4})
    if asked.path == "/persons/5":
        return Reply(person)
    rows = {
        "/persons": [person],
        "/sales": [{**sale, "no": 1, "phase": "OFFER"}, {**sale, "no": 2, "phase": "ORDER"}],
        "/saleLines": [{"no": 11, "saleNo": 1, "article": "A", "count": 2.0}],
    }
    if asked.path == "/saleLines":
        assert asked.query["sale"] == "1,2"
    return Reply({"data": {"rows": rows[asked.path], "next": None}})


def test_the_example_of_the_howto_works_as_it_stands(tmp_path: Path) -> None:
    with scripted_upstream(erp) as upstream:
        client = app_of(tmp_path, upstream.url, example(), ERP_TOKEN="key")
        (person,) = client.get("/contact/entities").json
        assert (person["first_name"], person["last_name"], person["email"], person["language"], person["active"]) == (
            "Kari Marie", "Ås", "k@x.example", "nb", True,
        )  # fmt: skip
        assert person["modified_at"] == "2026-07-01T10:00:00.000000Z"
        (quote,) = client.get("/quote/entities").json
        assert (quote["status"], quote["lines"]) == ("sent", [{"line_id": "11", "sku": "A", "quantity": "2"}])
        left = {row["id"]: row for row in client.get("/quote/entities?since=2026-01-01T00:00:00Z").json}["2"]
        assert (left["_deleted"], left["order_id"]) == (True, "2")
        desired = {"_id": "x", "id": "5", "email": "new@x.example", "$based_on": {"email": "k@x.example"}}
        (answer,) = client.post("/contact/share", json=[desired]).json
        assert (answer["$operation"], answer["$status"]) == ("update", "ok"), answer["$error"]
        written = next(asked.json for asked in upstream.asked if asked.method == "PUT")
        assert (written["version"], written["channels"][0]["value"], written["lang"]) == (
            3,
            "new@x.example",
            "NOR",
        )


def test_the_reference_page_is_current() -> None:
    made = (ROOT / "docs/reference/profile.md").read_text()
    assert made.partition("\n\n")[2].rstrip() == "\n".join(page()).rstrip(), "run `make docs`"
    assert SCHEMA.read_text() == schema_text(), "run `make docs`"


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_named(name: str) -> None:
    assert f"`{name}`" in HOWTO
    assert f"`{name}`" in (ROOT / "docs" / "reference" / "settings.md").read_text()
