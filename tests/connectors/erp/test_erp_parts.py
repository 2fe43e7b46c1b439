"""Related records that may be missing, and lines that are written by calls of their own."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

STAMP = "2026-01-01T00:00:00.000000Z"


class Shop:
    """Orders with lines of their own, and people with an address elsewhere. `lost`: answers to new lines that are."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, dict[str, Any]]] = {
            "orders": {},
            "lines": {},
            "people": {},
            "addresses": {},
        }
        self.lost = 0
        self.refused: set[str] = set()

    def put(self, table: str, key: str, **fields: Any) -> dict[str, Any]:
        rows = self.tables[table]
        etag = f"v{int(rows.get(key, {'etag': 'v0'})['etag'][1:]) + 1}"
        rows[key] = {"id": key, "changed": STAMP, **rows.get(key, {}), **fields, "etag": etag}
        return rows[key]

    def __call__(self, asked: Asked) -> Reply:
        table, *rest = asked.path.strip("/").split("/")
        if len(rest) == 2:  # /orders/1/lines
            return self.lines(asked, rest[0])
        rows = self.tables[table]
        if asked.method == "POST":
            return Reply(self.put(table, f"{table[0]}{len(rows) + 1}", **asked.json), 201)
        if not rest:
            ref = asked.query.get("ref")
            return Reply([row for row in rows.values() if ref is None or row.get("ref") == ref])
        if rest[0] not in rows:
            return Reply({"message": "nobody"}, 404)
        if asked.method == "PATCH":
            if table == "lines" and asked.headers["If-Match"] != rows[rest[0]]["etag"]:
                return Reply({}, 412)
            self.put(table, rest[0], **asked.json)
        return Reply(rows[rest[0]])

    def lines(self, asked: Asked, order: str) -> Reply:
        if asked.method == "GET":
            return Reply([row for row in self.tables["lines"].values() if row["order"] == order])
        if asked.json["article"] in self.refused:
            return Reply({"message": "no such article"}, 400)
        made = self.put("lines", f"l{len(self.tables['lines']) + 1}", order=order, **asked.json)
        if self.lost:
            self.lost -= 1
            return Reply(made, cut=-1)
        return Reply(made, 201)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def upstream(shop: Shop) -> Iterator[Upstream]:
    with scripted_upstream(shop) as running:
        yield running


COMMON = {
    "modified": ["changed"],
    "paginator": {"type": "single"},
    "incremental": {"order": "modified"},
    "origin": {"field": "external_refs.chargebee", "query": {"ref": "{origin}"}},
}
CALLS = {
    "create": {"path": "{path}/{id}/lines"},
    "update": {
        "path": "/lines/{line}",
        "if_match": "etag",
        "body": {"article": None, "changes": "{changes}"},
    },
}
LINE = {
    "line_id": {"from": "id", "read_only": True},
    "sku": "article",
    "quantity": {"from": "count", "type": "decimal", "as": "number"},
}


def order_profile(**calls: Any) -> dict[str, Any]:
    """Orders whose lines are a list of their own, and are written by calls."""
    order = {
        **COMMON,
        "path": "/orders",
        "children": {"lines": {"path": "{path}/{id}/lines", "into": "lines"}},
        "line_keys": {"lines": "line_id"},
        "fields": {
            "order_date": "day",
            "customer_id": "buyer",
            "external_refs.chargebee": "ref",
            "lines": {
                "from": "lines",
                "fields": LINE,
                "calls": {**CALLS, "update": {"path": "/lines/{line}", "if_match": "etag"}, **calls},
            },
        },
    }
    return {**profile(), "entities": {"order": order}}


def share(client: FlaskClient, datatype: str, **entity: Any) -> dict[str, Any]:
    response = client.post(f"/{datatype}/share", json=[{"_id": "s", **entity}])
    assert response.status_code == 200, response.text
    return dict(response.json[0])


def lines(*skus: str) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": "2"} for sku in skus]


NEW = {"order_date": "2026-01-01", "customer_id": "7", "$origin": "~:chargebee-order:cb1"}


def made_by_hand(asked: Upstream) -> list[tuple[str, str]]:
    return [(one.method, one.path) for one in asked.asked if one.method != "GET"]


def test_lines_are_made_after_their_record_and_changed_one_by_one(
    shop: Shop, upstream: Upstream, tmp_path: Path
) -> None:
    client = app_of(tmp_path, upstream.url, order_profile())
    made = share(client, "order", **NEW, lines=lines("A", "B"))
    assert (made["$operation"], made["$status"]) == ("insert", "ok"), made["$error"]
    assert made_by_hand(upstream) == [
        ("POST", "/orders"),
        ("POST", "/orders/o1/lines"),
        ("POST", "/orders/o1/lines"),
    ]
    assert "lines" not in shop.tables["orders"]["o1"]
    stored = made["$response"]["lines"]
    assert [(line["line_id"], line["sku"], line["quantity"]) for line in stored] == [
        ("l1", "A", "2"),
        ("l2", "B", "2"),
    ]
    upstream.asked.clear()
    changed = [{"line_id": "l2", "quantity": "5"}, {"sku": "C", "quantity": "1"}]
    done = share(client, "order", id="o1", lines=changed, **{"$based_on": {"lines": stored}})
    assert (done["$operation"], done["$status"]) == ("update", "ok"), done["$error"]
    assert made_by_hand(upstream) == [("PATCH", "/lines/l2"), ("POST", "/orders/o1/lines")]
    assert [line["count"] for line in shop.tables["lines"].values()] == [2, 5, 1]
    again = share(client, "order", id="o1", lines=changed, **{"$based_on": {"lines": stored}})
    assert again["$operation"] == "none", again


def test_a_line_that_is_not_named_any_more_stays_and_is_reported(
    shop: Shop, upstream: Upstream, tmp_path: Path
) -> None:
    """Whether its lines are written by calls of their own or whole, with the record."""
    by_calls = order_profile()
    whole = copy.deepcopy(by_calls)
    del whole["entities"]["order"]["fields"]["lines"]["calls"]
    for document in (by_calls, whole):
        shop.tables = {"orders": {}, "lines": {}}
        client = app_of(tmp_path, upstream.url, document)
        key = share(client, "order", **NEW)["$generated_id"]
        for at, sku in enumerate("AB"):
            shop.put("lines", f"{key}-{at}", order=key, article=sku, count=2)
        based_on = client.get(f"/order/entities/{key}").json
        first, second = based_on["lines"]
        wanted = {"id": key, "lines": [second], "order_date": "2026-02-02", "$based_on": based_on}
        upstream.asked.clear()
        done = share(client, "order", **wanted)
        assert (done["$operation"], done["$status"]) == ("update", "ok"), done["$error"]
        [refused] = done["$refused"]
        assert (refused["rule"], refused["field"], refused["value"]) == ("line-stays", "/lines/0", first)
        again = share(client, "order", **wanted)
        assert (again["$operation"], [each["rule"] for each in again["$refused"]]) == ("none", ["line-stays"])
        assert made_by_hand(upstream) == [("PATCH", f"/orders/{key}")]
        assert len(shop.tables["lines"]) == 2


def test_a_call_for_a_line_may_say_more_than_its_changes(
    shop: Shop, upstream: Upstream, tmp_path: Path
) -> None:
    """Whose line it is, for an address that does not say so, and the version that was read."""
    besides = {"of": {"id": "{id}"}}
    calls = {
        "create": {"path": "/orders/{id}/lines", "besides": besides, "keep": ["etag"]},
        "update": {
            "path": "/lines/{line}",
            "besides": {"no": "{line}"},
            "keep": ["etag"],
            "if_match": "etag",
        },
    }
    client = app_of(tmp_path, upstream.url, order_profile(**calls))
    made = share(client, "order", **NEW, lines=lines("A"))
    stored = made["$response"]["lines"]
    changed = [{"line_id": "l1", "quantity": "5"}]
    share(client, "order", id="o1", lines=changed, **{"$based_on": {"lines": stored}})
    bodies = [one.json for one in upstream.asked if one.method != "GET" and "lines" in one.path]
    assert bodies == [
        {"article": "A", "count": 2, "of": {"id": "o1"}},
        {"count": 5, "etag": "v1", "no": "l1"},
    ]


def test_lines_may_go_with_a_new_record(shop: Shop, upstream: Upstream, tmp_path: Path) -> None:
    whole = order_profile(with_record=True)
    del whole["entities"]["order"]["children"]
    client = app_of(tmp_path, upstream.url, whole)
    share(client, "order", **NEW, lines=lines("A"))
    assert made_by_hand(upstream) == [("POST", "/orders")]
    assert shop.tables["orders"]["o1"]["lines"] == [{"article": "A", "count": 2}]


def test_lines_whose_answers_are_lost_are_made_once(shop: Shop, upstream: Upstream, tmp_path: Path) -> None:
    client = app_of(tmp_path, upstream.url, order_profile())
    for lost in (1, 2):
        shop.lost = lost
        origin = {"$origin": f"~:chargebee-order:lost{lost}"}
        while True:
            response = client.post(
                "/order/share", json=[{"_id": "s", **NEW, **origin, "lines": lines("A", "A", "B")}]
            )
            if response.status_code == 200:
                break
        (answer,) = response.json
        assert answer["$status"] == "ok", answer["$error"]
        order = answer["$generated_id"]
        assert [row["article"] for row in shop.tables["lines"].values() if row["order"] == order] == [
            "A",
            "A",
            "B",
        ]


def test_a_line_that_is_refused_is_the_records_outcome_and_goes_on_later(
    shop: Shop, upstream: Upstream, tmp_path: Path
) -> None:
    client = app_of(tmp_path, upstream.url, order_profile())
    shop.refused = {"B"}
    refused = share(client, "order", **NEW, lines=lines("A", "B"))
    assert (refused["$status"], "no such article" in refused["$error"]["detail"]) == ("rejected", True)
    shop.refused = set()
    done = share(client, "order", **NEW, lines=lines("A", "B"))
    assert (done["$status"], len(shop.tables["orders"]), len(shop.tables["lines"])) == ("ok", 1, 2)


def people_profile(child: dict[str, Any] | None = None, **part: Any) -> dict[str, Any]:
    """People whose address is a record of its own."""
    contact = {
        **COMMON,
        "path": "/people",
        "children": {
            "address": {"path": "/addresses/{address_id}", "into": "address", "record": True, **(child or {})}
        },
        "parts": {"address": {"update": {"path": "/addresses/{address_id}"}, **part}},
        "fields": {
            "first_name": "name",
            "external_refs.chargebee": "ref",
            "address.city": {"from": "address.city", "to": "city", "part": "address"},
        },
    }
    return {**profile(), "entities": {"contact": contact}}


def test_a_related_record_may_be_missing(shop: Shop, upstream: Upstream, tmp_path: Path) -> None:
    shop.put("addresses", "a1", city="Oslo")
    shop.put("people", "p1", name="Ann", address_id="a1", ref=None)
    shop.put("people", "p2", name="Bo", address_id=None, ref=None)
    shop.put("people", "p3", name="Cy", address_id="a9", ref=None)
    client = app_of(tmp_path, upstream.url, people_profile())
    found = {one["_id"]: one["address"] for one in client.get("/contact/entities").json}
    assert found == {"p1": {"city": "Oslo"}, "p2": None, "p3": None}
    shop.put("people", "p4", name="Di", ref=None)
    broken = client.get("/contact/entities")
    assert (broken.status_code, "address_id" in broken.json["detail"]) == (502, True), (
        "a name that no record has"
    )
    client = app_of(tmp_path, upstream.url, people_profile({"optional": True}))
    assert len(client.get("/contact/entities").json) == 4


def test_a_related_record_is_made_when_it_is_first_written(
    shop: Shop, upstream: Upstream, tmp_path: Path
) -> None:
    shop.put("people", "p1", name="Ann", address_id=None, ref=None)
    wish = {"id": "p1", "address": {"city": "Bergen"}, "$based_on": {}}
    client = app_of(tmp_path, upstream.url, people_profile())
    refused = share(client, "contact", **wish)
    assert (refused["$status"], refused["$error"]["rule"]) == ("rejected", "part")
    create = {"path": "/addresses", "into": "address_id"}
    client = app_of(tmp_path, upstream.url, people_profile(create=create))
    done = share(client, "contact", **wish)
    assert (done["$status"], done["$response"]["address"]) == ("ok", {"city": "Bergen"}), done["$error"]
    assert (shop.tables["people"]["p1"]["address_id"], shop.tables["addresses"]["a1"]["city"]) == (
        "a1",
        "Bergen",
    )
    moved = {**wish, "address": {"city": "Moss"}, "$based_on": {"address": {"city": "Bergen"}}}
    assert share(client, "contact", **moved)["$status"] == "ok"
    assert (len(shop.tables["addresses"]), shop.tables["addresses"]["a1"]["city"]) == (1, "Moss")
