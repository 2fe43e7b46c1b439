"""No request makes a 500: random ones to every endpoint of both services and the node, made of their OpenAPI documents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from connectors.chargebee.app import create_app as chargebee_app
from connectors.erp.app import create_app as erp_app
from localnode.api.app import create_app as node_app
from localnode.config import NodeSettings
from localnode.node import Node
from sandbox.chargebee.app import create_app as chargebee_sandbox
from sandbox.erp.app import create_app as erp_sandbox
from tests.attack.fuzzing import Call, Fuzzer
from tests.support.erp import FAST

CONFIG: list[dict[str, Any]] = [
    {"_id": "in", "type": "pipe", "source": {"type": "http_endpoint"}},
    {
        "_id": "p",
        "type": "pipe",
        "source": {"type": "dataset", "dataset": "in"},
        "transform": {
            "type": "dtl",
            "rules": {"default": [["copy", "*"], ["add", "x", ["concat", "_S.a", "b"]]]},
        },
    },
    *(
        {
            "_id": kind,
            "type": "pipe",
            "source": {"type": "dataset", "dataset": "p"},
            "sink": {"type": f"{kind}_endpoint", **more},
        }
        for kind, more in (("http", {}), ("csv", {"columns": ["_id", "x"]}), ("xml", {}))
    ),
    {"_id": "s", "type": "system:url", "url_pattern": "http://127.0.0.1:9/%s"},
    {"_id": "json", "type": "pipe", "source": {"type": "json", "system": "s", "url": "/x"}},
]
KNOWN = {
    "pipe_id": ["in", "p", "http", "csv", "xml", "json"],
    "dataset_id": ["in", "p", "system:actions"],
    "system_id": ["s"],
    "entity_id": ["a"],
    "group": ["default"],
    "path": ["x"],
}


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """An application at a port of its own, served by a thread."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def erp(folder: Path) -> Iterator[FlaskClient]:
    with served(erp_sandbox(folder / "erp.sqlite")) as url:
        yield erp_app({**FAST, "ERP_BASE_URL": f"{url}/api/v1", "ERP_TOKEN": "sandbox"}).test_client()


@contextmanager
def chargebee(folder: Path) -> Iterator[FlaskClient]:
    with served(chargebee_sandbox(folder / "chargebee.sqlite")) as url:
        settings = {
            "CHARGEBEE_SITE": "sandbox",
            "CHARGEBEE_BASE_URL": f"{url}/api/v2",
            "CHARGEBEE_API_KEY": "sandbox",
            "CHARGEBEE_RATE_PER_MINUTE": "0",
            "WEBHOOK_USERNAME": "",
        }
        yield chargebee_app({**FAST, **settings}).test_client()


@contextmanager
def node(folder: Path) -> Iterator[FlaskClient]:
    opened = Node(NodeSettings(data=folder / "data", schedule=False))
    try:
        client = node_app(opened, opened.token).test_client()
        assert client.put("/api/config", json=CONFIG).status_code == 200
        assert client.post("/api/receivers/in/entities", json=[{"_id": "a", "a": "b"}]).status_code == 200
        yield client
    finally:
        opened.close()


TARGETS: dict[str, tuple[Callable[[Path], Any], str, dict[str, list[str]]]] = {
    "erp": (erp, "/openapi.json", {"key": ["CT-1", "CT-2"]}),
    "chargebee": (chargebee, "/openapi.json", {"key": ["x"]}),
    "node": (node, "/api/openapi.json", KNOWN),
}


def ask(client: FlaskClient, call: Call) -> int:
    """Make a call and read all of its answer; the status."""
    answer = client.open(
        call.path,
        method=call.method,
        query_string=call.query,
        headers=call.headers,
        data=call.body,
        content_type=call.kind if call.body is not None else None,
    )
    answer.get_data()
    return answer.status_code


def failures(client: FlaskClient, fuzzer: Fuzzer, calls: int) -> list[str]:
    """What random calls are answered with a 500, or with an exception."""
    found = []
    for _ in range(calls):
        call = fuzzer.call()
        try:
            status = ask(client, call)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a hole
            found.append(f"{type(error).__name__} {error}: {call}")
            continue
        if status == 500:
            found.append(f"500: {call}")
    return found


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("calls", "seed"),
    [(250, 1), pytest.param(3000, 2, marks=pytest.mark.slow), pytest.param(3000, 3, marks=pytest.mark.slow)],
)
def test_no_request_makes_a_500(tmp_path: Path, target: str, calls: int, seed: int) -> None:
    start, description, known = TARGETS[target]
    with ExitStack() as stack:
        client = stack.enter_context(start(tmp_path))
        fuzzer = Fuzzer(client.get(description).json, seed, known)
        found = failures(client, fuzzer, calls)
    assert not found, f"{len(found)} of {calls}: " + "\n".join(found[:5])


def test_a_pushed_business_entity_without_a_name_is_refused(tmp_path: Path) -> None:
    with chargebee(tmp_path) as client:
        answer = client.post("/business_entity/entities", json=[{"_id": "a"}, {"_id": "b", "name": None}])
    assert (answer.status_code, answer.json["failed"]) == (422, 2)


@pytest.mark.parametrize("key", [{"a": 1}, [], 1, None, ""])
def test_metadata_with_an_odd_id_is_refused(tmp_path: Path, key: Any) -> None:
    with node(tmp_path) as client:
        assert client.put("/api/metadata", json={"_id": key}).status_code == 400


def test_a_hole_is_found(tmp_path: Path) -> None:
    app = Flask("holed")

    @app.get("/holed")
    def holed() -> str:
        raise KeyError("name")

    fuzzer = Fuzzer({"paths": {"/holed": {"get": {"parameters": []}}}}, 1, {})
    assert len(failures(app.test_client(), fuzzer, 5)) == 5


@pytest.mark.parametrize("target", TARGETS)
def test_the_document_has_every_route(tmp_path: Path, target: str) -> None:
    start, description, _ = TARGETS[target]
    with start(tmp_path) as client:
        document = client.get(description).json
        rules = [rule for rule in client.application.url_map.iter_rules() if "static" not in rule.endpoint]
        methods = {method.lower() for rule in rules for method in rule.methods or ()} - {"head", "options"}
        described = {method for path in document["paths"].values() for method in path}
        assert document["openapi"] == "3.1.0"
        assert methods == described
        assert len(document["paths"]) >= len({rule.rule for rule in rules if "<datatype>" not in rule.rule})
