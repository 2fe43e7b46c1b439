"""REST source, transform and sink against a service over loopback; the examples are those of the documentation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localnode.pipes import FAILED, SUCCESS, ConfigProblem, Engine, Pipe, Systems
from localnode.store import Store
from tests.localnode.engine.service import Service

Build = Callable[..., Pipe]
Fill = Callable[..., None]
Live = Callable[[str], dict[str, dict[str, Any]]]
MEN = [{"_id": "john", "age": 21}, {"_id": "bob", "age": 44}]
FROM_A = {"type": "dataset", "dataset": "a"}


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service(MEN)
    yield running
    running.close()


@pytest.fixture
def system(store: Store, service: Service) -> Iterator[Callable[..., Engine]]:
    """`system({operations}, **properties)`: an engine with the system "s"."""
    made: list[Systems] = []

    def build(operations: dict[str, Any], secrets: dict[str, str] | None = None, **more: Any) -> Engine:
        config = {"_id": "s", "type": "system:rest", "url_pattern": f"{service.url}/api/%s", **more}
        made.append(Systems({"s": {**config, "operations": operations}}, {}, {"s": secrets or {}}))
        return Engine(store, made[-1])

    yield build
    for systems in made:
        systems.close()


def get(url: str = "men", **more: Any) -> dict[str, Any]:
    return {"get": {"url": url, "method": "GET", **more}}


def source(**more: Any) -> dict[str, Any]:
    return {"type": "rest", "system": "s", "operation": "get", **more}


# -- source --------------------------------------------------------------------------------------------------


def test_a_list_of_entities(pipe: Build, system: Any, service: Service, live: Live) -> None:
    a = pipe("a", source(properties={"n": "x y"}), engine=system(get("men/{{ properties.n | urlencode }}/")))
    assert a.run().status == SUCCESS and live("a") == {"john": {"age": 21}, "bob": {"age": 44}}
    assert service.calls[0][:2] == ("GET", "/api/men/x%20y/")


@pytest.mark.parametrize(
    ("body", "settings"),
    [
        ({"result": MEN}, {"payload_property": "result"}),
        ({"a": {"b": MEN}}, {"payload_property": "a.b"}),
        ({"a.b": MEN, "a": {"b": []}}, {"payload_property": "a.b"}),
        ([{"id": "john", "age": 21}, {"id": "bob", "age": 44}], {"id_expression": "{{ id }}"}),
    ],
)
def test_where_the_entities_are_in_the_answer(
    pipe: Build, system: Any, service: Service, live: Live, body: Any, settings: Any
) -> None:
    service.respond = lambda *call: body
    assert pipe("a", source(**settings), engine=system(get())).run().status == SUCCESS
    assert {name: entity["age"] for name, entity in live("a").items()} == {"john": 21, "bob": 44}


@pytest.mark.parametrize("way", ["body", "header", "empty", "not-full", "same-link"])
def test_pages(pipe: Build, system: Any, service: Service, live: Live, way: str) -> None:
    """Three pages of one entity each, however the service says where the next one is."""

    def respond(method: str, path: str, params: dict[str, str], body: str) -> Any:
        page = int(params.get("page", "0"))
        entities = [{"_id": str(page)}] if page < 3 else []
        following = f"?page={page + 1}" if page < 2 or way == "empty" else None
        if way == "same-link":
            following = f"?page={min(page + 1, 2)}"
        headers = {"Link": f'<?page=0>; rel="prev", <{following}>; rel="next"'} if following else {}
        return 200, headers, {"data": entities, "next": following}

    service.respond = respond
    settings = {
        "body": {"next_page_link": "{{ body.next }}"},
        "header": {"next_page_link": "{{ headers.Link.next }}"},
        "empty": {"next_page_link": "{{ body.next }}", "next_page_termination_strategy": "empty-result"},
        "not-full": {
            "params": {"page": "{{ page }}", "size": "{{ page_size }}"},
            "page_size": 1,
            "next_page_termination_strategy": ["not-full-page", "empty-result"],
        },
        "same-link": {
            "next_page_link": "{{ body.next }}",
            "next_page_termination_strategy": ["same-next-page-link"],
        },
    }[way]
    a = pipe("a", source(payload_property="data"), engine=system(get(**settings)))
    assert a.run().status == SUCCESS, a.run().reason
    assert set(live("a")) == {"0", "1", "2"}


def test_a_static_request_does_not_page_forever(
    pipe: Build, system: Any, service: Service, live: Live
) -> None:
    a = pipe("a", source(), engine=system(get(next_page_termination_strategy="empty-result")))
    assert a.run().status == SUCCESS and len(service.calls) == 1


@pytest.mark.parametrize("links", [0, 1, 2])
def test_a_link_that_is_missing_does_not_page_forever(
    pipe: Build, system: Any, service: Service, live: Live, links: int
) -> None:
    """The form of public connectors: the link is made of what the answer says of itself, if it does."""

    def respond(method: str, path: str, params: dict[str, str], body: str) -> Any:
        start = int(params.get("from", "0"))
        place = {"from": start, "count": 1} if start < links else {}
        return {"values": [{"_id": str(start)}], **place}

    service.respond = respond
    operation = get(
        next_page_link="?from={{ body.from + body.count }}", next_page_termination_strategy="empty-result"
    )
    a = pipe("a", source(payload_property="values"), engine=system(operation))
    assert a.run().status == SUCCESS
    assert len(service.calls) == len(live("a")) == links + 1


@pytest.mark.parametrize(
    ("location", "where"),
    [("query", {"changed": "5"}), ("header", {}), ("manual", {}), ("url", {"from": "5"})],
)
def test_continuation(pipe: Build, system: Any, service: Service, location: str, where: Any) -> None:
    service.respond = lambda *call: [{"id": 1, "seq": 5}, {"id": 2, "seq": 3}]
    url = "men?from={{ since }}" if location == "url" else "men"
    place = {} if location == "url" else {"since_property_location": location}
    operations = get(url, updated_expression="{{ seq }}", id_expression="{{ id }}", **place)
    a = pipe("a", source(supports_since=True, since_property_name="changed"), engine=system(operations))
    assert a.run().status == SUCCESS and a.offset == 5
    a.run()
    assert service.calls[1][2] == where
    assert service.headers[1].get("changed") == ("5" if location == "header" else None)
    assert service.calls[0][2] == {} and "changed" not in service.headers[0]


def test_initial_since_value(pipe: Build, system: Any, service: Service) -> None:
    service.respond = lambda *call: [{"_id": "1", "_updated": "2020"}]
    a = pipe("a", source(supports_since=True, initial_since_value=0), engine=system(get()))
    a.run()
    assert service.calls[0][2] == {"since": "0"}


def test_text_becomes_one_entity(pipe: Build, system: Any, service: Service, live: Live) -> None:
    service.respond = lambda *call: (200, {"Content-Type": "text/csv; charset=utf-8", "X-A": "b"}, "1;2")
    a = pipe(
        "a",
        source(
            response_property="csv",
            id_expression="only",
            response_include_content_type=True,
            response_headers_property="h",
        ),
        engine=system(get()),
    )
    assert a.run().status == SUCCESS
    entity = live("a")["only"]
    assert entity["csv"] == "1;2" and entity["content-type"] == "text/csv" and entity["h"]["X-A"] == "b"


def test_other_json_types(pipe: Build, system: Any, service: Service, live: Live) -> None:
    service.respond = lambda *call: (200, {"Content-Type": "application/jsonish"}, MEN)
    a = pipe("a", source(), engine=system(get(), json_content_types=["application/jsonish"]))
    assert a.run().status == SUCCESS and set(live("a")) == {"john", "bob"}


@pytest.mark.parametrize(
    ("answer", "settings", "word"),
    [
        ((500, {}, {"why": "down"}), {}, "500"),
        ((200, {}, [{"age": 1}]), {}, "_id"),
        ((200, {}, [{"age": 1}]), {"id_expression": "{{ nr }}"}, "'nr' is undefined"),
        ((200, {}, [1]), {}, "where entities should be"),
        ((200, {}, "{"), {}, "not JSON"),
        ((200, {}, {"r": [], "error": "no"}), {"payload_property": "r", "supports_since": True}, "no"),
    ],
)
def test_what_fails_the_read(
    pipe: Build, system: Any, service: Service, live: Live, answer: Any, settings: Any, word: str
) -> None:
    operations = get(error_expression="{{ body.error if body is mapping }}")
    a = pipe("a", source(**settings), engine=system(operations))
    service.respond = lambda *call: answer
    result = a.run()
    assert result.status == FAILED and word in result.reason


def test_throttling_is_waited_out(pipe: Build, system: Any, service: Service) -> None:
    answers = iter([(429, {}, {}), (429, {}, {}), (200, {}, MEN)])
    service.respond = lambda *call: next(answers)
    engine = system(get(rate_limiting_retries=2), rate_limiting_delay=0.01)
    assert pipe("a", source(), engine=engine).run().status == SUCCESS and len(service.calls) == 3


def test_no_other_host_is_reached(pipe: Build, system: Any, service: Service) -> None:
    a = pipe("a", source(), engine=system(get("http://127.0.0.2:9/x")))
    result = a.run()
    assert result.status == FAILED and "refused" in result.reason and not service.calls


# -- transform -----------------------------------------------------------------------------------------------


def transform(**more: Any) -> dict[str, Any]:
    return {"type": "rest", "system": "s", "operation": "get", **more}


def test_the_answer_is_added(pipe: Build, fill: Fill, system: Any, service: Service, live: Live) -> None:
    fill("a", {"_id": "bob", "properties": {"group": "g1"}})
    service.respond = lambda *call: {"name": "Bob Maker"}
    operations = get("men/{{ properties.group }}/{{ _id }}")
    settings = {"response_status_property": "st", "response_headers_property": "h"}
    b = pipe(
        "b", FROM_A, engine=system(operations), transform=transform(properties={"group": "no"}, **settings)
    )
    assert b.run().status == SUCCESS
    entity = live("b")["bob"]
    assert (
        entity["response"] == {"name": "Bob Maker"} and entity["st"] == 200 and "Content-Type" in entity["h"]
    )
    assert service.calls[0][1] == "/api/men/g1/bob" and entity["properties"] == {"group": "g1"}


def test_the_answer_replaces(pipe: Build, fill: Fill, system: Any, service: Service, live: Live) -> None:
    fill("a", {"_id": "1"}, {"_id": "2", "_deleted": False, "operation": "text"})
    service.respond = lambda method, path, *rest: (
        MEN if path == "/api/men" else (200, {"Content-Type": "x/y"}, "t")
    )
    operations = {**get(), "text": {"url": "text", "method": "GET"}}
    b = pipe("b", FROM_A, engine=system(operations), transform=transform(replace_entity=True))
    b.run()
    assert live("b") == {"john": {"age": 21}, "bob": {"age": 44}, "2": {"response": "t"}}


def test_statuses(pipe: Build, fill: Fill, system: Any, service: Service, live: Live) -> None:
    fill("a", {"_id": "404"}, {"_id": "409"}, {"_id": "200"})
    service.respond = lambda method, path, *rest: (int(path[-3:]), {}, {})
    allowed = transform(
        allowed_status_codes="200-299,409", ignored_status_codes="404", response_status_property="s"
    )
    b = pipe("b", FROM_A, engine=system(get("{{ _id }}")), transform=allowed)
    assert b.run().status == SUCCESS
    assert {name: entity["s"] for name, entity in live("b").items()} == {"409": 409, "200": 200}
    c = pipe("c", FROM_A, engine=system(get("{{ _id }}")), transform=transform())
    result = c.run()
    assert result.status == FAILED and "404" in result.reason


def test_if_transform_empty(pipe: Build, fill: Fill, system: Any, service: Service) -> None:
    fill("a", {"_id": "1"})
    service.respond = lambda *call: (404, {}, {})
    b = pipe(
        "b",
        FROM_A,
        engine=system(get()),
        transform=transform(ignored_status_codes="404", if_transform_empty="fail"),
    )
    result = b.run()
    assert result.status == FAILED and "if_transform_empty" in result.reason


def test_only_triggered_entities(pipe: Build, fill: Fill, system: Any, service: Service, live: Live) -> None:
    fill("a", {"_id": "1", "go": "yes"}, {"_id": "2"})
    trigger = {"key": "go", "value": "y*"}
    b = pipe("b", FROM_A, engine=system(get()), transform=transform(trigger_on=trigger))
    b.run()
    assert "response" in live("b")["1"] and "response" not in live("b")["2"] and len(service.calls) == 1


def test_the_pages_of_a_transform_are_joined(
    pipe: Build, fill: Fill, system: Any, service: Service, live: Live
) -> None:
    fill("a", {"_id": "1"})
    service.respond = lambda m, p, params, b: {
        "d": [{"id": int(params.get("p", 0))}],
        "n": "" if "p" in params else "?p=1",
    }
    operations = get(next_page_link="{{ body.n }}", payload_property="d", id_expression="i{{ id }}")
    pipe("b", FROM_A, engine=system(operations), transform=transform()).run()
    assert live("b")["1"]["response"] == [{"id": 0, "_id": "i0"}, {"id": 1, "_id": "i1"}]


def test_an_unknown_operation_is_the_entitys_fault(
    pipe: Build, fill: Fill, system: Any, service: Service
) -> None:
    fill("a", {"_id": "1", "operation": "gte"})
    pump = {"max_write_errors_in_retry_dataset": 5, "max_consecutive_write_errors": 5}
    b = pipe("b", FROM_A, engine=system(get()), transform=transform(), pump=pump)
    result = b.run()
    assert result.status == SUCCESS and result.counts.failed == 1 and b.queues()["retries"] == 1


def test_a_preview_calls_nobody(pipe: Build, fill: Fill, system: Any, service: Service) -> None:
    fill("a", {"_id": "1"})
    b = pipe("b", FROM_A, engine=system(get()), transform=transform())
    assert [entity["_id"] for entity in b.preview("after-transforms")] == ["1"] and not service.calls


# -- sink ----------------------------------------------------------------------------------------------------


def test_the_sink(pipe: Build, fill: Fill, system: Any, service: Service) -> None:
    """The documented example: three entities, three operations."""
    men, women = "men/{{ properties.collection_name }}/", "women/{{ properties.collection_name }}/"
    operations = {
        "update-man": {
            "url": "men/{{ properties.id }}",
            "method": "POST",
            "headers": {"Content-type": "application/xml"},
        },
        "update-woman": {"url": women, "method": "POST", "payload-type": "json"},
        "delete-man": {"url": men + "{{ _id }}", "method": "DELETE"},
    }
    sink = {
        "type": "rest",
        "system": "s",
        "operation": "update-woman",
        "properties": {"collection_name": "d"},
        "payload": {"id": "unknown"},
    }
    fill(
        "a",
        {"_id": "john", "operation": "update-man", "properties": {"id": "john"}, "payload": "<man>å</man>"},
        {"_id": "mary", "properties": {"collection_name": "g2"}, "payload": {"id": "mary", "age": "~f1.5"}},
        {"_id": "bob", "operation": "delete-man", "properties": {"collection_name": "g1"}, "payload": ""},
        {"_id": "eva"},
    )
    b = pipe("b", FROM_A, engine=system(operations), sink=sink, batch_size=1)
    assert b.run().status == SUCCESS
    assert service.calls == [
        ("POST", "/api/men/john", {}, "<man>å</man>"),
        ("POST", "/api/women/g2/", {}, '{"age": 1.5, "id": "mary"}'),
        ("DELETE", "/api/men/g1/bob", {}, ""),
        ("POST", "/api/women/d/", {}, '{"id": "unknown"}'),
    ]
    kinds = [headers.get("content-type") for headers in service.headers]
    assert kinds == ["application/xml", "application/json", None, "application/json"]


@pytest.mark.parametrize(
    ("kind", "payload", "content_type", "body"),
    [
        ("form", {"a": "x y", "b": 1}, "application/x-www-form-urlencoded", "a=x+y&b=1"),
        ("text", "hei", "text/plain", "hei"),
        ("text", {"a": 1}, "text/plain", '{"a": 1}'),
        ("text", "~bYWJj", "application/octet-stream", "abc"),
        ("json-transit", {"a": "~:b:c"}, "application/json", '{"a":"~:b:c"}'),
        ("json", [{"a": "~:b:c"}], "application/json", '[{"a": "b:c"}]'),
    ],
)
def test_payload_types(
    pipe: Build,
    fill: Fill,
    system: Any,
    service: Service,
    kind: str,
    payload: Any,
    content_type: str,
    body: str,
) -> None:
    fill("a", {"_id": "1", "payload": payload})
    operations = {"get": {"url": "x", "method": "POST", "payload-type": kind}}
    pipe("b", FROM_A, engine=system(operations), sink=transform()).run()
    assert service.calls[0][3] == body and service.headers[0]["content-type"] == content_type


def test_multipart(pipe: Build, fill: Fill, system: Any, service: Service) -> None:
    fill("a", {"_id": "1", "payload": {"a": "x"}})
    operations = {"get": {"url": "x", "method": "POST", "payload-type": "multipart-form"}}
    pipe("b", FROM_A, engine=system(operations), sink=transform()).run()
    assert 'name="a"\r\n\r\nx\r\n' in service.calls[0][3]
    assert service.headers[0]["content-type"].startswith("multipart/form-data; boundary=")


def test_markers(pipe: Build, fill: Fill, system: Any, service: Service) -> None:
    payload = {
        "key": "{{ entity.n }}sesam:markjson",
        "list": '[{{ entity.n }}, "v"]sesam:markjson',
        "gone": "{% if entity.no is defined %}x{% else %}sesam:markskip{% endif %}",
        "name{% if true %}sesam:markskip{% endif %}": "x",
        "{{ entity.k }}": "{{ entity.n }}",
        "plain": 5,
    }
    fill("a", {"_id": "1", "n": 10, "k": "named"})
    operations = {
        "get": {"url": "x", "method": "POST", "payload": payload, "params": {"p": "{{ entity.k }}"}}
    }
    pipe("b", FROM_A, engine=system(operations), sink=transform()).run()
    assert json.loads(service.calls[0][3]) == {"key": 10, "list": [10, "v"], "named": "10", "plain": 5}
    assert service.calls[0][2] == {"p": "named"}


# -- settings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operations", "settings", "word"),
    [
        (get(), {"operation": "gett"}, 'no operation "gett"'),
        (get("{{ x"), {}, "Jinja"),
        (get("{{ x | nosuch }}"), {}, "nosuch"),
        (get(), {"allowed_status_codes": "200-404", "ignored_status_codes": "404"}, "overlaps"),
        (get(next_page_termination_strategy="not-full-page"), {}, "page_size"),
    ],
)
def test_wrong_settings(pipe: Build, system: Any, operations: Any, settings: Any, word: str) -> None:
    with pytest.raises(ConfigProblem) as caught:
        pipe("b", FROM_A, engine=system(operations), transform=transform(**settings))
    assert word in str(caught.value)


def test_trace_without_secrets(pipe: Build, system: Any, service: Service, store: Store) -> None:
    operations = get(headers={"X-Key": "s3cret", "Authorization": "Basic zzz"}, params={"k": "s3cret"})
    engine = system(operations, secrets={"key": "s3cret"})
    a = pipe("a", source(trace={"log_response_body_maxsize": 12}), engine=engine)
    a.run()
    event = store.dataset("system:pump_execution:a").get("pump-completed")
    assert event is not None
    (entry,) = event.entity()["trace"]
    assert entry["response"]["status"] == 200 and entry["response"]["body"] == json.dumps(MEN)[:12]
    assert entry["request"]["headers"] == {"X-Key": "[redacted]", "Authorization": "[redacted]"}
    assert "s3cret" not in json.dumps(entry)


# -- access tokens -------------------------------------------------------------------------------------------


def test_custom_authentication(pipe: Build, system: Any, service: Service) -> None:
    """The documented example with two token requests; tokens are kept until they expire."""

    def respond(method: str, path: str, params: Any, body: str) -> Any:
        if path == "/api/loginidentity":
            return {"WCToken": "w1"}
        return {"access_token": "a1"} if path == "/api/jwt" else MEN

    service.respond = respond
    operations = {
        "refresh": {"url": "loginidentity", "method": "POST", "payload": {"logonId": "me"}},
        "token": {"url": "jwt", "method": "POST", "headers": {"WCToken": "{{ token.WCToken }}"}},
        **get(),
    }
    auth = {
        "get_refresh_token_operation": "refresh",
        "get_token_operation": "token",
        "expires_in_expression": "{{ 3600 }}",
        "refresh_token_expires_in_expression": "{{ 600 }}",
    }
    bearer = {"Authorization": "Bearer {{ token.access_token }}"}
    a = pipe("a", source(), engine=system(operations, custom_auth=auth, headers=bearer))
    assert a.run().status == SUCCESS and a.run().status == SUCCESS
    assert [call[1] for call in service.calls] == ["/api/loginidentity", "/api/jwt", "/api/men", "/api/men"]
    assert service.headers[1]["wctoken"] == "w1" and "authorization" not in service.headers[1]
    assert service.headers[3]["authorization"] == "Bearer a1"


def test_a_header_that_asks_for_what_is_not_there_fails_the_run(
    pipe: Build, system: Any, service: Service
) -> None:
    result = pipe("a", source(), engine=system(get(), headers={"Authorization": "Bearer {{ tokn.x }}"})).run()
    assert result.status == FAILED and "'tokn' is undefined" in result.reason and not service.calls


@pytest.mark.parametrize("refresh", [{}, {"refresh_token": "r1", "access_token": "old"}])
def test_oauth2(pipe: Build, system: Any, service: Service, refresh: dict[str, str]) -> None:
    service.respond = lambda method, path, *rest: (
        {"access_token": "t1", "expires_in": 3600} if path == "/token" else MEN
    )
    oauth2 = {
        "client_id": "me",
        "client_secret": "pw",
        "token_url": service.url + "/token",
        "scope": ["a", "b"],
        "extra": {"audience": "x"},
        **refresh,
    }
    a = pipe("a", source(), engine=system(get(), oauth2=oauth2))
    assert a.run().status == SUCCESS and a.run().status == SUCCESS
    assert [call[1] for call in service.calls] == ["/token", "/api/men", "/api/men"]
    grant = "grant_type=refresh_token" if refresh else "grant_type=client_credentials"
    assert grant in service.calls[0][3] and "scope=a+b" in service.calls[0][3]
    assert service.headers[0]["authorization"].startswith("Basic ")
    assert service.headers[2]["authorization"] == "Bearer t1"


def test_a_token_that_is_refused_fails_the_run_without_its_secrets(
    pipe: Build, system: Any, service: Service
) -> None:
    service.respond = lambda *call: (401, {}, {"echo": "pw"})
    oauth2 = {"client_id": "me", "client_secret": "pw", "token_url": service.url + "/token"}
    result = pipe("a", source(), engine=system(get(), oauth2=oauth2)).run()
    assert result.status == FAILED and "401" in result.reason and "pw" not in result.reason


def test_tripletex(pipe: Build, system: Any, service: Service) -> None:
    service.respond = lambda method, *rest: {"value": {"token": "t"}} if method == "PUT" else MEN
    tripletex = {"consumer_token": "c", "employee_token": "e", "token_url": service.url + "/token"}
    a = pipe("a", source(), engine=system(get(), authentication="tripletex", tripletex=tripletex))
    assert a.run().status == SUCCESS
    assert service.calls[0][2].keys() == {"consumerToken", "employeeToken", "expirationDate"}
    assert service.headers[1]["authorization"] == "Basic MDp0"


@pytest.mark.parametrize(
    ("method", "part", "wrote"),
    [
        ("POST", {"transform": {"type": "rest"}}, True),
        ("DELETE", {"transform": {"type": "rest"}}, True),
        ("GET", {"transform": {"type": "rest"}}, False),
        ("POST", {"transform": {"type": "rest", "side_effects": False}}, False),
        ("POST", {"transform": {"type": "rest", "trigger_on": {"key": "never"}}}, False),
        ("PUT", {"sink": {"type": "rest"}}, True),
        ("GET", {"sink": {"type": "rest"}}, False),
        ("", {"sink": {"type": "json", "url": "receive"}}, True),
        ("", {"transform": {"type": "http", "url": "post"}}, True),
        ("", {"transform": {"type": "http", "url": "post", "side_effects": False}}, False),
    ],
)
def test_a_run_says_which_systems_it_wrote_to(
    pipe: Build, system: Any, fill: Fill, method: str, part: dict[str, Any], wrote: bool
) -> None:
    fill("a", {"_id": "1"})
    engine = system({"do": {"url": "men", "method": method or "GET"}})
    operation = {"operation": "do"} if method else {}
    built = {kind: {**config, "system": "s", **operation} for kind, config in part.items()}
    b = pipe("b", FROM_A, engine=engine, **built)
    first, second = b.run(), b.run()
    assert first.status == SUCCESS and first.wrote_to == (frozenset({"s"}) if wrote else frozenset())
    assert second.wrote_to == frozenset()


@pytest.mark.parametrize("asks_first", [True, False])
def test_pages_by_a_header_that_counts(
    pipe: Build, system: Any, service: Service, live: Live, asks_first: bool
) -> None:
    """The form of public connectors: params see the request's headers, and the first page asks of the one before."""
    known = "previous_request_headers['X-Page'] is defined"
    known = f"previous_request_headers is defined and {known}" if asks_first else known
    operation = get(
        headers={
            "X-Page": "{% if "
            + known
            + " %}{{ previous_request_headers['X-Page'] | int + 1 }}{% else %}1{% endif %}"
        },
        params={
            "skip": "{% if " + known + " %}{{ 2 * (headers['X-Page'] | int - 1) }}{% else %}0{% endif %}"
        },
        next_page_termination_strategy="empty-result",
        id_expression="{{ id }}",
    )
    people = [{"id": str(number)} for number in range(5)]
    service.respond = lambda method, path, params, body: people[int(params["skip"]) :][:2]
    assert pipe("a", source(), engine=system(operation)).run().status == SUCCESS
    assert sorted(live("a")) == ["0", "1", "2", "3", "4"]
    assert [call[2]["skip"] for call in service.calls] == ["0", "2", "4", "6"]
