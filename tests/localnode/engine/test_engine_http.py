"""Systems, the json source and sink, the http transform: real requests over loopback."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localnode.pipes import FAILED, SUCCESS, Engine, Pipe, RemoteFailed, Systems
from localnode.store import Store
from tests.localnode.engine.service import Service

Build = Callable[..., Pipe]
Fill = Callable[..., None]
Live = Callable[[str], dict[str, dict[str, Any]]]
SOURCE = {"type": "json", "system": "s", "url": "/things"}
FROM_A = {"type": "dataset", "dataset": "a"}


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service([], lambda text: json.loads(text) if text else None)
    yield running
    running.close()


@pytest.fixture
def engine(store: Store, service: Service) -> Iterator[Engine]:
    systems = Systems({"s": {"_id": "s", "type": "system:microservice", "docker": {}}}, {"s": service.url})
    yield Engine(store, systems)
    systems.close()


# -- json source ---------------------------------------------------------------------------------------------


def test_pull_of_everything_deletes_what_is_missing(pipe: Build, service: Service, live: Live) -> None:
    service.respond = lambda *call: [{"_id": "1", "x": 1.5, "_hash": "theirs"}, {"_id": "2"}]
    a = pipe("a", SOURCE)
    assert a.run().status == SUCCESS and live("a") == {"1": {"x": 1.5}, "2": {}}
    service.respond = lambda *call: [{"_id": "2"}]
    a.run()
    assert set(live("a")) == {"2"} and service.calls[-1][:3] == ("GET", "/things", {})


def test_max_strategy_stores_the_highest_token_at_the_end(pipe: Build, service: Service, live: Live) -> None:
    service.respond = lambda *call: [{"_id": "1", "_updated": "2020-02"}, {"_id": "2", "_updated": "2020-01"}]
    a = pipe("a", {**SOURCE, "supports_since": True})
    first = a.run()
    assert (first.sync_type, a.offset, set(live("a"))) == ("full", "2020-02", {"1", "2"})
    service.respond = lambda *call: [{"_id": "1", "_updated": "2020-03", "_deleted": True}]
    assert a.run().sync_type == "incremental"
    assert service.calls[-1][2] == {"since": "2020-02"} and set(live("a")) == {"2"} and a.offset == "2020-03"
    service.respond = lambda *call: []
    a.run()
    assert set(live("a")) == {"2"} and a.offset == "2020-03"
    a.reset()
    a.run()
    assert service.calls[-1][2] == {} and live("a") == {}


def test_paging_continues_after_the_last_token(pipe: Build, service: Service, live: Live) -> None:
    entities: list[dict[str, Any]] = [{"_id": str(n), "_updated": n // 2} for n in range(9)]

    def respond(method: str, path: str, params: dict[str, str], body: Any) -> Any:
        since = int(params.get("since", -1))
        return [e for e in entities if e["_updated"] >= since][: int(params["limit"])]

    service.respond = respond
    source = {**SOURCE, "supports_since": True, "is_chronological": True, "page_size": 4}
    assert pipe("a", source).run().status == SUCCESS and len(live("a")) == 9
    assert all(call[2]["limit"] == "4" for call in service.calls)
    result = pipe("b", {**source, "page_size": 2}).run()
    assert result.status == FAILED and "page_size" in result.reason


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}, "[]"),
        (200, {}, '[{"_id": "1"}'),
        (200, {"Content-Length": "500", "Connection": "close"}, "[]"),
        (200, {}, '{"error": 1}'),
        (200, {}, "<html>"),
        (200, {}, [{"x": 1}]),
    ],
)
def test_a_bad_answer_deletes_nothing(pipe: Build, service: Service, live: Live, answer: Any) -> None:
    service.respond = lambda *call: [{"_id": "1"}, {"_id": "2"}]
    a = pipe("a", SOURCE)
    a.run()
    service.respond = lambda *call: (answer[0], dict(answer[1]), answer[2])
    result = a.run()
    assert result.status == FAILED and "/things" in result.reason and set(live("a")) == {"1", "2"}


def test_reads_are_retried_as_the_pump_says(pipe: Build, service: Service, live: Live) -> None:
    answers: list[Any] = [(503, {}, "busy"), (503, {}, "busy"), (200, {}, [{"_id": "1"}])]
    service.respond = lambda *call: answers[len(service.calls) - 1]
    assert pipe("a", SOURCE, pump={"max_read_retries": 2}).run().status == SUCCESS
    assert set(live("a")) == {"1"} and len(service.calls) == 3


def test_the_other_side_says_whether_it_is_populated(pipe: Build, service: Service, store: Store) -> None:
    service.respond = lambda *call: (200, {"X-Dataset-Populated": "false"}, [{"_id": "1"}])
    a = pipe("a", SOURCE)
    a.run()
    assert not store.dataset("a").populated
    service.respond = lambda *call: [{"_id": "1"}]
    a.run()
    assert store.dataset("a").populated


# -- json sink -----------------------------------------------------------------------------------------------


def test_push_protocol_of_a_full_and_an_incremental_run(pipe: Build, service: Service, fill: Fill) -> None:
    fill("a", *({"_id": str(n)} for n in range(150)))
    b = pipe("b", FROM_A, sink={"type": "json", "system": "s", "url": "/in"})
    result = b.run()
    assert (result.status, result.changed) == (SUCCESS, 150)
    assert [len(call[3]) for call in service.calls] == [100, 50, 0]
    assert {"_id", "_updated", "_deleted", "_hash", "_ts"} <= set(service.calls[0][3][0])
    params = [call[2] for call in service.calls]
    assert len({p["sequence_id"] for p in params}) == 1 and {p["is_full"] for p in params} == {"true"}
    assert [p.get("is_first") for p in params] == ["true", None, None]
    assert [p.get("is_last") for p in params] == [None, None, "true"]
    assert [p.get("previous_request_id") for p in params] == [None, *(p["request_id"] for p in params[:2])]
    fill("a", {"_id": "3", "_deleted": True})
    b.run()
    incremental = [call[2] for call in service.calls[3:]]
    assert [len(call[3]) for call in service.calls[3:]] == [1, 0] and service.calls[3][3][0][
        "_deleted"
    ] is True
    assert all(p["is_full"] == "false" and "is_first" not in p and "is_last" not in p for p in incremental)
    assert incremental[0]["sequence_id"] != params[0]["sequence_id"]


def test_an_empty_full_push_is_first_and_last(pipe: Build, service: Service, fill: Fill) -> None:
    fill("a")
    pipe("b", FROM_A, sink={"type": "json", "system": "s", "url": "/in"}).run()
    (call,) = service.calls
    assert call[3] == [] and call[2]["is_first"] == call[2]["is_last"] == "true"


def test_a_conflict_starts_over_with_a_new_sequence(pipe: Build, service: Service, fill: Fill) -> None:
    fill("a", *({"_id": str(n)} for n in range(150)))
    b = pipe("b", FROM_A, sink={"type": "json", "system": "s", "url": "/in"})
    service.respond = lambda *call: (409, {}, "conflict") if len(service.calls) == 2 else []
    assert b.run().status == FAILED and b.offset is None and len(service.calls) == 2
    service.respond = lambda *call: []
    assert b.run().status == SUCCESS
    assert [len(call[3]) for call in service.calls[2:]] == [100, 50, 0]
    assert service.calls[2][2]["sequence_id"] != service.calls[1][2]["sequence_id"]


def test_node_pushes_to_node(pipe: Build, service: Service, fill: Fill, live: Live) -> None:
    receiver = pipe("r", {"type": "http_endpoint"})

    def respond(method: str, path: str, params: dict[str, str], body: Any) -> Any:
        return receiver.receive(json.dumps(body).encode(), params)

    service.respond = respond
    fill("a", *({"_id": str(n), "x": n} for n in range(230)))
    b = pipe("b", FROM_A, sink={"type": "json", "system": "s", "url": "/in"})
    b.run()
    assert live("r") == live("a")
    fill("a", {"_id": "7", "_deleted": True}, {"_id": "8", "x": -1})
    b.run()
    assert live("r") == live("a") and len(live("r")) == 229


# -- http transform ------------------------------------------------------------------------------------------


def http(**more: Any) -> dict[str, Any]:
    return {"type": "http", "system": "s", "url": "/share", **more}


def echo(method: str, path: str, params: dict[str, str], body: Any) -> Any:
    return [{**entity, "$status": "ok"} for entity in body]


def test_entities_go_out_and_answers_come_in(pipe: Build, service: Service, fill: Fill, live: Live) -> None:
    service.respond = echo
    fill("a", {"_id": "1", "op": "insert"}, {"_id": "2"}, {"_id": "3", "op": "update"})
    transform = http(trigger_on={"key": "op", "value": "*"}, batch_size=1, headers={"X-A": "b"})
    assert pipe("b", FROM_A, transform=transform).run().status == SUCCESS
    assert live("b") == {
        "1": {"op": "insert", "$status": "ok"},
        "2": {},
        "3": {"op": "update", "$status": "ok"},
    }
    assert [len(call[3]) for call in service.calls] == [1, 1] and service.headers[0]["x-a"] == "b"


@pytest.mark.parametrize("answer", [(500, {}, "no"), (200, {}, "{}"), (200, {}, "nonsense"), (204, {}, "")])
def test_bad_answers_fail_the_batch(
    pipe: Build, service: Service, fill: Fill, answer: Any, store: Store
) -> None:
    service.respond = lambda *call: (answer[0], dict(answer[1]), answer[2])
    fill("a", {"_id": "1"})
    b = pipe("b", FROM_A, transform=http(), pump={"batch_retries": 1})
    assert b.run().status == FAILED and b.offset is None and store.dataset("b").max_updated is None
    assert len(service.calls) == 2


def test_one_bad_entity_does_not_hold_up_the_others(
    pipe: Build, service: Service, fill: Fill, live: Live
) -> None:
    def respond(method: str, path: str, params: dict[str, str], body: Any) -> Any:
        return (500, {}, "no") if any(e["_id"] == "bad" for e in body) else echo(method, path, params, body)

    service.respond = respond
    fill("a", {"_id": "1"}, {"_id": "bad"}, {"_id": "2"})
    pump = {"batch_retries": 0, "max_write_errors_in_retry_dataset": 9, "max_consecutive_write_errors": 9}
    b = pipe("b", FROM_A, transform=http(), pump=pump)
    result = b.run()
    assert (result.status, result.counts.failed, set(live("b"))) == (SUCCESS, 1, {"1", "2"})
    service.respond = echo
    b.run()
    assert set(live("b")) == {"1", "2", "bad"} and b.queues()["retries"] == 0


def test_answers_of_another_length_are_taken_as_they_are(
    pipe: Build, service: Service, fill: Fill, live: Live
) -> None:
    service.respond = lambda *call: [{"_id": f"{e['_id']}-{n}"} for e in call[3] for n in range(2)]
    fill("a", {"_id": "1"}, {"_id": "2"})
    pipe("b", FROM_A, transform=http()).run()
    assert set(live("b")) == {"1-0", "1-1", "2-0", "2-1"}


# -- systems -------------------------------------------------------------------------------------------------


def systems(service: Service, **config: Any) -> Systems:
    pattern = {"url_pattern": f"{service.url}/base/%s"}
    return Systems({"s": {"_id": "s", "type": "system:url", **pattern, **config}})


def test_addresses_credentials_and_headers(service: Service) -> None:
    asked = systems(service, headers={"X-Key": "k"}, username="u", password="p\u00e5", authentication="basic")
    asked.request("s", "GET", "things", params={"since": 1})
    assert service.calls[-1][:3] == ("GET", "/base/things", {"since": "1"})
    token = base64.b64encode("u:p\u00e5".encode()).decode()
    assert service.headers[-1]["authorization"] == f"Basic {token}" and service.headers[-1]["x-key"] == "k"
    systems(service, authentication="jwt", jwt_token="t").request("s", "GET", f"{service.url}/full")
    assert service.headers[-1]["authorization"] == "Bearer t" and service.calls[-1][1] == "/full"


def test_a_challenge_is_answered_and_cookies_come_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    challenge = {
        "WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"',
        "Set-Cookie": "seat=7; Path=/",
    }
    service.respond = lambda *call: [] if "authorization" in service.headers[-1] else (401, challenge, "")
    asked = systems(service, username="u", password="p", authentication="digest")
    assert asked.request("s", "POST", "x", data=b"[]").json() == []
    assert [call[3] for call in service.calls] == [[], []]
    assert service.headers[-1]["authorization"].startswith('Digest username="u"')
    asked.request("s", "GET", "y")
    assert service.headers[-1]["cookie"] == "seat=7"


def test_no_other_host_is_reached(service: Service) -> None:
    other = Service([])
    asked = systems(service, password="secret", username="u")
    with pytest.raises(RemoteFailed, match="refused"):
        asked.request("s", "GET", f"{other.url}/x")
    service.respond = lambda *call: (302, {"Location": f"{other.url}/x"}, "")
    with pytest.raises(RemoteFailed, match="refused"):
        asked.request("s", "GET", "x")
    service.respond = lambda *call: (302, {"Location": "/y"}, "") if call[1] != "/y" else []
    assert asked.request("s", "GET", "x").json() == []
    with pytest.raises(RemoteFailed) as caught:
        asked.request("s", "POST", "x")
    assert caught.value.status == 302
    assert other.calls == [] and "secret" not in str(caught.value)
    other.server.shutdown()
    other.server.server_close()


def test_retry_strategy_repeats_reads_but_not_writes(service: Service) -> None:
    strategy = {"503": {"max_read_retries": 2}}
    asked = systems(service, retry_strategy=strategy)
    service.respond = lambda *call: (503, {"Retry-After": "0"}, "") if len(service.calls) < 3 else []
    assert asked.request("s", "GET", "x").status_code == 200 and len(service.calls) == 3
    service.calls.clear()
    with pytest.raises(RemoteFailed) as caught:
        asked.request("s", "POST", "x", data=b"[]")
    assert caught.value.status == 503 and len(service.calls) == 1


def test_errors_say_what_happened_without_secrets(service: Service) -> None:
    with pytest.raises(RemoteFailed, match="not configured"):
        Systems({}).request("s", "GET", "x")
    with pytest.raises(RemoteFailed, match="no address"):
        Systems({"m": {"type": "system:microservice"}}).request("m", "GET", "x")
    closed = Systems(
        {"s": {"type": "system:url", "url_pattern": "http://u:pw@127.0.0.1:9/%s", "connect_timeout": 1}}
    )
    with pytest.raises(RemoteFailed) as caught:
        closed.request("s", "GET", "x", params={"token": "hush"})
    assert (
        "127.0.0.1:9/x" in str(caught.value)
        and "pw" not in str(caught.value)
        and "hush" not in str(caught.value)
    )
    service.respond = lambda *call: (400, {}, "field x is wrong")
    with pytest.raises(RemoteFailed, match="answered 400: .*field x is wrong"):
        systems(service).request("s", "GET", "x")


@pytest.mark.parametrize(
    ("status", "pump", "requests", "queued"),
    [
        (400, {}, 2, 0),
        (429, {}, 3, 1),
        (500, {}, 2, 1),
        (429, {"batch_retries": 0}, 2, 1),
    ],
)
def test_retry_strategy_depends_on_the_status(
    store: Store, service: Service, fill: Fill, status: int, pump: dict[str, Any], requests: int, queued: int
) -> None:
    """The pump's own settings come before the system's, those before the defaults."""
    queue = {"max_write_errors_in_retry_dataset": 5, "max_consecutive_write_errors": 5}
    strategy = {
        "400-428": {"batch_retries": 0},
        "429": {"batch_retries": 1, **queue},
        "default": {"batch_retries": 0, **queue},
    }
    config = {"_id": "s", "type": "system:microservice", "retry_strategy": strategy}
    systems = Systems({"s": config}, {"s": service.url})
    service.respond = lambda *call: (status, {}, "no")
    fill("a", {"_id": "1"}, {"_id": "2"})
    transform = {"type": "http", "system": "s", "url": "/share"}
    pipe = Pipe(
        {"_id": "b", "type": "pipe", "source": FROM_A, "transform": transform, "pump": pump},
        Engine(store, systems),
    )
    result = pipe.run()
    systems.close()
    assert result.status == (SUCCESS if queued else FAILED)
    assert len([call for call in service.calls if len(call[3]) == 2]) == requests - 1
    assert pipe.queues()["retries"] == 2 * queued
