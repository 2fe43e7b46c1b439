"""Every way of paging and every way of showing credentials, through the service against a scripted ERP."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from connectors.common.settings import Environment
from connectors.erp.mapping.first_seen import asks_for_changes
from connectors.erp.profile.load import load_profile
from connectors.erp.profile.model.reading import ListCall
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

RECORDS = [{"id": f"{n:03}", "changed": f"2026-01-01T00:00:{n // 3:02}.000000Z", "n": n} for n in range(23)]
SIZE = 5


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with scripted_upstream(lambda asked: Reply({})) as running:
        yield running


def cut(start: int, asked: Asked, name: str = "size", cap: int = 1000) -> list[dict[str, Any]]:
    return RECORDS[start : start + min(int(asked.query.get(name, SIZE)), cap)]


def page(asked: Asked) -> Reply:
    return Reply(cut((int(asked.query["page"]) - 1) * SIZE, asked))


def page_in_path(asked: Asked) -> Reply:
    start = (int(asked.path.removeprefix("/people/")) - 1) * SIZE
    return Reply({"values": cut(start, asked), "total": len(RECORDS)})


def offset(asked: Asked) -> Reply:
    return Reply({"values": cut(int(asked.query["from"]), asked), "total": len(RECORDS)})


def capped_offset(asked: Asked) -> Reply:
    """An ERP that gives three at most, whatever it is asked for."""
    return Reply({"values": cut(int(asked.query["from"]), asked, cap=3), "total": len(RECORDS)})


def has_more(asked: Asked) -> Reply:
    start = int(asked.query["from"])
    return Reply({"values": cut(start, asked), "meta": {"more": start + SIZE < len(RECORDS)}})


def cursor(asked: Asked) -> Reply:
    start = int(asked.query.get("c", "0"))
    return Reply(
        {"data": {"rows": cut(start, asked)}, "next": str(start + SIZE) if start + SIZE < 23 else None}
    )


def header_cursor(asked: Asked) -> Reply:
    start = int(asked.headers.get("X-Cursor", "0"))
    headers = {"X-Next": str(start + SIZE)} if start + SIZE < 23 else {}
    return Reply(cut(start, asked), headers=headers)


def posted(asked: Asked) -> Reply:
    """A list that is asked for by POST, with the place to go on in the body."""
    assert (asked.method, asked.json["order"]) == ("POST", ["id"])
    return Reply([record for record in RECORDS if record["id"] > asked.json.get("after", "")][:SIZE])


def next_url(asked: Asked) -> Reply:
    start = int(asked.query.get("at", "0"))
    return Reply(
        {"rows": cut(start, asked), "next": f"?at={start + SIZE}&size={SIZE}" if start + SIZE < 23 else ""}
    )


def link_header(asked: Asked) -> Reply:
    start = int(asked.query.get("at", "0"))
    link = (
        f'<{asked.path}?at=0>; rel="first", <{asked.path}?at={start + SIZE}>; rel="next"'
        if start + SIZE < 23
        else ""
    )
    return Reply(cut(start, asked), headers={"Link": link})


def odata(asked: Asked) -> Reply:
    assert asked.headers["Prefer"] == f"odata.maxpagesize={SIZE}"
    start = int(asked.query.get("$skiptoken", "0"))
    body: dict[str, Any] = {"value": cut(start, asked)}
    if start + SIZE < 23:
        body["@odata.nextLink"] = f"people?%24skiptoken={start + SIZE}"
    return Reply(body, headers={"Content-Type": "application/json; odata.metadata=minimal"})


def keyset(asked: Asked) -> Reply:
    after = asked.query.get("filter", "id gt ").removeprefix("id gt ")
    return Reply([record for record in RECORDS if record["id"] > after][: int(asked.query["size"])])


CASES: list[tuple[str, Callable[[Asked], Reply], dict[str, Any], str, int]] = [
    ("page", page, {"type": "page", "param": "page", "limit_param": "size"}, "", 6),
    (
        "page, short",
        page,
        {"type": "page", "param": "page", "limit_param": "size", "stop": {"type": "short"}},
        "",
        5,
    ),
    ("offset", offset, {"type": "offset", "param": "from", "limit_param": "size"}, "values", 6),
    (
        "offset, total",
        offset,
        {"type": "offset", "param": "from", "stop": {"type": "total", "path": "total"}},
        "values",
        5,
    ),
    (
        "offset, capped",
        capped_offset,
        {"type": "offset", "param": "from", "limit_param": "size"},
        "values",
        9,
    ),
    (
        "offset, more",
        has_more,
        {"type": "offset", "param": "from", "stop": {"type": "has_more", "path": "meta.more"}},
        "values",
        5,
    ),
    (
        "cursor",
        cursor,
        {"type": "cursor", "param": "c", "path": "next", "limit_param": "size"},
        "data.rows",
        5,
    ),
    (
        "cursor in headers",
        header_cursor,
        {"type": "cursor", "param": "X-Cursor", "in": "header", "header": "X-Next", "limit_param": "size"},
        "",
        5,
    ),
    ("next url", next_url, {"type": "next_url", "path": "next", "limit_param": "size"}, "rows", 5),
    ("link header", link_header, {"type": "link_header", "limit_param": "size"}, "", 5),
    ("odata", odata, {"type": "odata"}, "value", 5),
    (
        "keyset",
        keyset,
        {
            "type": "keyset",
            "param": "filter",
            "template": "id gt {value}",
            "field": "id",
            "limit_param": "size",
        },
        "",
        6,
    ),
    ("single", lambda asked: Reply(RECORDS), {"type": "single"}, "", 1),
]


def service(
    upstream: Upstream, folder: Path, paginator: dict[str, Any], records: str, **entity: Any
) -> FlaskClient:
    found = {"list": {"records": records}} if records else {}
    document = profile(paginator=paginator, **found, **entity)
    return app_of(folder, upstream.url, document, PAGE_SIZE=str(SIZE))


@pytest.mark.parametrize(
    ("title", "script", "paginator", "records", "calls"), CASES, ids=[case[0] for case in CASES]
)
def test_every_record_once_in_few_calls(
    upstream: Upstream,
    tmp_path: Path,
    title: str,
    script: Any,
    paginator: dict[str, Any],
    records: str,
    calls: int,
) -> None:
    upstream.script = script
    answer = service(upstream, tmp_path, paginator, records).get("/contact/entities")
    assert [entity["n"] for entity in answer.json] == list(range(23)), title
    assert upstream.calls() == calls


@pytest.mark.parametrize("case", CASES[:-1], ids=[case[0] for case in CASES[:-1]])
def test_a_page_that_comes_twice_breaks_the_read(upstream: Upstream, tmp_path: Path, case: Any) -> None:
    _, script, paginator, records, _ = case

    def stuck(asked: Asked) -> Reply:
        """Always the second page's question, so that the list would never end."""
        second = seen[1] if len(seen) > 1 else asked
        if len(seen) < 2:
            seen.append(asked)
        return script(second)  # type: ignore[no-any-return]

    seen: list[Asked] = []
    upstream.script = stuck
    answer = service(upstream, tmp_path, paginator, records).get("/contact/entities", buffered=False)
    with pytest.raises(Exception, match="twice"):
        b"".join(answer.response)  # type: ignore[arg-type]
    assert upstream.calls() <= 4


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": None},
        {"items": {}},
        {"items": [1]},
        {"items": [[]]},
        [],
        "text",
        {"error": "in a 200"},
        {"items": [{"no": "id"}]},
    ],
)
def test_answers_of_another_shape_are_no_empty_success(upstream: Upstream, tmp_path: Path, body: Any) -> None:
    upstream.script = lambda asked: Reply(body)
    answer = service(upstream, tmp_path, {"type": "single"}, "items").get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "retry")


def test_a_list_asked_for_by_post(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = posted
    body = {"order": ["id"], "after": {"$if": "after", "$then": "{after}"}}
    paginator = {"type": "keyset", "field": "id"}
    document = profile(paginator=paginator, list={"method": "POST", "body": body})
    client = app_of(tmp_path, upstream.url, document, PAGE_SIZE=str(SIZE))
    assert [entity["n"] for entity in client.get("/contact/entities").json] == list(range(23))


def test_the_number_of_a_page_may_stand_in_the_path(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = page_in_path
    document = profile(
        list={"path": "{path}/{page}", "records": "values", "query": {"size": "{size}"}},
        paginator={"type": "page", "stop": {"type": "total", "path": "total"}},
    )
    client = app_of(tmp_path, upstream.url, document, PAGE_SIZE=str(SIZE))
    assert [entity["n"] for entity in client.get("/contact/entities").json] == list(range(23))
    assert [one.path for one in upstream.asked] == [f"/people/{n}" for n in range(1, 6)]


def test_a_question_in_one_text_has_another_where_nothing_is_asked_for(
    upstream: Upstream, tmp_path: Path
) -> None:
    """A query language leaves no parameter out: the whole text is another one."""
    asked_for = {"$if": "since", "$then": "SELECT * WHERE changed >= '{since}'", "$else": "SELECT *"}
    listing = {"method": "POST", "body": {"q": {"$if": "origin", "$then": "SELECT 1", "$else": asked_for}}}
    upstream.script = lambda asked: Reply(RECORDS[:2])
    client = app_of(tmp_path, upstream.url, profile(list=listing))
    [*_, last] = client.get("/contact/entities").json
    client.get("/contact/entities", query_string={"since": last["_updated"]})
    assert [one.json["q"] for one in upstream.asked] == [
        "SELECT *",
        f"SELECT * WHERE changed >= '{RECORDS[1]['changed']}'",
    ]


def test_a_list_that_begins_with_the_latest_is_read_as_far_as_changes_go(
    upstream: Upstream, tmp_path: Path
) -> None:
    rows = list(reversed(RECORDS))

    def newest(asked: Asked) -> Reply:
        start = (int(asked.query["page"]) - 1) * SIZE
        return Reply(rows[start : start + SIZE])

    upstream.script = newest
    paginator = {"type": "page", "param": "page", "limit_param": "size"}
    client = service(upstream, tmp_path, paginator, "", incremental={"order": "newest_first"})
    everything = client.get("/contact/entities").json
    assert {entity["n"] for entity in everything} == set(range(23))
    assert upstream.calls() == 6 + 1, "all pages, and once more whether the beginning is as it was"
    upstream.asked.clear()
    since = {"since": everything[-1]["_updated"]}
    client.get("/contact/entities", query_string=since)
    assert upstream.calls() == 1
    rows.insert(0, {**rows.pop(20), "changed": "2026-01-02T00:00:00.000000Z", "n": 99})
    upstream.asked.clear()
    assert 99 in [entity["n"] for entity in client.get("/contact/entities", query_string=since).json]
    assert upstream.calls() == 1
    rows.reverse()
    answer = client.get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "fix-settings")


def test_a_filter_of_two_parameters_is_sent_whole_or_not_at_all(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply([{"id": 1, "changed": "2026-01-02T00:00:00.000000Z"}])
    document = profile(
        list={"query": {"how": {"text": ">=", "if": "since"}}},
        incremental={"param": "since", "order": "none"},
    )
    client = app_of(tmp_path, upstream.url, document)
    client.get("/contact/entities")
    assert [sorted(asked.query) for asked in upstream.asked] == [[]]
    client.get("/contact/entities", query_string={"since": "2026-01-01T00:00:00.000000Z"})
    assert upstream.asked[-1].query == {"since": "2026-01-01T00:00:00.000000Z", "how": ">="}


def test_a_cycle_of_pages_breaks_the_read(upstream: Upstream, tmp_path: Path) -> None:
    """Cursors that are always new, over pages that come again."""
    upstream.script = lambda asked: Reply(
        {"rows": cut(len(upstream.asked) % 3 * SIZE, asked), "next": f"c{len(upstream.asked)}"}
    )
    unordered = {"incremental": {"order": "none"}}
    client = service(
        upstream, tmp_path, {"type": "cursor", "param": "c", "path": "next"}, "rows", **unordered
    )
    with pytest.raises(Exception, match="twice"):
        client.get("/contact/entities", buffered=True)
    assert upstream.calls() <= 5


def test_a_next_url_on_another_host_is_not_followed(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply({"rows": RECORDS[:5], "next": "http://elsewhere.example/people"})
    client = service(upstream, tmp_path, {"type": "next_url", "path": "next"}, "rows")
    with pytest.raises(Exception, match="another host"):
        client.get("/contact/entities", buffered=True)


def token(asked: Asked) -> str | None:
    return asked.headers.get("Authorization")


AUTHS: list[tuple[str, dict[str, Any], Callable[[Asked], bool]]] = [
    ("none", {"type": "none"}, lambda asked: token(asked) is None),
    (
        "basic",
        {"type": "basic", "username": "${ERP_USER}", "password": "${ERP_PASSWORD}"},
        lambda asked: token(asked) == "Basic " + base64.b64encode("ann:pässword".encode()).decode(),
    ),
    ("bearer", {"type": "bearer", "token": "${ERP_TOKEN}"}, lambda asked: token(asked) == "Bearer t-1"),
    (
        "header",
        {"type": "api_key", "in": "header", "name": "X-Key", "key": "${ERP_TOKEN}"},
        lambda asked: asked.headers["X-Key"] == "t-1",
    ),
    (
        "query",
        {"type": "api_key", "in": "query", "name": "key", "key": "${ERP_TOKEN}"},
        lambda asked: asked.query["key"] == "t-1",
    ),
    (
        "cookie",
        {"type": "api_key", "in": "cookie", "name": "sid", "key": "${ERP_TOKEN}"},
        lambda asked: asked.headers["Cookie"] == "sid=t-1",
    ),
]
SECRETS = {"ERP_USER": "ann", "ERP_PASSWORD": "pässword", "ERP_TOKEN": "t-1"}


@pytest.mark.parametrize(("title", "auth", "accepts"), AUTHS, ids=[case[0] for case in AUTHS])
def test_credentials_are_shown_with_every_call(
    upstream: Upstream, tmp_path: Path, title: str, auth: dict[str, Any], accepts: Any
) -> None:
    upstream.script = lambda asked: Reply(RECORDS[:1]) if accepts(asked) else Reply({"m": "who?"}, 401)
    document = profile({"auth": auth, "headers": {"X-Tenant": "7"}, "query": {"tenant": "7"}})
    client = app_of(tmp_path, upstream.url, document, **SECRETS)
    assert len(client.get("/contact/entities").json) == 1, title
    assert client.get("/ready").status_code == 200
    assert all(asked.headers["X-Tenant"] == "7" and asked.query["tenant"] == "7" for asked in upstream.asked)


@pytest.mark.parametrize("kind", ["oauth2", "session"])
def test_tokens_are_fetched_once_and_renewed_after_a_401(
    upstream: Upstream, tmp_path: Path, kind: str
) -> None:
    given: list[str] = []

    def script(asked: Asked) -> Reply:
        if asked.path in ("/token", "/login"):
            given.append(f"t{len(given)}")
            return Reply({"access_token": given[-1], "session": {"token": given[-1]}, "expires_in": 3600})
        return (
            Reply(RECORDS[:1])
            if token(asked) == f"Bearer {given[-1]}" and given[-1] != "t0"
            else Reply({}, 401)
        )

    upstream.script = script
    auth: dict[str, Any] = {
        "oauth2": {
            "type": "oauth2_client_credentials",
            "token_url": f"{upstream.url}/token",
            "client_id": "${ERP_USER}",
            "client_secret": "${ERP_TOKEN}",
            "scope": "read write",
        },
        "session": {
            "type": "session",
            "path": "/login",
            "body": {"user": "${ERP_USER}", "password": "${ERP_TOKEN}"},
            "token_path": "session.token",
        },
    }[kind]
    client = app_of(tmp_path, upstream.url, profile({"auth": auth}), **SECRETS)
    assert client.get("/contact/entities").status_code == 200
    assert client.get("/contact/entities").status_code == 200
    assert given == ["t0", "t1"], "fetched, refused, fetched again, kept"
    asked = next(asked for asked in upstream.asked if asked.path in ("/token", "/login"))
    if kind == "session":
        assert json.loads(asked.body) == {"user": "ann", "password": "t-1"}
    else:
        assert asked.headers["Authorization"].startswith("Basic ")
        assert b"grant_type=client_credentials&scope=read+write" in asked.body


LOGINS: list[tuple[str, dict[str, Any], Callable[[Asked], bool]]] = [
    ("by parameters, used as a password", {"method": "PUT", "query": {"key": "${ERP_TOKEN}"}, "token_path": "value", "username": "0"},
     lambda asked: asked.headers["Authorization"] == "Basic " + base64.b64encode(b"0:s-1").decode()),
    ("a token in a header", {"body": {"who": {"name": "${ERP_USER}"}}, "token_header": "X-Session", "header": "X-Session", "template": "{token}"},
     lambda asked: asked.headers["X-Session"] == "s-1"),
    ("a cookie", {"body": {"key": "${ERP_TOKEN}"}, "token_cookie": "JSESSIONID"}, lambda asked: asked.headers["Cookie"] == "JSESSIONID=s-1"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "spec", "accepts"), LOGINS, ids=[case[0] for case in LOGINS])
def test_sessions_begin_and_are_shown_in_many_ways(
    upstream: Upstream, tmp_path: Path, title: str, spec: dict[str, Any], accepts: Any
) -> None:
    def script(asked: Asked) -> Reply:
        if asked.path == "/session":
            assert (asked.method, asked.query.get("key")) == ("PUT", "t-1") or asked.body
            return Reply(
                {"value": "s-1"},
                headers={"X-Session": "s-1", "Set-Cookie": "JSESSIONID=s-1; Path=/; HttpOnly"},
            )
        return Reply(RECORDS[:1]) if accepts(asked) else Reply({"m": "who?"}, 401)

    upstream.script = script
    auth = {"type": "session", "path": "/session", **spec}
    client = app_of(tmp_path, upstream.url, profile({"auth": auth}), **SECRETS)
    for _ in range(2):
        assert len(client.get("/contact/entities").json) == 1, title
    assert sum(asked.path == "/session" for asked in upstream.asked) == 1


def test_a_token_that_is_never_accepted_ends_as_a_settings_error(upstream: Upstream, tmp_path: Path) -> None:
    upstream.script = lambda asked: Reply({"access_token": "x"}) if asked.path == "/token" else Reply({}, 401)
    auth = {
        "type": "oauth2_client_credentials",
        "token_url": f"{upstream.url}/token",
        "client_id": "${ERP_USER}",
        "client_secret": "${ERP_TOKEN}",
        "client_in": "body",
    }
    client = app_of(tmp_path, upstream.url, profile({"auth": auth}), **SECRETS)
    answer = client.get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "fix-settings")
    assert "ERP_TOKEN" in answer.json["detail"]
    upstream.script = lambda asked: Reply({"error": "invalid_client"}, 400)
    assert (
        app_of(tmp_path, upstream.url, profile({"auth": auth}), **SECRETS)
        .get("/contact/entities")
        .status_code
        == 502
    )


@pytest.mark.parametrize("asked", ["query", "body", "headers"])
def test_changes_may_be_asked_for_anywhere(tmp_path: Path, asked: str) -> None:
    """If-Modified-Since is a filter like any other."""
    listing = {asked: {"If-Modified-Since": "{since}"}, "method": "POST"}
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(profile(list=listing)))
    spec = load_profile(str(file), Environment({"ERP_BASE_URL": "http://erp.test"})).entities["contact"]
    assert asks_for_changes(spec)
    assert not asks_for_changes(msgspec.structs.replace(spec, listing=ListCall()))
