"""One record never stops others: odd ids and values, read from either system and written to it.

Whatever stands in one record of a page, the others are read; whatever is in one entity of a request, the others
are carried out; and the odd one has a verdict of its own that names field and rule.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from connectors.chargebee.app import create_app
from connectors.common.entity_text import LONGEST_ID, UNIDENTIFIED
from tests.connectors.common.test_service_contract import app_client
from tests.support.datatypes import MemoryDatatype
from tests.support.erp import app_of, profile
from tests.support.upstream import Reply, Upstream, scripted_upstream

DEEP = '{"a":' * 1000 + "1" + "}" * 1000

TRAVELS = {
    "an identifier": ('"~:a:b"', "~~:a:b"),
    "a number": ('"~f12.50"', "~~f12.50"),
    "a time": ('"~t2026-01-01"', "~~t2026-01-01"),
    "an address": ('"~rough"', "~~rough"),
    "escaped already": ('"~~x"', "~~~x"),
    "a lone tilde": ('"~"', "~~"),
    "a 20-digit number": ("12345678901234567890", 12345678901234567890),
    "a 40-digit number": ("1" * 40, int("1" * 40)),
    "half a surrogate": ('"a\\ud800b"', "a\ufffdb"),
    "two halves that are no pair": ('"\\udc00\\ud83d\\\\ud83d"', "\ufffd\ufffd\\ud83d"),
    "a whole pair": ('"\\ud83d\\ude00"', "😀"),
    "a controlled character": ('"\\u0000"', "\x00"),
}
"""Values of a record as its system writes them, and as they are given out."""

REFUSED = {
    "no UTF-8": ('"\udcff"', "unicode"),
    "NaN": ("NaN", "json"),
    "infinity": ("-Infinity", "json"),
    "too large a number": ("1e999", "json"),
    "endless digits": ("9" * 5000, "json"),
    "1,000 levels": (DEEP, "depth"),
}
"""Values that no entity can hold, and the rule that says so."""

ODD_IDS = {
    "an identifier": ('"~:a:b"', "~~:a:b"),
    "colons": ('"a:b:c"', "a:b:c"),
    "slashes": ('"a/../b?c#d"', "a/../b?c#d"),
    "a million characters": (f'"{"x" * 1_000_000}"', UNIDENTIFIED),
    "nothing in it": ('""', UNIDENTIFIED),
    "null": ("null", UNIDENTIFIED),
    "half a surrogate": ('"\\ud800"', "\ufffd"),
    "no UTF-8": ('"\udcff"', UNIDENTIFIED),
    "an object": ('{"a": 1}', UNIDENTIFIED),
}
"""Ids as a system writes them, and the `_id` that is given out."""

Page = Callable[[str, str], bytes]


class Read:
    """One service whose system has three records, of which a test chooses the second."""

    def __init__(self, client: FlaskClient, upstream: Upstream, path: str, page: Page) -> None:
        self._client, self._upstream, self._path, self._page = client, upstream, path, page

    def entities(self, key: str = '"odd"', value: str = "null") -> list[dict[str, Any]]:
        content = self._page(key, value).decode("utf-8", "surrogateescape")
        text = content.encode("utf-8", "surrogateescape")
        self._upstream.script = lambda asked: Reply(text)
        answer = self._client.get(self._path)
        assert answer.status_code == 200, answer.text
        entities: list[dict[str, Any]] = json.loads(answer.data)
        return entities


def rows_of_chargebee(key: str, value: str) -> bytes:
    odd = f'{{"customer": {{"id": {key}, "updated_at": 1700000001, "first_name": {value}}}}}'
    good = [f'{{"customer": {{"id": "{name}", "updated_at": 1700000000}}}}' for name in ("one", "two")]
    return f'{{"list": [{good[0]}, {odd}, {good[1]}]}}'.encode("utf-8", "surrogateescape")


def rows_of_erp(key: str, value: str) -> bytes:
    odd = f'{{"id": {key}, "changed": "2026-01-01T00:00:02Z", "name": {value}}}'
    good = [f'{{"id": "{name}", "changed": "2026-01-01T00:00:01Z", "name": "N"}}' for name in ("one", "two")]
    return f'{{"rows": [{good[0]}, {odd}, {good[1]}], "total": 3}}'.encode("utf-8", "surrogateescape")


@pytest.fixture(params=["chargebee", "erp"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Read]:
    with scripted_upstream(lambda asked: Reply({})) as upstream:
        if request.param == "chargebee":
            settings = {"CHARGEBEE_BASE_URL": f"{upstream.url}/api/v2", "CHARGEBEE_API_KEY": "key"}
            client = create_app(settings).test_client()
            yield Read(client, upstream, "/customer/entities", rows_of_chargebee)
        else:
            entity = {
                "list": {"records": "rows", "count": {"path": "total"}},
                "paginator": {"type": "single"},
                "incremental": {"param": "since", "order": "none"},
                "fields": {"first_name": "name", "external_refs.chargebee": {"from": "ref", "default": None}},
            }
            client = app_of(tmp_path, upstream.url, profile(**entity))
            yield Read(client, upstream, "/contact/entities", rows_of_erp)


def others(entities: list[dict[str, Any]]) -> list[str]:
    return [entity["_id"] for entity in entities if entity["_id"] in ("one", "two")]


def odd_of(entities: list[dict[str, Any]]) -> dict[str, Any]:
    [odd] = [entity for entity in entities if entity["_id"] not in ("one", "two")]
    return odd


@pytest.mark.parametrize(("written", "given"), TRAVELS.values(), ids=TRAVELS)
def test_an_odd_value_travels_as_what_it_is(read: Read, written: str, given: Any) -> None:
    entities = read.entities(value=written)
    assert others(entities) == ["one", "two"]
    assert odd_of(entities)["first_name"] == given


@pytest.mark.parametrize(("written", "rule"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_no_entity_can_hold_keeps_its_own_record_out(
    read: Read, written: str, rule: str
) -> None:
    entities = read.entities(value=written)
    assert others(entities) == ["one", "two"]
    odd = odd_of(entities)
    assert (odd["_id"], odd["_deleted"], odd["$status"]) == ("odd", False, "rejected")
    assert odd["_updated"]
    assert (odd["$error"]["rule"], odd["$error"]["field"]) == (rule, "/first_name")


@pytest.mark.parametrize(("written", "given"), ODD_IDS.values(), ids=ODD_IDS)
def test_an_odd_id_is_given_out_or_stands_for_nobody_knows_which(
    read: Read, written: str, given: str
) -> None:
    entities = read.entities(key=written)
    assert others(entities) == ["one", "two"]
    odd = odd_of(entities)
    assert odd["_id"] == given
    assert ("$error" in odd) == (given == UNIDENTIFIED)


# -- shares ------------------------------------------------------------------------------------------------


@pytest.fixture
def things() -> MemoryDatatype:
    return MemoryDatatype()


def insert(name: str) -> dict[str, Any]:
    return {
        "_id": f"new:{name}",
        "$operation": "insert",
        "$origin": f"~:erp-contact:{name}",
        "name": name,
    }


def share(things: MemoryDatatype, *entities: str | dict[str, Any]) -> list[dict[str, Any]]:
    body = ",".join(each if isinstance(each, str) else json.dumps(each) for each in entities)
    answer = app_client(things).post("/thing/share", data=f"[{body}]", content_type="application/json")
    assert answer.status_code == 200, answer.text
    answers: list[dict[str, Any]] = json.loads(answer.data)
    assert len(answers) == len(entities)
    return answers


BAD = {
    "a deep value": (f'{{"_id": "x", "$operation": "insert", "$origin": "~:e:x", "name": {DEEP}}}', "depth"),
    "a deep basis": (f'{{"_id": "x", "id": "T-1", "$based_on": {DEEP}}}', "depth"),
    "no id": ('{"_id": "", "$operation": "insert", "$origin": "~:e:x", "name": "x"}', "_id"),
    "an endless id": (json.dumps({"_id": "x" * 1_000_000, "$operation": "insert", "name": "x"}), "_id"),
    "an endless key": (
        json.dumps({"_id": "x", "id": "x" * (LONGEST_ID + 1), "$operation": "delete"}),
        "maxLength",
    ),
    "a number for a text": (
        '{"_id": "x", "$operation": "insert", "$origin": "~:e:x", "name": 1e308}',
        "type",
    ),
}


@pytest.mark.parametrize(("entity", "rule"), BAD.values(), ids=BAD)
def test_one_bad_entity_of_a_request_is_rejected_alone(
    things: MemoryDatatype, entity: str, rule: str
) -> None:
    answers = share(things, insert("one"), entity, insert("two"))
    assert [answer["$status"] for answer in answers] == ["ok", "rejected", "ok"]
    assert answers[1]["$error"]["rule"] == rule
    assert sorted(record["name"] for record in things.records.values()) == ["one", "two"]


@pytest.mark.parametrize("text", ["~:a:b", "~f12", "~~x", "~"])
def test_a_text_that_begins_with_a_tilde_is_written_as_it_was_read(things: MemoryDatatype, text: str) -> None:
    """What was given out escaped comes back so, is written plain, and is answered escaped again."""
    [made] = share(things, {**insert(f"~{text}"), "name": f"~{text}"})
    key = made["$generated_id"]
    assert made["$response"]["name"] == f"~{text}"
    assert things.records[key]["name"] == text
    assert things.records[key]["link"] == text, "the origin's id is the record's own, not the escaped one"
    [same] = share(things, {"_id": "x", "id": key, "name": f"~{text}", "$based_on": {"name": f"~{text}"}})
    assert (same["$operation"], same["$status"]) == ("none", "ok"), same["$error"]


def test_a_key_that_looks_like_an_identifier_is_found_again(things: MemoryDatatype) -> None:
    things.records["~:a:b"] = {"id": "~:a:b", "version": 1, "name": "x"}
    update = {"_id": "thing:~~:a:b", "id": "~~:a:b", "name": "y", "$based_on": {"name": "x"}}
    [answer] = share(things, update)
    assert (answer["$status"], answer["$generated_id"]) == ("ok", "~~:a:b")
    [gone] = share(things, {"_id": "thing:~~:a:b", "_deleted": True})
    assert (gone["$operation"], things.records) == ("delete", {})


def test_a_pushed_entity_that_is_odd_is_named_and_the_others_are_done(things: MemoryDatatype) -> None:
    body = f'[{{"_id": "a", "name": "A"}}, {{"_id": "b", "name": {DEEP}}}, {{"_id": "~~:c", "name": "C"}}]'
    answer = app_client(things).post("/thing/entities", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert [(error["entity"], error["rule"]) for error in answer.get_json()["errors"]] == [("b", "depth")]
    assert {"a", "~:c"} == things.records.keys()


def test_one_entity_that_cannot_be_given_out_is_422(things: MemoryDatatype) -> None:
    things.records["bad"] = {"id": "bad", "version": 1, "name": "\ud800"}
    answer = app_client(things).get("/thing/entities/bad")
    assert (answer.status_code, answer.get_json()["field"]) == (422, "/name")


def test_what_upstream_keeps_and_no_entity_can_hold_does_not_spoil_the_answer(things: MemoryDatatype) -> None:
    things.records["T-9"] = {"id": "T-9", "version": 1, "name": "x", "note": "\ud800"}
    [answer] = share(things, {"_id": "s", "id": "T-9", "name": "y", "$based_on": {"name": "x"}})
    assert (answer["$status"], answer["$response"]) == ("ok", None)
    assert things.records["T-9"]["name"] == "y"
