"""The vendor client's calls against a real node process, command by command, as they were seen on the wire.

Methods, paths, parameters, forms and headers are those of the client (2.11.13); what is asserted is what it
reads from each answer. So the node stays usable by the client where the client itself is not at hand.
"""

from __future__ import annotations

import base64
import io
import json
import threading
import zipfile
from urllib.parse import quote

import pytest

from tests.localnode.node.node_support import Server, zipped
from tests.support.processes import wait_until

METADATA = {
    "_id": "node",
    "type": "metadata",
    "namespaced_identifiers": True,
    "namespaces": {"default": {"ex": "http://example.org/"}},
    "task_manager": {"disable_user_pipes": True},
    "global_defaults": {"eager_load_microservices": False},
}
INPUT = {
    "_id": "people-in",
    "type": "pipe",
    "source": {
        "type": "embedded",
        "entities": [{"_id": "ada", "name": "Ada Øst"}, {"_id": "bo", "name": "Bo"}],
    },
}
ENDPOINT = {
    "_id": "people-out",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "people-in"},
    "sink": {"type": "http_endpoint"},
}
TABLE = {
    "_id": "people-table",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "people-in"},
    "sink": {"type": "csv_endpoint", "columns": ["_id", "name"]},
}
RUN = {"extra_zero_runs": 2, "max_run_time": 900, "max_runs": 100, "request_mode": "sync"}
HEADERS = {"Accept": "application/json,*/*"}


@pytest.fixture(autouse=True)
def as_the_client(server):
    text = (server.data / ".syncconfig").read_text()
    token = text.split('JWT="')[1].split('"')[0]
    server.session.headers.update({**HEADERS, "Authorization": f"Bearer {token}"})


def greet(server: Server) -> None:
    assert server.json("GET", "/")["status"]["developer_mode"] is True


def upload(server: Server, entities, force="false") -> list:
    assert server.json("PUT", "/env", json={"node-env": "test"}) == {"node-env": "test"}
    files = {"file": ("config", zipped(entities), "application/zip")}
    answer = server.call("PUT", "/config", params={"force": force}, files=files)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    pipes = server.json("GET", "/pipes")
    assert all(pipe["runtime"]["state"] == "Deployed" for pipe in pipes)
    assert all(pipe["runtime"]["is-valid-config"] for pipe in pipes)
    return pipes


def run(server: Server, **more) -> dict:
    assert server.call("POST", "/pipes/stop-run-all-pipes", params={"terminate_timeout": 30}).ok
    result = server.json("POST", "/pipes/run-all-pipes", params={**RUN, **more})
    assert result["status"] == "success", result
    return result


def verify(server: Server) -> None:
    pipes = server.json("GET", "/pipes")
    effective = {pipe["_id"]: pipe["config"]["effective"] for pipe in pipes}
    assert effective["people-in"]["sink"]["dataset"] == "people-in"
    assert server.json("GET", "/pipes/people-table/pump")["runtime"]["is-disabled"] is False
    csv = server.call("GET", "/publishers/people-table/csv")
    assert csv.content == "_id,name\r\nada,Ada Øst\r\nbo,Bo\r\n".encode()
    entities = server.json("GET", "/pipes/people-out/entities")
    assert [(entity["_id"], entity["name"]) for entity in entities] == [("ada", "Ada Øst"), ("bo", "Bo")]


def test_the_token_is_one_that_the_client_can_read(server):
    parts = server.session.headers["Authorization"].removeprefix("Bearer ").split(".")
    assert len(parts) == 3
    payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    assert "principals" not in payload


def test_upload_run_verify_status_and_download(server):
    greet(server)
    config = [METADATA, INPUT, ENDPOINT, TABLE]
    assert len(upload(server, config)) == 3
    run(server)
    lines = server.json("GET", "/pipes/get-run-all-pipes-log")
    assert {"timestamp", "loglevel", "logdata"} == set(lines[0])
    last = {"since": lines[-1]["timestamp"]}
    assert server.json("GET", "/pipes/get-run-all-pipes-log", params=last) == []
    verify(server)
    archive = server.call("GET", "/config", headers={"Accept": "application/zip"})
    assert archive.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(archive.content)) as members:
        found = {name: json.loads(members.read(name)) for name in members.namelist()}
    assert found["node-metadata.conf.json"] == METADATA
    assert found["pipes/people-in.conf.json"] == INPUT
    assert server.json("GET", "/env") == {"node-env": "test"}


def test_the_log_can_be_read_while_a_run_blocks_and_afterwards(server):
    upload(server, [METADATA, INPUT, ENDPOINT])
    results = []
    thread = threading.Thread(target=lambda: results.append(run(server)))
    thread.start()
    while thread.is_alive():
        assert server.call("GET", "/pipes/get-run-all-pipes-log").ok
    thread.join()
    assert results and server.json("GET", "/pipes/get-run-all-pipes-log")[-1]["logdata"].startswith("success")


def test_async_runs_are_polled_by_token(server):
    upload(server, [METADATA, INPUT, ENDPOINT])
    params = {**RUN, "request_mode": "async", "scheduler_mode": "poll"}
    token = server.json("POST", "/pipes/run-all-pipes", params=params)["token"]
    query = {"token": token}
    wait_until(
        lambda: server.json("GET", "/pipes/get-pipe-runner-status", params=query)["status"] == "success"
    )
    unknown = server.json("GET", "/pipes/get-pipe-runner-status", params={"token": "another"})
    assert unknown["status"] == "not-running"


def test_testdata_goes_to_receivers_in_parallel_and_survives_the_run(server):
    receivers = [f"In-Pipe ø{number}" for number in range(4)]
    config = [
        METADATA,
        *({"_id": each, "type": "pipe", "source": {"type": "http_endpoint"}} for each in receivers),
    ]
    upload(server, config)

    def send(name: str) -> None:
        path = quote(name, safe="")
        assert server.json("GET", f"/pipes/{path}")["_id"] == name
        body = json.dumps(
            [{"_id": "And this", "name": "one"}, {"_id": "overwritten, really.", "name": "øæå"}]
        )
        headers = {"Content-Type": "application/json"}
        answer = server.call("POST", f"/receivers/{path}/entities", data=body, headers=headers)
        assert answer.status_code == 200 and answer.json() == {}

    threads = [threading.Thread(target=send, args=(name,)) for name in receivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run(server, delete_input_datasets="False")
    for name in receivers:
        entities = server.json("GET", f"/pipes/{quote(name, safe='')}/entities")
        ids = sorted(entity["_id"].removeprefix(f"{name}:") for entity in entities)
        assert ids == ["And this", "overwritten, really."]
    assert server.call("GET", "/pipes/nobody").status_code == 404


def test_refused_upload_is_400_with_the_findings_and_changes_nothing(server):
    upload(server, [METADATA, INPUT])
    bad = {**ENDPOINT, "source": {"type": "datasett", "dataset": "people-in"}}
    files = {"file": ("config", zipped([METADATA, INPUT, bad]), "application/zip")}
    answer = server.call("PUT", "/config", params={"force": "false"}, files=files)
    assert answer.status_code == 400 and "json" in answer.headers["Content-Type"]
    entry = answer.json()["validation_errors"][0]
    assert entry["posted-config"]["_id"] == "people-out"
    assert entry["config-errors"][0]["level"] == "error"
    assert entry["config-errors"][0]["elements"] == "$['source']['type']"
    assert [pipe["_id"] for pipe in server.json("GET", "/pipes")] == ["people-in"]
    files = {"file": ("config", zipped([METADATA, INPUT, bad]), "application/zip")}
    assert server.call("PUT", "/config", params={"force": "true"}, files=files).status_code == 200
    states = {p["_id"]: p["runtime"]["is-valid-config"] for p in server.json("GET", "/pipes")}
    assert states == {"people-in": True, "people-out": False}


def test_wipe_leaves_an_empty_node(server):
    upload(server, [METADATA, INPUT, ENDPOINT, TABLE])
    run(server)
    assert server.call("POST", "/pipes/stop-run-all-pipes?terminate_timeout=30").ok
    for entities in ([METADATA], []):
        files = {"file": ("config", json.dumps(entities), "application/json")}
        assert server.call("PUT", "/config", params={"force": "true"}, files=files).status_code == 200
    assert server.json("PUT", "/env", json={}) == {}
    assert server.json("GET", "/pipes") == []
    assert server.json("GET", "/datasets") == []


@pytest.mark.parametrize("operation", ["restart", "reset"])
def test_restart_and_reset_change_the_start_time(server, operation):
    upload(server, [METADATA, INPUT])
    run(server)
    before = server.json("GET", "/status")["node_start_time"]
    assert server.json("POST", "/admin", data={"operation": operation}) == {"message": "OK"}
    wait_until(lambda: server.json("GET", "/status")["node_start_time"] != before)
    assert len(server.json("GET", "/pipes")) == (1 if operation == "restart" else 0)


def test_disabled_pumps_are_enabled_by_form(server):
    upload(server, [METADATA, INPUT])
    disabled = server.json("POST", "/pipes/people-in/pump", data={"operation": "disable"})
    assert disabled["runtime"]["is-disabled"] is True
    enabled = server.json("POST", "/pipes/people-in/pump", data={"operation": "enable"})
    assert enabled["runtime"]["is-disabled"] is False


def test_deleting_sink_datasets_before_an_upload(server):
    upload(server, [METADATA, INPUT, ENDPOINT])
    run(server)
    assert server.call("POST", "/pipes/delete-all-sink-datasets").status_code == 200
    assert server.call("GET", "/datasets/people-in").status_code == 404


def test_sample_entities_of_a_sink_dataset(server):
    upload(server, [METADATA, INPUT])
    run(server)
    dataset = server.json("GET", "/pipes/people-in")["config"]["effective"]["sink"]["dataset"]
    assert server.json("GET", f"/datasets/{dataset}")["_id"] == dataset
    params = {"limit": 10, "history": "False", "deleted": "False", "reverse": "False"}
    entities = server.json("GET", f"/datasets/{dataset}/entities", params=params)
    assert [entity["_id"] for entity in entities] == ["people-in:ada", "people-in:bo"]


def test_connector_calls_secrets_metadata_and_entity_types(server):
    system = {"_id": "billing", "type": "system:url", "url_pattern": "http://127.0.0.1:9/%s"}
    upload(server, [METADATA, INPUT, system])
    assert server.json("GET", "/systems/billing")["_id"] == "billing"
    assert server.call("PUT", "/systems/billing/secrets", params={"encrypt": "true"}, json={"token": "x"}).ok
    assert server.json("GET", "/metadata")["config"]["effective"]["namespaced_identifiers"] is True
    assert server.call("PUT", "/metadata", json=METADATA).ok
    run(server)
    assert server.call("POST", "/pipes/people-in/pump", data={"operation": "start"}).ok
    runtime = server.json("GET", "/pipes/people-in/pump")["runtime"]
    assert {"is-running", "queues"} <= set(runtime)
    assert {"source", "dependencies"} <= set(runtime["queues"])
    assert "properties" in server.json("GET", "/pipes/people-in/entity-types/sink")
