"""A node in this process with a few pipes, and a client of its web pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from localnode.api.app import create_app
from localnode.config import NodeSettings
from localnode.node import Node
from tests.support.plain import PLAIN

NASTY = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
PEOPLE = [{"_id": f"p{n:03}", "name": f"Person {n}", "email": f"p{n}@example.com"} for n in range(120)]


def pipe(pipe_id: str, reads: str | list[dict], **more: object) -> dict:
    """A pipe that reads a dataset, or entities of its own."""
    source = (
        {"type": "dataset", "dataset": reads}
        if isinstance(reads, str)
        else {"type": "embedded", "entities": reads}
    )
    return {"_id": pipe_id, "type": "pipe", "source": source, **more}


CONFIG = [
    {"_id": "crm", "type": "system:microservice"},
    pipe("crm-person-collect", [*PEOPLE, {"_id": NASTY, "name": NASTY}]),
    pipe("crm-person-enrich", "crm-person-collect", comment="adds a clock"),
    pipe("global-person", "crm-person-enrich"),
    pipe("table", "global-person", sink={"type": "csv_endpoint", "columns": ["_id"]}),
    PLAIN,
]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node whose pumps run only when asked to."""
    node = Node(NodeSettings(data=tmp_path / "data", schedule=False))
    yield node
    node.close()


@pytest.fixture
def bare(node: Node) -> FlaskClient:
    """A client of the node while nothing is configured."""
    return create_app(node, node.token).test_client()


@pytest.fixture
def client(node: Node, bare: FlaskClient) -> FlaskClient:
    """The same with the pipes uploaded and run."""
    node.replace_entities(CONFIG, force=False)
    path = "/api/pipes/run-all-pipes?request_mode=sync&reset_pipes_and_delete_sink_datasets=False"
    assert bare.post(path).get_json()["status"] == "success"
    return bare
