"""`expected/` holds what Sesam's client would find when it tests these pipes on their embedded data (`node-env` test); no service is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from stack.node import Node
from tests.support.processes import ROOT, free_port, process

SPECS = sorted((ROOT / "expected").glob("*.test.json"))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node with our pipes and the test profile's variables, run until nothing moves; its API's address."""
    port = free_port()
    data = tmp_path_factory.mktemp("node")
    command = [
        "python",
        "-m",
        "localnode",
        "serve",
        "--port",
        str(port),
        "--data",
        str(data),
        "--no-schedule",
    ]
    nowhere = ["--system", "customerp=http://127.0.0.1:9", "--system", "chargebee=http://127.0.0.1:9"]
    api = f"http://127.0.0.1:{port}/api"
    with process([*command, *nowhere], ready_url=f"{api}/health"):
        client = Node(api)
        client.upload(ROOT, json.loads((ROOT / "test-env.json").read_text(encoding="utf-8")))
        assert client.run_all(None)["status"] == "success"
        yield api


def visible(value: Any) -> Any:
    """Without keys that start with `_`, but for `_id` and `_deleted: true`, at any depth."""
    if isinstance(value, dict):
        kept = {
            k: v
            for k, v in value.items()
            if not k.startswith("_") or k == "_id" or (k == "_deleted" and v is True)
        }
        return {k: visible(v) for k, v in kept.items()}
    return [visible(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name.removesuffix(".test.json"))
def test_pipe_gives_what_is_expected(node: str, path: Path) -> None:
    spec = json.loads(path.read_text(encoding="utf-8"))
    pipe = path.name.removesuffix(".test.json")
    expected = ROOT / "expected" / spec.get("file", f"{pipe}.json")
    if spec.get("endpoint") == "csv":
        answer = requests.get(f"{node}/publishers/{pipe}/csv", timeout=30)
        assert answer.content == expected.read_bytes()
        return
    found = visible(requests.get(f"{node}/pipes/{pipe}/entities", timeout=30).json())
    found = [entity for entity in found if not entity.get("_deleted")]
    wanted = json.loads(expected.read_text(encoding="utf-8"))
    assert sorted(found, key=lambda e: e["_id"]) == sorted(wanted, key=lambda e: e["_id"])


def test_every_endpoint_pipe_has_a_spec() -> None:
    pipes = [json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "pipes").glob("*.conf.json")]
    endpoints = {pipe["_id"] for pipe in pipes if pipe.get("sink", {}).get("type", "").endswith("_endpoint")}
    assert endpoints == {path.name.removesuffix(".test.json") for path in SPECS}
