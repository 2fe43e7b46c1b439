"""Where a list ends: only where the ERP says so. What would cut it short, or never end, is an error and no success."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from connectors.common.errors import InvalidResponse
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

COUNT = 250
PEOPLE = [
    {"id": number, "changed": f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"} for number in range(COUNT)
]
Script = Callable[[Asked], Reply]
Spec = dict[str, Any]


def rows(asked: Asked, most: int = 100, count: int = COUNT) -> list[dict[str, Any]]:
    """A page by offset (`from`) or number (`page`), of `size` records or as many as this ERP gives at `most`."""
    size = min(int(asked.query.get("size", most)), most)
    start = int(asked.query.get("from", (int(asked.query.get("page", 1)) - 1) * size))
    return PEOPLE[:count][start : start + size]


def paged(kind: str, **more: Any) -> Spec:
    return {"type": kind, "param": {"page": "page", "offset": "from", "cursor": "from"}[kind], **more}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with scripted_upstream(lambda asked: Reply({"rows": []})) as running:
        yield running


def read(upstream: Upstream, folder: Path, script: Script, paginator: Spec, **rest: Any) -> TestResponse:
    upstream.script = script
    entity = {"list": {"records": "rows"}, "paginator": paginator, "incremental": {"order": "none"}}
    client = app_of(folder, upstream.url, profile(rest, **entity), UPSTREAM_ATTEMPTS="1")
    return client.get("/contact/entities")


def count(answer: TestResponse) -> int:
    assert answer.status_code == 200, answer.json
    return len(answer.json)


@pytest.mark.parametrize("kind", ["page", "offset"])
@pytest.mark.parametrize("most", [100, 50, 7])
def test_a_page_that_the_erp_cut_is_not_the_last(
    upstream: Upstream, tmp_path: Path, kind: str, most: int
) -> None:
    paginator = paged(kind, limit_param="size", stop={"type": "short"})
    script = lambda asked: Reply({"rows": rows(asked, most)})  # noqa: E731
    assert count(read(upstream, tmp_path, script, paginator)) == COUNT
    assert upstream.calls() <= -(-COUNT // most) + 1


def test_nothing_said_of_whether_there_is_more_is_no_end(upstream: Upstream, tmp_path: Path) -> None:
    for paginator in (
        paged("page", stop={"type": "has_more", "path": "meta.more"}),
        paged("cursor", path="next", has_more="meta.more"),
    ):
        answer = read(
            upstream, tmp_path, lambda asked: Reply({"rows": rows(asked), "next": "100"}), paginator
        )
        assert (answer.status_code, answer.json["kind"]) == (502, "retry")
        assert "does not say at meta.more" in answer.json["detail"]


def test_a_count_may_be_text(upstream: Upstream, tmp_path: Path) -> None:
    paginator = paged("page", stop={"type": "total", "path": "total"})
    assert (
        count(read(upstream, tmp_path, lambda asked: Reply({"rows": rows(asked), "total": "250"}), paginator))
        == 250
    )
    assert upstream.calls() == 3


SIGNS: list[tuple[str, Spec, Callable[[str], Reply], str]] = [
    ("another place in the body", paged("cursor", path="next"), lambda at: Reply({"paging": {"nextCursor": at}}), "paging.nextCursor"),
    ("a header instead", paged("cursor", path="next"), lambda at: Reply({}, headers={"Link": f'</people?from={at}>; rel="next"'}), "Link"),
    ("a URL elsewhere", {"type": "next_url", "path": "next"}, lambda at: Reply({"links": {"next": f"/people?from={at}"}}), "links.next"),
    ("OData by another name", {"type": "odata"}, lambda at: Reply({"odata.nextLink": f"people?from={at}"}), "odata.nextLink"),
    ("no paging in the profile", {"type": "single"}, lambda at: Reply({"hasMore": True}), "hasMore"),
    ("its length alone", paged("cursor", path="next", limit_param="size"), lambda at: Reply({}), "its length"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "paginator", "told", "sign"), SIGNS, ids=[case[0] for case in SIGNS])
def test_a_page_that_says_elsewhere_where_to_go_on_is_a_wrong_profile(
    upstream: Upstream, tmp_path: Path, title: str, paginator: Spec, told: Any, sign: str
) -> None:
    def script(asked: Asked) -> Reply:
        reply: Reply = told(str(int(asked.query.get("from", 0)) + 100))
        reply.body = {"rows": rows(asked), **reply.body}
        return reply

    answer = read(upstream, tmp_path, script, paginator)
    assert (answer.status_code, answer.json["kind"], answer.json["setting"]) == (
        502,
        "fix-settings",
        "ERP_PROFILE",
    )
    assert f"by {sign} the list continues" in answer.json["detail"].replace("the Link header", "Link"), title


def test_a_list_that_is_just_as_long_as_a_page_is_believed(upstream: Upstream, tmp_path: Path) -> None:
    def script(asked: Asked) -> Reply:
        found, after = rows(asked, count=100), int(asked.query.get("from", 0)) + int(asked.query["size"])
        return Reply({"rows": found, **({"next": str(after)} if after < 100 else {})})

    assert count(read(upstream, tmp_path, script, paged("cursor", path="next", limit_param="size"))) == 100


@pytest.mark.parametrize("link", ['</people?page={}>; rel=next', '</people?page={}>; REL="Next"',
                                  '</people?page={}>; rel="next last"', '<?page={}>; title="a, b"; rel="next"'])  # fmt: skip
def test_links_are_written_in_many_ways(upstream: Upstream, tmp_path: Path, link: str) -> None:
    def script(asked: Asked) -> Reply:
        page = int(asked.query.get("page", 1))
        return Reply({"rows": rows(asked)}, headers={"Link": link.format(page + 1)} if page < 3 else {})

    assert count(read(upstream, tmp_path, script, {"type": "link_header"})) == COUNT


def test_the_same_page_is_known_by_its_ids(upstream: Upstream, tmp_path: Path) -> None:
    """Whatever else in it differs each time."""
    script = lambda asked: Reply({"rows": [{**one, "seen": upstream.calls()} for one in PEOPLE[:100]]})  # noqa: E731
    answer = read(upstream, tmp_path, script, paged("page"))
    assert (answer.status_code, answer.json["kind"]) == (502, "retry")
    assert "same page twice" in answer.json["detail"]


def test_a_lone_record_that_comes_for_ever_is_too(upstream: Upstream, tmp_path: Path) -> None:
    script = lambda asked: Reply({"rows": [{**PEOPLE[0], "seen": upstream.calls()}]})  # noqa: E731
    answer = read(upstream, tmp_path, script, paged("page"))
    with pytest.raises(InvalidResponse, match="same page"):
        list(answer.response)
    assert upstream.calls() < 50


def test_empty_pages_for_ever_are_an_error(upstream: Upstream, tmp_path: Path) -> None:
    script = lambda asked: Reply({"rows": [], "next": str(int(asked.query.get("from", 0)) + 1)})  # noqa: E731
    answer = read(upstream, tmp_path, script, paged("cursor", path="next"))
    assert answer.status_code == 502
    assert "empty pages" in answer.json["detail"]


def test_a_status_may_mean_that_there_is_nothing_more(upstream: Upstream, tmp_path: Path) -> None:
    rule = {"when": {"status": [204, 404, 416], "method": ["GET"]}, "action": "empty"}

    def script(asked: Asked) -> Reply:
        found = rows(asked)
        return Reply({"rows": found}) if found else Reply({"message": "no such page"}, 404)

    assert count(read(upstream, tmp_path, script, paged("page"), errors=[rule])) == COUNT
    assert count(read(upstream, tmp_path, lambda asked: Reply(None, 204), paged("page"), errors=[rule])) == 0
    assert read(upstream, tmp_path, lambda asked: Reply(None, 204), paged("page")).status_code == 502


@pytest.mark.parametrize("beside", [
    {"error": {"code": "DB", "message": "down"}}, {"Errors": ["x"]}, {"success": False}, {"status": "error"},
    {"fault": "no licence"}, {"ok": False, "reason": "busy"},
])  # fmt: skip
def test_an_error_beside_an_empty_list_is_no_empty_list(
    upstream: Upstream, tmp_path: Path, beside: dict[str, Any]
) -> None:
    answer = read(upstream, tmp_path, lambda asked: Reply({"rows": [], **beside}), paged("page"))
    assert (answer.status_code, answer.json["kind"]) == (502, "retry")
    assert "gave an empty list and" in answer.json["detail"]


@pytest.mark.parametrize("beside", [{"error": None}, {"errors": []}, {"error": {"code": 0, "message": "OK"}}, {"success": True},
                                    {"status": "ok", "error": ""}])  # fmt: skip
def test_an_empty_list_with_a_word_that_all_is_well_is_empty(
    upstream: Upstream, tmp_path: Path, beside: dict[str, Any]
) -> None:
    assert count(read(upstream, tmp_path, lambda asked: Reply({"rows": [], **beside}), paged("page"))) == 0
