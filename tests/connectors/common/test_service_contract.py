"""The service contract over HTTP, on a datatype in memory: statuses, problem documents, auth, ids, metrics."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from connectors.common.app import create_app
from connectors.common.datatype import Entity
from connectors.common.errors import InvalidResponse, Unavailable, UpstreamRefused
from connectors.common.metrics import Metrics
from connectors.common.service import Service
from connectors.common.settings import common_settings
from tests.support.datatypes import MemoryDatatype, failing


def app_client(things: MemoryDatatype, check: Any = lambda: None, **environment: str) -> FlaskClient:
    service = Service("test", "1", common_settings(environment), {"thing": things}, Metrics(), check, 2)
    return create_app(service).test_client()


@pytest.fixture
def things() -> MemoryDatatype:
    return MemoryDatatype()


@pytest.fixture
def client(things: MemoryDatatype) -> FlaskClient:
    return app_client(things)


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    body: dict[str, Any] = answer.json
    assert body["status"] == status
    assert body["kind"] == kind
    assert body["detail"]
    assert body["instance"] == answer.headers["X-Request-Id"]
    return body


def test_root_names_the_datatypes(client: FlaskClient) -> None:
    body = client.get("/").json
    assert body["name"] == "test"
    for link in body["datatypes"]["thing"].values():
        assert client.get(link).status_code in (200, 405)


def test_schema(client: FlaskClient) -> None:
    answer = client.get("/schemas/thing")
    assert json.loads(answer.data)["properties"]["name"]["maxLength"] == 10
    problem(client.get("/schemas/nothing"), 404, "fix-data")


@pytest.mark.parametrize("path", ["/nothing/entities", "/nothing/entities/1", "/nowhere", "/schemas/nothing"])
def test_unknown_places(client: FlaskClient, path: str) -> None:
    problem(client.get(path), 404, "fix-data")


def test_unknown_datatype_lists_the_known_ones(client: FlaskClient) -> None:
    assert "thing" in client.post("/nothing/share", json=[]).json["detail"]


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=1.5", "limit=", "limit=%C2%B2", "since=bad"])
def test_bad_query(client: FlaskClient, query: str) -> None:
    body = problem(client.get(f"/thing/entities?{query}"), 400, "fix-data")
    assert body["field"] == query.partition("=")[0]


@pytest.mark.parametrize("path", ["/thing/share", "/thing/entities"])
@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"{", "json"),
        (b"", "json"),
        (b"[1", "json"),
        (b"\xff\xfe", "json"),
        (b"{}", "array"),
        (b"7", "array"),
        (b"[[]]", "object"),
    ],
)
def test_bad_bodies(client: FlaskClient, path: str, body: bytes, rule: str) -> None:
    answer = client.post(path, data=body, content_type="application/json")
    assert problem(answer, 400, "fix-data")["rule"] == rule


@pytest.mark.parametrize("path", ["/thing/share", "/thing/entities"])
def test_wrong_content_type(client: FlaskClient, path: str) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        problem(client.post(path, data="[]", content_type=kind), 415, "fix-data")
    assert client.post(path, data="[]", content_type="application/json; charset=utf-8").status_code == 200


def test_too_large_a_body(things: MemoryDatatype) -> None:
    client = app_client(things, MAX_REQUEST_BYTES="2000")
    answer = client.post("/thing/share", data=b"[" + b" " * 2000 + b"]", content_type="application/json")
    body = problem(answer, 413, "fix-data")
    assert body["limit"] == 2000
    assert client.post("/thing/share", data=b"[]", content_type="application/json").status_code == 200


def test_method_not_allowed(client: FlaskClient) -> None:
    answer = client.delete("/thing/entities")
    problem(answer, 405, "fix-data")
    assert "GET" in answer.headers["Allow"]


def test_upstream_troubles_have_their_own_statuses(things: MemoryDatatype, client: FlaskClient) -> None:
    things.before["fetch"] = failing(Unavailable("down", retry_after=7.2))
    answer = client.get("/thing/entities/1")
    problem(answer, 503, "wait")
    assert answer.headers["Retry-After"] == "8"
    things.before["fetch"] = failing(UpstreamRefused("check THE_TOKEN", setting="THE_TOKEN"))
    assert problem(client.get("/thing/entities/1"), 502, "fix-settings")["setting"] == "THE_TOKEN"
    things.before["fetch"] = failing(InvalidResponse("half a page"))
    problem(client.get("/thing/entities/1"), 502, "retry")


def test_an_unexpected_error_shows_no_inside(things: MemoryDatatype) -> None:
    def bug(key: str) -> None:
        raise ZeroDivisionError("hunter2")

    things.before["fetch"] = bug
    answer = app_client(things).get("/thing/entities/1")
    assert "hunter2" not in problem(answer, 500, "retry")["detail"]


def test_reading_an_empty_and_a_filled_dataset(things: MemoryDatatype, client: FlaskClient) -> None:
    assert client.get("/thing/entities").data == b"[]"
    client.post("/thing/entities", json=[{"_id": "a", "name": "Ærø 🐻"}, {"_id": "b", "name": "B"}])
    answer = client.get("/thing/entities")
    assert [entity["_id"] for entity in answer.json] == ["a", "b"]
    assert answer.json[0]["name"] == "Ærø 🐻"
    assert answer.headers["X-Dataset-Populated"] == "true"
    assert len(client.get("/thing/entities?limit=1").json) == 1
    assert client.get("/thing/entities/a").json["_deleted"] is False


class Breaking(MemoryDatatype):
    """Gives pages, then fails."""

    def __init__(self, whole_pages: int) -> None:
        super().__init__()
        self.whole_pages = whole_pages

    def pages(self, since: str | None, limit: int | None) -> Iterator[list[Entity]]:
        for number in range(self.whole_pages):
            yield [{"_id": str(number)}]
        raise InvalidResponse("cut off")


def test_failing_at_once_gives_a_status_and_failing_later_breaks_the_stream() -> None:
    problem(app_client(Breaking(0)).get("/thing/entities"), 502, "retry")
    answer = app_client(Breaking(2)).get("/thing/entities", buffered=False)
    assert answer.status_code == 200
    received = b""
    with pytest.raises(InvalidResponse):
        for chunk in answer.response:
            received += chunk if isinstance(chunk, bytes) else chunk.encode()
    assert received == b'[{"_id":"0"},{"_id":"1"}'


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_callers_need_the_password_but_health_does_not(things: MemoryDatatype) -> None:
    client = app_client(things, SERVICE_USERNAME="node", SERVICE_PASSWORD="pässword")
    for headers in (
        {},
        basic("node", "wrong"),
        basic("pässword", "node"),
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic !"},
    ):
        answer = client.get("/thing/entities", headers=headers)
        problem(answer, 401, "fix-data")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    for path in ("/", "/ready", "/metrics", "/schemas/thing"):
        assert client.get(path).status_code == 401
    assert client.get("/health").status_code == 200
    assert client.get("/thing/entities", headers=basic("node", "pässword")).status_code == 200
    assert client.post("/thing/share", data="not read", headers=basic("node", "no")).status_code == 401


def test_ready_says_what_is_wrong(things: MemoryDatatype) -> None:
    assert app_client(things).get("/ready").json == {"status": "ready"}

    def check() -> None:
        raise UpstreamRefused("upstream answered 401; check THE_TOKEN", setting="THE_TOKEN")

    client = app_client(things, check)
    assert problem(client.get("/ready"), 503, "fix-settings")["setting"] == "THE_TOKEN"
    assert client.get("/health").status_code == 200
    assert "upstream_up 0.0" in client.get("/metrics").text


def test_request_ids_are_kept_or_made(client: FlaskClient) -> None:
    answer = client.get("/", headers={"X-Request-Id": "abc-1", "X-Correlation-Id": "run:7"})
    assert (answer.headers["X-Request-Id"], answer.headers["X-Correlation-Id"]) == ("abc-1", "run:7")
    made = client.get("/", headers={"X-Request-Id": "bad id\twith blanks"}).headers["X-Request-Id"]
    assert len(made) == 32


def test_metrics_count_requests_and_outcomes(things: MemoryDatatype, client: FlaskClient) -> None:
    batch = [{"_id": "1", "$origin": "~:a:1", "name": "x"}, {"_id": "2", "name": "y"}]
    client.post("/thing/share", json=batch, buffered=True)
    client.get("/thing/entities", buffered=True)
    text = client.get("/metrics").text
    assert 'service_share_outcomes_total{datatype="thing",operation="insert",status="ok"} 1.0' in text
    assert 'service_share_outcomes_total{datatype="thing",operation="none",status="rejected"} 1.0' in text
    assert 'service_entities_read_total{datatype="thing"} 1.0' in text
    assert 'service_requests_total{method="POST",route="/<datatype>/share",status="200"} 1.0' in text


def test_share_over_http(client: FlaskClient) -> None:
    answers = client.post(
        "/thing/share", json=[{"_id": "1", "$origin": "~:a:1", "name": "x"}, {"_id": "2"}]
    ).json
    assert [a["$status"] for a in answers] == ["ok", "rejected"]
    assert client.post("/thing/share", json=[]).json == []


def test_logs_are_json_lines_with_ids_and_without_secrets(
    things: MemoryDatatype, capfd: pytest.CaptureFixture[str]
) -> None:
    client = app_client(things, SERVICE_USERNAME="node", SERVICE_PASSWORD="hunter2hunter2")
    things.before["fetch"] = failing(
        Unavailable("sent hunter2hunter2 and Authorization: Bearer abcdef123456")
    )
    headers = {**basic("node", "hunter2hunter2"), "X-Request-Id": "r-1"}
    answer = client.get("/thing/entities/1", headers=headers, buffered=True)
    assert "hunter2" not in answer.text
    assert "abcdef123456" not in answer.text
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["message"] for line in lines] == ["request failed", "request"]
    assert all(line["request_id"] == "r-1" for line in lines)
    assert lines[1]["status"] == 503
    assert "hunter2" not in json.dumps(lines)
    assert "abcdef123456" not in json.dumps(lines)
