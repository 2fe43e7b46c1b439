"""`make erp-check`: what it says of a profile that fits, and of every way in which one may not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.erp.check.__main__ import FITS, MISFIT, UNREACHABLE, WRONG_SETTINGS, main
from tests.support.erp import profile
from tests.support.processes import free_port
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

RECORDS = [
    {
        "id": f"P-{n:02}",
        "changed": f"2026-01-01T00:00:{n // 2:02}.500000Z",
        "first_name": "Ann",
        "external_refs": {"chargebee": None},
    }
    for n in range(23)
]
SECRET = "s3cret-token"


def erp(asked: Asked) -> Reply:
    """An ERP that does all that the profile below says of it."""
    if asked.path != "/people":
        return next((Reply(one) for one in RECORDS if asked.path == f"/people/{one['id']}"), Reply({}, 404))
    if "ref" in asked.query:
        return Reply({"rows": []})
    found = [one for one in RECORDS if str(one["changed"]) >= asked.query.get("since", "")]
    start = int(asked.query.get("from", "0"))
    return Reply({"rows": found[start : start + int(asked.query["size"])], "total": len(found)})


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with scripted_upstream(erp) as running:
        yield running


@pytest.fixture
def check(upstream: Upstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run the check as JSON against the scripted ERP; gives the exit code and the document."""

    def run(**entity: Any) -> tuple[int, dict[str, Any]]:
        file = tmp_path / "mine.json"
        file.write_text(json.dumps(document(**entity)))
        environ = {"ERP_BASE_URL": upstream.url, "ERP_TOKEN": SECRET, "PAGE_SIZE": "10"}
        code = main(["--profile", str(file), "--json"], environ)
        out = capsys.readouterr().out
        assert SECRET not in out
        return code, json.loads(out)["datatypes"]["contact"]

    return run


def document(**entity: Any) -> dict[str, Any]:
    rest = {"auth": {"type": "bearer", "token": "${ERP_TOKEN}"}}
    fitting = {
        "list": {"records": "rows", "count": {"path": "total"}},
        "paginator": {"type": "offset", "param": "from", "limit_param": "size"},
        "incremental": {"param": "since", "order": "none"},
    }
    return profile(rest, **{**fitting, **entity})


def test_a_profile_that_fits_is_described(check: Any, upstream: Upstream) -> None:
    code, found = check()
    assert code == FITS
    assert found["findings"] == []
    understood = found["understood"]
    assert understood["records"] == "rows: 10 records on the first page"
    assert understood["paginator"] == "offset (param from, limit_param size)"
    assert understood["second page"] == "10 records"
    assert understood["key"] == "id, such as P-00"
    assert understood["stamps"].startswith("changed as iso: 2026-01-01T00:00:00.500000Z")
    assert understood["types"].startswith("id string, changed string")
    assert "from 2026-01-01T00:00:02.500000Z on" in understood["since"]
    assert found["first"]["_id"] == "P-00"
    assert {asked.method for asked in upstream.asked} == {"GET"}


def changed(**fields: Any) -> list[dict[str, Any]]:
    return [{**one, **{name: make(n) for name, make in fields.items()}} for n, one in enumerate(RECORDS)]


def rows(records: list[dict[str, Any]]) -> Callable[[Asked], Reply]:
    def script(asked: Asked) -> Reply:
        if asked.path != "/people":
            return next(
                (Reply(one) for one in records if asked.path == f"/people/{one['id']}"), Reply({}, 404)
            )
        if "ref" in asked.query:
            return Reply({"rows": []})
        found = [one for one in records if str(one.get("changed")) >= asked.query.get("since", "")]
        start = int(asked.query.get("from", "0"))
        return Reply({"rows": found[start : start + int(asked.query["size"])]})

    return script


def answering(**replies: Reply) -> Callable[[Asked], Reply]:
    """The good ERP, but for lists asked with a certain parameter (or for `one` record)."""

    def script(asked: Asked) -> Reply:
        kind = (
            "one" if asked.path != "/people" else next((name for name in replies if name in asked.query), "")
        )
        return replies[kind] if kind in replies else erp(asked)

    return script


def capped(asked: Asked) -> Reply:
    """Three records a page, whatever it is asked for."""
    if asked.path != "/people" or "ref" in asked.query:
        return erp(asked)
    return erp(Asked(asked.method, asked.path, {**asked.query, "size": "3"}, {}, b""))


def later(asked: Asked) -> Reply:
    """Changes after the instant asked for, without those at it."""
    if "since" not in asked.query:
        return erp(asked)
    found = [one for one in RECORDS if str(one["changed"]) > asked.query["since"]]
    return Reply({"rows": found[int(asked.query["from"]) :][: int(asked.query["size"])]})


MISFITS: list[tuple[str, Callable[[Asked], Reply], dict[str, Any], str, str]] = [
    ("no such list", erp, {"list": {"records": "data.items"}}, "/entities/contact/list/records", "rows (10)"),
    ("an error in a 200", lambda asked: Reply({"error": "no"}), {}, "/entities/contact/list/records", "error"),
    ("a page for people", lambda asked: Reply(b"<html>", headers={"Content-Type": "text/html"}), {}, "/entities/contact/list/path", "base_url"),
    ("nothing there", lambda asked: Reply({}, 404), {}, "/entities/contact/list/path", "path"),
    ("another key", erp, {"id": "number"}, "/entities/contact/id", "id"),
    ("one key for all", rows(changed(group_id=lambda n: 7)), {"id": "group_id"}, "/entities/contact/id", "id"),
    ("another stamp", erp, {"modified": ["modified_at"]}, "/entities/contact/modified", "changed"),
    ("another form", erp, {"modified_format": "epoch_s"}, "/entities/contact/modified_format", "changed"),
    ("tomorrow", rows(changed(changed=lambda n: "2199-01-01T00:00:00")), {}, "/entities/contact/modified_format", "local"),
    ("an unknown filter", erp, {"incremental": {"param": "newer", "order": "none"}}, "/entities/contact/incremental", "filter"),
    ("a filter without the instant", later, {}, "/entities/contact/incremental", "ge"),
    ("capped pages", capped, {"paginator": {"type": "offset", "param": "from", "limit_param": "size", "stop": {"type": "short"}}}, "/entities/contact/paginator/stop", "page_size"),
    ("one page for ever", lambda asked: Reply({"rows": RECORDS[:10]}), {}, "/entities/contact/paginator", "next page"),
    ("no mark of deletion", erp, {"deleted": {"strategy": "soft_flag", "field": "gone", "value": True}}, "/entities/contact/deleted/field", "deleted"),
    ("an origin not asked by", answering(ref=Reply({"rows": RECORDS[:2]})), {}, "/entities/contact/origin/query", "twins"),
    ("always the same record", answering(one=Reply(RECORDS[3])), {}, "/entities/contact/get/path", "{id}"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "script", "entity", "pointer", "advice"), MISFITS, ids=[m[0] for m in MISFITS]
)
def test_what_does_not_fit_is_named_with_its_place_and_what_to_do(
    check: Any,
    upstream: Upstream,
    title: str,
    script: Any,
    entity: dict[str, Any],
    pointer: str,
    advice: str,
) -> None:
    upstream.script = script
    code, found = check(**entity)
    wrong = [one for one in found["findings"] if one["level"] == "error"]
    assert code == MISFIT, title
    assert [one["pointer"] for one in wrong] == [pointer], wrong
    assert advice in wrong[0]["advice"]
    assert wrong[0]["file"].endswith("mine.json")


DOUBTS: list[tuple[str, Callable[[Asked], Reply], dict[str, Any], str]] = [
    ("an empty list", lambda asked: Reply({"rows": []}), {}, "/entities/contact/list/query"),
    ("a number for a text", rows(changed(phone=lambda n: n)), {}, "/entities/contact/fields"),
    ("numbered pages by change", erp, {"incremental": {"param": "since", "order": "modified"}}, "/entities/contact/incremental/order"),
    ("numbered pages without a count", erp, {"list": {"records": "rows"}}, "/entities/contact/list"),
    ("whole seconds", rows(changed(changed=lambda n: f"2026-01-01T00:00:{n:02}Z")), {"incremental": {"param": "since", "order": "modified"}, "paginator": {"type": "cursor", "param": "from", "path": "next", "limit_param": "size"}}, "/entities/contact/incremental"),
    ("some without stamp", rows(changed(changed=lambda n: None if n == 4 else RECORDS[n]["changed"])), {"incremental": {"param": "since", "order": "none"}}, "/entities/contact/modified"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "script", "entity", "pointer"), DOUBTS, ids=[d[0] for d in DOUBTS])
def test_doubts_are_warnings(
    check: Any, upstream: Upstream, title: str, script: Any, entity: dict[str, Any], pointer: str
) -> None:
    upstream.script = script
    code, found = check(**entity)
    assert code == FITS, found
    assert [(one["level"], one["pointer"]) for one in found["findings"]] == [("warning", pointer)], title


def test_a_missing_record_that_is_no_404_is_a_doubt(check: Any, upstream: Upstream) -> None:
    def script(asked: Asked) -> Reply:
        answer = erp(asked)
        return Reply({"message": "bad id"}, 400) if answer.status == 404 else answer

    upstream.script = script
    code, found = check()
    assert code == FITS
    assert [one["pointer"] for one in found["findings"]] == ["/entities/contact/get"]
    assert "not_found" in found["findings"][0]["advice"]


def test_the_place_is_in_the_defaults_where_they_say_it(
    check: Any, tmp_path: Path, upstream: Upstream
) -> None:
    whole = document()
    whole["defaults"] = {"id": "number"}
    file = tmp_path / "defaults.json"
    file.write_text(json.dumps(whole))
    environ = {"ERP_BASE_URL": upstream.url, "ERP_TOKEN": SECRET}
    assert main(["--profile", str(file)], environ) == MISFIT


def test_it_is_written_for_people_too(
    upstream: Upstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.json"
    whole = document()
    whole["defaults"] = {"id": "number"}
    file.write_text(json.dumps(whole))
    environ = {"ERP_BASE_URL": upstream.url, "ERP_TOKEN": SECRET, "PAGE_SIZE": "10"}
    assert main(["--profile", str(file)], environ) == MISFIT
    said = capsys.readouterr().out
    assert f"error: {file} at /defaults/id" in said
    assert "→ fields that look like keys: id" in said
    assert "1 datatypes: 0 ok (0 warnings), 1 not ok" in said
    whole["defaults"] = {}
    file.write_text(json.dumps(whole))
    assert main(["--profile", str(file), "--datatype", "contact"], environ) == FITS
    said = capsys.readouterr().out
    assert "first record as the service shows it:" in said
    assert SECRET not in said


def test_settings_and_silence_have_exit_codes_of_their_own(
    upstream: Upstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--profile", "nosuch"], {}) == WRONG_SETTINGS
    assert "presets are" in capsys.readouterr().err
    file = tmp_path / "mine.json"
    whole = document(paginator={"type": "cursor"})
    file.write_text(json.dumps(whole))
    environ = {"ERP_BASE_URL": upstream.url, "ERP_TOKEN": SECRET, "UPSTREAM_MAX_WAIT_SECONDS": "1"}
    assert main(["--profile", str(file)], environ) == WRONG_SETTINGS
    assert f"{file} at /entities/contact/paginator" in capsys.readouterr().err
    file.write_text(json.dumps(document()))
    assert main(["--profile", str(file), "--datatype", "invoice"], environ) == WRONG_SETTINGS
    upstream.script = lambda asked: Reply({"message": f"who is {SECRET}?"}, 401)
    assert main(["--profile", str(file)], environ) == UNREACHABLE
    said = capsys.readouterr().err
    assert "ERP_TOKEN" in said
    assert SECRET not in said
    nobody = {**environ, "ERP_BASE_URL": f"http://127.0.0.1:{free_port()}"}
    assert main(["--profile", str(file)], nobody) == UNREACHABLE
    assert "ERP_BASE_URL" in capsys.readouterr().err
