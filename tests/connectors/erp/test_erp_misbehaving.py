"""An ERP that answers otherwise than its profile says: whatever it gives, a read never ends as an empty or short success.

A real server on loopback misbehaves in one way at a time. Broken on the first page, a read is an error with a kind;
broken later, the stream breaks off, so that nobody takes the part for the whole.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.erp import app_of, profile
from tests.support.processes import wait_until
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

COUNT = 120
FIELDS = {"first_name": "name", "email": "mail", "phone": {"from": "phone", "default": None}}
ENTITY: dict[str, Any] = {
    "list": {"records": "rows", "count": {"path": "total"}},
    "paginator": {"type": "offset", "param": "from", "limit_param": "size"},
    "incremental": {"param": "since", "order": "none"},
    "absent": "refuse",
    "fields": {**FIELDS, "external_refs.chargebee": {"from": "ref", "default": None}},
}


def person(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:04}",
        "changed": f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z",
        "name": "N",
        "mail": None,
    }


PEOPLE = [person(number) for number in range(COUNT)]


def good(asked: Asked) -> Reply:
    found = [one for one in PEOPLE if one["changed"] >= asked.query.get("since", "")[:19]]
    start = int(asked.query["from"])
    return Reply({"rows": found[start : start + int(asked.query["size"])], "total": len(found)})


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with scripted_upstream(good) as running:
        yield running


def service(upstream: Upstream, folder: Path, entity: dict[str, Any] = ENTITY, **env: str) -> FlaskClient:
    settings = {"PAGE_SIZE": "50", "UPSTREAM_ATTEMPTS": "2", **env}
    return app_of(folder, upstream.url, profile(**entity), **settings)


def without(name: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in one.items() if key != name} for one in PEOPLE]


def html(asked: Asked) -> Reply:
    return Reply(b"<html><body>Please log in</body></html>", headers={"Content-Type": "text/html"})


def empty(asked: Asked) -> Reply:
    return Reply({"rows": [], "total": COUNT})


def same_page(asked: Asked) -> Reply:
    return Reply({"rows": PEOPLE[:50], "total": COUNT})


def of(records: list[dict[str, Any]]) -> Callable[[Asked], Reply]:
    def script(asked: Asked) -> Reply:
        start = int(asked.query["from"])
        return Reply({"rows": records[start : start + int(asked.query["size"])], "total": len(records)})

    return script


FIRST: list[tuple[str, Callable[[Asked], Reply], str]] = [
    ("HTML instead of JSON", html, "not JSON"),
    ("JSON cut in two", lambda asked: Reply(b'{"rows": [{"id": "0'), "not JSON"),
    ("nothing at all", lambda asked: Reply(b""), "must be a list"),
    ("an error in a 200", lambda asked: Reply({"error": {"code": 17}}), "must be a list"),
    ("null for the list", lambda asked: Reply({"rows": None, "total": 0}), "must be a list"),
    ("an object for the list", lambda asked: Reply({"rows": {"0": {}}}), "must be a list"),
    ("text for records", lambda asked: Reply({"rows": ["a", "b"], "total": 2}), "not an object"),
    ("records without a key", of(without("id")), "without id"),
    ("records without a mapped field", of(without("mail")), "has no mail"),
    ("a stamp of another form", of([{**one, "changed": "yesterday"} for one in PEOPLE]), "stamp"),
    ("an empty list that is counted", empty, f"counts {COUNT} records and gave 0"),
]


@pytest.mark.parametrize(("title", "script", "says"), FIRST, ids=[case[0] for case in FIRST])
@pytest.mark.parametrize("since", [None, "2026-01-01T00:00:10.000000Z"], ids=["full", "since"])
def test_a_broken_first_page_is_an_error(
    upstream: Upstream, tmp_path: Path, title: str, script: Any, says: str, since: str | None
) -> None:
    upstream.script = script
    client = service(upstream, tmp_path)
    answer = client.get("/contact/entities", query_string={"since": since} if since else {})
    assert (answer.status_code, answer.json["kind"]) == (502, "retry"), title
    assert says in answer.json["detail"]
    upstream.script = good
    assert len(client.get("/contact/entities").json) == COUNT


OF_RECORDS = ("records without a key", "records without a mapped field", "a stamp of another form")
"""What is wrong with single records: once others of the list could be read, it harms only their own."""
LATER = [case for case in FIRST if case[0] not in ("an empty list that is counted", *OF_RECORDS)]


@pytest.mark.parametrize(
    ("title", "script", "says"),
    [*LATER, ("the list ends early", empty, "counts"), ("the first page again", same_page, "twice")],
    ids=[*(case[0] for case in LATER), "the list ends early", "the first page again"],
)
def test_a_broken_third_page_breaks_the_stream(
    upstream: Upstream, tmp_path: Path, title: str, script: Any, says: str
) -> None:
    upstream.script = lambda asked: script(asked) if asked.query["from"] == "100" else good(asked)
    answer = service(upstream, tmp_path).get("/contact/entities", buffered=False)
    received: list[bytes] = []
    with pytest.raises(Exception, match=says):
        received.extend(answer.response)  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        json.loads(b"".join(received))


@pytest.mark.parametrize(
    ("title", "script", "says"), [case for case in FIRST if case[0] in OF_RECORDS], ids=OF_RECORDS
)
def test_broken_records_of_a_later_page_are_told_apart(
    upstream: Upstream, tmp_path: Path, title: str, script: Any, says: str
) -> None:
    upstream.script = lambda asked: script(asked) if asked.query["from"] == "100" else good(asked)
    entities = service(upstream, tmp_path).get("/contact/entities").json
    broken = [entity for entity in entities if "$error" in entity]
    assert [entity["_id"] for entity in entities if "$error" not in entity] == [f"{n:04}" for n in range(100)]
    assert len(broken) == COUNT - 100
    assert {entity["$status"] for entity in broken} == {"rejected"}
    assert all(says in entity["$error"]["detail"] for entity in broken)
    known = [entity["_id"] for entity in broken]
    assert known == [f"{n:04}" for n in range(100, COUNT)] or title == "records without a key"


def test_one_broken_record_after_a_restart_is_told_apart(upstream: Upstream, tmp_path: Path) -> None:
    """All that is new is broken, and this process has read nothing yet: the first page of all tells."""
    broken = {**PEOPLE[-1], "changed": "yesterday"}

    def script(asked: Asked) -> Reply:
        if "since" not in asked.query:
            return good(asked)
        return Reply({"rows": [broken][int(asked.query["from"]) :], "total": 1})

    upstream.script = script
    client = service(upstream, tmp_path)
    [entity] = client.get("/contact/entities?since=2026-01-01T00:02:00.000000Z").json
    assert (entity["_id"], entity["$status"]) == (PEOPLE[-1]["id"], "rejected")


def test_an_empty_list_where_many_were_is_not_believed(upstream: Upstream, tmp_path: Path) -> None:
    """No count in the profile: the service has seen the list before."""
    uncounted = {**ENTITY, "list": {"records": "rows"}}
    client = service(upstream, tmp_path, uncounted)
    assert len(client.get("/contact/entities").json) == COUNT
    upstream.script = lambda asked: Reply({"rows": []})
    answer = client.get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "retry")
    assert f"before, it had {COUNT}" in answer.json["detail"]
    assert client.get("/contact/entities?since=2026-06-01T00:00:00.000000Z").json == []


def test_an_empty_list_is_refused_from_the_first_read_on_if_the_profile_says_so(
    upstream: Upstream, tmp_path: Path
) -> None:
    upstream.script = lambda asked: Reply({"rows": []})
    never_empty = {**ENTITY, "list": {"records": "rows", "empty": "refuse"}}
    answer = service(upstream, tmp_path, never_empty).get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "retry")
    assert (
        service(upstream, tmp_path, {**ENTITY, "list": {"records": "rows"}}).get("/contact/entities").json
        == []
    )


def test_an_error_in_a_200_has_the_kind_that_the_profile_gives_it(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply({"error": {"code": "E_LOGIN", "text": "session over"}})
    rules = [{"when": {"status": [200], "path": "error.code", "equals": "E_LOGIN"}, "action": "refused"}]
    document = profile({"errors": rules, "error_message": "error.text"}, **ENTITY)
    answer = app_of(tmp_path, upstream.url, document, UPSTREAM_ATTEMPTS="2").get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "fix-settings")


def test_a_create_that_is_answered_with_a_page_for_people_makes_no_twin(
    upstream: Upstream, tmp_path: Path
) -> None:
    """The record was made all the same: it is looked for, and found."""
    made: list[dict[str, Any]] = []

    def script(asked: Asked) -> Reply:
        if asked.method == "POST":
            made.append({**person(500 + len(made)), **asked.json})
            return html(asked)
        found = [one for one in made if one["ref"] == asked.query.get("ref")]
        return Reply({"rows": found[int(asked.query["from"]) :], "total": len(found)})

    upstream.script = script
    entity = {"_id": "s", "$operation": "insert", "$origin": "~:chargebee-customer:c1", "first_name": "Ann"}
    client = service(upstream, tmp_path)
    for _ in range(2):
        [answer] = client.post("/contact/share", json=[entity]).json
        assert (answer["$status"], answer["$generated_id"]) == ("ok", "0500"), answer["$error"]
    assert len(made) == 1


def test_too_many_calls_are_waited_out_as_long_as_the_erp_says(upstream: Upstream, tmp_path: Path) -> None:
    times: list[float] = []

    def script(asked: Asked) -> Reply:
        times.append(time.monotonic())
        return Reply({}, 429, {"Retry-After": "1"}) if len(times) == 1 else good(asked)

    upstream.script = script
    client = service(upstream, tmp_path, UPSTREAM_MAX_WAIT_SECONDS="5")
    assert len(client.get("/contact/entities").json) == COUNT
    assert times[1] - times[0] >= 1.0


def test_a_pause_longer_than_the_service_waits_is_passed_on(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply({}, 429, {"Retry-After": "90"})
    answer = service(upstream, tmp_path).get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (503, "wait")
    assert 80 <= int(answer.headers["Retry-After"]) <= 90


def test_writes_go_before_reads_when_calls_are_scarce(upstream: Upstream, tmp_path: Path) -> None:
    """One call at a time: while a read waits for its next page, a write that comes later passes it."""
    order: list[str] = []
    held = threading.Event()

    def script(asked: Asked) -> Reply:
        order.append(asked.method)
        if asked.method == "GET" and not held.is_set():
            held.wait(10)
        return good(asked) if asked.method == "GET" else Reply({}, 204)

    upstream.script = script
    document = profile({"rate_limit": {"concurrency": 1}}, **ENTITY)
    client = app_of(tmp_path, upstream.url, document, PAGE_SIZE="50", READ_TIMEOUT_SECONDS="10")
    app = client.application
    read = lambda: list(app.test_client().get("/contact/entities").response)  # noqa: E731
    write = lambda: app.test_client().post("/contact/share", json=[{"_id": "d", "id": "1", "_deleted": True}])  # noqa: E731
    reader, second = threading.Thread(target=read), threading.Thread(target=read)
    writer = threading.Thread(target=write)
    reader.start()
    wait_until(lambda: order == ["GET"], what="the first read under way")
    second.start()
    writer.start()
    limiter = app.extensions["connectors"].service.datatypes["contact"]._writer._calls._client._limiter
    wait_until(lambda: limiter._waiting[True] == 1 and limiter._waiting[False] == 1, what="both waiting")
    held.set()
    for thread in (reader, second, writer):
        thread.join(10)
    assert order[1] == "DELETE"
