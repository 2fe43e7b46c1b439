"""A node in this process with a test client, and nodes as real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from localnode.api.app import create_app
from localnode.config import NodeSettings
from localnode.node import Node
from tests.localnode.node.node_support import Server
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


ServeNode = Callable[..., AbstractContextManager[Server]]


@contextmanager
def _served(data: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    server = Server(free_port(), data)
    command = ["python", "-m", "localnode", "serve", "--port", server.api.split(":")[2].split("/")[0]]
    command += ["--data", str(data), *arguments]
    with process(command, server.api + "/ping", env=env, log=data.parent / "node.log") as child:
        server.pid = child.pid
        yield server
        server.session.close()


@pytest.fixture
def serve_node(tmp_path: Path) -> ServeNode:
    """Starts `python -m localnode serve` with more arguments and environment: for what needs its own."""

    def start(
        *arguments: str, env: Mapping[str, str] | None = None, data: Path | None = None
    ) -> AbstractContextManager[Server]:
        return _served(data or tmp_path / "served", *arguments, env=env)

    return start


@pytest.fixture(scope="session")
def one_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A node process that all tests share, since starting one costs more than what most of them ask of it."""
    with _served(tmp_path_factory.mktemp("shared") / "served", "--no-schedule") as server:
        yield server


@pytest.fixture
def server(one_node: Server) -> Iterator[Server]:
    """The shared node process, with nothing on it; its pumps run only when asked to."""
    mine = Server.like(one_node)
    assert mine.json("POST", "/admin", data={"operation": "reset"}) == {"message": "OK"}
    yield mine
    mine.session.close()
