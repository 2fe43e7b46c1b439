"""A profile that turns conditional sources from a system to embedded test data, or back, on a node with data: by every
way that variables get to a node, nothing is mixed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from localnode.api.app import create_app
from localnode.config import NodeSettings
from localnode.node import Node
from tests.localnode.node.node_support import Server, zipped
from tests.support.commands import localnode as command
from tests.support.plain import PLAIN
from tests.support.processes import ROOT, free_port

REAL = [{"_id": "real", "name": "Real"}]
PEOPLE = {
    "_id": "people",
    "type": "pipe",
    "source": {
        "type": "conditional",
        "condition": "$ENV(node-env)",
        "alternatives": {
            "prod": {"type": "dataset", "dataset": "pushed"},
            "test": {"type": "embedded", "entities": [{"_id": "invented", "name": "Invented"}]},
        },
    },
}
PUSHED = {"_id": "pushed", "type": "pipe", "source": {"type": "http_endpoint"}}
LATER = {"_id": "later", "type": "pipe", "source": {"type": "dataset", "dataset": "people"}}
CONFIG = [PEOPLE, PUSHED, LATER, PLAIN]
OTHER = {"prod": "test", "test": "prod"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config folder with both profiles."""
    root = tmp_path / "config"
    (root / "pipes").mkdir(parents=True)
    for entity in CONFIG:
        (root / "pipes" / f"{entity['_id']}.conf.json").write_text(json.dumps(entity))
    for profile in OTHER:
        (root / f"{profile}-env.json").write_text(json.dumps({"node-env": profile}))
    return root


def filled(call: Callable[..., Any], profile: str) -> None:
    """Give a node the configuration and a profile, and run it."""
    assert call("PUT", "/api/env", json={"node-env": profile, "other": 1}).status_code == 200
    assert call("PUT", "/api/config", data=zipped(CONFIG)).status_code == 200
    assert call("POST", "/api/receivers/pushed/entities", json=REAL).status_code == 200
    run = call(
        "POST", "/api/pipes/run-all-pipes?request_mode=sync&reset_pipes_and_delete_sink_datasets=false"
    )
    assert run.status_code == 200
    assert ids(call, "later") == {"prod": {"real"}, "test": {"invented"}}[profile]


def ids(call: Callable[..., Any], dataset: str) -> set[str]:
    found = call("GET", f"/api/datasets/{dataset}/entities?deleted=false")
    rows = found.json() if callable(found.json) else found.json
    return {row["_id"] for row in rows} if found.status_code == 200 else set()


def run(call: Callable[..., Any]) -> None:
    assert (
        call("POST", "/api/pipes/run-all-pipes?reset_pipes_and_delete_sink_datasets=false").status_code == 200
    )


def caller(client: FlaskClient) -> Callable[..., Any]:
    return lambda method, path, **options: client.open(path, method=method, **options)


@pytest.mark.parametrize("held", ["prod", "test"])
@pytest.mark.parametrize(
    "way",
    [
        ("PUT", {"node-env": "{to}"}),
        ("PATCH", {"node-env": "{to}"}),
        ("POST", {"node-env": "{to}", "more": 2}),
    ],
    ids=lambda way: way[0],
)
def test_variables_that_would_mix_test_data_with_a_systems_are_refused(
    client: FlaskClient, held: str, way: tuple[str, Any]
) -> None:
    call = caller(client)
    filled(call, held)
    method, body = way
    body = {name: OTHER[held] if value == "{to}" else value for name, value in body.items()}
    answer = call(method, "/api/env", json=body)
    assert answer.status_code == 409 and answer.json["pipes"] == ["people"]
    told = answer.json["detail"]
    assert f'node-env would change from "{held}" to "{OTHER[held]}"' in told and "--profile" in told
    assert call("GET", "/api/env").json["node-env"] == held
    before = ids(call, "people")
    run(call)
    assert ids(call, "people") == before, "the node goes on as it was"
    assert call(method, "/api/env", json={**body, "node-env": held}).status_code == 200


def test_a_detour_over_no_variable_or_another_configuration_does_not_mix_them_either(
    client: FlaskClient,
) -> None:
    call = caller(client)
    filled(call, "prod")
    assert call("DELETE", "/api/env/node-env").status_code == 200
    assert call("PUT", "/api/env", json={"node-env": "test"}).status_code == 409
    plain = {**PEOPLE, "source": PEOPLE["source"]["alternatives"]["prod"]}  # type: ignore[index]
    assert call("PUT", "/api/config", data=zipped([plain, PUSHED, LATER, PLAIN])).status_code == 200
    assert call("PUT", "/api/env", json={"node-env": "test"}).status_code == 200
    assert call("PUT", "/api/config", data=zipped(CONFIG)).status_code == 409
    assert call("PUT", "/api/env", json={"node-env": "prod"}).status_code == 200
    assert call("PUT", "/api/config", data=zipped(CONFIG)).status_code == 200
    assert ids(call, "later") == {"real"}


@pytest.mark.parametrize("held", ["prod", "test"])
def test_forced_the_node_starts_over_and_keeps_what_was_pushed(client: FlaskClient, held: str) -> None:
    call = caller(client)
    filled(call, held)
    assert call("PUT", "/api/env?force=true", json={"node-env": OTHER[held]}).status_code == 200
    assert ids(call, "later") == set() and ids(call, "pushed") == {"real"}
    run(call)
    assert ids(call, "people") == ids(call, "later") == {"prod": {"invented"}, "test": {"real"}}[held]
    answer = call("GET", "/api/datasets/people/entities")
    assert {row["_id"] for row in answer.json} == ids(call, "people"), "not even as deleted"


def test_a_crash_between_the_decision_and_the_start_over_mixes_nothing(settings: NodeSettings) -> None:
    node = Node(settings)
    filled(caller(create_app(node, node.token).test_client()), "prod")
    node.uploaded.replace_env({"node-env": "test"})
    node.close()
    node = Node(settings)
    try:
        call = caller(create_app(node, node.token).test_client())
        run(call)
        assert {row["_id"] for row in call("GET", "/api/datasets/people/entities").json} == {"invented"}
    finally:
        node.close()


def test_a_node_without_data_takes_any_profile(client: FlaskClient) -> None:
    call = caller(client)
    for profile in ("prod", "test", "prod"):
        assert call("PUT", "/api/env", json={"node-env": profile}).status_code == 200
        assert call("PUT", "/api/config", data=zipped(CONFIG)).status_code == 200


def shared(server: Server) -> Callable[..., Any]:
    return lambda method, path, **options: server.call(method, path.removeprefix("/api"), **options)


def test_upload_without_a_profile_changes_no_node_that_has_another(server: Server, folder: Path) -> None:
    to = ("--node", server.url)
    call = shared(server)
    filled(call, "prod")
    refused = command("upload", str(folder), *to)
    assert refused.returncode == 2 and "--profile prod" in refused.stderr, refused.stderr
    assert server.json("GET", "/env")["node-env"] == "prod" and ids(call, "later") == {"real"}
    assert command("upload", str(folder), "--profile", "prod", *to).returncode == 0
    run(call)
    assert ids(call, "later") == {"real"}
    named = command("upload", str(folder), "--profile", "test", *to)
    assert named.returncode == 0, named.stderr
    run(call)
    assert ids(call, "later") == {"invented"}
    assert command("upload", str(folder), *to).returncode == 0, "the profile that it has"


def test_a_profile_that_is_misspelt_is_refused(server: Server, folder: Path) -> None:
    refused = command("upload", str(folder), "--profile", "prdo", "--node", server.url)
    assert refused.returncode == 2 and 'did you mean "prod"?' in refused.stderr
    assert server.json("GET", "/env") == {}


def test_serve_with_a_config_folder_refuses_it_too(tmp_path: Path, folder: Path) -> None:
    settings = NodeSettings(data=tmp_path / "data", schedule=False)
    node = Node(settings)
    filled(caller(create_app(node, node.token).test_client()), "prod")
    node.close()
    served = ["serve", "--port", str(free_port()), "--data", str(settings.data), "--config", str(folder)]
    ended = subprocess.run(
        [sys.executable, "-m", "localnode", *served], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert "node-env would change" in ended.stderr and "Traceback" not in ended.stderr, ended.stderr
    node = Node(settings)
    assert node.env()["node-env"] == "prod"
    node.close()
