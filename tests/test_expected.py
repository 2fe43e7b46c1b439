"""`expected/` holds what Sesam's client would find when it tests these pipes on their embedded data (`node-env` test); no service is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.embedded import embedded_node
from tests.support.processes import ROOT

SPECS = sorted((ROOT / "expected").glob("*.test.json"))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API's address of a node with our pipes, run on the data that they hold."""
    with embedded_node(tmp_path_factory.mktemp("node")) as running:
        yield running.url


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
