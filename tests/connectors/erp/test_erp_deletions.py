"""Deletes that lists do not show: gaps in the sequence of ids, and the log that says which of them are new."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

START = "2026-01-01T00:00:00.000000Z"


def stamp(second: int) -> str:
    return f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000000Z"


class Books:
    """Records with whole numbers as ids, and a log that says that one was deleted, but only when asked which."""

    def __init__(self) -> None:
        self.live: dict[int, str] = {}
        self.log: list[tuple[int, str]] = []
        self.clock = 0
        self.next = 1

    def add(self) -> int:
        self.clock += 1
        key, self.next = self.next, self.next + 1
        self.live[key] = stamp(self.clock)
        return key

    def delete(self, key: int) -> None:
        self.clock += 1
        del self.live[key]
        self.log.append((key, stamp(self.clock)))

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/log":
            ids = json.loads(asked.query["which"]) if "which" in asked.query else None
            rows = [(key, when) for key, when in self.log if when > asked.query.get("after", "")]
            found = [
                {"id": at, "at": when}
                for at, (key, when) in enumerate(rows)
                if ids is None or f"p,{key}" in ids
            ]
            return Reply(found[int(asked.query["skip"]) :])
        rows = [
            {"id": key, "changed": when}
            for key, when in self.live.items()
            if when >= asked.query.get("since", "")
        ]
        start = int(asked.query.get("skip", 0))
        return Reply(rows[start : start + int(asked.query["take"])])


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def upstream(books: Books) -> Iterator[Upstream]:
    with scripted_upstream(books) as running:
        yield running


def service(upstream: Upstream, folder: Path, deleted: dict[str, Any], **entity: Any) -> FlaskClient:
    paginator = {"type": "offset", "param": "skip", "limit_param": "take", "stop": {"type": "short"}}
    document = profile(
        deleted=deleted,
        paginator=paginator,
        incremental={"param": "since", "order": "none", "overlap_seconds": 0},
    )
    document["entities"]["contact"].update(entity)
    return app_of(folder, upstream.url, document)


def by_log() -> dict[str, Any]:
    query = {"after": "{since}", "which": {"json": {"$if": "ids", "$then": "{ids}"}}}
    return {
        "strategy": "lookup",
        "ids": {"page_size": 1000},
        "log": {"path": "/log", "query": query},
        "as": "p,{id}",
        "modified": "at",
    }


def gone(client: FlaskClient, since: str) -> set[int]:
    answer = client.get(f"/contact/entities?since={since}")
    assert answer.status_code == 200, answer.json
    return {int(row["id"]) for row in answer.json if row["_deleted"]}


def test_gaps_are_reported_by_full_compare(books: Books, upstream: Upstream, tmp_path: Path) -> None:
    for _ in range(6):
        books.add()
    client = service(upstream, tmp_path, {"strategy": "full_compare"})
    assert gone(client, START) == set()
    books.delete(2)
    books.delete(5)
    assert gone(client, START) == {2, 5}
    assert {row["id"] for row in client.get("/contact/entities").json} == {1, 3, 4, 6}


def test_the_newest_record_is_missed_as_soon_as_it_was_seen_once(
    books: Books, upstream: Upstream, tmp_path: Path
) -> None:
    """It leaves no gap: nothing comes after it."""
    client = service(upstream, tmp_path, {"strategy": "full_compare"})
    keys = [books.add() for _ in range(4)]
    assert client.get("/contact/entities", query_string={"since": START}).status_code == 200
    books.delete(keys[-1])
    rows = client.get("/contact/entities", query_string={"since": START}).json
    assert [row["_id"] for row in rows if row["_deleted"]] == [str(keys[-1])]


def test_ids_of_many_pages_go_on_by_the_query_of_the_list(
    books: Books, upstream: Upstream, tmp_path: Path
) -> None:
    for _ in range(40):
        books.add()
    deleted = {**by_log(), "ids": {"page_size": 7, "query": {"fields": "id"}}}
    deleted["log"]["query"] |= {"skip": "{offset}"}
    paginator = {"type": "offset", "limit_param": "take", "stop": {"type": "short"}}
    listing = {"query": {"skip": "{offset}"}}
    client = service(upstream, tmp_path, deleted, paginator=paginator, list=listing)
    token = stamp(books.clock)
    for key in (3, 30):
        books.delete(key)
    assert gone(client, token) == {3, 30}
    pages = [asked for asked in upstream.asked if asked.query.get("fields") == "id"]
    assert len(pages) == 6


def test_only_what_the_log_confirms_is_reported(books: Books, upstream: Upstream, tmp_path: Path) -> None:
    for _ in range(40):
        books.add()
    for key in (3, 4, 9, 30):
        books.delete(key)
    token = stamp(books.clock)
    client = service(upstream, tmp_path, by_log())
    calls = upstream.calls()
    assert gone(client, token) == set()
    assert upstream.calls() - calls == 2, "the list, and the log that says that nothing was deleted"
    books.delete(17)
    books.delete(40)
    assert gone(client, token) == {17, 40}, "the newest as well, though no id is above it"
    answer = client.get(f"/contact/entities?since={token}").json
    assert answer[-1]["_updated"] == stamp(books.clock), "the token goes on to the deletion"
    assert gone(client, stamp(books.clock)) == set()


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(st.integers(0, 400), max_size=12), min_size=1, max_size=4), st.integers(1, 230))
def test_nothing_deleted_is_missed_and_nothing_else_reported(
    tmp_path: Path, rounds: list[list[int]], count: int
) -> None:
    books = Books()
    for _ in range(count):
        books.add()
    with scripted_upstream(books) as upstream:
        client = service(upstream, tmp_path, by_log())
        for picks in rounds:
            token, deleted = stamp(books.clock), set()
            for pick in picks:
                if books.live and pick % 5:
                    key = sorted(books.live)[pick % len(books.live)]
                    books.delete(key)
                    deleted.add(key)
                else:
                    books.add()
            assert gone(client, token) == deleted


def test_ids_that_are_no_numbers_are_a_wrong_setting(
    books: Books, upstream: Upstream, tmp_path: Path
) -> None:
    books.live = {"a": stamp(1)}  # type: ignore[dict-item]
    client = service(upstream, tmp_path, {"strategy": "full_compare"})
    answer = client.get(f"/contact/entities?since={START}")
    assert (answer.status_code, answer.json["kind"]) == (502, "fix-settings")
    assert "not whole numbers" in answer.json["detail"]


def test_an_empty_list_where_many_were_is_not_believed(
    books: Books, upstream: Upstream, tmp_path: Path
) -> None:
    for _ in range(120):
        books.add()
    client = service(upstream, tmp_path, {"strategy": "none"})
    assert len(client.get("/contact/entities").json) == 120
    books.live.clear()
    answer = client.get("/contact/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "retry")
    assert "empty list; before, it had 120" in answer.json["detail"]


class Registry:
    """People by name, and a log of what was deleted, of all kinds."""

    def __init__(self) -> None:
        self.live: dict[str, str] = {}
        self.log: list[dict[str, Any]] = []
        self.clock = 0
        self.filters = True

    def save(self, key: str) -> None:
        self.clock += 1
        self.live[key] = stamp(self.clock)

    def delete(self, key: str, kind: str = "Person") -> None:
        self.clock += 1
        self.live.pop(key, None)
        self.log.append(
            {"kind": kind, "what": f"{kind}/{key}", "at": stamp(self.clock)[:19].replace("T", " ")}
        )

    def __call__(self, asked: Asked) -> Reply:
        after = asked.query.get("since", "")
        if asked.path == "/log":
            page, first = int(asked.query["page"]), 2 * (int(asked.query["page"]) - 1)
            assert page >= 1
            found = [row for row in self.log if row["at"] >= asked.query.get("after", "") or not self.filters]
            return Reply({"rows": found[first : first + 2]})
        key = asked.path.removeprefix("/people").strip("/")
        if key:
            return Reply({"id": key, "changed": self.live[key]}) if key in self.live else Reply({}, 404)
        return Reply([{"id": key, "changed": when} for key, when in self.live.items() if when >= after])


@pytest.mark.parametrize("filters", [True, False])
@pytest.mark.parametrize("order", ["none", "modified"])
def test_a_log_that_names_the_keys_says_what_was_deleted(tmp_path: Path, filters: bool, order: str) -> None:
    registry = Registry()
    registry.filters = filters
    log = {
        "path": "/log",
        "records": "rows",
        "query": {"after": "{since_date} {since_time}"},
    }
    deleted = {
        "strategy": "log", "log": log, "key": "what", "pattern": "/(.+)$", "modified": "at", "format": "%Y-%m-%d %H:%M:%S",
        "where": [{"field": "kind", "equals": "Person"}], "paginator": {"type": "page", "param": "page"},
    }  # fmt: skip
    document = profile(deleted=deleted, incremental={"param": "since", "order": order})
    with scripted_upstream(registry) as upstream:
        client = app_of(tmp_path, upstream.url, document)
        for key in ("ann", "bo", "cy", "di", "ed"):
            registry.save(key)
        registry.delete("ann")
        token = stamp(registry.clock)
        registry.clock += 1
        for key in ("bo", "cy", "di"):
            registry.delete(key)
        registry.delete("ed", "Company")
        registry.save("cy")

        def read(since: str) -> list[tuple[str, bool]]:
            answer = client.get(f"/contact/entities?since={since}")
            assert answer.status_code == 200, answer.json
            assert [row["_updated"] for row in answer.json] == sorted(row["_updated"] for row in answer.json)
            return [(row["_id"], row["_deleted"]) for row in answer.json]

        found = dict(read(token))
        assert {key for key, is_gone in found.items() if is_gone} - {"ann"} == {"bo", "di"}
        assert found["cy"] is False, "made again under its old key"
        token = client.get(f"/contact/entities?since={token}").json[-1]["_updated"]
        assert {key for key, is_gone in read(token) if is_gone} <= {"di", "bo"}
        registry.log.append({"kind": "Person", "what": None, "at": "2026-01-02 00:00:00"})
        answer = client.get(f"/contact/entities?since={token}")
        assert answer.status_code == 502 and "has no what" in answer.json["detail"]


class Linked:
    """People behind delta links (OData V4, 11.3), two on a page; `forgotten`: links up to there are 410.

    https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_RequestingChanges
    """

    def __init__(self) -> None:
        self.live = {f"P{n}" for n in range(5)}
        self.log: list[str] = []
        self.forgotten = -1
        self.links = True

    def delete(self, key: str) -> None:
        self.live.remove(key)
        self.log.append(key)

    def __call__(self, asked: Asked) -> Reply:
        rows: list[dict[str, Any]] = [{"id": key, "changed": START} for key in sorted(self.live)]
        tracked = "odata.track-changes" in asked.headers.get("Prefer", "")
        query, at = {}, int(asked.query.get("skip", 0))
        if "token" in asked.query:
            if int(asked.query["token"]) <= self.forgotten:
                return Reply({"error": {"code": "gone"}}, 410)
            rows = [
                {"@odata.context": "/$metadata#people/$deletedEntity", "id": f"people('{key}')"}
                if number % 2
                else {"@removed": {"reason": "deleted"}, "id": key}
                for number, key in enumerate(self.log)
            ][int(asked.query["token"]) :]
            query = {"token": asked.query["token"]}
        elif not tracked:
            rows = [row for row in rows if row["changed"] > asked.query.get("since", "")]
        body: dict[str, Any] = {"value": rows[at : at + 2]}
        if at + 2 < len(rows):
            more = "&".join(f"{name}={value}" for name, value in {**query, "skip": at + 2}.items())
            body["@odata.nextLink"] = f"people?{more}"
        elif tracked and self.links:
            body["@odata.deltaLink"] = f"people?token={len(self.log)}"
        return Reply(body)


def test_delta_links_tell_of_deletions(tmp_path: Path) -> None:
    erp = Linked()
    with scripted_upstream(erp) as upstream:
        listing = {"path": "/people", "list": {"records": "value"}, "paginator": {"type": "odata"}}
        spec = profile(**listing, deleted={"strategy": "delta_links"})
        client = app_of(tmp_path, upstream.url, spec)

        def gone() -> set[str]:
            answer = client.get("/contact/entities", query_string={"since": stamp(9)})
            return {one["_id"] for one in answer.json if one["_deleted"]}

        assert gone() == set(), "the first read only gets a link"
        erp.delete("P1")
        assert gone() == {"P1"}
        for key in ("P0", "P2", "P3"):
            erp.delete(key)
        assert gone() == gone() == {"P0", "P1", "P2", "P3"}, "on two pages, and said again"
        erp.forgotten = len(erp.log)
        erp.delete("P4")
        assert "P3" in gone(), "a link that has ended is followed by another"
        erp.links = False
        erp.forgotten = 99
        assert "P3" in gone(), "one that gives no links any more is read on, without them"
        calls = upstream.calls()
        gone()
        assert upstream.calls() == calls + 1, "and is not asked for them again"
        assert "P3" in gone()
