"""Values that mean none, truth values in words, codes for keys when reading, texts that are cut, sums."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from connectors.erp.check.__main__ import MISFIT, main
from connectors.erp.mapping import values as values_of
from connectors.erp.profile.model.mapping import Values
from tests.support.erp import app_of, profile
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

STAMP = "2026-01-01T00:00:00.000000Z"


class Table:
    """Records by key, and further lists beside them."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {}

    def put(self, key: str, **fields: Any) -> None:
        self.rows[key] = {"id": key, "changed": STAMP, **self.rows.get(key, {}), **fields}

    def __call__(self, asked: Asked) -> Reply:
        if asked.path in self.lists:
            wanted = asked.query.get("ids", "").split(",") if "ids" in asked.query else None
            return Reply(
                [row for row in self.lists[asked.path] if wanted is None or str(row["no"]) in wanted]
            )
        above, _, key = asked.path.rpartition("/")
        if above in self.lists:
            row = next((row for row in self.lists[above] if str(row["no"]) == key), None)
            return Reply(row) if row else Reply({}, 404)
        if asked.method == "POST":
            self.put(str(len(self.rows) + 1), **asked.json)
            return Reply(self.rows[str(len(self.rows))], 201)
        if asked.path == "/people":
            ref = asked.query.get("ref")
            return Reply([row for row in self.rows.values() if ref is None or row.get("ref") == ref])
        if key not in self.rows:
            return Reply({}, 404)
        if asked.method == "PATCH":
            self.put(key, **asked.json)
        return Reply(self.rows[key])


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def upstream(table: Table) -> Iterator[Upstream]:
    with scripted_upstream(table) as running:
        yield running


def share(client: FlaskClient, datatype: str = "contact", **entity: Any) -> dict[str, Any]:
    (answer,) = client.post(f"/{datatype}/share", json=[{"_id": "s", **entity}]).json
    return dict(answer)


def written(upstream: Upstream, method: str = "PATCH") -> Any:
    return next(asked.json for asked in reversed(upstream.asked) if asked.method == method)


def employee(fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a profile of employees, who have days and texts."""
    whole = profile()
    whole["entities"] = {
        "employee": {
            **whole["entities"]["contact"],
            "fields": {"external_refs.chargebee": "ref", **fields},
            **more,
        }
    }
    return whole


DAYS = {"hire_date": {"from": "hired", "type": "date"}, "termination_date": {"from": "left", "type": "date"}}
NULLS: list[tuple[str, Any, dict[str, Any]]] = [
    ("for all fields", ["0001-01-01", ""], {}),
    ("by type", {"date": ["0001-01-01"], "*": [""]}, {}),
    ("for the field itself", [], {"null_values": ["0001-01-01", "9999-12-31"]}),
]


@pytest.mark.parametrize(("nulls", "own"), [one[1:] for one in NULLS], ids=[one[0] for one in NULLS])
def test_values_that_mean_none_are_none_both_ways(
    table: Table, upstream: Upstream, tmp_path: Path, nulls: Any, own: dict[str, Any]
) -> None:
    fields = {
        "job_title": "title",
        "hire_date": {**DAYS["hire_date"], **own},
        "termination_date": {**DAYS["termination_date"], **own},
    }
    client = app_of(tmp_path, upstream.url, employee(fields, null_values=nulls))
    table.put("1", title="Boss", hired="2026-01-01", left="0001-01-01")
    found = client.get("/employee/entities/1").json
    assert (found["hire_date"], found["termination_date"], found["job_title"]) == ("2026-01-01", None, "Boss")
    same = share(
        client, "employee", id="1", termination_date=None, **{"$based_on": {"termination_date": None}}
    )
    assert same["$operation"] == "none", "none is none already"
    done = share(client, "employee", id="1", hire_date=None, **{"$based_on": {"hire_date": "2026-01-01"}})
    assert (done["$operation"], written(upstream)) == ("update", {"hired": "0001-01-01"}), done["$error"]
    assert done["$response"]["hire_date"] is None
    if not own:
        share(client, "employee", id="1", job_title=None, **{"$based_on": {"job_title": "Boss"}})
        assert written(upstream) == {"title": "0001-01-01" if isinstance(nulls, list) else ""}
        assert client.get("/employee/entities/1").json["job_title"] is None


def test_false_means_none_but_for_truth_values(table: Table, upstream: Upstream, tmp_path: Path) -> None:
    """As Odoo has it."""
    fields = {
        "email": "email",
        "customer_id": {"from": "parent.0", "to": "parent", "type": "string", "as": "integer"},
        "active": {"from": "active", "type": "boolean"},
        "is_primary": {"from": "kind", "map": {"false": False, "main": True}},
        "external_refs.chargebee": "ref",
        "modified_at": "@modified",
    }
    whole = profile(fields=fields, null_values=[False], modified=["written", "changed"])
    client = app_of(tmp_path, upstream.url, whole)
    table.put("1", email=False, parent=False, active=False, kind=False, written=False)
    found = client.get("/contact/entities/1").json
    assert (found["email"], found["customer_id"], found["active"], found["is_primary"]) == (
        None,
        None,
        False,
        False,
    )
    assert found["modified_at"] == STAMP
    table.put("1", email="a@x.example", parent=[7, "Acme"])
    based_on = client.get("/contact/entities/1").json
    assert based_on["customer_id"] == "7"
    share(client, id="1", email=None, customer_id=None, **{"$based_on": based_on})
    assert written(upstream) == {"email": False, "parent": False}
    share(client, id="1", customer_id="8", **{"$based_on": {"customer_id": None}})
    assert written(upstream) == {"parent": 8}


def test_truth_values_may_be_words(table: Table, upstream: Upstream, tmp_path: Path) -> None:
    fields = {"active": {"from": "valid", "type": "boolean"}, "external_refs.chargebee": "ref"}
    whole = profile(fields=fields, values={"boolean": {"true": "tYES", "false": "tNO"}})
    client = app_of(tmp_path, upstream.url, whole)
    table.put("1", valid="tYES")
    assert client.get("/contact/entities/1").json["active"] is True
    share(client, id="1", active=False, **{"$based_on": {"active": True}})
    assert written(upstream) == {"valid": "tNO"}


CODES: list[tuple[str, dict[str, Any], int]] = [
    ("together", {"path": "/terms", "query": {"ids": "{ids}"}, "key": "no", "value": "days"}, 1),
    ("one by one", {"path": "/terms/{id}", "key": "no", "value": "days"}, 3),
    ("the whole list", {"path": "/terms", "key": "no", "value": "days"}, 1),
]


@pytest.mark.parametrize(("way", "calls"), [one[1:] for one in CODES], ids=[one[0] for one in CODES])
def test_keys_are_read_as_what_they_stand_for(
    table: Table, upstream: Upstream, tmp_path: Path, way: dict[str, Any], calls: int
) -> None:
    table.lists["/terms"] = [{"no": 1, "days": 10}, {"no": 2, "days": 30}, {"no": 3, "days": 60}]
    whole = profile()
    whole["lookups"] = {"terms": {"path": "/terms", "query": {"days": "{value}"}, "value": "no", "read": way}}
    fields = {
        "payment_terms_days": {"from": "terms", "lookup": "terms", "type": "integer"},
        "name": "name",
        "external_refs.chargebee": "ref",
    }
    whole["entities"] = {"customer": {**whole["entities"]["contact"], "fields": fields}}
    client = app_of(tmp_path, upstream.url, whole)
    for number in range(9):
        table.put(str(number), terms=[1, 2, 99, None][number % 4], name=f"n{number}", ref=None)
    found = {one["_id"]: one["payment_terms_days"] for one in client.get("/customer/entities").json}
    assert [found[str(number)] for number in range(4)] == [10, 30, None, None], (
        "an unknown key is none, no error"
    )
    assert sum(asked.path.startswith("/terms") for asked in upstream.asked) == calls
    client.get("/customer/entities")
    assert sum(asked.path.startswith("/terms") for asked in upstream.asked) == calls, "and is remembered"
    done = share(
        client, "customer", id="0", payment_terms_days=60, **{"$based_on": {"payment_terms_days": 10}}
    )
    assert done["$status"] == "ok", done["$error"]
    assert (written(upstream), done["$response"]["payment_terms_days"]) in (
        ({"terms": 3}, 60),
        ({"terms": 1}, 10),
    )


def test_codes_in_lines_are_looked_up_together(table: Table, upstream: Upstream, tmp_path: Path) -> None:
    table.lists["/articles"] = [{"no": n, "sku": f"A{n}"} for n in range(5)]
    whole = profile()
    read = {"path": "/articles", "query": {"ids": "{ids}"}, "key": "no", "value": "sku"}
    whole["lookups"] = {"article": {"path": "/articles", "value": "no", "read": read}}
    lines = {"from": "rows", "fields": {"line_id": "id", "sku": {"from": "article", "lookup": "article"}}}
    fields = {
        "lines": lines,
        "total": {"from": "rows.*.price.net", "sum": True},
        "external_refs.chargebee": "ref",
    }
    whole["entities"] = {"order": {**whole["entities"]["contact"], "fields": fields}}
    client = app_of(tmp_path, upstream.url, whole)
    rows = [{"id": n, "article": n % 5, "price": {"net": 1.1}} for n in range(10)]
    table.put("1", rows=rows[:7], ref=None)
    table.put("2", rows=rows[7:], ref=None)
    table.put("3", rows=[], ref=None)
    found = client.get("/order/entities").json
    assert [line["sku"] for line in found[0]["lines"]] == ["A0", "A1", "A2", "A3", "A4", "A0", "A1"]
    assert sum(asked.path == "/articles" for asked in upstream.asked) == 1
    assert [one["total"] for one in found] == ["7.7", "3.3", None], (
        "exactly, and none where there is nothing to add"
    )


def test_a_field_that_is_written_once_is_left_aside_later(
    table: Table, upstream: Upstream, tmp_path: Path
) -> None:
    fields = {"first_name": "name", "external_refs.chargebee": {"from": "ref", "create_only": True}}
    client = app_of(tmp_path, upstream.url, profile(fields=fields))
    made = share(client, first_name="E", **{"$origin": "~:chargebee-customer:cb1"})
    assert (made["$operation"], table.rows["1"]["ref"]) == ("insert", "cb1")
    table.put("2", name="F", ref=None)
    wish = {"external_refs": {"chargebee": "cb2"}, "$based_on": {"first_name": "F"}}
    done = share(client, id="2", first_name="G", **wish)
    assert (done["$status"], written(upstream)) == ("ok", {"name": "G"}), done["$error"]
    alone = share(client, id="2", **wish)
    assert (alone["$status"], table.rows["2"]["ref"]) == ("ok", None)


@pytest.mark.parametrize("origin", ["short", "a-customer-with-a-key-of-forty-characters"])
def test_an_origin_that_is_too_long_is_cut_and_found_again(
    table: Table, upstream: Upstream, tmp_path: Path, origin: str
) -> None:
    fields = {
        "first_name": "name",
        "external_refs.chargebee": {"from": "ref", "prefix": "CB-", "shorten": 20, "create_only": True},
    }
    lookup = {"field": "external_refs.chargebee", "query": {"ref": "CB-{origin}"}}
    client = app_of(tmp_path, upstream.url, profile(fields=fields, origin=lookup))
    for _ in range(2):
        made = share(client, first_name="E", **{"$origin": f"~:chargebee-customer:{origin}"})
        assert (made["$status"], made["$generated_id"]) == ("ok", "1"), made["$error"]
    assert len(table.rows) == 1 and len(table.rows["1"]["ref"]) <= 20
    shown = client.get("/contact/entities/1").json["external_refs"]
    assert shown == ({"chargebee": "short"} if origin == "short" else None), "half a key names nobody"
    other = share(client, first_name="E", **{"$origin": f"~:chargebee-customer:{origin}!"})
    assert other["$generated_id"] == "2", "another key that begins alike is another record"


DAY_FORMS: list[tuple[dict[str, Any], Any, Any]] = [
    ({"form": "epoch_s"}, 1777593600, 1777593600),
    ({"form": "epoch_s"}, "1777593600", 1777593600),
    ({"form": "epoch_ms", "timezone": "Europe/Oslo"}, 1777586400000, 1777586400000),
    ({"form": "dotnet"}, "/Date(1777593600000)/", "/Date(1777593600000)/"),
    ({"form": "dotnet", "timezone": "Europe/Oslo"}, "2026-05-01T00:00:00", "/Date(1777586400000)/"),
    ({"form": "dotnet", "written": "%Y-%m-%dT00:00:00"}, "/Date(1777593600000)/", "2026-05-01T00:00:00"),
    ({"form": "%d.%m.%Y", "written": "iso"}, "01.05.2026", "2026-05-01"),
]


@pytest.mark.parametrize(("form", "theirs", "sent"), DAY_FORMS, ids=[str(one[0]) for one in DAY_FORMS])
def test_a_day_may_be_a_moment_and_be_sent_otherwise_than_it_comes(
    form: dict[str, Any], theirs: Any, sent: Any
) -> None:
    values = msgspec.convert({"date": form}, Values)
    assert values_of.reader("date", values)(theirs) == "2026-05-01"
    assert values_of.writer("date", values)("2026-05-01") == sent


@pytest.mark.parametrize("form", ["epoch_s", "epoch_ms", "dotnet", "iso_naive"])
@pytest.mark.parametrize("kind", ["date", "datetime"])
def test_what_is_no_moment_names_its_field(
    table: Table,
    upstream: Upstream,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    form: str,
    kind: str,
) -> None:
    """A field is no change timestamp, and is not called one."""
    if (form, kind) == ("iso_naive", "date"):
        form = "iso"
    fields = {"created_at": {"from": "made", "type": kind}, "external_refs.chargebee": "ref"}
    client = app_of(tmp_path, upstream.url, profile(fields=fields, values={kind: {"form": form}}))
    table.put("1", made="some day")
    answer = client.get("/contact/entities/1")
    assert answer.json["detail"] == "the ERP's made is not what the profile says of created_at"
    assert answer.json["field"] == "/created_at"
    assert main([], {"ERP_BASE_URL": upstream.url, "ERP_PROFILE": str(tmp_path / "profile.json")}) == MISFIT
    said = capsys.readouterr().out
    assert "/fields/created_at" in said and "change timestamp" not in said


def test_an_object_that_is_replaced_by_what_is_sent_goes_whole(
    table: Table, upstream: Upstream, tmp_path: Path
) -> None:
    """What the profile does not map of it stays, too; an object of which nothing changes is not sent."""
    fields = {
        "address.city": "home.city",
        "address.line1": "home.street",
        "email": "mail",
        "external_refs.chargebee": "ref",
    }
    client = app_of(tmp_path, upstream.url, profile(fields=fields, update={"whole": ["home"]}))
    home = {"id": 3, "city": "Oslo", "street": "S 1", "floor": {"no": 2}}
    table.put("1", home=home, mail="a@x.example")
    based_on = client.get("/contact/entities/1").json
    share(client, id="1", address={**based_on["address"], "city": "Bergen"}, **{"$based_on": based_on})
    assert written(upstream) == {"home": {**home, "city": "Bergen"}}
    share(client, id="1", email="b@x.example", **{"$based_on": based_on})
    assert written(upstream) == {"mail": "b@x.example"}


def test_a_change_may_say_more_than_what_changed(table: Table, upstream: Upstream, tmp_path: Path) -> None:
    """Which record it is, for an ERP whose address does not say so."""
    fields = {"email": "mail", "external_refs.chargebee": "ref"}
    update = {"besides": {"no": "{id}", "force": True}}
    client = app_of(tmp_path, upstream.url, profile(fields=fields, update=update))
    table.put("1", mail="a@x.example")
    based_on = client.get("/contact/entities/1").json
    share(client, id="1", email="b@x.example", **{"$based_on": based_on})
    assert written(upstream) == {"no": "1", "force": True, "mail": "b@x.example"}
