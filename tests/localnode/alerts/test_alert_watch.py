"""Alerts from the node to people: a mail server and hooks on this machine, a clock that is moved, a node that is started again."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from localnode.alerts.watch import AlertWatch
from localnode.api.app import create_app
from localnode.config import NodeSettings
from localnode.node import Node
from localnode.store import DiskFull
from tests.localnode.node.node_support import Server, zipped
from tests.support.commands import localnode as command
from tests.support.processes import free_port, process

NUMBERS = {
    "_id": "crm-number-share",
    "type": "pipe",
    "source": {"type": "embedded", "entities": [{"_id": "1"}]},
}
FAILING = {
    **NUMBERS, "_id": "crm-failing-share", "transform": {"type": "dtl", "rules": {"default": [["fail!", "no good"]]}},
}  # fmt: skip
SECRET = "T0/B0/hemmelig"


@dataclass
class Mailbox:
    """What a mail server took, and whom it let in."""

    envelopes: list[Envelope] = field(default_factory=list)
    users: list[tuple[str, str]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 OK"

    def let_in(self, server: Any, session: Any, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"sesam", handled=False)

    def texts(self) -> list[str]:
        return [(each.content or b"").decode() for each in self.envelopes if isinstance(each.content, bytes)]


@pytest.fixture
def mail() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    server = Controller(box, "127.0.0.1", port, authenticator=box.let_in, auth_require_tls=False)
    server.start()
    yield box, port
    server.stop()


class Hook(ThreadingHTTPServer):
    """A hook that keeps what it is sent, and answers `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.bodies: list[dict[str, Any]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{SECRET}"


class _Taking(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            self.server.bodies.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def rules(path: Path, *channels: dict[str, Any], **more: Any) -> str:
    file = path / "alerts.json"
    found = [
        {"name": "stopped", "when": ["disabled"], "for_minutes": 10, "advice": "Ask who did it."},
        {"name": "failing", "when": ["failed", "unreadable"]},
    ]
    file.write_text(json.dumps({"rules": found, "channels": channels, "group_minutes": 0, **more}))
    return str(file)


class Watched:
    """A node and its watch, with a clock of their own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment, self.now = folder, environment, 1_800_000_000.0
        self.open()
        self.node.replace_entities([NUMBERS, FAILING], force=False)

    def open(self) -> None:
        self.node = Node(NodeSettings(data=self.folder / "node", schedule=False))
        self.watch = AlertWatch(self.node, "acme", self.environment, lambda: self.now)

    def minutes(self, number: int) -> None:
        for _ in range(number * 2):
            self.now += 30.0
            self.watch.look()

    def switch(self, operation: str) -> None:
        self.node.pipe("crm-number-share").operate(operation, {"comment": "until Monday"})


@pytest.fixture
def watched(tmp_path: Path, hook: Hook) -> Iterator[Watched]:
    found = Watched(
        tmp_path, {"NODE_ALERTS": rules(tmp_path, {"type": "webhook", "url": "${HOOK}"}), "HOOK": hook.url}
    )
    yield found
    found.node.close()


def test_a_pump_that_stays_disabled_is_told_once_and_its_end_over_restarts(
    watched: Watched, hook: Hook
) -> None:
    watched.switch("disable")
    watched.minutes(9)
    assert hook.bodies == []
    watched.minutes(2)
    assert [each["subject"] for each in hook.bodies] == ["[acme] warning: stopped (1)"]
    assert "crm number (crm-number-share): disabled: until Monday" in hook.bodies[0]["text"]
    assert "Ask who did it." in hook.bodies[0]["text"]
    watched.node.close()
    watched.open()
    watched.minutes(30)
    assert len(hook.bodies) == 1
    watched.switch("enable")
    watched.minutes(3)
    assert [each["subject"] for each in hook.bodies[1:]] == ["[acme] ok: 1 resolved"]


def test_a_hook_that_does_not_work_is_tried_again_and_gets_everything(
    watched: Watched, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook.status = 500
    watched.node.pipe("crm-failing-share").run()
    watched.switch("disable")
    watched.minutes(15)
    [channel] = watched.watch.as_json()["channels"]
    assert channel["error"] == "the hook answers 500" and channel["waiting"] == 2 and channel["sent"] is None
    hook.status = 200
    watched.minutes(20)
    assert [event["rule"] for event in hook.bodies[0]["events"]] == ["failing", "stopped"] and len(
        hook.bodies
    ) == 1
    assert watched.watch.as_json()["channels"][0]["error"] is None
    told = json.dumps(watched.watch.as_json()) + "".join(
        record.getMessage() for record in caplog.records if "alerts" in record.name
    )
    assert "500" in told and SECRET not in told, "whoever knows the address can post"


def test_a_full_disk_is_told_although_nothing_can_be_kept(
    watched: Watched, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(name: str, value: str) -> None:
        raise DiskFull(watched.folder / "settings.db")

    monkeypatch.setattr(watched.node.uploaded, "set_node_value", full)
    watched.switch("disable")
    watched.minutes(12)
    assert [each["subject"] for each in hook.bodies] == ["[acme] warning: stopped (1)"]


def test_a_redirect_is_no_answer(watched: Watched, hook: Hook) -> None:
    hook.status = 302
    assert watched.watch.try_channels() == [{"channel": "1. webhook", "error": "the hook answers 302"}]


def test_mail_slack_and_teams(tmp_path: Path, mail: tuple[Mailbox, int], hook: Hook) -> None:
    box, port = mail
    channels = [
        {"type": "email", "to": ["ann@acme.example", "bo@acme.example"]},
        {"type": "slack", "url": hook.url, "severities": ["error"]},
        {"type": "teams", "url": hook.url, "rules": ["stopped"]},
    ]
    environment = {
        "NODE_ALERTS": rules(tmp_path, *channels), "ALERTS_FROM": "sesam@acme.example", "ALERTS_SMTP_HOST": "127.0.0.1",
        "ALERTS_SMTP_PORT": str(port), "ALERTS_SMTP_TLS": "none", "ALERTS_SMTP_USERNAME": "sesam", "ALERTS_SMTP_PASSWORD": "sesam",
    }  # fmt: skip
    watched = Watched(tmp_path, environment)
    try:
        watched.node.pipe("crm-failing-share").run()
        watched.minutes(1)
        assert box.envelopes[0].rcpt_tos == ["ann@acme.example", "bo@acme.example"]
        assert box.users == [("sesam", "sesam")]
        said = box.texts()[0]
        assert "Subject: [acme] error: failing (1)" in said and "no good" in said and "Auto-Submitted" in said
        assert [body["text"] for body in hook.bodies] == ["[acme] error: failing (1)"], (
            "Slack; Teams wants another rule"
        )
        watched.switch("disable")
        watched.minutes(12)
        assert len(box.envelopes) == 2 and hook.bodies[1]["type"] == "message" and len(hook.bodies) == 2
    finally:
        watched.node.close()


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"ALERTS_SMTP_PASSWORD": "wrong", "ALERTS_SMTP_USERNAME": "u"}, "127.0.0.1 answers 535"),
        ({"ALERTS_SMTP_TLS": "starttls"}, "SMTPNotSupportedError"),
        ({"ALERTS_SMTP_PORT": "9"}, "ConnectionRefusedError"),
    ],
)
def test_mail_that_does_not_get_through_says_why(
    tmp_path: Path, mail: tuple[Mailbox, int], settings: dict[str, str], error: str
) -> None:
    box, port = mail
    environment = {
        "NODE_ALERTS": rules(tmp_path, {"type": "email", "to": ["a@b.example"]}), "ALERTS_FROM": "sesam@acme.example",
        "ALERTS_SMTP_HOST": "127.0.0.1", "ALERTS_SMTP_PORT": str(port), "ALERTS_SMTP_TLS": "none", **settings,
    }  # fmt: skip
    watched = Watched(tmp_path, environment)
    try:
        [result] = watched.watch.try_channels()
        assert error in result["error"] and box.envelopes == []
    finally:
        watched.node.close()


def test_changed_rules_count_and_broken_ones_leave_the_former(
    tmp_path: Path, watched: Watched, hook: Hook
) -> None:
    file = Path(rules(tmp_path, {"type": "webhook", "url": "${HOOK}"}, repeat_hours=0.5))
    os.utime(file, (1, 1))
    watched.switch("disable")
    watched.minutes(45)
    assert len(hook.bodies) == 2, "told again after half an hour"
    file.write_text("{")
    watched.minutes(1)
    assert "are not JSON" in watched.watch.as_json()["problem"]
    watched.switch("enable")
    watched.minutes(3)
    assert hook.bodies[-1]["subject"] == "[acme] ok: 1 resolved"


def test_the_api_shows_and_tries(tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_ALERTS", rules(tmp_path, {"type": "slack", "url": hook.url}))
    node = Node(NodeSettings(data=tmp_path / "node", schedule=False))
    client = create_app(node, node.token).test_client()
    assert client.get("/api/alerts").json["channels"][0]["type"] == "slack"
    assert client.post("/api/alerts/test").json == [{"channel": "1. slack", "error": None}]
    assert client.post("/api/alerts/test", data={"channel": "1. slack"}).status_code == 200
    assert client.post("/api/alerts/test", data={"channel": "2. slack"}).status_code == 404
    assert hook.bodies[0]["text"] == "[local node] warning: test (1)"
    node.close()


def test_a_node_that_runs_looks_by_itself(tmp_path: Path, hook: Hook) -> None:
    server = Server(free_port(), tmp_path / "node")
    port = server.url.rpartition(":")[2]
    environment = {"NODE_ALERTS": rules(tmp_path, {"type": "webhook", "url": hook.url}), "NODE_NAME": "acme"}
    words = [
        "python",
        "-m",
        "localnode",
        "serve",
        "--no-schedule",
        "--port",
        port,
        "--data",
        str(server.data),
    ]
    with process(words, f"{server.api}/ping", env=environment):
        server.json("PUT", "/config", files={"file": ("config", zipped([FAILING]), "application/zip")})
        server.call("POST", "/pipes/run-all-pipes")
        shown = command("alerts", "test", "--node", server.url)
        assert shown.returncode == 0 and shown.stdout == "channel 1. webhook: sent\n"
        shown = command("alerts", "show", "--node", server.url)
        assert "channel 1. webhook: nothing sent yet" in shown.stdout
        server.session.close()
    checked = command("alerts", "check", environment["NODE_ALERTS"])
    assert checked.stdout.endswith("2 rules, 1 channels\n")
    (tmp_path / "bad.json").write_text("{}")
    bad = command("alerts", "check", str(tmp_path / "bad.json"))
    assert bad.returncode == 2 and "/rules: is missing" in bad.stderr
