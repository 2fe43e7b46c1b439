"""What a config cannot do: read files or the process's environment, reach an address that its node was not given, run code."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import localnode.dtl.library  # noqa: F401
from localnode.api.app import create_app
from localnode.config import ConfigRefused, NodeSettings
from localnode.node import Node

CANARY = "canary-in-a-file-Xy3"


class Host(ThreadingHTTPServer):
    """Answers an entity, or redirects; remembers who asked for what."""

    def __init__(self, location: str = "") -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                asked.append(self.path)
                self.send_response(302 if location else 200)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(b'[{"_id": "a", "access_token": "x"}]')

            do_GET = do_POST = do_CONNECT = _answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def foreign() -> Iterator[Host]:
    """A host that no system of the node is at."""
    host = Host()
    yield host
    host.shutdown()


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret.json"
    path.write_text(f'[{{"_id": "{CANARY}"}}]', encoding="utf-8")
    return path


@pytest.fixture
def home() -> Iterator[Host]:
    """Where the system `home` is."""
    host = Host()
    yield host
    host.shutdown()


@pytest.fixture
def node(tmp_path: Path, home: Host) -> Iterator[Node]:
    running = Node(
        NodeSettings(data=tmp_path / "data", schedule=False, systems={"home": home.url, "bouncer": ""})
    )
    yield running
    running.close()


def attempt(node: Node, *entities: dict[str, Any]) -> str:
    """Upload and run everything; all that the node then says and stores, as one text."""
    try:
        node.replace_entities(list(entities), force=True)
    except ConfigRefused as refused:
        return str(refused.validation_errors)
    client = create_app(node, node.token).test_client()
    answer = client.post(
        "/api/pipes/run-all-pipes?request_mode=sync&max_runs=3", headers={"Host": "127.0.0.1"}
    )
    said = [answer.get_data(as_text=True)]
    for dataset in node.store.datasets(include_system=True):
        said += [str(entity) for entity in dataset.read()]
    said += [
        str(client.get(f"/api/pipes/{each['_id']}").get_data(as_text=True))
        for each in entities
        if each["type"] == "pipe"
    ]
    return "\n".join(said)


def pipe(**parts: Any) -> dict[str, Any]:
    return {"_id": "p", "type": "pipe", "source": {"type": "embedded", "entities": [{"_id": "e"}]}, **parts}


def reading(system: str, url: str = "/x", **source: Any) -> dict[str, Any]:
    return pipe(source={"type": "json", "system": system, "url": url, **source})


def test_the_system_it_declares_is_reached(node: Node, home: Host) -> None:
    """What the other tests forbid is not forbidden by accident."""
    attempt(node, {"_id": "home", "type": "system:microservice"}, reading("home"))
    assert set(home.asked) == {"/x"}


@pytest.mark.parametrize("kind", ["system:url", "system:rest"])
@pytest.mark.parametrize("key", ["url_pattern", "base_url"])
def test_an_address_in_a_config_leads_nowhere(node: Node, foreign: Host, kind: str, key: str) -> None:
    system = {"_id": "evil", "type": kind, key: f"{foreign.url}/%s" if key == "url_pattern" else foreign.url}
    attempt(node, system, reading("evil"))
    assert foreign.asked == []


@pytest.mark.parametrize(
    "path", ["{0}/x", "//{1}/x", "/../../{0}/x", "\\\\{1}/x", "@{1}/x", ".{1}/x", ":80@{1}/"]
)
def test_a_url_of_another_host_is_refused(node: Node, foreign: Host, path: str) -> None:
    url = path.format(foreign.url, foreign.url.removeprefix("http://"))
    attempt(node, {"_id": "home", "type": "system:microservice"}, reading("home", url))
    assert foreign.asked == []


def test_a_redirect_to_another_host_is_not_followed(tmp_path: Path, foreign: Host) -> None:
    bouncer = Host(f"{foreign.url}/stolen")
    running = Node(NodeSettings(data=tmp_path / "bounced", schedule=False, systems={"bouncer": bouncer.url}))
    said = attempt(running, {"_id": "bouncer", "type": "system:microservice"}, reading("bouncer"))
    running.close()
    bouncer.shutdown()
    assert bouncer.asked and foreign.asked == []
    assert "refused" in said


def test_a_proxy_in_a_config_is_not_used(node: Node, foreign: Host) -> None:
    system = {
        "_id": "home",
        "type": "system:microservice",
        "proxies": {"http": foreign.url, "https": foreign.url},
    }
    attempt(node, system, reading("home"))
    assert foreign.asked == []


def test_tokens_are_not_fetched_elsewhere(node: Node, foreign: Host) -> None:
    oauth2 = {"client_id": "a", "client_secret": "b", "token_url": f"{foreign.url}/token"}
    attempt(
        node,
        {"_id": "home", "type": "system:url", "url_pattern": "http://home/%s", "oauth2": oauth2},
        reading("home"),
    )
    assert foreign.asked == []


def test_a_schema_elsewhere_is_not_fetched(node: Node, foreign: Host) -> None:
    schema = {"$ref": f"{foreign.url}/schema.json"}
    attempt(node, pipe(transform={"type": "json_schema", "schema": schema}))
    assert foreign.asked == []


@pytest.mark.parametrize("url", ["file://{}", "file:{}", "{}", "../../../..{}", "/..{}"])
def test_no_file_is_read_through_a_url(node: Node, secret_file: Path, url: str) -> None:
    for system in (
        {"_id": "home", "type": "system:microservice"},
        {"_id": "home", "type": "system:url", "url_pattern": "file://%s"},
        {"_id": "home", "type": "system:url", "base_url": "file:///"},
    ):
        assert CANARY not in attempt(node, system, reading("home", url.format(secret_file)))


def test_no_file_is_read_through_a_schema(node: Node, secret_file: Path) -> None:
    schema = {"$ref": f"file://{secret_file}"}
    assert CANARY not in attempt(node, pipe(transform={"type": "json_schema", "schema": schema}))


def test_the_environment_is_not_a_variable(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", CANARY)
    said = attempt(
        node,
        pipe(source={"type": "embedded", "entities": [{"_id": "$ENV(PLANTED)", "x": "$SECRET(PLANTED)"}]}),
    )
    assert CANARY not in said


TEMPLATES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.environ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{% include '/etc/passwd' %}",
    "{{ secret.__globals__ }}",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_runs_no_code(node: Node, monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    monkeypatch.setenv("PLANTED", CANARY)
    receiver = pipe(source={"type": "http_endpoint", "validation_expression": template})
    attempt(node, receiver)
    client = create_app(node, node.token).test_client()
    answer = client.post("/api/receivers/p/entities", json=[{"_id": "a"}], headers={"Host": "127.0.0.1"})
    said = answer.get_data(as_text=True)
    for leak in (CANARY, "uid=", "root:", "subprocess", "<class"):
        assert leak not in said


def test_dtl_knows_no_files_and_no_network() -> None:
    """Every function of the library, by what its module imports."""
    modules = [module for name, module in sys.modules.items() if name.startswith("localnode.dtl.")]
    assert len(modules) > 20
    forbidden = {"os", "subprocess", "socket", "urllib.request", "requests", "shutil", "pathlib", "importlib"}
    for module in modules:
        if module.__name__ in ("localnode.dtl.cli", "localnode.dtl.reference", "localnode.dtl.__main__"):
            continue
        used = {getattr(value, "__name__", "") for value in vars(module).values() if type(value) is type(sys)}
        assert used & forbidden == set(), module.__name__
