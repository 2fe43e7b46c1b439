"""Whatever is uploaded, it is taken whole or not at all, and never answered by 500."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from flask.testing import FlaskClient

from localnode.node import Node
from tests.localnode.node.random_uploads import Generator


def upload_many(client: FlaskClient, node: Node, seed: int, count: int) -> dict[int, int]:
    """Upload `count` random configurations; how often each status was answered."""
    generator, seen = Generator(seed), dict[int, int]()
    for number in range(count):
        method, path, body = _request(generator)
        before = (node.uploaded.entities(), node.uploaded.env(), [*node.config.entities], [*node.pipes])
        answer = client.open(path, method=method, json=body)
        told = f"seed {seed}, number {number}: {answer.status_code} {answer.get_data(as_text=True)[:500]}"
        assert answer.status_code in (200, 400, 404, 409), f"{told}\n{json.dumps(body)[:5000]}"
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
        stored = node.uploaded.entities()
        if answer.status_code != 200:
            after = (stored, node.uploaded.env(), [*node.config.entities], [*node.pipes])
            assert after == before, f"half stored: {told}"
            assert all(
                error["msg"]
                for each in answer.json.get("validation_errors", ())
                for error in each["config-errors"]
            )
        assert stored == [*node.config.entities], f"what is stored is not what is used: {told}"
        assert list(node.pipes) == [entity["_id"] for entity in stored if entity.get("type") == "pipe"], told
        if number % 50 == 0:
            for view in (
                "/api/pipes?verbose=true",
                "/api/status",
                "/api/config",
                "/api/systems",
                "/studio/data/flow",
            ):
                assert client.get(view).status_code == 200, view
    return seen


def _request(generator: Generator) -> tuple[str, str, Any]:
    force = "?force=true" if generator.random.random() < 0.3 else ""
    roll = generator.random.random()
    if roll < 0.8:
        return "PUT", f"/api/config{force}", generator.upload()
    if roll < 0.9:
        return "PUT", f"/api/env{force}", generator.variables()
    if roll < 0.95:
        return "PUT", f"/api/metadata{force}", generator.metadata()
    return "PUT", f"/api/pipes/in/config{force}", {**generator.pipe(), "_id": "in"}


@pytest.fixture
def unexpected(caplog: pytest.LogCaptureFixture) -> Any:
    """What the node logs of errors that it did not foresee; there must be none."""
    caplog.set_level(logging.ERROR)
    yield
    assert [record.getMessage() for record in caplog.records] == []


def test_random_uploads_are_all_or_nothing(client: FlaskClient, node: Node, unexpected: Any) -> None:
    seen = upload_many(client, node, seed=1, count=300)
    assert min(seen.get(200, 0), seen.get(400, 0)) > 50, seen


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(2, 12))
def test_a_hundred_thousand_random_uploads(
    client: FlaskClient, node: Node, unexpected: Any, seed: int
) -> None:
    upload_many(client, node, seed, count=10_000)
