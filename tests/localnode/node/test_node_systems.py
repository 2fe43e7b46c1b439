"""Systems: addresses from the node's settings only, secrets, proxy, and pipes that talk to a service."""

import json
import threading
from contextlib import contextmanager

import pytest
from flask import Flask, Response, request
from werkzeug.serving import make_server

from localnode.api.app import create_app
from localnode.config import NodeSettings
from localnode.node import Node
from localnode.node.engine import reachable
from localnode.pipes import Systems
from localnode.pipes.errors import RemoteFailed
from tests.support.upstream import Reply, scripted_upstream

SERVICE = {"_id": "service", "type": "system:microservice", "docker": {"image": "x", "port": 5000}}
COLLECT = {
    "_id": "things",
    "type": "pipe",
    "source": {"type": "json", "system": "service", "url": "/things", "supports_since": True},
    "add_namespaces": False,
}
SHARE = {
    "_id": "shared",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "things"},
    "transform": {"type": "http", "system": "service", "url": "/share"},
}


@contextmanager
def service():
    """A small service on loopback; yields (url, calls)."""
    app, calls = Flask("service"), []

    @app.before_request
    def note():
        calls.append((request.method, request.full_path.rstrip("?"), request.headers.get("Authorization")))

    @app.get("/things")
    def things():
        since = int(request.args.get("since", 0))
        return Response(
            json.dumps([{"_id": str(n), "_updated": n} for n in range(1, 4) if n > since]),
            content_type="application/json",
        )

    @app.post("/share")
    def share():
        return [{**entity, "done": True} for entity in request.get_json()]

    @app.route("/echo", methods=["GET", "POST", "DELETE"])
    def echo():
        return Response(request.get_data() or b"empty", 418, {"ETag": '"1"', "Set-Cookie": "a=b"})

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def connected(tmp_path):
    """(client, node, url, calls) of a node that knows where the service is."""
    with service() as (url, calls):
        node = Node(NodeSettings(data=tmp_path / "data", schedule=False, systems={"service": url}))
        yield create_app(node, node.token).test_client(), node, url, calls
        node.close()


def run(client, **query):
    query = {"reset_pipes_and_delete_sink_datasets": "False", **query}
    return client.post("/api/pipes/run-all-pipes", query_string=query).get_json()


def test_pipes_read_from_and_write_to_the_service(connected):
    client, _, _, calls = connected
    client.put("/api/config", json=[SERVICE, COLLECT, SHARE])
    assert run(client)["status"] == "success"
    shared = client.get("/api/datasets/shared/entities").get_json()
    assert [(entity["_id"], entity["done"]) for entity in shared] == [("1", True), ("2", True), ("3", True)]
    calls.clear()
    assert run(client)["additional_info"]["changes"] == 0
    assert {call[1] for call in calls} == {"/things?since=3"}


@pytest.mark.parametrize(("writes", "reads"), [(True, 2), (False, 1)])
def test_what_was_written_to_is_read_again_in_the_same_run(connected, writes, reads):
    client, _, _, calls = connected
    share = {**SHARE, "transform": {**SHARE["transform"], "side_effects": writes}}
    client.put("/api/config", json=[SERVICE, COLLECT, share])
    assert run(client, extra_zero_runs=2)["status"] == "success"
    assert [call[1].partition("?")[0] for call in calls] == ["/things", "/share", "/things"][: reads + 1]


def test_writes_of_a_pipe_that_reads_a_system_itself_or_that_only_fails_are_no_reason_to_read_again(
    connected,
):
    client, _, _, calls = connected
    register = {**COLLECT, "_id": "register", "transform": SHARE["transform"]}
    client.put("/api/config", json=[SERVICE, register])
    assert run(client, extra_zero_runs=2)["status"] == "success"
    assert [call[0] for call in calls] == ["GET", "POST"]
    calls.clear()
    broken = {
        **SHARE,
        "transform": {**SHARE["transform"], "url": "/nowhere"},
        "pump": {"max_retries_per_entity": 9},
    }
    client.put("/api/config", json=[SERVICE, COLLECT, broken])
    result = run(client, extra_zero_runs=2)
    assert result["status"] == "failed" and result["additional_info"]["rounds"] <= 5
    assert [call[0] for call in calls].count("GET") == 1


def test_previews_have_no_side_effects(connected):
    client, _, _, calls = connected
    client.put("/api/config", json=[SERVICE, COLLECT, SHARE])
    run(client)
    calls.clear()
    entities = client.get("/api/pipes/shared/entities?stage=after-transforms").get_json()
    assert len(entities) == 3 and "done" not in entities[0]
    client.post("/api/pipes/shared/transform", json=[{"_id": "9"}])
    assert [call for call in calls if call[1] == "/share"] == []


def test_proxy_passes_requests_and_answers_on_without_the_nodes_own_token(connected):
    client, node, _, calls = connected
    client.put("/api/config", json=[SERVICE])
    headers = {"Authorization": f"Bearer {node.token}"}
    answer = client.post("/api/systems/service/proxy/echo?a=1&a=2", data=b"body", headers=headers)
    assert answer.status_code == 418 and answer.data == b"body" and answer.headers["ETag"] == '"1"'
    assert "Set-Cookie" not in answer.headers
    assert calls[-1] == ("POST", "/echo?a=1&a=2", None)
    assert client.delete("/api/systems/service/proxy/echo").status_code == 418
    assert client.get("/api/systems/nobody/proxy/echo").status_code == 404
    assert client.get("/api/systems/service/status").get_json() == {"running": True}
    assert client.post("/api/systems/service/reload").status_code == 202


def test_secrets_reach_the_service_and_nobody_else(connected):
    client, _, _, calls = connected
    system = {**SERVICE, "authentication": "basic", "username": "u", "password": "$SECRET(pw)"}
    client.put("/api/config", json=[system, COLLECT])
    blocked = run(client, check_input_pipes="True")
    assert blocked["status"] == "failed"
    assert 'secret "pw"' in blocked["additional_info"]["failed_pipes"][0]["reason"] and calls == []
    client.put("/api/systems/service/secrets", json={"pw": "hemmelig"})
    assert run(client, check_input_pipes="True")["status"] == "success"
    assert calls[-1][2].startswith("Basic ")
    assert b"hemmelig" not in client.get("/api/systems").data + client.get("/api/pipes?verbose=true").data


def test_a_system_without_address_is_a_warning_and_its_pipes_say_how_to_give_it_one(client):
    answer = client.put("/api/config", json=[SERVICE, COLLECT])
    assert answer.status_code == 200
    finding = answer.get_json()["validation_errors"][0]["config-errors"][0]
    assert finding["level"] == "warning" and "--system service=URL" in finding["msg"]
    result = run(client, check_input_pipes="True")
    assert "--system service=URL" in result["additional_info"]["failed_pipes"][0]["reason"]


def test_a_config_cannot_reach_other_hosts(connected):
    client, _, url, calls = connected
    elsewhere = {"_id": "elsewhere", "type": "system:url", "url_pattern": "http://192.0.2.1/%s"}
    here = {"_id": "here", "type": "system:url", "url_pattern": f"{url}/%s"}
    full = {
        **COLLECT,
        "_id": "full",
        "source": {"type": "json", "system": "here", "url": "http://192.0.2.1/things"},
    }
    pipes = [
        {**COLLECT, "source": {**COLLECT["source"], "system": "elsewhere"}},
        {**COLLECT, "_id": "ok", "source": {**COLLECT["source"], "system": "here", "url": "things"}},
        full,
    ]
    client.put("/api/config", json=[elsewhere, here, *pipes])
    result = run(client, check_input_pipes="True")
    reasons = {each["pipe"]: each["reason"] for each in result["additional_info"]["failed_pipes"]}
    assert set(reasons) == {"things", "full"}
    assert "--system elsewhere=URL" in reasons["things"] and "refused" in reasons["full"]
    assert len(client.get("/api/datasets/ok/entities").get_json()) == 3


@pytest.mark.parametrize(
    ("pattern", "addresses", "expected"),
    [
        ("https://real.example/api/%s", {"s": "http://127.0.0.1:5"}, "http://127.0.0.1:5/api/%s"),
        ("https://real.example/api/%s", {"s": "http://127.0.0.1:5/v2/"}, "http://127.0.0.1:5/v2/api/%s"),
        ("http://127.0.0.1:5/%s", {"other": "http://127.0.0.1:5"}, "http://127.0.0.1:5/%s"),
        ("http://127.0.0.1:6/%s", {"other": "http://127.0.0.1:5"}, None),
    ],
)
def test_addresses_of_url_systems(pattern, addresses, expected):
    found = reachable({"_id": "s", "type": "system:url", "url_pattern": pattern}, addresses)
    assert found.get("url_pattern") == expected


def test_addresses_that_are_written_out_are_at_the_system_that_was_moved():
    """Public connectors write the whole address of the next page, and so do answers."""
    system = {"_id": "s", "type": "system:rest", "url_pattern": "https://real.example/api/%s"}
    with scripted_upstream(lambda asked: Reply({})) as upstream:
        systems = Systems({"s": reachable(system, {"s": f"{upstream.url}/v2"})})
        for path in ("things?page=1", "https://real.example/api/things?page=2", f"{upstream.url}/v2/things"):
            systems.request("s", "GET", path)
        assert [asked.path for asked in upstream.asked] == ["/v2/api/things", "/v2/api/things", "/v2/things"]
        for elsewhere in ("http://real.example/api/things", "https://other.example/api/things"):
            with pytest.raises(RemoteFailed, match="refused"):
                systems.request("s", "GET", elsewhere)
        systems.close()
