"""Writing through a profile: methods, wraps, locks, field maps, error rules; against a scripted ERP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream

STAMP = "2026-01-01T00:00:00.000000Z"
ORIGIN = {"field": "external_refs.chargebee", "query": {"ref": "{origin}"}}


class Erp:
    """One record, key 7, behind a scripted API of many manners."""

    def __init__(self) -> None:
        self.record: dict[str, Any] = {
            "id": 7,
            "changed": STAMP,
            "first_name": "Ann",
            "last_name": "B",
            "rev": 3,
        }
        self.made: dict[str, Any] | None = None
        self.lookups: list[dict[str, Any]] = []

    def __call__(self, asked: Asked) -> Reply:
        if asked.method == "GET" and "ref" in asked.query:
            return Reply(self.lookups)
        if asked.method == "GET":
            return Reply(self.record) if asked.path.endswith("/7") else Reply({"message": "no"}, 404)
        if asked.method == "POST":
            self.made = asked.json
            return Reply({**self.record, **asked.json}, 201)
        if asked.method == "DELETE":
            return Reply(status=204)
        return Reply({**self.record, **asked.json})


@pytest.fixture
def erp() -> Erp:
    return Erp()


def share(client: FlaskClient, **entity: Any) -> dict[str, Any]:
    answer = client.post("/contact/share", json=[{"_id": "s", **entity}])
    assert answer.status_code == 200, answer.text
    return dict(answer.json[0])


def update(client: FlaskClient, **fields: Any) -> dict[str, Any]:
    return share(client, id="7", **{"$based_on": {"first_name": "Ann"}}, **fields)


def last(upstream: Upstream, method: str) -> Asked:
    return next(asked for asked in reversed(upstream.asked) if asked.method == method)


def test_insert_looks_up_before_it_creates_and_leaves_its_mark(
    upstream: Upstream, erp: Erp, tmp_path: Path
) -> None:
    client = app_of(tmp_path, upstream.url, profile())
    answer = share(client, first_name="Eve", **{"$origin": "~:chargebee-customer:cb:1"})
    assert (answer["$operation"], answer["$status"], answer["$generated_id"]) == ("insert", "ok", "7")
    assert erp.made == {"first_name": "Eve", "external_refs": {"chargebee": "cb:1"}}
    assert [(a.method, a.query.get("ref")) for a in upstream.asked] == [("GET", "cb:1"), ("POST", None)]
    assert "_id" not in answer["$response"]


def test_insert_adopts_what_names_the_same_origin(upstream: Upstream, erp: Erp, tmp_path: Path) -> None:
    erp.lookups = [{**erp.record, "external_refs": {"chargebee": "cb1"}}]
    client = app_of(tmp_path, upstream.url, profile())
    answer = share(client, first_name="Eve", **{"$origin": "~:chargebee-customer:cb1"})
    assert (answer["$operation"], answer["$status"], answer["$generated_id"]) == ("none", "ok", "7")
    assert upstream.calls("POST") == 0


def test_an_erp_that_ignores_the_look_up_is_found_out(upstream: Upstream, erp: Erp, tmp_path: Path) -> None:
    erp.lookups = [erp.record]
    client = app_of(tmp_path, upstream.url, profile())
    answer = client.post(
        "/contact/share", json=[{"_id": "s", "first_name": "E", "$origin": "~:chargebee-customer:c"}]
    )
    assert (answer.status_code, answer.json["kind"]) == (502, "fix-settings")
    assert upstream.calls("POST") == 0


@pytest.mark.parametrize(
    ("spec", "method", "header", "body"),
    [
        ({}, "PATCH", None, {"first_name": "Eve"}),
        ({"method": "PUT", "wrap": "contact"}, "PUT", None, {"contact": {"first_name": "Eve"}}),
        (
            {"lock": {"type": "if_match", "path": "rev", "template": 'W/"{version}"'}},
            "PATCH",
            'W/"3"',
            {"first_name": "Eve"},
        ),
        ({"lock": {"type": "body_version", "path": "rev"}}, "PATCH", None, {"first_name": "Eve", "rev": 3}),
    ],
)
def test_updates_go_as_the_profile_says(
    upstream: Upstream, tmp_path: Path, spec: Any, method: str, header: str | None, body: Any
) -> None:
    answer = update(app_of(tmp_path, upstream.url, profile(update=spec)), first_name="Eve")
    assert answer["$operation"] == "update", answer
    asked = last(upstream, method)
    assert asked.json == body
    assert asked.headers["If-Match"] == header
    assert asked.path == "/people/7"


def test_a_full_update_sends_the_whole_record(upstream: Upstream, erp: Erp, tmp_path: Path) -> None:
    spec = {"method": "PUT", "mode": "full", "lock": {"type": "if_match", "path": "rev"}}
    update(app_of(tmp_path, upstream.url, profile(update=spec)), first_name="Eve")
    assert last(upstream, "PUT").json == {**erp.record, "first_name": "Eve"}


@pytest.mark.parametrize("mode", ["partial", "full"])
def test_a_version_in_a_header_locks_too(upstream: Upstream, erp: Erp, tmp_path: Path, mode: str) -> None:
    """As HTTP has it: `ETag` of the record read alone; no part of the record, here or there."""

    def script(asked: Asked) -> Reply:
        reply = erp(asked)
        reply.headers["ETag"] = f'W/"{erp.record["rev"]}"'
        if asked.method == "PUT":
            return (
                Reply(None, 412) if asked.headers["If-Match"] != reply.headers["ETag"] else Reply(None, 204)
            )
        return reply

    upstream.script = script
    spec = {"method": "PUT", "mode": mode, "lock": {"type": "if_match", "header": "ETag"}}
    client = app_of(tmp_path, upstream.url, profile(update=spec))
    assert client.get("/contact/entities/7").json.keys() == {*erp.record, "_id", "_updated", "_deleted"}
    answer = update(client, first_name="Eve")
    assert (answer["$operation"], answer["$response"]) == ("update", erp.record)
    assert last(upstream, "PUT").json == (
        {**erp.record, "first_name": "Eve"} if mode == "full" else {"first_name": "Eve"}
    )
    assert last(upstream, "PUT").headers["If-Match"] == 'W/"3"'


def test_a_full_update_of_a_record_that_moved_on_is_not_sent(
    upstream: Upstream, erp: Erp, tmp_path: Path
) -> None:
    def moving(asked: Asked) -> Reply:
        erp.record["rev"] += 1
        return Erp.__call__(erp, asked)

    upstream.script = moving
    spec = {"method": "PUT", "mode": "full", "lock": {"type": "if_match", "path": "rev"}}
    answer = update(app_of(tmp_path, upstream.url, profile(update=spec)), first_name="Eve")
    assert answer["$status"] == "conflict"
    assert upstream.calls("PUT") == 0


def test_an_update_that_answers_nothing_is_read_again(upstream: Upstream, erp: Erp, tmp_path: Path) -> None:
    def silent(asked: Asked) -> Reply:
        if asked.method == "PATCH":
            erp.record.update(asked.json)
            return Reply(status=204)
        return Erp.__call__(erp, asked)

    upstream.script = silent
    answer = update(app_of(tmp_path, upstream.url, profile()), first_name="Eve")
    assert answer["$response"]["first_name"] == "Eve"


def test_a_stale_version_is_compared_again(upstream: Upstream, erp: Erp, tmp_path: Path) -> None:
    def stale_once(asked: Asked) -> Reply:
        if asked.method == "PATCH" and erp.record["rev"] == 3:
            erp.record.update(rev=4, last_name="changed meanwhile")
            return Reply({"message": "stale"}, 412)
        return Erp.__call__(erp, asked)

    upstream.script = stale_once
    spec = {"lock": {"type": "if_match", "path": "rev"}}
    assert (
        update(app_of(tmp_path, upstream.url, profile(update=spec)), first_name="Eve")["$operation"]
        == "update"
    )
    assert [a.headers["If-Match"] for a in upstream.asked if a.method == "PATCH"] == ["3", "4"]


def test_created_records_can_be_read_by_the_id_alone(upstream: Upstream, erp: Erp, tmp_path: Path) -> None:
    def terse(asked: Asked) -> Reply:
        return Reply({"data": {"key": 7}}, 201) if asked.method == "POST" else Erp.__call__(erp, asked)

    upstream.script = terse
    client = app_of(tmp_path, upstream.url, profile(create={"id_from": "data.key", "wrap": "person"}))
    answer = share(client, first_name="Eve", **{"$origin": "~:chargebee-customer:c"})
    assert (answer["$generated_id"], answer["$response"]["rev"]) == ("7", 3)
    assert last(upstream, "POST").json["person"]["first_name"] == "Eve"


def test_deletes(upstream: Upstream, tmp_path: Path) -> None:
    client = app_of(tmp_path, upstream.url, profile())
    assert share(client, id="7", _deleted=True)["$operation"] == "delete"
    upstream.script = lambda asked: Reply({"message": "no"}, 404)
    answer = share(client, id="7", _deleted=True)
    assert (answer["$operation"], answer["$status"]) == ("none", "ok")


def test_keys_stay_inside_their_path(upstream: Upstream, tmp_path: Path) -> None:
    client = app_of(tmp_path, upstream.url, profile())
    for key in ("a/b?c#d", "%2e%2e"):
        share(client, id=key, _deleted=True)
    for key in ("..", "../admin", "a/../b", "/x", "a//b", "x/"):  # never sent
        answer = share(client, id=key, _deleted=True)
        assert (answer["$operation"], answer["$status"]) == ("none", "ok"), key
    assert all(asked.path.count("/") == 2 for asked in upstream.asked)
    assert all(asked.path.startswith("/people/") and asked.path != "/people/.." for asked in upstream.asked)
    assert upstream.calls() == 2


@pytest.mark.parametrize(
    ("rule", "reply", "status", "kind"),
    [
        (
            {"when": {"status": [409]}, "action": "rejected"},
            Reply({"message": "m"}, 409),
            "rejected",
            "fix-data",
        ),
        (
            {"when": {"path": "error", "present": True}, "action": "rejected"},
            Reply({"error": "e"}),
            "rejected",
            "fix-data",
        ),
        (
            {"when": {"path": "code", "equals": "E7"}, "action": "conflict"},
            Reply({"code": "E7"}, 400),
            "conflict",
            "look-up-first",
        ),
        (
            {"when": {"path": "message", "contains": "locked"}, "action": "conflict"},
            Reply({"message": "is locked"}, 500),
            "conflict",
            "look-up-first",
        ),
        (
            {"when": {"method": ["PATCH"], "status": [422]}, "action": "not_found"},
            Reply({}, 422),
            "gone",
            "fix-data",
        ),
    ],
)
def test_error_rules(
    upstream: Upstream, erp: Erp, tmp_path: Path, rule: Any, reply: Reply, status: str, kind: str
) -> None:
    upstream.script = lambda asked: reply if asked.method == "PATCH" else Erp.__call__(erp, asked)
    answer = update(app_of(tmp_path, upstream.url, profile({"errors": [rule]})), first_name="Eve")
    assert (answer["$status"], answer["$error"]["kind"]) == (status, kind)


def test_the_erps_own_words_reach_the_caller(upstream: Upstream, erp: Erp, tmp_path: Path) -> None:
    said = {"why": "name is taken", "errors": [{"at": "address.city", "code": "unique"}]}
    upstream.script = lambda asked: Reply(said, 422) if asked.method == "PATCH" else Erp.__call__(erp, asked)
    rest = {"error_message": "why", "error_field": "errors.0.at", "error_rule": "errors.0.code"}
    error = update(app_of(tmp_path, upstream.url, profile(rest)), first_name="Eve")["$error"]
    assert (error["field"], error["rule"]) == ("/address/city", "unique")
    assert "name is taken" in error["detail"]


def test_a_200_with_an_error_inside_is_no_empty_read(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply({"error": "session over", "items": []})
    rule = {"when": {"path": "error", "present": True}, "action": "refused"}
    document = profile({"errors": [rule]}, list={"records": "items"})
    answer = app_of(tmp_path, upstream.url, document).get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "fix-settings")


def test_read_only_datatypes_refuse_writes(upstream: Upstream, tmp_path: Path) -> None:
    client = app_of(tmp_path, upstream.url, profile(read_only=True))
    assert update(client, first_name="Eve")["$error"]["rule"] == "read_only"
    assert share(client, first_name="E", **{"$origin": "~:a:b"})["$status"] == "rejected"
    assert share(client, id="7", _deleted=True)["$status"] == "rejected"
    assert {asked.method for asked in upstream.asked} == {"GET"}


def test_an_erp_without_updates_takes_what_may_get_lost_and_refuses_the_rest(
    upstream: Upstream, tmp_path: Path
) -> None:
    fields = {"first_name": "first_name", "external_refs.chargebee": "ref"}
    spec = profile(update=False, fields=fields, ignore=["last_name"])
    client = app_of(tmp_path, upstream.url, spec)
    assert update(client, last_name="C")["$operation"] == "none"
    refused = update(client, last_name="C", first_name="Eve")
    assert (refused["$status"], refused["$error"]["rule"]) == ("rejected", "update")
    assert {asked.method for asked in upstream.asked} == {"GET"}


def test_a_dry_run_goes_on_from_what_an_earlier_one_foresaw(upstream: Upstream, tmp_path: Path) -> None:
    """The record that is handed on has our names, whatever the ERP calls its own."""
    spec = profile(id="no", fields={"first_name": "given", "external_refs.chargebee": "ref"})
    client = app_of(tmp_path, upstream.url, spec)
    foreseen = {"id": "new-customer-1", "first_name": "Ann", "external_refs": {"chargebee": "1"}}
    wish = {"_id": "s", "id": "new-customer-1", "first_name": "Eve", "$based_on": {"first_name": "Ann"}}
    (done,) = client.post("/contact/share?dry_run=true", json=[{**wish, "$present": foreseen}]).json
    assert (done["$status"], done["$operation"]) == ("ok", "update"), done["$error"]
    assert done["$response"]["first_name"] == "Eve"
    assert upstream.calls() == 0


def test_what_a_new_record_leaves_empty_is_what_every_new_one_gets(
    upstream: Upstream, erp: Erp, tmp_path: Path
) -> None:
    fields = {"first_name": "given", "last_name": "code", "external_refs.chargebee": "ref"}
    spec = profile(create={"new": {"code": "{origin}", "kind": "P"}}, fields=fields)
    client = app_of(tmp_path, upstream.url, spec)
    for last_name, code in ((None, "b"), ("X", "X")):
        share(client, first_name="Eve", last_name=last_name, **{"$origin": "~:a:b"})
        assert erp.made == {"given": "Eve", "code": code, "kind": "P", "ref": "b"}


FIELDS: dict[str, Any] = {
    "first_name": "name.given",
    "language": {"from": "lang", "map": {"NOR": "nb", "ENG": "en"}, "default": "en"},
    "is_primary": {"from": "main", "type": "boolean"},
    "phone": {"from": "tel", "type": "string"},
    "notes": {"from": "memo", "read_only": True},
}
RAW = {
    "no": 7,
    "changed": STAMP,
    "name": {"given": "Ann"},
    "lang": "NOR",
    "main": 1,
    "tel": 22,
    "memo": "m",
    "tag": "x",
    "hidden": 0,
}


def mapped(folder: Path, url: str, **more: Any) -> FlaskClient:
    origin = {"field": "external_refs.chargebee", "query": {"ref": "{origin}"}}
    fields = {**FIELDS, "external_refs": "refs"}
    lock = {"lock": {"type": "if_match", "path": "tag"}}
    deleted = {"strategy": "soft_flag", "field": "hidden", "value": 1}
    return app_of(
        folder, url, profile(id="no", fields=fields, origin=origin, update={**lock, **more}, deleted=deleted)
    )


def test_mapped_fields_are_read_in_our_words(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply([RAW, {**RAW, "no": 8, "lang": "XX", "hidden": 1, "main": None}])
    first, second = mapped(tmp_path, upstream.url).get("/contact/entities").json
    assert first == {
        "_id": "7",
        "_updated": STAMP,
        "_deleted": False,
        "id": "7",
        "first_name": "Ann",
        "language": "nb",
        "is_primary": True,
        "phone": "22",
        "notes": "m",
        "external_refs": None,
    }
    assert (second["_deleted"], second["language"], second["is_primary"]) == (True, "en", None)


def test_mapped_fields_are_written_in_the_erps_words(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply(RAW)
    desired = {"first_name": "Eve", "language": "en", "$based_on": {"first_name": "Ann", "language": "nb"}}
    answer = share(mapped(tmp_path, upstream.url), id="7", **desired)
    assert answer["$operation"] == "update", answer
    asked = last(upstream, "PATCH")
    assert asked.json == {"name": {"given": "Eve"}, "lang": "ENG"}
    assert asked.headers["If-Match"] == "x"


def test_a_full_write_keeps_what_is_not_mapped(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply(RAW)
    share(
        mapped(tmp_path, upstream.url, mode="full", method="PUT"),
        id="7",
        first_name="Eve",
        **{"$based_on": {"first_name": "Ann"}},
    )
    assert last(upstream, "PUT").json == {**RAW, "name": {"given": "Eve"}}


def test_what_a_map_cannot_say_is_rejected(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply(RAW)
    client = mapped(tmp_path, upstream.url)
    for field, value, rule in (
        ("language", "fr", "enum"),
        ("notes", "n", "readOnly"),
        ("email", "a@b.no", "readOnly"),
    ):
        answer = share(client, id="7", **{field: value, "$unsafe_skip_optimistic_locking": True})
        assert (answer["$status"], answer["$error"]["field"], answer["$error"]["rule"]) == (
            "rejected",
            f"/{field}",
            rule,
        )
    assert upstream.calls("PATCH") == 0


def test_a_value_that_the_map_cannot_read_breaks_the_read(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply([{**RAW, "main": "perhaps"}])
    answer = mapped(tmp_path, upstream.url).get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "retry")
