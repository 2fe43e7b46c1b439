"""Lists that show a summary: each record read by itself, no more calls than that, and no field that looks emptied."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from connectors.erp.check.__main__ import FITS, MISFIT, main
from core.clock import to_text
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Summaries:
    """People, listed by name and stamp only; `hides` are the fields that lists lack."""

    def __init__(self, hides: tuple[str, ...] = ("email", "phone"), stamped: bool = True) -> None:
        self.people: dict[str, dict[str, Any]] = {}
        self.hides = hides
        self.stamped = stamped
        self.gone: set[str] = set()
        self.together = self.most = 0
        self.lock = threading.Lock()
        for number in range(25):
            self.put(f"{number:02}", at=LONG_AGO + timedelta(seconds=number))

    def put(self, key: str, at: datetime | None = None, **fields: Any) -> None:
        person = {"id": key, "name": f"n{key}", "email": f"{key}@x.example", "phone": "1", "ref": None}
        stamp = to_text(at or datetime.now(UTC))
        self.people[key] = {**person, **self.people.get(key, {}), **fields, "changed": stamp}

    def __call__(self, asked: Asked) -> Reply:
        if asked.path != "/people":
            return self.one(asked.path.rpartition("/")[2])
        if "ref" in asked.query:
            return Reply([one for one in self.people.values() if one["ref"] == asked.query["ref"]])
        found = [one for one in self.people.values() if one["changed"] >= asked.query.get("since", "")]
        start = int(asked.query.get("from", "0"))
        page = found[start : start + int(asked.query["size"])]
        hidden = self.hides if self.stamped else (*self.hides, "changed")
        return Reply([{name: value for name, value in one.items() if name not in hidden} for one in page])

    def one(self, key: str) -> Reply:
        with self.lock:
            self.together += 1
            self.most = max(self.most, self.together)
        time.sleep(0.002)
        with self.lock:
            self.together -= 1
        shown = self.people.get(key)
        if shown is None or key in self.gone:
            return Reply({}, 404)
        return Reply(
            shown if self.stamped else {name: value for name, value in shown.items() if name != "changed"}
        )


FIELDS = {
    "first_name": "name",
    "email": "email",
    "phone": "phone",
    "external_refs.chargebee": "ref",
    "modified_at": {"from": "@modified"},
}
ENTITY: dict[str, Any] = {
    "paginator": {"type": "offset", "param": "from", "limit_param": "size", "stop": {"type": "short"}},
    "incremental": {"param": "since", "order": "none"},
    "fields": FIELDS,
}
DETAIL = {**ENTITY, "list": {"detail": {"concurrency": 3}}}


@pytest.fixture
def erp() -> Summaries:
    return Summaries()


@pytest.fixture
def upstream(erp: Summaries) -> Iterator[Upstream]:
    with scripted_upstream(erp) as running:
        yield running


@pytest.fixture
def client(upstream: Upstream, tmp_path: Path) -> FlaskClient:
    return app_of(tmp_path, upstream.url, profile(**DETAIL), PAGE_SIZE="10")


def gets(upstream: Upstream) -> list[str]:
    """The records that were read by themselves since last asked, and the lists forgotten."""
    keys = [asked.path.rpartition("/")[2] for asked in upstream.asked if asked.path != "/people"]
    upstream.asked.clear()
    return sorted(keys)


def test_each_record_is_read_by_itself_and_some_at_a_time(
    client: FlaskClient, erp: Summaries, upstream: Upstream
) -> None:
    found = client.get("/contact/entities").json
    assert [one["_id"] for one in found] == sorted(erp.people)
    assert {one["email"] for one in found} == {f"{key}@x.example" for key in erp.people}
    assert 1 < erp.most <= 3
    lists = sum(asked.path == "/people" for asked in upstream.asked)
    assert (lists, gets(upstream)) == (3, sorted(erp.people))


def test_only_what_changed_is_read_and_an_idle_read_is_one_call(
    client: FlaskClient, erp: Summaries, upstream: Upstream
) -> None:
    token = client.get("/contact/entities").json[-1]["_updated"]
    gets(upstream)
    for _ in range(3):
        idle = client.get(f"/contact/entities?since={token}").json
        token = idle[-1]["_updated"] if idle else token
        assert len(upstream.asked) == 1 + len(gets(upstream)) or not upstream.asked
    upstream.asked.clear()
    erp.put("07", phone="2")
    erp.put("99")
    keys: list[str] = []
    for _ in range(4):  # the last two minutes are listed again each time, and are not read again
        changed = client.get(f"/contact/entities?since={token}").json
        token = changed[-1]["_updated"]
        assert {"07", "99"} <= {one["_id"] for one in changed}
        assert next(one for one in changed if one["_id"] == "07")["phone"] == "2"
        keys += gets(upstream)
    assert sorted(keys) == ["07", "99"], "exactly one call for each changed record"


def test_another_reader_gets_what_was_read_for_the_first_one(
    client: FlaskClient, erp: Summaries, upstream: Upstream
) -> None:
    erp.put("07", phone="2")
    since = to_text(LONG_AGO + timedelta(days=1))
    first, second = (client.get(f"/contact/entities?since={since}").json for _ in range(2))
    assert [{**one, "_updated": ""} for one in first] == [{**one, "_updated": ""} for one in second]
    assert first[0]["phone"] == "2"
    assert gets(upstream) == ["07"]


def test_a_change_within_the_second_of_its_stamp_is_not_missed(client: FlaskClient, erp: Summaries) -> None:
    stamp = datetime.now(UTC).replace(microsecond=0)
    since = to_text(LONG_AGO + timedelta(days=1))
    erp.put("07", at=stamp, phone="2")
    assert client.get(f"/contact/entities?since={since}").json[0]["phone"] == "2"
    erp.put("07", at=stamp, phone="3")
    assert client.get(f"/contact/entities?since={since}").json[0]["phone"] == "3"


def test_a_record_that_goes_between_list_and_call_is_left_out(client: FlaskClient, erp: Summaries) -> None:
    erp.gone = {"03"}
    found = client.get("/contact/entities").json
    assert len(found) == 24 and "03" not in {one["_id"] for one in found}


def test_a_call_that_fails_breaks_the_read(tmp_path: Path) -> None:
    erp = Summaries()

    def script(asked: Asked) -> Reply:
        return Reply({}, 500) if asked.path == "/people/03" else erp(asked)

    with scripted_upstream(script) as upstream:
        client = app_of(tmp_path, upstream.url, profile(**DETAIL), PAGE_SIZE="10")
        assert client.get("/contact/entities").status_code == 503


def test_a_filter_without_a_stamp_in_the_records_is_enough(tmp_path: Path) -> None:
    """The ERP says what changed; when is then the time of the read."""
    erp = Summaries(stamped=False)
    with scripted_upstream(erp) as upstream:
        client = app_of(tmp_path, upstream.url, profile(**{**DETAIL, "modified": []}), PAGE_SIZE="10")
        found = client.get("/contact/entities").json
        assert {one["modified_at"] for one in found} == {None}
        token, before = found[-1]["_updated"], to_text(datetime.now(UTC))
        assert to_text(datetime.now(UTC) - timedelta(minutes=3)) < token < before
        erp.put("07", phone="2")
        (changed,) = client.get(f"/contact/entities?since={token}").json
        assert (changed["_id"], changed["phone"]) == ("07", "2")
        assert before <= changed["modified_at"] <= to_text(datetime.now(UTC))
        assert token <= changed["_updated"] < changed["modified_at"]
        (again,) = client.get(f"/contact/entities?since={token}").json
        assert again["modified_at"] == changed["modified_at"], "reads overlap, and nothing changed since"
        late = to_text(datetime.now(UTC) + timedelta(minutes=1))
        assert client.get(f"/contact/entities?since={late}").json == []


def test_a_summary_without_detail_is_refused_and_named(
    tmp_path: Path, upstream: Upstream, erp: Summaries
) -> None:
    client = app_of(tmp_path, upstream.url, profile(**ENTITY), PAGE_SIZE="10")
    for since in ("", "?since=2026-01-01T00:00:00Z"):
        refused = client.get(f"/contact/entities{since}")
        assert (refused.status_code, refused.json["kind"]) == (502, "fix-settings")
        assert "email, phone" in refused.json["detail"] and "list.detail" in refused.json["detail"]


def test_a_summary_is_found_out_though_the_first_records_hold_nothing_more(
    tmp_path: Path, erp: Summaries, upstream: Upstream
) -> None:
    for key in list(erp.people)[:12]:
        erp.people[key] |= {"email": None, "phone": ""}
    client = app_of(tmp_path, upstream.url, profile(**ENTITY), PAGE_SIZE="10")
    assert "email" in client.get("/contact/entities").json["detail"]


def test_a_list_that_shows_all_costs_no_call_more(tmp_path: Path) -> None:
    with scripted_upstream(Summaries(hides=())) as upstream:
        client = app_of(tmp_path, upstream.url, profile(**ENTITY), PAGE_SIZE="10")
        assert len(client.get("/contact/entities").json) == 25
        assert gets(upstream) == []


def test_fields_that_nobody_has_cost_few_calls(tmp_path: Path) -> None:
    erp = Summaries(hides=())
    with scripted_upstream(erp) as upstream:
        fields = {**FIELDS, "job_title": "title"}
        client = app_of(tmp_path, upstream.url, profile(**{**ENTITY, "fields": fields}), PAGE_SIZE="10")
        for _ in range(3):
            assert len(client.get("/contact/entities").json) == 25
        assert len(gets(upstream)) <= 8


@pytest.mark.parametrize("fields", [FIELDS, None], ids=["mapped", "taken as they are"])
def test_the_check_names_what_only_the_record_itself_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], upstream: Upstream, fields: Any
) -> None:
    file = tmp_path / "mine.json"
    entity = {name: value for name, value in ENTITY.items() if name != "fields"} | (
        {"fields": fields} if fields else {}
    )
    environ = {"ERP_BASE_URL": upstream.url, "PAGE_SIZE": "10"}
    file.write_text(json.dumps(profile(**entity)))
    assert main(["--profile", str(file), "--json"], environ) == MISFIT
    (found,) = [
        one
        for one in json.loads(capsys.readouterr().out)["datatypes"]["contact"]["findings"]
        if one["level"] == "error"
    ]
    assert found["pointer"] == "/entities/contact/list/detail"
    assert "email, phone" in found["problem"] and '"detail": true' in found["advice"]
    file.write_text(json.dumps(profile(**{**entity, "list": {"detail": True}})))
    assert main(["--profile", str(file), "--json"], environ) == FITS
    assert (
        "4 at a time" in json.loads(capsys.readouterr().out)["datatypes"]["contact"]["understood"]["detail"]
    )


@pytest.mark.slow
def test_a_hundred_thousand_records_take_flat_memory_and_a_call_each(tmp_path: Path) -> None:
    """In a process of its own, so that its memory tells."""
    import resource

    import requests

    from tests.support.processes import free_port, process

    count = 100_000
    rows = [{"id": f"{n:06}", "changed": "2026-01-01T00:00:00.000000Z"} for n in range(count)]
    calls = {"list": 0, "get": 0}

    def script(asked: Asked) -> Reply:
        if asked.path != "/people":
            calls["get"] += 1
            return Reply(
                {
                    "id": asked.path[8:],
                    "changed": "2026-01-01T00:00:00.000000Z",
                    "name": "n" * 200,
                    "email": None,
                    "phone": None,
                    "ref": None,
                }
            )
        calls["list"] += 1
        start = int(asked.query.get("from", "0"))
        found = [row for row in rows[start : start + 1000] if row["changed"] >= asked.query.get("since", "")]
        return Reply(found)

    with scripted_upstream(script) as upstream:
        file = tmp_path / "big.json"
        file.write_text(
            json.dumps(
                profile({"timeout": {"read": 30}}, **{**DETAIL, "list": {"detail": {"concurrency": 4}}})
            )
        )
        port = free_port()
        env = {
            "BIND": f"127.0.0.1:{port}",
            "ERP_BASE_URL": upstream.url,
            "ERP_PROFILE": str(file),
            "PAGE_SIZE": "1000",
            "LOG_LEVEL": "ERROR",
        }
        command = [
            "python",
            "-m",
            "gunicorn",
            "-c",
            "connectors/common/gunicorn.conf.py",
            "connectors.erp.app:create_app()",
        ]
        upstream.asked = _Nowhere()  # type: ignore[assignment]
        with process(command, f"http://127.0.0.1:{port}/health", env) as child:
            with requests.get(
                f"http://127.0.0.1:{port}/contact/entities", stream=True, timeout=3000
            ) as answer:
                size = sum(len(chunk) for chunk in answer.iter_content(1 << 16))
            peak = _peak_of(child.pid)
            assert size > count * 250
            assert calls == {"list": 101, "get": count}
            assert peak < 128 * 1024 * 1024, f"{peak / 1e6:.0f} MB"
            calls.update(list=0, get=0)
            assert (
                requests.get(
                    f"http://127.0.0.1:{port}/contact/entities?since=2026-01-02T00:00:00Z", timeout=60
                ).json()
                == []
            )
            assert calls == {"list": 1, "get": 0}
    del resource


class _Nowhere(list[Any]):
    """Remembers nothing."""

    def append(self, item: Any) -> None:
        del item


def _peak_of(pid: int) -> int:
    """The most memory that a process or one of its children has taken, in bytes."""
    import psutil

    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    lines = [line for one in family for line in Path(f"/proc/{one.pid}/status").read_text().splitlines()]
    return max(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def test_an_erp_that_says_nothing_of_changes_is_read_whole_each_time(tmp_path: Path) -> None:
    """No stamp, no filter: what differs from the read before changed then, and what is as it was stays as it is."""
    erp = Summaries(hides=(), stamped=False)
    whole = {"modified": [], "incremental": {"order": "none"}}
    with scripted_upstream(erp) as upstream:
        client = app_of(tmp_path, upstream.url, profile(**{**ENTITY, **whole}), PAGE_SIZE="10")
        found = client.get("/contact/entities").json
        token, before = found[-1]["_updated"], to_text(datetime.now(UTC))
        assert {one["modified_at"] for one in found} == {None}
        erp.put("07", phone="2")
        for _ in range(2):
            again = {one["_id"]: one for one in client.get(f"/contact/entities?since={token}").json}
            assert len(again) == len(found)
            assert {key for key, one in again.items() if one["modified_at"] is not None} == {"07"}
        assert before <= again["07"]["modified_at"] <= to_text(datetime.now(UTC))
        late = app_of(tmp_path, upstream.url, profile(**{**ENTITY, **whole}), PAGE_SIZE="10")
        assert {one["modified_at"] for one in late.get(f"/contact/entities?since={token}").json} == {None}
