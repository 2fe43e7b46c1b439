"""ETags hold: what changes between the service's read and its write is not overwritten, whoever is faster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from connectors.erp.app import create_app
from tests.erp_presets.seed import key
from tests.erp_presets.servers import ODataServer, Server
from tests.support.erp import FAST
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

pytestmark = [pytest.mark.erp, pytest.mark.parametrize("server", ["odata-v4"], indirect=True)]
PASSED_ON = ("Accept", "Content-Type", "If-Match", "Prefer")


@pytest.fixture
def between(server: Server) -> Iterator[Upstream]:
    """Passes everything on to the server; `script` may be wrapped to do something before a call."""
    root = server.url.removesuffix("/odata/v4/erp")

    def forward(asked: Asked) -> Reply:
        headers = {name: asked.headers[name] for name in PASSED_ON if name in asked.headers}
        answer = requests.request(
            asked.method, root + asked.path, params=asked.query, data=asked.body, headers=headers, timeout=60
        )
        return Reply(
            answer.content, answer.status_code, {"Content-Type": answer.headers.get("Content-Type", "")}
        )

    with scripted_upstream(forward) as running:
        yield running


def client_of(between: Upstream) -> FlaskClient:
    address = {"ERP_BASE_URL": f"{between.url}/odata/v4/erp", "ERP_TOKEN": "x", "ERP_PROFILE": "odata-v4"}
    return create_app({**FAST, **address, "READ_TIMEOUT_SECONDS": "10"}).test_client()


def meddling(between: Upstream, server: Server, where: str, **fields: Any) -> None:
    """Somebody edits the record right before the service's first write arrives."""
    forward, done = between.script, []

    def script(asked: Asked) -> Reply:
        if asked.method == "PATCH" and not done:
            done.append(asked)
            server.edit("contact", where, **fields)
        return forward(asked)

    between.script = script


def test_the_same_field_changed_meanwhile_is_a_conflict(
    server: Server, between: Upstream, tmp_path: Path
) -> None:
    where = ODataServer.key(server, key("contact", 6))
    client = client_of(between)
    meddling(between, server, where, job_title="theirs")
    desired = {"_id": "s", "id": where, "job_title": "ours", "$based_on": {"job_title": "Buyer"}}
    (answer,) = client.post("/contact/share", json=[desired]).json
    assert (answer["$operation"], answer["$status"]) == ("none", "conflict"), answer
    stored = server.read("contact", where)
    assert stored is not None and stored["job_title"] == "theirs"


def test_another_field_changed_meanwhile_survives_beside_ours(server: Server, between: Upstream) -> None:
    where = ODataServer.key(server, key("contact", 7))
    client = client_of(between)
    meddling(between, server, where, phone="+47 99 99 99 99")
    desired = {"_id": "s", "id": where, "job_title": "ours", "$based_on": {"job_title": "Buyer"}}
    (answer,) = client.post("/contact/share", json=[desired]).json
    assert (answer["$operation"], answer["$status"]) == ("update", "ok"), answer
    stored = server.read("contact", where)
    assert stored is not None and (stored["job_title"], stored["phone"]) == ("ours", "+47 99 99 99 99")
    assert between.calls("PATCH") == 2
