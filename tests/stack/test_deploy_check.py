"""The deploy check finds what is still that of the sandbox, and what a node of one's own lacks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
import requests

from core.jsonio import Json
from stack import deploy_check
from stack.__main__ import main
from stack.deploy_check import CHECKS, OPEN, READY, WRONG, Deployment, run_checks
from stack.node import NodeClient
from tests.support.processes import ROOT

REAL = {
    "customerp-image": f"registry.acme.com/erp@sha256:{'a' * 64}",
    "chargebee-image": f"registry.acme.com/chargebee@sha256:{'b' * 64}",
    "erp-base-url": "https://erp.acme.com/api",
    "erp-profile": "cursor",
    "chargebee-site": "acmecorp",
    "service-auth": "basic",
    "service-username": "sesam",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The configuration as it comes, to be changed."""
    for name in ("pipes", "systems"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("node-metadata.conf.json", "prod-env.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def change(folder: Path, **values: Any) -> None:
    path = folder / "prod-env.json"
    variables = json.loads(path.read_text(encoding="utf-8"))
    changed = {name.replace("_", "-"): value for name, value in values.items()}
    path.write_text(json.dumps({**variables, **REAL, **changed}), encoding="utf-8")


def states(folder: Path, **options: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in run_checks(Deployment(folder, **options)):
        found.setdefault(each.check, set()).add(each.state)
    return found


def test_as_it_comes_five_values_name_the_sandbox(folder: Path) -> None:
    wrong = [each for each in run_checks(Deployment(folder)) if each.state == WRONG]
    assert sorted(each.said.split()[0] for each in wrong) == [
        "chargebee-image", "chargebee-site", "customerp-image", "erp-base-url", "erp-profile",
    ]  # fmt: skip
    assert all(each.todo for each in wrong)


def test_with_real_values_nothing_is_wrong(folder: Path) -> None:
    change(folder)
    found = states(folder)
    assert [check for check, state in found.items() if WRONG in state] == []
    assert found["images"] == found["erp"] == found["profile"] == found["credentials"] == {READY}


@pytest.mark.parametrize(
    ("values", "check", "state", "said"),
    [
        ({"customerp_image": "registry.acme.com/erp:1.0"}, "images", OPEN, "a tag can be moved"),
        ({"erp_base_url": "http://erp.acme.com/api"}, "erp", OPEN, "plain HTTP"),
        ({"erp_base_url": "https://localhost/api"}, "erp", WRONG, "localhost"),
        ({"erp_base_url": "erp.acme.com"}, "erp", WRONG, "is not an address"),
        ({"erp_profile": "acme"}, "profile", WRONG, "there is no file"),
        ({"chargebee_site": "https://acme.chargebee.com"}, "chargebee", WRONG, "CHARGEBEE_SITE"),
        ({"chargebee_site": "acmecorp-test"}, "chargebee", OPEN, "test site"),
        ({"service_auth": "none"}, "credentials", OPEN, "whoever"),
        ({"deletes": "archiv"}, "variables", WRONG, "archive"),
        ({"node_env": "test"}, "variables", WRONG, "test data"),
        ({"qoutes": "all"}, "variables", WRONG, 'nothing reads qoutes; did you mean "quotes"?'),
        ({"webhook_username": "cb", "node_url": "http://127.0.0.1:9042/api"}, "webhooks", WRONG, "127.0.0.1"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, values: Json, check: str, state: str, said: str) -> None:
    change(folder, **values)
    found = [each for each in run_checks(Deployment(folder)) if each.check == check and each.state == state]
    assert any(said in each.said for each in found), found
    assert all(each.todo for each in found)


def test_a_variable_that_is_missing_is_named(folder: Path) -> None:
    path = folder / "prod-env.json"
    variables = json.loads(path.read_text(encoding="utf-8"))
    del variables["deletes"]
    path.write_text(json.dumps(variables), encoding="utf-8")
    assert any("deletes is missing" in each.said for each in run_checks(Deployment(folder)))


def test_little_memory_is_not_enough(folder: Path) -> None:
    path = folder / "systems" / "chargebee.conf.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"memory": 128', '"memory": 64'), encoding="utf-8"
    )
    assert WRONG in states(folder)["sizes"]


class FakeNode:
    """A node with some secrets and variables, and services behind it."""

    def __init__(self, secrets: list[str], env: Json, status: int = 200) -> None:
        self._answers = {"/secrets": secrets, "/env": env}
        self._status = status

    def get(self, path: str, missing: Any = None) -> Any:
        return self._answers.get(path, missing)

    def proxied(self, system: str, path: str) -> requests.Response:
        answer = requests.Response()
        answer.status_code = self._status
        answer._content = b'{"title": "Unavailable", "status": 503, "detail": "the ERP refuses the token"}'
        return answer


def test_the_node_is_asked_for_secrets_variables_and_services(folder: Path) -> None:
    change(folder)
    variables = json.loads((folder / "prod-env.json").read_text(encoding="utf-8"))
    good = cast(NodeClient, FakeNode(["erp-token", "chargebee-api-key", "service-password"], variables))
    found = states(folder, node=good)
    assert found["secrets"] == found["node"] == {READY}
    new = cast(NodeClient, FakeNode([], {}, status=404))
    told = {
        (each.check, each.said) for each in run_checks(Deployment(folder, node=new)) if each.state != READY
    }
    assert [said for check, said in told if check == "node"] == ["nothing was uploaded to it yet"]
    poor = cast(NodeClient, FakeNode(["erp-token"], {**variables, "deletes": "delete"}, status=503))
    told = {
        (each.check, each.said) for each in run_checks(Deployment(folder, node=poor)) if each.state != READY
    }
    assert ("secrets", "not on the node: chargebee-api-key, service-password") in told
    assert ("node", "differs from the file in deletes") in told
    assert ("node", "the service of customerp answers 503: the ERP refuses the token") in told, "in words"


class Public(BaseHTTPRequestHandler):
    """What is reachable from outside."""

    guarded, leaks = True, False

    def do_POST(self) -> None:
        refused = 400 if self.path.startswith("/api/receivers/") else 401
        self.send_response(refused if self.guarded else 200)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200 if self.leaks and self.path == "/metrics" else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def public() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Public)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/webhooks"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("guarded", "leaks", "said"),
    [
        (True, False, "asks for credentials"),
        (False, False, "answers 200 to a call without"),
        (True, True, "read by everybody"),
    ],
)
def test_the_webhook_address_is_tried(
    monkeypatch: pytest.MonkeyPatch, public: str, guarded: bool, leaks: bool, said: str
) -> None:
    monkeypatch.setattr(Public, "guarded", guarded)
    monkeypatch.setattr(Public, "leaks", leaks)
    monkeypatch.setattr(deploy_check, "TLS", "http")
    assert any(said in each.said for each in deploy_check._probe(public))


def test_the_receiver_of_a_node_refuses_in_its_own_way(monkeypatch: pytest.MonkeyPatch, public: str) -> None:
    monkeypatch.setattr(deploy_check, "TLS", "http")
    receiver = public.replace("/webhooks", "/api/receivers/chargebee-webhook/entities")
    assert [each.state for each in deploy_check._probe(receiver)] == [READY]


def test_plain_http_is_nothing_for_webhooks(public: str) -> None:
    assert [each.state for each in deploy_check._probe(public)] == [WRONG]


def test_upload_to_another_node_is_refused_while_something_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["upload", "--node", "https://node.acme.invalid/api", "--jwt", "x"]) == 1
    said = capsys.readouterr().err
    assert "customerp-image still names an example" in said and "nothing was uploaded" in said


@pytest.mark.parametrize("present", [{}, {"share-mode": "manual"}, {"share-mode": "scheduled"}])
def test_whether_a_node_shares_is_left_to_it_even_if_it_seems_to_be_here(
    monkeypatch: pytest.MonkeyPatch, present: Json
) -> None:
    """Behind a tunnel or a port that is forwarded, a hosted node is at 127.0.0.1."""
    node = LocalNode(present)
    monkeypatch.setattr("stack.__main__._node", lambda options: node)
    assert main(["upload"]) == 0
    assert {name: value for name, value in node.given.items() if name == "share-mode"} == present


class LocalNode:
    """Keeps the variables that it is given over those of the file."""

    is_local, url = True, "http://127.0.0.1:9042/api"

    def __init__(self, present: Json) -> None:
        self.present, self.given = present, {}

    def variables(self) -> Json:
        return self.present

    def upload(self, root: Path, variables: Json, secrets: Json) -> int:
        self.given = variables
        return 98


def test_a_first_upload_does_not_ask_the_node_for_what_it_is_to_bring(tmp_path: Path) -> None:
    """Nor does one that mends a service which is down wait for that service."""
    for name in ("python", "sesam"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $* NODE=${{NODE-}} JWT=${{JWT-}}"\n')
        program.chmod(0o755)
    told = subprocess.run(
        ["make", "--no-print-directory", "-o", ".venv/.installed", "upload", f"BIN={tmp_path}", "NODE=http://node", "JWT=token"],
        cwd=ROOT, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, check=True, timeout=60,
    ).stdout.splitlines()  # fmt: skip
    assert told[0] == "python -m stack deploy-check NODE= JWT="
    assert told[1].startswith("sesam -node http://node -jwt token -profile prod -enable-user-pipes upload")


def test_the_command_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy-check"]) == 1
    said = capsys.readouterr().out
    assert "To do:\n1. " in said and said.splitlines()[-1].startswith("prod-env.json: 5 to change")
    assert main(["deploy-check", "--json"]) == 1
    assert {each["check"] for each in json.loads(capsys.readouterr().out)} >= CHECKS.keys() - {"node"}


def test_every_check_has_its_line_on_the_page() -> None:
    page = (ROOT / "docs" / "howto" / "deploy.md").read_text(encoding="utf-8")
    assert [name for name in CHECKS if f"| `{name}` |" not in page] == []
