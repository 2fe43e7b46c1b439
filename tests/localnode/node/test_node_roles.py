"""Tokens with roles: who may call what, and that what people did can be read afterwards."""

from __future__ import annotations

import json
import time
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from localnode.api.app import create_app
from localnode.api.permissions import PERMISSIONS, SAFE
from localnode.config import NodeSettings
from localnode.node import Node
from localnode.node.tokens import ADMIN, OPERATOR, READER, RECEIVER, ROLES
from tests.localnode.node.node_support import Server, zipped
from tests.support.commands import localnode as command
from tests.support.processes import ROOT

DECISIONS = {
    "_id": "decisions", "type": "pipe", "source": {"type": "http_endpoint"}, "metadata": {"audited": True},
}  # fmt: skip
EVENTS = {"_id": "events", "type": "pipe", "source": {"type": "http_endpoint"}}
NUMBERS = {"_id": "numbers", "type": "pipe", "source": {"type": "embedded", "entities": [{"_id": "1"}]}}
KEEP = "reset_pipes_and_delete_sink_datasets=false"


@pytest.fixture
def app(node: Node) -> Flask:
    app = create_app(node, node.token)
    answer = app.test_client().put("/api/config", data=zipped([DECISIONS, EVENTS, NUMBERS]))
    assert answer.status_code == 200
    return app


def as_role(
    app: Flask, node: Node, role: str, name: str | None = None, days: int | None = None
) -> FlaskClient:
    token = node.tokens.create(name or f"a {role}", role, days)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


CALLS: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("GET", "/api/pipes", {}, {READER, OPERATOR}),
    ("GET", "/api/datasets/numbers/entities", {}, {READER, OPERATOR}),
    ("GET", "/studio/data/node", {}, {READER, OPERATOR}),
    ("GET", "/metrics", {}, {READER, OPERATOR}),
    ("POST", "/api/diagnostics/plan", {}, {READER, OPERATOR}),
    ("POST", "/api/talk/verify", {}, {READER, OPERATOR}),
    ("POST", "/api/pipes/numbers/transform", {"json": [{"_id": "x"}]}, {READER, OPERATOR}),
    ("POST", f"/api/pipes/run-all-pipes?{KEEP}", {}, {OPERATOR}),
    ("POST", "/api/pipes/run-all-pipes", {}, set()),
    ("POST", "/api/pipes/numbers/pump", {"data": {"operation": "disable"}}, {OPERATOR}),
    ("POST", "/api/pipes/numbers/pump", {"json": {"operation": "enable"}}, {OPERATOR}),
    ("POST", "/api/pipes/numbers/pump", {"data": {"operation": "update-last-seen"}}, set()),
    ("POST", "/api/receivers/decisions/entities", {"json": [{"_id": "d"}]}, {OPERATOR}),
    ("POST", "/api/receivers/events/entities", {"json": [{"_id": "e"}]}, {RECEIVER}),
    ("PUT", "/api/env", {"json": {}}, set()),
    ("PATCH", "/api/env", {"json": {"a": 1}}, set()),
    ("POST", "/api/secrets", {"json": {"s": "hemmelig"}}, set()),
    ("GET", "/api/secrets", {}, {READER, OPERATOR}),
    ("PUT", "/api/config", {"data": b"[]"}, set()),
    ("DELETE", "/api/datasets/numbers", {}, set()),
    ("POST", "/api/admin", {"data": {"operation": "stop-scheduling"}}, set()),
    ("GET", "/api/systems/nowhere/proxy/x", {}, {OPERATOR}),
    ("POST", "/api/systems/nowhere/proxy/x", {}, set()),
    ("POST", "/api/tokens", {"json": {"name": "mine", "role": "admin"}}, set()),
    ("GET", "/api/ping", {}, set(ROLES)),
]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_says(app: Flask, node: Node, role: str) -> None:
    client = as_role(app, node, role)
    assert client.get("/api/ping").status_code == 200
    for method, path, options, allowed in CALLS:
        answer = client.open(path, method=method, **options)
        if role == ADMIN or role in allowed:
            assert answer.status_code not in (401, 403), (method, path, answer.json)
        else:
            assert answer.status_code == 403, (method, path, answer.status_code)
            assert f'"a {role}" is a {role}' in answer.json["detail"]


def test_every_call_that_changes_something_has_its_line_in_the_table(app: Flask) -> None:
    def changes(rule: Rule) -> bool:
        return bool((rule.methods or set()) - {*SAFE})

    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if changes(rule)}
    missing = {each for each in endpoints if each.replace("talk.", "diagnostics.", 1) not in PERMISSIONS}
    assert missing == set()
    assert [name for name in PERMISSIONS if name not in endpoints] == []


def test_a_token_of_a_role_counts_on_this_machine_too_and_none_means_everything(
    app: Flask, node: Node
) -> None:
    assert as_role(app, node, READER).get("/api/caller").json == {"name": "a reader", "role": "reader"}
    assert app.test_client().get("/api/caller").json == {"name": "this machine", "role": "admin"}
    own = app.test_client().get("/api/caller", headers={"Authorization": f"Bearer {node.token}"})
    assert own.json["role"] == "admin"


def test_revoked_and_expired_tokens_are_good_for_nothing(settings: NodeSettings) -> None:
    node = Node(NodeSettings(data=settings.data, schedule=False, open_loopback=False))
    app = create_app(node, node.token)
    client = as_role(app, node, READER, "Ann", days=1)
    assert client.get("/api/pipes").status_code == 200
    with mock.patch("localnode.node.tokens.time.time", lambda: 2 * 24 * 3600 + time.monotonic() + 4e9):
        answer = client.get("/api/pipes")
        assert answer.status_code == 401 and '"Ann" has expired' in answer.json["detail"]
    node.tokens.revoke("Ann")
    assert client.get("/api/pipes").status_code == 401
    node.close()


def test_tokens_outlive_a_restart_and_a_reset_and_only_their_hash_is_kept(node: Node) -> None:
    text = node.tokens.create("Ann", OPERATOR)
    node.restart()
    node.reset()
    found = node.tokens.find(text)
    assert found is not None and (found.name, found.role) == ("Ann", OPERATOR)
    data = b"".join(path.read_bytes() for path in node.settings.data.rglob("*") if path.is_file())
    assert b"Ann" in data and text.encode() not in data


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "Ann", "role": "reader"}, 409),
        ({"name": "Bo", "role": "boss"}, 400),
        ({"name": "", "role": "reader"}, 400),
        ({"name": "x\n", "role": "reader"}, 400),
        ({"name": "Bo", "role": "reader", "days": 0}, 400),
        ({"role": "reader"}, 400),
        ({"name": "Bo", "role": "reader", "days": 7}, 201),
    ],
)
def test_tokens_that_cannot_be(app: Flask, node: Node, body: dict[str, Any], status: int) -> None:
    node.tokens.create("Ann", READER)
    answer = app.test_client().post("/api/tokens", json=body)
    assert answer.status_code == status, answer.json


def done(client: FlaskClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get("/api/datasets/system:actions/entities").json
    return rows


def test_what_people_do_is_kept_with_who_and_when_and_without_secrets(app: Flask, node: Node) -> None:
    ann, eve = as_role(app, node, OPERATOR, "Ann"), as_role(app, node, READER, "Eve")
    ann.post("/api/pipes/numbers/pump", data={"operation": "disable", "comment": "until Monday"})
    decision = {"_id": "p", "decision": "unlink", "records": ["a-b:1", "c-d:2"]}
    ann.post("/api/receivers/decisions/entities", json=[decision])
    eve.put("/api/env", json={"password": "hemmelig"})
    app.test_client().post("/api/secrets", json={"key": "hemmelig"})
    before = len(done(ann))
    as_role(app, node, RECEIVER, "hooks").post("/api/receivers/events/entities", json=[{"_id": "e"}])
    ann.post("/api/diagnostics/plan")
    rows = done(ann)
    assert len(rows) == before, "neither events nor questions are actions"
    told = [
        (row["who"], row["role"], row["action"], row["target"], row["answer"]["status"]) for row in rows[-4:]
    ]
    assert told == [
        ("Ann", "operator", "pump: disable", "numbers", "ok"),
        ("Ann", "operator", "decided", "decisions", "ok"),
        ("Eve", "reader", "variables replaced", None, "refused"),
        ("this machine", "admin", "secrets stored", None, "ok"),
    ]
    assert rows[-4]["details"] == {"comment": "until Monday"} and rows[-3]["details"]["entities"] == [
        decision
    ]
    assert rows[-1]["details"] == {"names": ["key"]} and "hemmelig" not in json.dumps(rows)
    assert all(row["when"].endswith("Z") for row in rows)


def test_the_audit_endpoint_has_them_beside_the_writes(app: Flask, node: Node) -> None:
    audit = {
        "_id": "audit",
        "type": "pipe",
        "source": {"type": "embedded", "entities": [{"_id": "w", "call": 1}]},
    }
    union = {"type": "union_datasets", "datasets": ["audit", "system:actions"], "prefix_ids": False}
    endpoint = {"_id": "audit-endpoint", "type": "pipe", "source": union, "sink": {"type": "http_endpoint"}}
    client = app.test_client()
    assert client.post("/api/pipes", json=[audit, endpoint]).status_code == 200
    client.post("/api/pipes/audit/pump", data={"operation": "start"})
    client.post(f"/api/pipes/run-all-pipes?{KEEP}")
    rows = client.get("/api/publishers/audit-endpoint/entities").json
    assert {row.get("action") for row in rows} >= {None, "pipes added", "pump: start", "all pipes run"}


def test_the_commands(server: Server) -> None:
    to = ("--node", server.url)
    made = command("token", "create", "finance", "--role", "reader", "--days", "90", *to)
    assert made.returncode == 0 and made.stdout.count(".") == 2 and "shown this once" in made.stderr
    token = made.stdout.strip()
    assert command("token", "list", *to).stdout.splitlines()[1].split()[:2] == ["finance", "reader"]
    refused = command("run", *to, "--jwt", token)
    assert refused.returncode == 1 and '"finance" is a reader' in refused.stderr
    assert command("status", *to, "--jwt", token).returncode == 0
    said = command("actions", *to).stdout
    assert (
        "this machine (admin) token created" in said
        and "finance (reader) all pipes run (refused: 403)" in said
    )
    assert command("token", "revoke", "finance", *to).returncode == 0
    assert command("token", "revoke", "finance", *to).returncode == 1


def test_every_role_is_explained() -> None:
    page = (ROOT / "docs" / "howto" / "roles.md").read_text(encoding="utf-8")
    assert [role for role, may in ROLES.items() if f"| `{role}` | {may} |" not in page] == []
