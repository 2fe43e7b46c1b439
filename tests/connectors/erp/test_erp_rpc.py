"""ERPs that are asked by POST with everything in the body, keys of several values, and creates that say little."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from flask.testing import FlaskClient

from connectors.common.errors import SettingsError
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream


class Rpc:
    """One model behind POST /<model>/<method>, as Odoo's JSON-2 API has it; every call is checked."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}

    def __call__(self, asked: Asked) -> Reply:
        assert asked.method == "POST"
        body, method = asked.json, asked.path.rpartition("/")[2]
        assert (body.pop("db"), body.pop("company")) == ("acme's", 7)
        if method == "create":
            made = [self.put(len(self.rows) + 1, **values) for values in body["vals_list"]]
            return Reply(made)
        if method == "search":
            found = [row for row in self.rows.values() if row["changed"] >= body.get("since", "")]
            found = [row for row in found if row.get("ref") == body.get("ref", row.get("ref"))]
            return Reply(found[body["offset"] :][: body["limit"]])
        assert all(type(key) is int for key in body["ids"]), "keys are numbers here"
        found = [self.rows[key] for key in body["ids"] if key in self.rows]
        if method == "write":
            for row in found:
                self.put(row["id"], **body["vals"])
            return Reply(True)
        if method == "unlink":
            return Reply(self.rows.pop(body["ids"][0], None) is not None)
        return Reply(found)

    def put(self, key: int, **values: Any) -> int:
        stamp = f"2026-01-01T00:00:{len(self.rows):02}.{key:06}Z"
        self.rows[key] = {"id": key, "ref": None, **self.rows.get(key, {}), **values, "changed": stamp}
        return key


COMMON = {"db": "{db}", "company": "{company}"}
RPC: dict[str, Any] = {
    "path": "/res.partner",
    "list": {
        "method": "POST",
        "path": "{path}/search",
        "body": {**COMMON, "offset": "{offset}", "limit": "{size}", "since": "{since}", "ref": {"$if": "origin", "$then": "{origin}"}},
    },
    "paginator": {"type": "offset", "stop": {"type": "short"}},
    "incremental": {"order": "none"},
    "get": {"method": "POST", "path": "{path}/read", "body": {**COMMON, "ids": ["{id|integer}"]}, "record": "0"},
    "create": {"path": "{path}/create", "body": {**COMMON, "vals_list": ["{record}"]}, "new": {"kind": "person"}, "id_from": "0"},
    "update": {"method": "POST", "path": "{path}/write", "body": {**COMMON, "ids": ["{id|integer}"], "vals": "{changes}"}, "answers": "nothing"},
    "delete": {"method": "POST", "path": "{path}/unlink", "body": {**COMMON, "ids": ["{id|integer}"]}},
    "origin": {"field": "external_refs.chargebee"},
    "fields": {"first_name": "name", "external_refs.chargebee": "ref"},
}  # fmt: skip
VARIABLES = {"db": "${ERP_DATABASE}", "company": {"value": "${ERP_COMPANY}", "type": "integer"}}
ENV = {"ERP_DATABASE": "acme's", "ERP_COMPANY": "7"}


@pytest.fixture
def rpc() -> Rpc:
    return Rpc()


@pytest.fixture
def upstream(rpc: Rpc) -> Iterator[Upstream]:
    with scripted_upstream(rpc) as running:
        yield running


@pytest.fixture
def client(upstream: Upstream, tmp_path: Path) -> FlaskClient:
    rpc = {
        **RPC,
        "list": {
            **RPC["list"],
            "body": {**RPC["list"]["body"], "since": {"$if": "since", "$then": "{since}"}},
        },
    }
    return app_of(tmp_path, upstream.url, profile({"variables": VARIABLES}, **rpc), **ENV, PAGE_SIZE="2")


def share(client: FlaskClient, **entity: Any) -> dict[str, Any]:
    (answer,) = client.post("/contact/share", json=[{"_id": "s", **entity}]).json
    return dict(answer)


def test_a_record_is_made_read_changed_and_deleted_by_bodies(
    client: FlaskClient, rpc: Rpc, upstream: Upstream
) -> None:
    made = share(client, first_name="Eve", **{"$origin": "~:chargebee-customer:cb'1"})
    assert (made["$operation"], made["$status"], made["$generated_id"]) == ("insert", "ok", "1"), made[
        "$error"
    ]
    assert rpc.rows[1] | {"changed": ""} == {
        "id": 1,
        "ref": "cb'1",
        "name": "Eve",
        "kind": "person",
        "changed": "",
    }
    assert share(client, first_name="Eve", **{"$origin": "~:chargebee-customer:cb'1"})["$operation"] == "none"
    assert client.get("/contact/entities/1").json["first_name"] == "Eve"
    done = share(client, id="1", first_name="Ida", **{"$based_on": {"first_name": "Eve"}})
    assert (done["$operation"], rpc.rows[1]["name"]) == ("update", "Ida")
    late = share(client, id="1", first_name="Ada", **{"$based_on": {"first_name": "Eve"}})
    assert late["$status"] == "conflict"
    for number in range(5):
        rpc.put(number + 2, name=f"n{number}")
    assert [row["id"] for row in client.get("/contact/entities").json] == ["1", "2", "3", "4", "5", "6"]
    assert share(client, id="1", _deleted=True)["$operation"] == "delete"
    assert 1 not in rpc.rows


@pytest.mark.parametrize("key", ["99", "no-number"])
def test_a_record_that_is_not_there_is_not_found(client: FlaskClient, key: str) -> None:
    answer = client.get(f"/contact/entities/{key}")
    assert (answer.status_code, answer.json["kind"]) == (404, "fix-data")
    assert share(client, id=key, first_name="x", **{"$based_on": {}})["$status"] == "gone"


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"since": "${ERP_DATABASE}"}, "taken"),
        ({"db": {"value": "${ERP_DATABASE}", "type": "integer"}}, "whole number"),
        ({"db": "${ERP_NOWHERE}"}, "ERP_NOWHERE"),
        ({"db": "literal"}, "${NAME}"),
    ],
)
def test_variables_that_cannot_be_used_are_named(
    tmp_path: Path, variables: dict[str, Any], says: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        app_of(tmp_path, "http://127.0.0.1:9", profile({"variables": variables}), **ENV)
    assert says in caught.value.detail


@pytest.mark.parametrize("key", [17, "17"])
def test_the_whole_answer_of_a_create_may_be_its_key(tmp_path: Path, key: Any) -> None:
    with scripted_upstream(maker(Reply(key, 201))) as upstream:
        client = app_of(tmp_path, upstream.url, profile(create={"id_from": ""}))
        made = share(client, first_name="E", **{"$origin": "~:chargebee-customer:cb1"})
        assert (made["$operation"], made["$generated_id"]) == ("insert", "17"), made["$error"]


def maker(answer: Reply, found: list[dict[str, Any]] | None = None) -> Any:
    """An ERP that answers every create so, and finds these records by any origin afterwards."""
    state = {"made": False}

    def script(asked: Asked) -> Reply:
        if asked.method == "POST":
            state["made"] = True
            return answer
        if "ref" in asked.query:
            return Reply(found if state["made"] and found else [])
        return Reply({"id": unquote(asked.path.rpartition("/")[2]), "changed": "2026-01-01T00:00:00Z"})

    return script


@pytest.mark.parametrize(
    ("headers", "create", "key"),
    [
        ({"Location": "https://erp.example/api/people/17"}, {"id_from": {"header": "Location"}}, "17"),
        ({"Location": "/people('D''Arcy')"}, {"id_from": {"header": "Location"}}, "D'Arcy"),
        (
            {"OData-EntityId": "https://erp.example/people(8f3c)"},
            {"id_from": {"header": "odata-entityid"}},
            "8f3c",
        ),
        ({"X-New": "made no=17;"}, {"id_from": {"header": "X-New", "pattern": r"no=(\d+)"}}, "17"),
    ],
)
def test_the_key_of_a_new_record_may_be_in_a_header(
    tmp_path: Path, headers: Any, create: Any, key: str
) -> None:
    with scripted_upstream(maker(Reply(None, 201, headers))) as upstream:
        client = app_of(tmp_path, upstream.url, profile(create=create))
        made = share(client, first_name="E", **{"$origin": "~:chargebee-customer:cb1"})
        assert (made["$operation"], made["$generated_id"]) == ("insert", key), made["$error"]


@pytest.mark.parametrize(
    "id_from", [{"header": "X-New"}, {"header": "X-New", "pattern": "made ?/([^/]+)/([^/]+)"}]
)
def test_a_key_of_several_values_may_be_in_a_header(tmp_path: Path, id_from: Any) -> None:
    def script(asked: Asked) -> Reply:
        if asked.method == "POST":
            return Reply(None, 201, {"X-New": "made/01/A%2017"})
        company, number = [unquote(part) for part in asked.path.split("/")[-2:]]
        row = {"co": company, "no": number, "changed": "2026-01-01T00:00:00Z"}
        return Reply([] if "ref" in asked.query else row)

    with scripted_upstream(script) as upstream:
        own = {"id": ["co", "no"], "get": {"path": "{path}/{id.co}/{id.no}"}}
        client = app_of(tmp_path, upstream.url, profile(**own, create={"id_from": id_from}))
        made = share(client, first_name="E", **{"$origin": "~:chargebee-customer:cb1"})
        assert (made["$operation"], made["$generated_id"]) == ("insert", "01~A 17"), made["$error"]


def test_a_new_record_that_does_not_show_yet_is_looked_up(tmp_path: Path) -> None:
    """It is there, and reading it by itself answers 404 for a while: it is not gone, and nobody makes a twin."""
    row = {"id": "17", "changed": "2026-01-01T00:00:00Z", "external_refs": {"chargebee": "cb1"}}
    made: list[Asked] = []

    def script(asked: Asked) -> Reply:
        if asked.method == "POST":
            made.append(asked)
            return Reply(None, 201, {"Location": "/contacts/17"})
        return Reply([row] if made else []) if "ref" in asked.query else Reply({}, 404)

    with scripted_upstream(script) as upstream:
        client = app_of(tmp_path, upstream.url, profile(create={"id_from": {"header": "Location"}}))
        done = share(client, first_name="E", **{"$origin": "~:chargebee-customer:cb1"})
        assert (done["$status"], done["$operation"], done["$generated_id"]) == ("ok", "insert", "17")
        assert len(made) == 1


UNREADABLE = [
    Reply(None, 204),
    Reply({"message": "queued"}, 202),
    Reply([], 201),
    Reply(b"<html>thanks</html>", 201, {"Content-Type": "text/html"}),
    Reply({"id": None}, 201),
]


@pytest.mark.parametrize("answer", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_create_answered_without_a_record_is_looked_up_and_else_its_own_outcome(
    tmp_path: Path, answer: Reply
) -> None:
    stored = {"id": "5", "changed": "2026-01-01T00:00:00Z", "external_refs": {"chargebee": "cb1"}}
    batch = [{"_id": f"{n}", "first_name": "E", "$origin": "~:chargebee-customer:cb1"} for n in range(2)]
    with scripted_upstream(maker(answer, [stored])) as upstream:
        made = app_of(tmp_path, upstream.url, profile()).post("/contact/share", json=batch).json
        assert [(one["$operation"], one["$status"], one["$generated_id"]) for one in made] == [
            ("insert", "ok", "5"),
            ("none", "ok", "5"),
        ]
    with scripted_upstream(maker(answer)) as upstream:
        response = app_of(tmp_path, upstream.url, profile()).post(
            "/contact/share", json=batch[:1] + [{"_id": "x", "first_name": 7}]
        )
        assert response.status_code == 200, "never a failed batch"
        lost, wrong = response.json
        assert (lost["$operation"], lost["$status"], lost["$error"]["rule"]) == (
            "none",
            "pending",
            "create-unreadable",
        )
        assert "cb1" in lost["$error"]["detail"]
        assert wrong["$status"] == "rejected"
        assert upstream.calls("POST") == 1


@pytest.mark.parametrize("call", ["create", "update", "delete"])
def test_a_call_that_the_erp_does_not_have_is_refused(tmp_path: Path, call: str) -> None:
    record = {"id": "1", "changed": "2026-01-01T00:00:00Z", "first_name": "Ann"}

    def script(asked: Asked) -> Reply:
        assert asked.method == "GET"
        return (
            Reply([])
            if "ref" in asked.query
            else Reply([record])
            if asked.path == "/people"
            else Reply(record)
        )

    wishes = {
        "create": {"first_name": "E", "$origin": "~:chargebee-customer:cb1"},
        "update": {"id": "1", "first_name": "E", "$based_on": {"first_name": "Ann"}},
        "delete": {"id": "1", "_deleted": True},
    }
    with scripted_upstream(script) as upstream:
        client = app_of(tmp_path, upstream.url, profile(**{call: False}))
        for dry in ("", "?dry_run=true"):
            (answer,) = client.post(f"/contact/share{dry}", json=[{"_id": "s", **wishes[call]}]).json
            assert (answer["$status"], answer["$error"]["rule"]) == ("rejected", call)
        same = {"id": "1", "first_name": "Ann", "$based_on": {"first_name": "Ann"}}
        assert share(client, **same)["$operation"] == "none", "what is so already needs no call"


def test_a_key_of_several_values_is_one_text_and_its_parts_are_asked_for(tmp_path: Path) -> None:
    rows = [{"company": "A~1", "no": n, "name": f"n{n}", "changed": "2026-01-01T00:00:00Z"} for n in (1, 2)]

    def script(asked: Asked) -> Reply:
        if asked.method == "GET" and asked.path == "/people":
            return Reply([] if "ref" in asked.query else rows)
        *_, company, number = asked.path.split("/")
        row = next((row for row in rows if (row["company"], str(row["no"])) == (company, number)), None)
        return Reply({**row, **(asked.json if asked.method == "PATCH" else {})}) if row else Reply({}, 404)

    call = {"path": "{path}/{id.company}/{id.no}"}
    fields = {"first_name": "name", "external_refs.chargebee": "ref"}
    whole = profile(id=["company", "no"], get=call, update=call, delete=call, fields=fields)
    with scripted_upstream(script) as upstream:
        client = app_of(tmp_path, upstream.url, whole)
        keys = [row["_id"] for row in client.get("/contact/entities").json]
        assert keys == ["A%7E1~1", "A%7E1~2"]
        assert client.get("/contact/entities/A%257E1~2").json["first_name"] == "n2"
        done = share(client, id=keys[1], first_name="x", **{"$based_on": {"first_name": "n2"}})
        assert (done["$operation"], upstream.asked[-1].path) == ("update", "/people/A~1/2"), done["$error"]
        assert client.get("/contact/entities/A").status_code == 404
