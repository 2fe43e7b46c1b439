"""JSON push: upserts, the rules of sequences, and deletes at the end of a complete full one."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from connectors.common.errors import Unavailable
from tests.connectors.common.test_service_contract import app_client
from tests.support.datatypes import MemoryDatatype, failing


@pytest.fixture
def things() -> MemoryDatatype:
    return MemoryDatatype()


@pytest.fixture
def client(things: MemoryDatatype) -> FlaskClient:
    return app_client(things)


def push(client: FlaskClient, entities: list[dict[str, Any]], **query: Any) -> int:
    return client.post("/thing/entities", json=entities, query_string=query).status_code


def full(
    client: FlaskClient, entities: list[dict[str, Any]], request: str, previous: str | None, **flags: Any
) -> int:
    query = {"sequence_id": "s1", "is_full": "true", "request_id": request, **flags}
    return push(client, entities, **(query | ({"previous_request_id": previous} if previous else {})))


def named(*ids: str) -> list[dict[str, Any]]:
    return [
        {"_id": one, "name": one, "_updated": 3, "_ts": 1, "_hash": "x", "_deleted": False, "_previous": None}
        for one in ids
    ]


def test_upsert_and_delete_without_parameters(things: MemoryDatatype, client: FlaskClient) -> None:
    assert push(client, named("a", "b")) == 200
    assert (
        push(
            client,
            [{"_id": "a", "name": "A"}, {"_id": "b", "_deleted": True}, {"_id": "c", "_deleted": True}],
        )
        == 200
    )
    assert things.records.keys() == {"a"}
    assert things.records["a"]["name"] == "A"
    writes = len(things.writes)
    assert push(client, [{"_id": "a", "name": "A"}]) == 200
    assert len(things.writes) == writes, "nothing new is nothing written"


def test_a_bad_entity_is_named_and_the_others_are_done(things: MemoryDatatype, client: FlaskClient) -> None:
    answer = client.post(
        "/thing/entities", json=[*named("a"), {"_id": "b", "name": "x" * 11}, {"name": "no id"}, *named("c")]
    )
    assert answer.status_code == 422
    assert [(e["entity"], e["field"]) for e in answer.json["errors"]] == [("b", "/name"), (None, "/_id")]
    assert things.records.keys() == {"a", "c"}


def test_a_complete_full_sequence_deletes_what_it_does_not_name(
    things: MemoryDatatype, client: FlaskClient
) -> None:
    push(client, named("a", "b", "c"))
    assert full(client, named("a"), "1", None, is_first="true") == 200
    assert full(client, named("b"), "2", "1") == 200
    assert things.records.keys() == {"a", "b", "c"}
    assert full(client, [], "3", "2", is_last="true") == 200
    assert things.records.keys() == {"a", "b"}


def test_an_empty_full_sequence_deletes_all(things: MemoryDatatype, client: FlaskClient) -> None:
    push(client, named("a"))
    assert full(client, [], "1", None, is_first="true", is_last="true") == 200
    assert things.records == {}


def test_an_incomplete_sequence_deletes_nothing(things: MemoryDatatype, client: FlaskClient) -> None:
    push(client, named("a", "b"))
    assert full(client, named("a"), "1", None) == 200, "no is_first: its beginning was not seen"
    assert full(client, [], "2", "1", is_last="true") == 200
    assert things.records.keys() == {"a", "b"}


def test_a_sequence_with_a_failed_entity_deletes_nothing(things: MemoryDatatype, client: FlaskClient) -> None:
    push(client, named("a", "b"))
    assert full(client, [{"_id": "a", "name": "x" * 11}], "1", None, is_first="true") == 422
    assert full(client, [], "2", "1", is_last="true") == 200
    assert things.records.keys() == {"a", "b"}


def test_a_sequence_with_a_failed_request_deletes_nothing(
    things: MemoryDatatype, client: FlaskClient
) -> None:
    push(client, named("a", "b"))
    things.before["fetch"] = failing(Unavailable("down"))
    assert full(client, named("a"), "1", None, is_first="true") == 503
    assert full(client, [], "2", "1", is_last="true") == 200
    assert things.records.keys() == {"a", "b"}


def test_conflicts(things: MemoryDatatype, client: FlaskClient) -> None:
    assert full(client, named("a"), "1", None, is_first="true") == 200
    assert full(client, named("b"), "2", "wrong") == 409
    assert full(client, named("b"), "2", None) == 409
    assert full(client, named("b"), "2", "1", is_first="true") == 409
    assert (
        push(client, named("b"), sequence_id="s1", is_full="false", request_id="2", previous_request_id="1")
        == 409
    )
    assert "b" not in things.records, "a refused request writes nothing"
    assert full(client, named("b"), "2", "1") == 200


def test_a_new_sequence_replaces_the_active_one(things: MemoryDatatype, client: FlaskClient) -> None:
    assert full(client, named("a"), "1", None, is_first="true") == 200
    assert push(client, named("b"), sequence_id="s2", is_full="true", request_id="1", is_first="true") == 200
    assert full(client, [], "2", "1", is_last="true") == 409, "the old one is no longer known"
    assert things.records.keys() == {"a", "b"}


def test_after_a_restart_a_running_sequence_starts_over(things: MemoryDatatype, client: FlaskClient) -> None:
    push(client, named("a", "b"))
    assert full(client, named("a"), "1", None, is_first="true") == 200
    restarted = app_client(things)
    assert full(restarted, [], "2", "1", is_last="true") == 409
    assert things.records.keys() == {"a", "b"}


def test_incremental_requests_leave_the_full_sequence_alone(
    things: MemoryDatatype, client: FlaskClient
) -> None:
    assert full(client, named("a"), "1", None, is_first="true") == 200
    assert push(client, named("z"), sequence_id="i1", request_id="9") == 200
    assert full(client, [], "2", "1", is_last="true") == 200
    assert things.records.keys() == {"a"}


@pytest.mark.parametrize("query", [{"is_full": "yes"}, {"is_full": "true"}, {"is_last": "maybe"}])
def test_bad_parameters(client: FlaskClient, query: dict[str, str]) -> None:
    assert push(client, [], **query) == 400
