"""A whole run with planted secrets, faults and refusals: none of them is in a log, page, metric, error, config or dataset."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from stack.processes import Stack
from stack.services import hook_up
from stack.settings import for_tests
from tests.e2e.conftest import World, _world
from tests.support.processes import process, wait_until

PLANTED = {
    "CHARGEBEE_API_KEY": "planted_live_key_Qx7",
    "ERP_TOKEN": "planted-erp-token-Zk2",
    "SERVICE_PASSWORD": "planted service password Vw9",
    "WEBHOOK_PASSWORD": "planted/webhook/password/Ub4",
    "node secret": "planted-node-secret-Ph5",
}
KINDS = ("contact", "customer", "employee", "order", "product", "quote")


def door(sandbox: str, shown: str, inside: str) -> ThreadingHTTPServer:
    """A way into a sandbox for whoever shows the header `shown`; the sandbox sees `inside`. Others get a 401."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != shown:
                return self._answer(
                    401, b'{"message": "who are you?", "api_error_code": "api_authentication_failed"}', {}
                )
            kept = {
                key: value
                for key, value in self.headers.items()
                if key.lower() not in ("host", "authorization")
            }
            try:
                answer = requests.request(
                    self.command,
                    sandbox + self.path,
                    data=body,
                    headers={**kept, "Authorization": inside},
                    timeout=30,
                )
            except requests.RequestException:
                self.close_connection = True
                return None
            passed = {
                key: value
                for key, value in answer.headers.items()
                if key.lower() in ("content-type", "retry-after", "etag")
            }
            return self._answer(answer.status_code, answer.content, passed)

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _pass  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both systems and the services with secrets of their own, everybody logging as much as they can."""
    folder = tmp_path_factory.mktemp("planted")
    settings = for_tests(folder, "empty")
    with ExitStack() as running:
        for system in ("erp", "chargebee"):
            url = settings.url(f"{system}-sandbox")
            command = [
                "python",
                "-m",
                f"sandbox.{system}",
                "--port",
                url.rpartition(":")[2],
                "--data",
                "empty",
            ]
            command += ["--state", str(folder / f"{system}.sqlite")]
            running.enter_context(
                process(command, ready_url=f"{url}/_sandbox/stats", log=folder / f"{system}-sandbox.log")
            )
        doors = {
            "erp": door(settings.url("erp-sandbox"), f"Bearer {PLANTED['ERP_TOKEN']}", "Bearer sandbox"),
            "chargebee": door(
                settings.url("chargebee-sandbox"),
                basic(PLANTED["CHARGEBEE_API_KEY"], ""),
                basic("sandbox", ""),
            ),
        }
        environment = {
            **settings.environment,
            **{name: value for name, value in PLANTED.items() if name.isupper()},
            "ERP_BASE_URL": f"http://127.0.0.1:{doors['erp'].server_port}/api/v1",
            "CHARGEBEE_SITE": "planted-test",
            "CHARGEBEE_BASE_URL": f"http://127.0.0.1:{doors['chargebee'].server_port}/api/v2",
            "CHARGEBEE_LIST_LAG_SECONDS": "0",
            "CHARGEBEE_RATE_PER_MINUTE": "0",
            "UPSTREAM_MAX_WAIT_SECONDS": "3",
            "SERVICE_USERNAME": "sesam",
            "WEBHOOK_USERNAME": "chargebee",
            "NODE_URL": settings.url("node") + "/api",
            "NODE_JWT": "a.b.planted-node-jwt-Ry8",
            "LOG_LEVEL": "DEBUG",
        }
        settings = replace(settings, environment=environment, real_erp=True, real_chargebee=True)
        stack = running.enter_context(Stack(settings=settings))
        stack.node._call("POST", "/secrets", json={"planted": PLANTED["node secret"]})
        stack.node._call("PUT", "/systems/customerp/secrets", json={"planted": PLANTED["node secret"]})
        yield _world(stack)
        for server in doors.values():
            server.shutdown()


@pytest.fixture(scope="module")
def everything(world: World) -> dict[str, str]:
    """What the run left behind, by where it was found."""
    live(world)
    settings = world.stack.settings
    seen: dict[str, str] = {}
    for path in settings.folder.rglob("*.log"):
        seen[path.name] = path.read_text(encoding="utf-8", errors="replace")
    for system in ("erp", "chargebee"):
        root = settings.url(f"{system}-service")
        for path in (
            "/",
            "/health",
            "/ready",
            "/metrics",
            "/schemas/customer",
            "/customer/entities",
            "/nowhere",
            "/schemas/nothing",
        ):
            for auth in (settings.credentials, None, ("sesam", "wrong")):
                answer = requests.get(root + path, auth=auth, timeout=60)
                seen[f"{root}{path} {auth is not None}"] = f"{answer.headers}\n{answer.text}"
        for body in (
            "[",
            "{}",
            '[{"_id": "x"}]',
            '[{"_id": "x", "$operation": "update", "id": "missing", "email": 1}]',
        ):
            answer = requests.post(f"{root}/customer/share", data=body, auth=settings.credentials, timeout=60)
            seen[f"{root} share {body}"] = f"{answer.headers}\n{answer.text}"
        answer = requests.post(f"{root}/webhooks", json={}, auth=("chargebee", "wrong"), timeout=60)
        seen[f"{root}/webhooks"] = f"{answer.headers}\n{answer.text}"
    node = settings.url("node")
    paths = [
        "/",
        "/metrics",
        "/api/",
        "/api/env",
        "/api/config",
        "/api/metadata",
        "/api/secrets",
        "/api/status",
        "/api/nowhere",
    ]
    paths += [
        f"/api/systems{rest}"
        for rest in ("", "/customerp", "/customerp/config", "/customerp/secrets", "/customerp/status")
    ]
    paths += [
        "/api/systems/customerp/proxy/ready",
        "/api/pipes/get-run-all-pipes-log",
        "/api/pipes?verbose=true",
    ]
    for pipe in requests.get(f"{node}/api/pipes", timeout=60).json():
        paths += [f"/api/pipes/{pipe['_id']}/log", f"/api/pipes/{pipe['_id']}/config"]
    for dataset in requests.get(f"{node}/api/datasets?include-internal-datasets=true", timeout=60).json():
        paths.append(f"/api/datasets/{quote(dataset['_id'], safe='')}/entities?history=true")
    for path in paths:
        answer = requests.get(node + path, timeout=60)
        seen[path] = f"{answer.headers}\n{answer.text}"
    return seen


def live(world: World) -> None:
    """Syncs that succeed, are refused, fail and are cut off, and webhooks right and wrong."""
    settings = world.stack.settings
    hook_up(
        settings.url("chargebee-sandbox"),
        settings.url("chargebee-service") + "/webhooks",
        ("chargebee", PLANTED["WEBHOOK_PASSWORD"]),
    )
    person = world.erp.create("contacts", first_name="Ann", last_name="O", email="ann@planted.example")["id"]
    world.erp.create("products", sku="P-1", name="Planted", type="goods", unit_price="1.00", currency="NOK")
    world.sync()
    assert world.chargebee.get("customers", f"contact-{person}")["email"] == "ann@planted.example"
    world.chargebee.post(f"customers/contact-{person}", first_name="By webhook")
    wait_until(lambda: world.stack.entities("chargebee-customer-event"), what="the webhook's arrival")
    for faults in ({"error_rate": 1.0}, {"drop_after_rate": 1.0}, {"rate_per_minute": 1}):
        for system in (world.erp, world.chargebee):
            system.faults(**faults, retry_after=False)
        world.erp.faults()
        world.erp.patch("contacts", person, last_name=f"After {next(iter(faults))}")
        world.chargebee.faults(**faults, retry_after=False)
        world.stack.node.run_all()
        world.chargebee.faults()
    hook_up(
        settings.url("chargebee-sandbox"),
        settings.url("chargebee-service") + "/webhooks",
        ("chargebee", "not it"),
    )
    world.chargebee.post(f"customers/contact-{person}", phone="1")
    world.sync()


def forms(secret: str) -> set[str]:
    """How a secret could have got out: as it is, escaped, or within the header it travels in."""
    users = ("", "sesam", "chargebee")
    encoded = {basic(user, secret).removeprefix("Basic ") for user in users} | {
        basic(secret, "").removeprefix("Basic ")
    }
    return {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], *encoded}


def test_the_run_did_what_it_should(world: World, everything: dict[str, str]) -> None:
    """A search that finds nothing in nothing proves nothing."""
    assert sum(len(text) for text in everything.values()) > 200_000
    assert {"erp-service.log", "chargebee-service.log", "node.log"} <= set(everything)
    assert "ann@planted.example" in "".join(everything.values())
    assert any("503" in text for name, text in everything.items() if name.endswith("/log"))
    assert any("planted" in text for name, text in everything.items() if name == "/api/secrets"), (
        "names are shown"
    )


@pytest.mark.parametrize("name", [*PLANTED, "NODE_JWT", "node token"])
def test_a_secret_is_nowhere(world: World, everything: dict[str, str], name: str) -> None:
    planted = {**PLANTED, "NODE_JWT": "planted-node-jwt-Ry8"}
    secret = planted.get(name) or token(world.stack.sync_config)
    found = sorted(
        place
        for place, text in everything.items()
        if any(form in shown(place, text, name) for form in forms(secret))
    )
    assert found == []


def shown(place: str, text: str, name: str) -> str:
    """The node says its token once, at its start, to who started it: on standard output, which is its log here."""
    if name == "node token" and place == "node.log":
        return "\n".join(line for line in text.splitlines() if not line.startswith('JWT="'))
    return text


def token(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition('JWT="')[2].partition('"')[0]


def test_services_that_ask_for_credentials_are_given_them_by_the_node(
    world: World, everything: dict[str, str]
) -> None:
    settings = world.stack.settings
    assert settings.credentials is not None
    for system in ("erp", "chargebee"):
        root = settings.url(f"{system}-service")
        assert requests.get(f"{root}/health", timeout=60).status_code == 200
        for auth in (None, ("sesam", "wrong"), ("wrong", settings.credentials[1])):
            assert requests.get(f"{root}/customer/entities", auth=auth, timeout=60).status_code == 401
            assert requests.post(f"{root}/customer/share", json=[], auth=auth, timeout=60).status_code == 401
    assert world.stack.entities("chargebee-customer-share"), "and yet the node has synced"
