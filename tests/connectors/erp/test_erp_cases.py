"""States that several fields make up, searches that find too much, and parts that come after their record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream


class Shop:
    """Articles whose search is `like '%…%'`, whose price has an address of its own, and whose state is two flags."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.prices_fail = 0

    def __call__(self, asked: Asked) -> Reply:
        _, kind, *rest = asked.path.split("/")
        if kind == "prices":
            if self.prices_fail:
                self.prices_fail -= 1
                return Reply({}, 500)
            self.rows[rest[0]]["price"] = asked.json["Price"]["amount"]
            return Reply({})
        if asked.method == "POST" and not rest:
            row = {"changed": "2026-01-01T00:00:00Z", "gone": False, "sold_out": False, **asked.json}
            if row["no"] in self.rows:
                return Reply({"message": "taken"}, 409)
            self.rows[row["no"]] = row
            return Reply(row, 201)
        if rest and rest[-1] == "retire":
            self.rows[rest[0]]["gone"] = True
            return Reply({})
        if rest:
            return Reply(self.rows[rest[0]]) if rest[0] in self.rows else Reply({}, 404)
        found = [row for row in self.rows.values() if asked.query.get("no", "") in row["no"]]
        return Reply(found)


ARTICLE = {
    "path": "/articles",
    "id": "no",
    "modified": ["changed"],
    "modified_format": "iso_seconds",
    "paginator": {"type": "single"},
    "incremental": {"order": "none"},
    "create": {"new": {"no": "{origin}"}},
    "origin": {"field": "external_refs.chargebee", "query": {"no": "{origin}"}, "loose": True},
    "parts": {"price": {"update": {"method": "PUT", "path": "/prices/{no}"}}},
    "values": {"decimal": {"form": "number"}},
    "fields": {
        "name": "name",
        "external_refs.chargebee": "ref",
        "unit_price": {"from": "price", "to": "Price.amount", "part": "price", "type": "decimal"},
        "status": {"cases": [
            {"value": "archived", "when": [{"field": "gone", "equals": True}]},
            {"value": "archived", "when": [{"field": "sold_out", "equals": True}]},
            {"value": "active"},
        ]},
        "modified_at": {"from": "@modified"},
    },
    "actions": {"status": {"active": [], "archived": [{"path": "{path}/{id}/retire", "when": [{"field": "gone", "equals": False}]}]}},
}  # fmt: skip


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def upstream(shop: Shop) -> Iterator[Upstream]:
    with scripted_upstream(shop) as running:
        yield running


@pytest.fixture
def client(upstream: Upstream, tmp_path: Path) -> FlaskClient:
    document = {**profile(), "entities": {"product": ARTICLE}}
    return app_of(tmp_path, upstream.url, document)


def share(client: FlaskClient, **entity: Any) -> dict[str, Any]:
    (answer,) = client.post("/product/share", json=[{"_id": "s", **entity}]).json
    return dict(answer)


def make(client: FlaskClient, origin: str) -> dict[str, Any]:
    return share(client, name="Bolt", unit_price="1.25", **{"$origin": f"~:chargebee-item:{origin}"})


def test_a_search_that_finds_more_makes_no_twin_and_no_error(client: FlaskClient, shop: Shop) -> None:
    for origin in ("cb-11", "cb-1", "cb-1"):
        assert make(client, origin)["$status"] == "ok"
    assert {key: row["ref"] for key, row in shop.rows.items()} == {"cb-11": "cb-11", "cb-1": "cb-1"}


def test_a_part_comes_after_its_record_also_when_it_was_interrupted(client: FlaskClient, shop: Shop) -> None:
    assert make(client, "cb-1")["$operation"] == "insert"
    assert shop.rows["cb-1"]["price"] == 1.25
    shop.prices_fail = 9
    bolt = {"_id": "s", "name": "Bolt", "unit_price": "1.25", "$origin": "~:chargebee-item:cb-2"}
    assert client.post("/product/share", json=[bolt]).status_code == 503, "it is sent again later"
    assert "price" not in shop.rows["cb-2"]
    shop.prices_fail = 0
    assert make(client, "cb-2")["$status"] == "ok"
    assert (shop.rows["cb-2"]["price"], len(shop.rows)) == (1.25, 2)


def test_the_first_case_that_fits_is_the_state(client: FlaskClient, shop: Shop) -> None:
    make(client, "cb-1")
    read = client.get("/product/entities/cb-1").json
    assert read["status"] == "active"
    done = share(client, id="cb-1", status="archived", **{"$based_on": {"status": "active"}})
    assert (done["$status"], shop.rows["cb-1"]["gone"]) == ("ok", True)
    shop.rows["cb-1"] |= {"gone": False, "sold_out": True}
    assert client.get("/product/entities/cb-1").json["status"] == "archived"
    kept = share(client, id="cb-1", status="active", **{"$based_on": {"status": "archived"}})
    assert kept["$status"] == "ok", "there is no call for it, and nothing is wrong with that"
