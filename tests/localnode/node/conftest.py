"""A node in this process with a test client, and nodes as real processes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from localnode.api.app import create_app
from localnode.config import NodeSettings
from localnode.node import Node
from tests.support.processes import free_port, process


@pytest.fixture
def settings(tmp_path: Path) -> NodeSettings:
    """A node that runs pumps only when asked to."""
    return NodeSettings(data=tmp_path / "data", schedule=False)


@pytest.fixture
def node(settings: NodeSettings) -> Iterator[Node]:
    """An empty node."""
    node = Node(settings)
    yield node
    node.close()


@pytest.fixture
def client(node: Node) -> FlaskClient:
    """A client of the node's API, on this machine."""
    return create_app(node, node.token).test_client()


class Server:
    """A node process as a caller sees it."""

    def __init__(self, port: int, data: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.api = f"{self.url}/api"
        self.data = data
        self.session = requests.Session()

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request."""
        options.setdefault("timeout", 60)
        return self.session.request(method, self.api + path, **options)

    def json(self, method: str, path: str, **options: Any) -> Any:
        """One request that must succeed, its answer as JSON."""
        response = self.call(method, path, **options)
        assert response.ok, (method, path, response.status_code, response.text)
        return response.json()


ServeNode = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def serve_node(tmp_path: Path) -> ServeNode:
    """Starts `python -m localnode serve` with more arguments and environment."""

    @contextmanager
    def start(
        *arguments: str, env: Mapping[str, str] | None = None, data: Path | None = None
    ) -> Iterator[Server]:
        server = Server(free_port(), data or tmp_path / "served")
        command = ["python", "-m", "localnode", "serve", "--port", server.api.split(":")[2].split("/")[0]]
        command += ["--data", str(server.data), *arguments]
        with process(command, server.api + "/ping", env=env, log=tmp_path / "node.log"):
            yield server

    return start


def zipped(entities: list[dict[str, Any]]) -> bytes:
    """A config archive as the client makes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for entity in entities:
            kind = entity["type"].split(":")[0]
            name = f"{kind}s/{entity['_id']}.conf.json" if kind != "metadata" else "node-metadata.conf.json"
            archive.writestr(name, json.dumps(entity))
    return buffer.getvalue()
