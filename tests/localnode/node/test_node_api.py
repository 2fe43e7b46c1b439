"""The REST API, in this process: shapes, parameters, errors."""

import io
import json
import zipfile

import pytest

from tests.support.plain import PLAIN

EMBEDDED = {
    "_id": "in",
    "type": "pipe",
    "source": {"type": "embedded", "entities": [{"_id": "1", "n": 1}, {"_id": "2", "n": 2}]},
}
COPY = {
    "_id": "out",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "in"},
    "transform": {"type": "dtl", "rules": {"default": [["copy", "*"], ["add", "m", ["*", "_S.n", 10]]]}},
}
ENDPOINT = {
    "_id": "published",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "out"},
    "sink": {"type": "http_endpoint"},
}
CSV = {
    "_id": "table",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "out"},
    "sink": {"type": "csv_endpoint", "columns": ["_id", "m"]},
}
RECEIVER = {"_id": "received", "type": "pipe", "source": {"type": "http_endpoint"}}
ALL = [EMBEDDED, COPY, ENDPOINT, CSV, RECEIVER, PLAIN]


def put(client, entities, **query):
    return client.put("/api/config", json=entities, query_string=query)


def run_all(client, **query):
    return client.post("/api/pipes/run-all-pipes", query_string={"request_mode": "sync", **query}).get_json()


def plain(entities):
    return [
        {k: v for k, v in entity.items() if k in ("_id", "_deleted") or not k.startswith("_")}
        for entity in entities
    ]


@pytest.fixture
def loaded(client):
    assert put(client, ALL).status_code == 200
    assert run_all(client)["status"] == "success"
    return client


def test_greeting_and_liveness(client):
    assert client.get("/api/").get_json()["status"] == {"developer_mode": True}
    assert client.get("/api").status_code == 200
    assert client.get("/api/ping").get_json() == {"status": "running"}
    assert client.get("/api/health").status_code == 200
    assert client.get("/api/license").status_code == 200


def test_pipe_object(loaded):
    pipe = loaded.get("/api/pipes/out").get_json()
    assert pipe["_id"] == "out"
    assert pipe["config"]["original"] == COPY
    assert pipe["config"]["effective"]["sink"] == {"type": "dataset", "dataset": "out"}
    assert pipe["config"]["effective"]["pump"]["schedule_interval"] == 30
    runtime = pipe["runtime"]
    assert (
        runtime["state"] == "Deployed"
        and runtime["is-valid-config"] is True
        and runtime["config-errors"] == []
    )
    assert [each["_id"] for each in loaded.get("/api/pipes").get_json()] == [
        each["_id"] for each in ALL if each["type"] == "pipe"
    ]
    assert set(loaded.get("/api/pipes/out?fields=graph,storage").get_json()) == {"_id", "graph", "storage"}
    assert loaded.get("/api/pipes/nobody").status_code == 404


def test_pipe_entities_at_every_stage(loaded):
    def at(stage):
        return plain(loaded.get("/api/pipes/out/entities", query_string={"stage": stage}).get_json())

    before = [{"_id": "1", "n": 1, "_deleted": False}, {"_id": "2", "n": 2, "_deleted": False}]
    assert at("source") == before
    assert at("before-transforms") == before
    assert [(e["_id"], e["m"]) for e in at("after-transforms")] == [("1", 10), ("2", 20)]
    assert [(e["_id"], e["m"]) for e in at("sink")] == [("1", 10), ("2", 20)]
    assert loaded.get("/api/pipes/out/entities?stage=nowhere").status_code == 400


def test_endpoint_pipes_are_evaluated_on_demand(loaded):
    assert [e["_id"] for e in loaded.get("/api/pipes/published/entities").get_json()] == ["1", "2"]
    assert [e["m"] for e in loaded.get("/api/publishers/published/entities").get_json()] == [10, 20]
    assert [e["_id"] for e in loaded.get("/api/publishers/published/entities?limit=1").get_json()] == ["1"]
    csv = loaded.get("/api/publishers/table/csv")
    assert csv.data == b"_id,m\r\n1,10\r\n2,20\r\n"
    assert csv.content_type.startswith("text/csv")
    assert loaded.get("/api/publishers/out/csv").status_code == 400
    assert loaded.get("/api/publishers/published/xml").status_code == 400


def test_receiver_commits_before_it_answers(loaded):
    answer = loaded.post("/api/receivers/received/entities", json=[{"_id": "a", "x": 2**70}, {"_id": "b"}])
    assert answer.status_code == 200 and answer.get_json() == {}
    entities = loaded.get("/api/datasets/received/entities").get_json()
    assert [e["_id"] for e in entities] == ["a", "b"] and entities[0]["x"] == 2**70
    assert loaded.post("/api/receivers/received/entities", json={"_id": "c"}).status_code == 200
    assert loaded.post("/api/receivers/out/entities", json=[]).status_code == 400
    assert loaded.post("/api/receivers/nobody/entities", json=[]).status_code == 404
    assert loaded.post("/api/receivers/received/entities", data="[{").status_code == 400


def test_push_protocol(loaded):
    url = "/api/receivers/received/entities"
    first = {"sequence_id": "1", "is_full": "true", "request_id": "0", "is_first": "true"}
    assert loaded.post(url, json=[{"_id": "a"}, {"_id": "b"}], query_string=first).status_code == 200
    last = {
        "sequence_id": "1",
        "is_full": "true",
        "request_id": "1",
        "previous_request_id": "0",
        "is_last": "true",
    }
    assert loaded.post(url, json=[], query_string=last).status_code == 200
    second = {"sequence_id": "2", "is_full": "true", "request_id": "0", "is_first": "true", "is_last": "true"}
    assert loaded.post(url, json=[{"_id": "a"}], query_string=second).status_code == 200
    entities = loaded.get("/api/datasets/received/entities?history=false").get_json()
    assert {e["_id"]: e["_deleted"] for e in entities} == {"a": False, "b": True}
    wrong = {"sequence_id": "3", "is_full": "true", "request_id": "5", "previous_request_id": "4"}
    assert loaded.post(url, json=[], query_string={**first, "sequence_id": "3"}).status_code == 200
    assert loaded.post(url, json=[], query_string=wrong).status_code == 409


def test_dataset_entities_and_their_parameters(loaded):
    loaded.post("/api/receivers/received/entities", json=[{"_id": "a", "v": 1}, {"_id": "b", "v": 1}])
    loaded.post(
        "/api/receivers/received/entities", json=[{"_id": "a", "v": 2}, {"_id": "b", "_deleted": True}]
    )
    url = "/api/datasets/received/entities"

    def ids(**query):
        return [(e["_id"], e["_updated"]) for e in loaded.get(url, query_string=query).get_json()]

    assert ids() == [("a", 0), ("b", 1), ("a", 2), ("b", 3)]
    assert ids(history="False") == [("a", 2), ("b", 3)]
    assert ids(history="False", deleted="False") == [("a", 2)]
    assert ids(since=1) == [("a", 2), ("b", 3)]
    assert ids(since=0, limit=1) == [("b", 1)]
    assert ids(reverse="true", limit=2) == [("b", 3), ("a", 2)]
    headers = loaded.get(url).headers
    assert headers["X-Dataset-Populated"] == "true" and headers["X-Dataset-Max-Updated"] == "3"
    assert headers["X-Dataset-Generation"]
    for bad in ({"limit": "x"}, {"since": "x"}, {"history": "perhaps"}, {"limit": "-1"}, {"subset": "{"}):
        assert loaded.get(url, query_string=bad).status_code == 400
    assert loaded.get("/api/datasets/nobody/entities").status_code == 404


def test_subsets(loaded):
    loaded.post("/api/receivers/received/entities", json=[{"_id": "a", "v": 1}, {"_id": "b", "v": 2}])

    def ids(value, **query):
        query["subset"] = json.dumps(["eq", "_S.v", value])
        return [
            e["_id"] for e in loaded.get("/api/datasets/received/entities", query_string=query).get_json()
        ]

    assert ids(1) == ["a"] and ids(2) == ["b"] and ids(3) == []
    bad = {"subset": json.dumps(["lt", "_S.v", 1])}
    assert loaded.get("/api/datasets/received/entities", query_string=bad).status_code == 400
    entity = {"entity_id": "a", "subset": json.dumps(["eq", "_S.v", 2])}
    assert loaded.get("/api/datasets/received/entity", query_string=entity).status_code == 404


def test_single_entities(loaded):
    url = "/api/datasets/out/entity"
    assert loaded.get(url, query_string={"entity_id": "2"}).get_json()["m"] == 20
    assert loaded.get(url, query_string={"offset": 0}).get_json()["_id"] == "1"
    assert loaded.get(url, query_string={"entity_id": "nobody"}).status_code == 404
    assert loaded.get(url).status_code == 400


def test_dataset_objects_and_deletion(loaded):
    dataset = loaded.get("/api/datasets/out").get_json()
    assert dataset["_id"] == "out" and dataset["runtime"]["count-index-exists"] == 2
    assert {"in", "out", "received"} <= {each["_id"] for each in loaded.get("/api/datasets").get_json()}
    assert loaded.delete("/api/datasets/out").status_code == 200
    assert loaded.get("/api/datasets/out").status_code == 404
    assert run_all(loaded, reset_pipes_and_delete_sink_datasets="False")["status"] == "success"
    assert loaded.get("/api/datasets/out").get_json()["runtime"]["count-index-exists"] == 2


def test_repairs_write_directly_and_force_stores_unchanged_versions(loaded):
    url = "/api/datasets/in/entities"
    assert loaded.post(url, json=[{"_id": "1", "n": 1}]).get_json() == {"written": 0}
    assert loaded.post(url + "?force=true", json=[{"_id": "1", "n": 1}]).get_json() == {"written": 1}


def test_pump_operations(loaded):
    url = "/api/pipes/out/pump"
    runtime = loaded.get(url).get_json()["runtime"]
    assert runtime["is-running"] is False and runtime["is-disabled"] is False and runtime["success"] is True

    def operate(**form):
        return loaded.post(url, data=form)

    disabled = operate(operation="disable", comment="not now").get_json()["runtime"]
    assert disabled["is-disabled"] is True and disabled["disabled-comment"] == "not now"
    assert loaded.get("/api/pipes/out").get_json()["runtime"]["is-disabled"] is True
    assert operate(operation="start").status_code == 400
    assert operate(operation="enable").get_json()["runtime"]["is-disabled"] is False
    assert operate(operation="update-last-seen", **{"last-seen": ""}).get_json()["runtime"]["last-seen"] in (
        "",
        None,
    )
    assert operate(operation="set-last-seen-to-end").get_json()["runtime"]["last-seen"] == 1
    assert operate(operation="update-last-seen", **{"last-seen": "0"}).get_json()["runtime"]["last-seen"] == 0
    for name in ("reset-tracking", "reset-rescan", "discard-retries", "discard-inferred-schema", "stop"):
        assert operate(operation=name).status_code == 200, name
    unknown = operate(operation="explode")
    assert unknown.status_code == 400 and "doesn't support the operation" in unknown.get_json()["detail"]
    assert loaded.post("/api/pipes/received/pump", data={"operation": "start"}).status_code == 400


def test_pump_start_runs_in_the_background(loaded):
    from tests.support.processes import wait_until

    assert loaded.post("/api/pipes/out/pump", data={"operation": "start"}).status_code == 200
    wait_until(lambda: not loaded.get("/api/pipes/out/pump").get_json()["runtime"]["is-running"])
    assert loaded.get("/api/pipes/out/pump").get_json()["runtime"]["success"] is True


def test_execution_log(loaded):
    events = [entity["_id"] for entity in loaded.get("/api/pipes/out/log").get_json()]
    assert "pump-completed" in events


SAME_ID = [{"_id": "1", "n": 1}, {"_id": "1", "n": 2}]


@pytest.mark.parametrize(
    ("entities", "rules"),
    [
        ([{"_id": "1"}], [["copy", "*"], ["add", "at", ["now"]]]),
        ([{"_id": "1"}], [["copy", "*"], ["add", "secret", ["encrypt", "k" * 32, "text"]]]),
        ([{"_id": "1"}], [["copy", "*"], ["add", "id", ["uuid"]]]),
        (SAME_ID, [["copy", "*"]]),
    ],
    ids=["now", "encrypt", "uuid", "one id twice"],
)
def test_run_all_ends_though_a_source_gives_something_new_each_time(client, entities, rules):
    pipes = [
        {
            "_id": "in",
            "type": "pipe",
            "source": {"type": "embedded", "entities": entities},
            "transform": {"type": "dtl", "rules": {"default": rules}},
        },
        {"_id": "out", "type": "pipe", "source": {"type": "dataset", "dataset": "in"}},
    ]
    assert client.put("/api/config", json=pipes).status_code == 200
    result = run_all(client, extra_zero_runs=2)
    assert result["status"] == "success" and result["additional_info"]["rounds"] <= 5
    assert len(client.get("/api/pipes/out/entities").get_json()) == 1


def test_run_all_resets_and_keeps_input_when_told_to(loaded):
    loaded.post("/api/receivers/received/entities", json=[{"_id": "a"}])
    assert run_all(loaded, delete_input_datasets="False")["status"] == "success"
    assert len(loaded.get("/api/datasets/received/entities").get_json()) == 1
    assert run_all(loaded)["status"] == "success"
    assert loaded.get("/api/datasets/received/entities").get_json() == []


def test_run_all_result_statistics_log_and_token(loaded):
    result = run_all(loaded, output_run_statistics="True", reset_pipes_and_delete_sink_datasets="False")
    assert result["additional_info"]["changes"] == 0
    assert set(result["additional_info"]["pipes"]) == {"in", "out"}
    lines = loaded.get("/api/pipes/get-run-all-pipes-log").get_json()
    assert set(lines[0]) == {"timestamp", "loglevel", "logdata"}
    newer = loaded.get(
        "/api/pipes/get-run-all-pipes-log", query_string={"since": lines[0]["timestamp"]}
    ).get_json()
    assert newer == lines[1:]
    token = loaded.post("/api/pipes/run-all-pipes?request_mode=async").get_json()["token"]
    from tests.support.processes import wait_until

    def finished():
        answer = loaded.get("/api/pipes/get-pipe-runner-status", query_string={"token": token}).get_json()
        return answer["status"] == "success"

    wait_until(finished)
    unknown = loaded.get("/api/pipes/get-pipe-runner-status?token=x").get_json()
    assert unknown["status"] == "not-running"
    assert loaded.post("/api/pipes/stop-run-all-pipes?terminate_timeout=30").status_code == 200
    assert loaded.post("/api/pipes/run-all-pipes?request_mode=later").status_code == 400


def test_delete_all_sink_datasets(loaded):
    assert loaded.post("/api/pipes/delete-all-sink-datasets").status_code == 200
    left = {
        each["_id"]: each["runtime"]["count-index-exists"] for each in loaded.get("/api/datasets").get_json()
    }
    assert set(left.values()) <= {0}


def test_config_comes_back_verbatim_as_zip_and_as_json(client):
    entities = [{"_id": "node", "type": "metadata", "namespaced_identifiers": True}, COPY, EMBEDDED]
    put(client, entities)
    assert client.get("/api/config").get_json() == entities
    answer = client.get("/api/config", headers={"Accept": "application/zip"})
    assert answer.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.namelist() == ["node-metadata.conf.json", "pipes/out.conf.json", "pipes/in.conf.json"]
        assert json.loads(archive.read("pipes/out.conf.json")) == COPY
    assert client.get("/api/metadata").get_json()["config"]["effective"]["namespaced_identifiers"] is True


def test_adding_changing_and_removing_single_entities(loaded):
    changed = {**COPY, "transform": {"type": "dtl", "rules": {"default": [["copy", "_id"]]}}}
    assert loaded.put("/api/pipes/out/config", json=changed).status_code == 200
    assert loaded.get("/api/pipes/out/config").get_json() == changed
    assert loaded.post("/api/pipes", json=[{**EMBEDDED, "_id": "more"}]).status_code == 200
    assert loaded.delete("/api/pipes/more").status_code == 200
    assert loaded.get("/api/pipes/more").status_code == 404
    assert loaded.put("/api/pipes/out/config", json={**changed, "_id": "other"}).status_code == 400
    system = {"_id": "sys", "type": "system:url", "url_pattern": "http://127.0.0.1:1/%s"}
    assert loaded.post("/api/systems", json=system).status_code == 200
    assert loaded.get("/api/systems/sys").get_json()["config"]["original"] == system
    assert loaded.get("/api/systems/sys/status").get_json()["running"] is False
    assert loaded.get("/api/systems/sys/logs").status_code == 200
    assert loaded.delete("/api/systems/sys").status_code == 200
    assert loaded.put("/api/metadata", json={"namespaced_identifiers": True}).status_code == 200
    assert loaded.get("/api/pipes/out").get_json()["config"]["effective"]["namespaced_identifiers"] is True
    assert loaded.delete("/api/metadata").status_code == 200


def test_removed_pipes_take_their_datasets_with_them(loaded):
    put(loaded, [EMBEDDED])
    assert [each["_id"] for each in loaded.get("/api/datasets").get_json()] == ["in"]
    put(loaded, [])
    assert loaded.get("/api/pipes").get_json() == [] and loaded.get("/api/datasets").get_json() == []


def test_env_is_replaced_and_a_pipe_that_misses_a_variable_fails(client):
    pipe = {**EMBEDDED, "batch_size": "$ENV(size)"}
    answer = put(client, [pipe])
    assert answer.status_code == 200
    (found,) = answer.get_json()["validation_errors"][0]["config-errors"]
    assert found["level"] == "warning" and '"size" is not defined' in found["msg"]
    assert run_all(client)["additional_info"]["failed_pipes"] == [
        {
            "pipe": "in",
            "reason": "the environment variable \"size\" is not defined, which $['batch_size'] names",
        }
    ]
    assert client.put("/api/env", json={"size": 7, "other": "x"}).status_code == 200
    assert put(client, [pipe]).status_code == 200
    assert client.get("/api/pipes/in").get_json()["config"]["effective"]["batch_size"] == 7
    assert client.post("/api/env", json={"size": 8}).get_json() == {"other": "x", "size": 8}
    assert client.get("/api/pipes/in").get_json()["config"]["effective"]["batch_size"] == 8
    assert client.delete("/api/env/other").get_json() == {"size": 8}
    client.put("/api/env", json={})
    assert client.get("/api/env").get_json() == {}
    assert run_all(client)["status"] == "failed"
    assert client.put("/api/env", json=[1]).status_code == 400


def test_secrets_are_write_only(client):
    system = {
        "_id": "s",
        "type": "system:url",
        "url_pattern": "http://x/$SECRET(path)",
        "password": "$SECRET(pw)",
    }
    put(client, [system])
    errors = client.get("/api/systems/s").get_json()["runtime"]["config-errors"]
    assert {error["level"] for error in errors} == {"warning"}
    assert client.put("/api/secrets", json={"pw": "hemmelig"}).get_json() == ["pw"]
    assert client.put("/api/systems/s/secrets?encrypt=true", json={"path": "skjult"}).get_json() == ["path"]
    shown = (
        client.get("/api/systems/s").data + client.get("/api/secrets").data + client.get("/api/config").data
    )
    assert b"hemmelig" not in shown and b"skjult" not in shown
    assert client.delete("/api/secrets/pw").get_json() == []
    assert client.delete("/api/secrets/pw").status_code == 404
    assert client.put("/api/secrets", json={"n": 1}).status_code == 400


def test_restart_keeps_everything_and_reset_nothing(loaded):
    before = loaded.get("/api/status").get_json()["node_start_time"]
    assert loaded.post("/api/admin", data={"operation": "restart"}).get_json() == {"message": "OK"}
    between = loaded.get("/api/status").get_json()["node_start_time"]
    assert between != before
    assert len(loaded.get("/api/datasets/out/entities").get_json()) == 2
    assert loaded.post("/api/admin", data={"operation": "reset"}).get_json() == {"message": "OK"}
    assert loaded.get("/api/status").get_json()["node_start_time"] != between
    assert loaded.get("/api/pipes").get_json() == [] and loaded.get("/api/datasets").get_json() == []
    assert loaded.post("/api/admin", data={"operation": "x"}).status_code == 400


def test_errors_are_problem_documents(client):
    for answer in (client.get("/api/nowhere"), client.get("/api/pipes/x"), client.patch("/api/pipes")):
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["status"] == answer.status_code


def test_transform_shows_what_a_pipe_makes_of_entities(loaded):
    answer = loaded.post("/api/pipes/out/transform", json=[{"_id": "x", "n": 3}])
    assert plain(answer.get_json()) == [{"_id": "x", "n": 3, "m": 30}]


def test_execution_logs_are_datasets_that_pipes_can_read(client):
    read = {"type": "pipe", "source": {"type": "dataset", "dataset": "system:pump:data"}}
    hop = ["hops", {"datasets": ["system:pump:data l"], "where": [["eq", "_S.event", "l.event_type"]]}]
    pipes = [
        {"_id": "log", **read, "transform": {"type": "dtl", "rules": {"default": [["copy", "event_type"]]}}},
        {
            "_id": "hopped",
            "type": "pipe",
            "source": {"type": "embedded", "entities": [{"_id": "1", "event": "pump-completed"}]},
            "transform": {"type": "dtl", "rules": {"default": [["add", "n", ["count", hop]]]}},
        },
        {"_id": "data", "type": "pipe", "source": {"type": "embedded", "entities": [{"_id": "1"}]}},
        PLAIN,
    ]
    assert client.put("/api/config", json=pipes).get_json()["validation_errors"] == []
    assert client.get("/api/datasets/system:pump:data/entities").get_json() == []
    result = run_all(client, extra_zero_runs=2)
    assert result["status"] == "success" and result["additional_info"]["rounds"] <= 5
    events = {entity["event_type"] for entity in client.get("/api/pipes/log/entities").get_json()}
    assert events >= {"pump-started", "pump-completed"}
    assert client.get("/api/pipes/hopped/entities").get_json()[0]["n"] == 1
    both = [
        client.get(f"/api/datasets/{name}:data").get_json()
        for name in ("system:pump", "system:pump_execution")
    ]
    assert both[0] == both[1]
    assert client.get("/api/pipes/data/entities?stage=before-transform").status_code == 200
