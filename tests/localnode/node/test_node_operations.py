"""Pump operations, config history, config groups, indexes, inferred types: each does what it says."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests.support.plain import PLAIN

A = {"_id": "a", "type": "pipe", "source": {"type": "embedded", "entities": [{"_id": "1", "x": 1}]}}
B: dict[str, Any] = {"_id": "b", "type": "pipe", "source": {"type": "dataset", "dataset": "a"}}


def upload(client: FlaskClient, *entities: dict[str, Any], path: str = "/api/config") -> None:
    answer = client.put(path, json=list(entities))
    assert answer.status_code == 200, answer.json


def run_all(client: FlaskClient) -> None:
    answer = client.post("/api/pipes/run-all-pipes?reset_pipes_and_delete_sink_datasets=False")
    assert answer.json["status"] == "success", answer.json


def operate(client: FlaskClient, pipe: str, operation: str) -> None:
    answer = client.post(f"/api/pipes/{pipe}/pump", data={"operation": operation})
    assert answer.status_code == 200, answer.json


def test_reset_rescan_starts_an_interrupted_rescan_again(client: FlaskClient, node: Any) -> None:
    upload(client, A, B)
    run_all(client)
    state = node.store.pipe_state("b")
    state.put("full", {"base": 0})
    operate(client, "b", "reset-rescan")
    assert state.get("full") is None and state.get("offset") is None
    run_all(client)
    assert state.get("offset") == 0
    operate(client, "b", "reset-rescan")
    assert state.get("offset") == 0, "there was nothing to reset"


def test_discarding_an_inferred_schema_is_logged(client: FlaskClient) -> None:
    upload(client, A, B)
    operate(client, "b", "discard-inferred-schema")
    log = client.get("/api/pipes/b/log").json
    assert [event["event_type"] for event in log] == ["pump-discard-inferred-schema"]


def test_set_last_seen_to_end_skips(client: FlaskClient) -> None:
    upload(client, A, {**B, "pump": {"mode": "manual"}})
    run_all(client)
    client.post("/api/datasets/a/entities", json=[{"_id": "2"}])
    operate(client, "b", "set-last-seen-to-end")
    assert client.get("/api/pipes/b/pump").json["runtime"]["last-seen"] == 1


def test_the_history_of_a_config_entity(client: FlaskClient) -> None:
    upload(client, A, B)
    upload(client, A, {**B, "comment": "x"})
    upload(client, A)
    history = client.get("/api/config-history/entity?entity_id=b").json
    assert [(each.get("comment"), each["_deleted"]) for each in history] == [
        (None, False),
        ("x", False),
        ("x", True),
    ]
    assert len(client.get("/api/config-history/entity?entity_id=a").json) == 1
    later = client.get(f"/api/config-history/entity?entity_id=b&since={history[0]['_updated']}&limit=1").json
    assert [each["comment"] for each in later] == ["x"]
    newest = client.get("/api/config-history/entity?entity_id=b&reverse=true&limit=1").json
    assert newest[0]["_deleted"] is True
    assert client.get("/api/config-history/entity").status_code == 400
    assert client.get("/api/config-history/entity?entity_id=none").json == []


def test_config_groups_are_replaced_one_by_one(client: FlaskClient) -> None:
    upload(client, A, path="/api/config-all")
    upload(client, {**B, "metadata": {"global": True}}, path="/api/config/mine")
    (mine,) = client.get("/api/config/mine").json
    assert mine["metadata"] == {"global": True, "$config-group": "mine"}
    assert [each["_id"] for each in client.get("/api/config/default").json] == ["a"]
    upload(client, path="/api/config/mine")
    assert [each["_id"] for each in client.get("/api/config").json] == ["a"]


def test_indexes_can_be_dropped(client: FlaskClient) -> None:
    upload(client, A, {**B, "sink": {"type": "dataset", "indexes": ["_S.x"]}})
    run_all(client)
    (index,) = client.get("/api/datasets/b/indexes").json
    assert client.delete(f"/api/datasets/b/indexes/{index['index_int_id']}").status_code == 200
    assert client.get("/api/datasets/b/indexes").json == []
    assert client.delete("/api/datasets/b/indexes/0").status_code == 404
    run_all(client)


def test_types_of_source_and_sink(client: FlaskClient) -> None:
    dtl = {"type": "dtl", "rules": {"default": [["add", "y", ["string", "_S.x"]]]}}
    upload(client, PLAIN, A, {**B, "transform": dtl})
    run_all(client)
    source, sink = (
        client.get(f"/api/pipes/b/entity-types/{end}").json["properties"] for end in ("source", "sink")
    )
    assert source["x"]["type"] == ["integer"] and sink["y"]["type"] == ["string"] and "x" not in sink


def test_xml_is_published(client: FlaskClient) -> None:
    sink = {"type": "xml_endpoint", "wrapper": "all", "filename": "a.xml"}
    rules = {"default": [["add", "<x>", "_S.x"]]}
    upload(client, PLAIN, A, {**B, "transform": {"type": "dtl", "rules": rules}, "sink": sink})
    run_all(client)
    answer = client.get("/api/publishers/b/xml")
    assert answer.data == b"<all><x>1</x></all>" and answer.content_type.startswith("application/xml")
    assert "a.xml" in answer.headers["Content-Disposition"]
    assert client.get("/api/publishers/b/xml/other.xml").headers["Content-Disposition"].endswith("other.xml")
    assert client.get("/api/publishers/b/csv").status_code == 400


def test_a_protected_offset(client: FlaskClient) -> None:
    upload(client, A, {**B, "disable_set_last_seen": True, "infer_pipe_entity_types": False})
    run_all(client)
    for operation in ("update-last-seen", "set-last-seen-to-end"):
        answer = client.post("/api/pipes/b/pump", data={"operation": operation, "last-seen": ""})
        assert answer.status_code == 400 and "disable_set_last_seen" in answer.json["detail"]
    assert client.get("/api/pipes/b/entity-types/sink").json["properties"] == {}


def test_silent_runs_are_logged_now_and_then(client: FlaskClient) -> None:
    upload(client, A, {**B, "pump": {"notification_granularity": 0}}, {**B, "_id": "c"})
    run_all(client)
    before = {name: len(client.get(f"/api/pipes/{name}/log").json) for name in ("b", "c")}
    run_all(client)
    after = {name: len(client.get(f"/api/pipes/{name}/log").json) for name in ("b", "c")}
    assert after["b"] > before["b"] and after["c"] == before["c"]


def test_new_prefixes_in_the_metadata_are_used_by_joins(client):
    hop = {
        "datasets": ["things t"],
        "where": ["eq", "_S.wanted", ["uri-expand", "t.v"]],
        "return": "t._id",
    }
    things = {
        "_id": "things",
        "type": "pipe",
        "source": {"type": "embedded", "entities": [{"_id": "t", "v": "~rfoo:1"}]},
    }
    wanted = [{"_id": "1", "wanted": "~rhttp://a/1"}, {"_id": "2", "wanted": "~rhttp://b/1"}]
    out = {
        "_id": "out",
        "type": "pipe",
        "source": {"type": "embedded", "entities": wanted},
        "transform": {"type": "dtl", "rules": {"default": [["add", "r", ["hops", hop]]]}},
    }
    off = {"namespaced_identifiers": False}
    upload(client, {"_id": "node", "type": "metadata", **off}, things, out)
    for uri, expected in (("http://a/", ["1"]), ("http://b/", ["2"]), ("http://a/", ["1"])):
        metadata = {**off, "namespaces": {"default": {"foo": uri}}}
        assert client.put("/api/metadata", json=metadata).status_code == 200
        run = client.post(
            "/api/pipes/run-all-pipes?request_mode=sync&reset_pipes_and_delete_sink_datasets=True"
        )
        assert run.get_json()["status"] == "success"
        found = client.get("/api/datasets/out/entities").get_json()
        assert [entity["_id"] for entity in found if entity["r"]] == expected
