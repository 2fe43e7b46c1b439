"""Field maps in depth: values in lists of small objects, other records that hold some of them, keys that are looked
up, texts shared by fields, and typed values, both ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from connectors.erp.mapping.templates import names, parameters, render
from connectors.erp.mapping.values import reader, writer
from connectors.erp.profile.model.base import Templates
from connectors.erp.profile.model.mapping import Values
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

RAW: dict[str, Any] = {
    "id": 7,
    "changed": "2026-01-01T00:00:00Z",
    "name": "Kari Marie Nordmann",
    "ways": [{"id": 1, "kind": "fax", "value": "9"}, {"id": 2, "kind": "email", "value": "k@x.example"}],
    "addresses": [
        {"id": 3, "street": "Gate 1\nc/o Berg", "city": "Oslo", "country": {"id": 47, "code": "NO"}}
    ],
    "ids": [{"id": 4, "code": "chargebee:c1"}, {"id": 5, "code": "988"}],
    "person": {"id": 12, "tongue": "nb"},
}
COMMANDS = {"create": ["new", "{item}"], "update": ["set", "{id}", "{changes}"], "delete": ["drop", "{id}"]}
ENTITY: dict[str, Any] = {
    "items": {
        "mail": {"in": "ways", "where": [{"field": "kind", "equals": "email"}], "new": {"kind": "email"}, "needs": "value"},
        "phone": {"in": "ways", "where": [{"field": "kind", "equals": "phone"}], "new": {"kind": "phone"}, "needs": "value"},
        "home": {"in": "addresses"},
        "link": {"in": "ids", "where": [{"field": "code", "starts_with": "chargebee:"}], "needs": "code"},
    },
    "parts": {"person": {"update": {"method": "PUT", "path": "/persons/{person.id}"}}},
    "fields": {
        "first_name": {"from": "name", "words": "all_but_last"},
        "last_name": {"from": "name", "words": "last"},
        "email": {"item": "mail", "from": "value"},
        "phone": {"item": "phone", "from": "value"},
        "address.line1": {"item": "home", "from": "street", "line": 1},
        "address.line2": {"item": "home", "from": "street", "line": 2},
        "address.city": {"item": "home", "from": "city"},
        "address.country": {"item": "home", "from": "country.code", "to": "country", "lookup": "country"},
        "external_refs.chargebee": {"item": "link", "from": "code", "prefix": "chargebee:"},
        "language": {"from": "person.tongue", "to": "tongue", "part": "person"},
        "modified_at": {"from": "@modified"},
    },
    "ignore": ["job_title", "address.state"],
    "update": {"answers": "nothing"},
}  # fmt: skip


class People:
    """An ERP with one person, that notes what is written; and a list of countries."""

    def __init__(self) -> None:
        self.written: list[tuple[str, Any]] = []
        self.asked_for: list[str] = []

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/countries":
            self.asked_for.append(asked.query["code"])
            return Reply([{"id": 46, "code": "SE"}] if asked.query["code"] == "SE" else [])
        if asked.method in ("PATCH", "PUT", "POST"):
            self.written.append((asked.path, asked.json))
        return Reply(RAW)


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def upstream(people: People) -> Iterator[Upstream]:
    with scripted_upstream(people) as running:
        yield running


def client_of(upstream: Upstream, folder: Path, **more: Any) -> FlaskClient:
    document = profile(**{"commands": COMMANDS, **ENTITY, **more})
    document["lookups"] = {"country": {"path": "/countries", "query": {"code": "{value}"}, "value": "id"}}
    return app_of(folder, upstream.url, document)


def update(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    desired = {"_id": "x", "id": "7", "$unsafe_skip_optimistic_locking": True, **fields}
    answer: dict[str, Any] = client.post("/contact/share", json=[desired]).json[0]
    return answer


@pytest.mark.parametrize("fields", [None, {"external_refs.chargebee": "external_refs.chargebee"}])
def test_an_empty_text_is_no_link(tmp_path: Path, fields: Any) -> None:
    """Else all records that are linked with nothing would name one and the same counterpart."""
    row = {"id": "1", "changed": "2026-01-01T00:00:00Z", "external_refs": {"chargebee": ""}}
    with scripted_upstream(lambda asked: Reply([row])) as upstream:
        client = app_of(tmp_path, upstream.url, profile(**({} if fields is None else {"fields": fields})))
        (entity,) = client.get("/contact/entities").json
    assert not (entity["external_refs"] or {}).get("chargebee")


def test_values_are_found_where_the_erp_keeps_them(upstream: Upstream, tmp_path: Path) -> None:
    found = client_of(upstream, tmp_path).get("/contact/entities/7").json
    assert {name: value for name, value in found.items() if not name.startswith("_")} == {
        "id": "7",
        "first_name": "Kari Marie",
        "last_name": "Nordmann",
        "email": "k@x.example",
        "phone": None,
        "address": {"line1": "Gate 1", "line2": "c/o Berg", "city": "Oslo", "country": "NO"},
        "external_refs": {"chargebee": "c1"},
        "language": "nb",
        "modified_at": "2026-01-01T00:00:00.000000Z",
    }


@pytest.mark.parametrize(
    ("desired", "body"),
    [
        ({"email": "new@x.example"}, {"ways": [["set", 2, {"value": "new@x.example"}]]}),
        ({"email": None}, {"ways": [["drop", 2]]}),
        ({"phone": "22"}, {"ways": [["new", {"kind": "phone", "value": "22"}]]}),
        ({"phone": "22", "email": None}, {"ways": [["drop", 2], ["new", {"kind": "phone", "value": "22"}]]}),
        ({"last_name": "Ås"}, {"name": "Kari Marie Ås"}),
        ({"first_name": None}, {"name": "Nordmann"}),
        ({"address": {"city": "Bergen"}}, {"addresses": [["set", 3, {"city": "Bergen"}]]}),
        ({"address": {"line2": None}}, {"addresses": [["set", 3, {"street": "Gate 1"}]]}),
        ({"address": {"country": "SE", "state": "x"}}, {"addresses": [["set", 3, {"country": 46}]]}),
        ({"external_refs": {"chargebee": "c2"}}, {"ids": [["set", 4, {"code": "chargebee:c2"}]]}),
    ],
)
def test_a_change_is_written_where_the_value_is_kept(
    upstream: Upstream, people: People, tmp_path: Path, desired: dict[str, Any], body: dict[str, Any]
) -> None:
    answer = update(client_of(upstream, tmp_path), **desired)
    assert (answer["$operation"], answer["$status"]) == ("update", "ok"), answer["$error"]
    assert people.written == [("/people/7", body)]


def test_without_commands_the_list_is_written_whole(
    upstream: Upstream, people: People, tmp_path: Path
) -> None:
    document_without = {name: value for name, value in ENTITY.items() if name != "commands"}
    document = profile(**document_without)
    document["lookups"] = {"country": {"path": "/countries", "query": {"code": "{value}"}, "value": "id"}}
    client = app_of(tmp_path, upstream.url, document)
    update(client, email="new@x.example", phone="22")
    mail, phone = {"id": 2, "kind": "email", "value": "new@x.example"}, {"kind": "phone", "value": "22"}
    ((_, body),) = people.written
    assert sorted(map(str, body["ways"])) == sorted(map(str, [RAW["ways"][0], mail, phone]))


def test_fields_of_another_record_are_written_there(
    upstream: Upstream, people: People, tmp_path: Path
) -> None:
    answer = update(client_of(upstream, tmp_path), language="en", last_name="Ås")
    assert answer["$status"] == "ok"
    assert people.written == [("/persons/12", {"tongue": "en"}), ("/people/7", {"name": "Kari Marie Ås"})]


def test_what_is_to_be_ignored_is_not_written(upstream: Upstream, people: People, tmp_path: Path) -> None:
    assert update(client_of(upstream, tmp_path), job_title="Boss")["$status"] == "ok"
    assert people.written == []
    assert update(client_of(upstream, tmp_path), notes="x")["$error"]["rule"] == "readOnly"


def test_an_unknown_code_is_rejected_and_a_known_one_is_asked_for_once(
    upstream: Upstream, people: People, tmp_path: Path
) -> None:
    client = client_of(upstream, tmp_path)
    refused = update(client, address={"country": "DK"})
    assert (refused["$status"], refused["$error"]["rule"]) == ("rejected", "lookup")
    update(client, address={"country": "SE"})
    update(client, address={"country": "SE"})
    assert people.asked_for == ["DK", "SE"]


LINES = {
    "from": "rows",
    "where": [{"field": "kind", "equals": "line"}],
    "new": {"kind": "line"},
    "ignore": ["position"],
    "fields": {
        "line_id": {"from": "id", "type": "string", "read_only": True},
        "sku": "code",
        "position": "@position",
    },
}


def test_lines_are_read_in_order_and_written_by_their_key(upstream: Upstream, tmp_path: Path) -> None:
    rows = [
        {"id": 1, "kind": "title"},
        {"id": 2, "kind": "line", "code": "A"},
        {"id": 3, "kind": "line", "code": "B"},
    ]
    written: list[Any] = []

    def script(asked: Asked) -> Reply:
        if asked.method == "PATCH":
            written.append(asked.json)
        return Reply({"id": 7, "changed": "2026-01-01", "rows": rows})

    upstream.script = script
    document = profile(commands=COMMANDS, fields={"lines": LINES}, line_keys={"lines": "line_id"})
    document["entities"]["order"] = document["entities"].pop("contact")
    document["entities"]["order"]["origin"] = {"field": "note", "query": {"n": "{origin}"}}
    client = app_of(tmp_path, upstream.url, document)
    found = client.get("/order/entities/7").json["lines"]
    assert found == [
        {"line_id": "2", "sku": "A", "position": 1},
        {"line_id": "3", "sku": "B", "position": 2},
    ]
    desired = {"_id": "x", "id": "7", "$unsafe_skip_optimistic_locking": True}
    lines = [
        {"line_id": "2", "sku": "A"},
        {"line_id": "3", "sku": "C"},
        {"sku": "D", "quantity": "1", "unit_price": "1"},
    ]
    answer = client.post("/order/share", json=[{**desired, "lines": lines[:2]}]).json[0]
    assert answer["$status"] == "ok", answer
    assert written == [{"rows": [["set", 3, {"code": "C"}]]}]


@pytest.mark.parametrize("where", [{}, {"id": "no"}], ids=["by the field", "by id"])
def test_lines_have_the_key_that_their_field_comes_from(
    upstream: Upstream, tmp_path: Path, where: dict[str, str]
) -> None:
    written: list[Any] = []

    def script(asked: Asked) -> Reply:
        if asked.method == "PATCH":
            written.append(asked.json)
        return Reply(
            {"id": 7, "changed": "2026-01-01", "rows": [{"no": 1, "code": "A"}, {"no": 2, "code": "B"}]}
        )

    upstream.script = script
    fields = {"line_id": {"from": "no", "type": "string", "read_only": True}, "sku": "code"}
    lines = {"from": "rows", "fields": fields, **where}
    document = profile(fields={"lines": lines}, line_keys={"lines": "line_id"})
    document["entities"]["order"] = document["entities"].pop("contact")
    document["entities"]["order"]["origin"] = {"field": "note", "query": {"n": "{origin}"}}
    client = app_of(tmp_path, upstream.url, document)
    wanted = {"_id": "x", "id": "7", "lines": [{"line_id": "2", "sku": "C"}]}
    (answer,) = client.post("/order/share", json=[{**wanted, "$unsafe_skip_optimistic_locking": True}]).json
    assert answer["$status"] == "ok", answer
    assert written == [{"rows": [{"no": 1, "code": "A"}, {"no": 2, "code": "C"}]}]


FORMS = {
    "decimal": {"form": "object", "key": "text", "mark": {"class": "D"}},
    "date": {"form": "object", "mark": {"class": "d"}},
    "datetime": {"form": "object", "mark": {"class": "t"}},
}


@pytest.mark.parametrize(
    ("kind", "forms", "theirs", "ours"),
    [
        ("decimal", FORMS, {"class": "D", "text": "49.90"}, "49.90"),
        ("decimal", {"decimal": {"form": "number"}}, 49.5, "49.5"),
        ("decimal", {}, "0.10", "0.10"),
        ("date", FORMS, {"class": "d", "year": 2026, "month": 2, "day": 3}, "2026-02-03"),
        ("date", {}, "2026-02-03", "2026-02-03"),
        (
            "datetime",
            FORMS,
            {
                "class": "t",
                "year": 2026,
                "month": 2,
                "day": 3,
                "hour": 4,
                "minute": 5,
                "second": 6,
                "microsecond": 7,
            },
            "2026-02-03T04:05:06.000007Z",
        ),
        (
            "datetime",
            {"datetime": {"form": "dotnet"}},
            "/Date(1770091506000)/",
            "2026-02-03T04:05:06.000000Z",
        ),
        ("datetime", {"datetime": {"form": "epoch_s"}}, "1770091506", "2026-02-03T04:05:06.000000Z"),
        (
            "datetime",
            {"datetime": {"form": "iso_naive", "timezone": "Europe/Oslo"}},
            "2026-07-03T06:05:06.000000",
            "2026-07-03T04:05:06.000000Z",
        ),
    ],
)
def test_typed_values_both_ways(kind: str, forms: Any, theirs: Any, ours: str) -> None:
    values = msgspec.convert(forms, Values)
    assert reader(kind, values)(theirs) == ours
    assert writer(kind, values)(ours) == theirs


def test_whole_floats_are_written_without_a_fraction() -> None:
    assert reader("decimal", msgspec.convert(FORMS, Values))(2.0) == "2"
    with pytest.raises(ValueError, match="no number"):
        reader("decimal", Values())(True)


def test_templates_take_values_with_their_types() -> None:
    domain = [
        "AND",
        {"$if": "after", "$then": ["id", ">", "{after}"]},
        {"$if": "since", "$then": ["at", "{since}"]},
    ]
    assert render(domain, {"after": 5}) == ["AND", ["id", ">", 5]]
    assert render({"a": "{after}", "b": "x{after}y", "c": "{other}"}, {"after": 5}) == {
        "a": 5,
        "b": "x5y",
        "c": "{other}",
    }
    assert names(domain) == {"after", "since"}
    spec = {
        "f": ["a", "b"],
        "d": {"b64json": [1]},
        "j": {"json": {"k": "{ids}"}},
        "s": "{since}",
        "i": "{ids}",
    }
    assert parameters(msgspec.convert(spec, Templates), {"ids": [1, 2]}) == [
        ("f", "a"), ("f", "b"), ("d", "WzFd"), ("j", '{"k":[1,2]}'), ("i", "1,2"),
    ]  # fmt: skip
