"""Our pipes on the data that they hold themselves (`node-env` test): a node alone, no service, no system."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.node import NodeClient
from tests.support.processes import ROOT, free_port, process

NOWHERE = ("--system", "customerp=http://127.0.0.1:9", "--system", "chargebee=http://127.0.0.1:9")


@contextmanager
def embedded_node(folder: Path) -> Iterator[NodeClient]:
    """A node with the shipped pipes, run until nothing moves. Whatever it asked a system would fail."""
    port = free_port()
    command = [
        "python",
        "-m",
        "localnode",
        "serve",
        "--port",
        str(port),
        "--data",
        str(folder),
        "--no-schedule",
    ]
    api = f"http://127.0.0.1:{port}/api"
    with process([*command, *NOWHERE], ready_url=f"{api}/health"):
        node = NodeClient(api)
        node.upload(ROOT, json.loads((ROOT / "test-env.json").read_text(encoding="utf-8")))
        assert node.run_all(None)["status"] == "success"
        yield node
        node.close()
