"""`erp-check --init`: the profile that it makes of an unknown ERP fits that ERP, and says what it guessed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from connectors.erp.check.__main__ import FITS, UNREACHABLE, WRONG_SETTINGS, main
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

SECRET = "s3cret-token"
Record = dict[str, Any]


def paged(asked: Asked, rows: list[Record]) -> Reply:
    """Page numbers from 1, a count, a wrapped single record, local stamps; unknown parameters are ignored."""
    _, name, *key = asked.path.split("/")
    if key:
        found = next((row for row in rows if row["customerNo"] == int(key[0] or 0) if key[0].isdigit()), None)
        return Reply({name: found}) if found else Reply({"error": "none"}, 404)
    if "extReference" in asked.query:
        rows = [row for row in rows if row["extReference"] == asked.query["extReference"]]
    since = asked.query.get("updatedAfter", "")
    rows = [row for row in rows if row["lastUpdated"] >= since]
    size, page = int(asked.query.get("pageSize", "20")), int(asked.query.get("page", "1"))
    return Reply({"meta": {"totalCount": len(rows)}, "data": rows[(page - 1) * size : page * size]})


def customers() -> list[Record]:
    return [
        {
            "customerNo": 100 + n,
            "companyName": f"Fjell {n} AS",
            "orgNo": f"9{n:08}",
            "emailAddress": f"post{n}@example.com",
            "state": ("Open", "Closed", "Odd")[n % 3],
            "blocked": n == 4,
            "zip": "9008",
            "town": "Tromsø",
            "countryCode": "NO",
            "creditLimit": 10.5,
            "extReference": f"x{n}" if n % 2 else None,
            "lastUpdated": f"2026-01-{n + 1:02}T08:00:00",
            "createdDate": "01.01.2026",
        }
        for n in range(25)
    ]


def odata(asked: Asked, rows: list[Record]) -> Reply:
    """OData V4: $filter, nextLink, ETags, keys in parentheses."""
    base = asked.path.partition("(")
    if base[1]:
        found = next((row for row in rows if row["id"] == unquote(base[2])[:-1]), None)
        return Reply(found, headers={"ETag": "W/1"}) if found else Reply({"error": {"code": "404"}}, 404)
    said = asked.query.get("$filter", "")
    if " ge " in said:
        rows = [row for row in rows if row["lastModifiedDateTime"] >= said.rpartition(" ")[2]]
    if " eq " in said:
        name, _, value = said.partition(" eq ")
        rows = [row for row in rows if row[name] == value.strip("'")]
    start = int(asked.query.get("$skip", "0"))
    size = int(asked.headers.get("Prefer", "=8").rpartition("=")[2])
    more = {"@odata.nextLink": f"items?$skip={start + size}"} if start + size < len(rows) else {}
    return Reply({"@odata.context": "x", "value": rows[start : start + size], **more})


def items() -> list[Record]:
    return [
        {
            "@odata.etag": f'W/"{n}"',
            "id": f"guid-{n:02}",
            "number": f"SKU-{n}",
            "displayName": f"Anchor {n}",
            "unitPrice": n + 0.5,
            "blocked": False,
            "externalId": f"e-{n}",
            "lastModifiedDateTime": f"2026-02-{n + 1:02}T08:00:00Z",
        }
        for n in range(20)
    ]


def offsets(asked: Asked, rows: list[Record]) -> Reply:
    """A plain list by offset and limit whose rows are summaries; stamps are seconds; no filter, no origin."""
    key = asked.path.rpartition("/")[2]
    if key.startswith("o-"):
        found = next((row for row in rows if row["uuid"] == key), None)
        return Reply(found) if found else Reply({}, 404)
    if key != "salesOrders":
        return Reply({}, 404)
    start, size = int(asked.query.get("offset", "0")), int(asked.query.get("limit", "50"))
    shown = [{name: row[name] for name in ("uuid", "date", "changed_ts", "clientId")} for row in rows]
    return Reply(shown[start : start + size])


def orders() -> list[Record]:
    line = {"rowId": "1", "itemNo": "SKU-1", "qty": 2, "price": "4.50", "text": "Anchor"}
    return [
        {
            "uuid": f"o-{n}",
            "date": f"{n + 1:02}.01.2026",
            "changed_ts": 1767225600 + n * 3600,
            "clientId": 100 + n,
            "currencyCode": "NOK",
            "phase": ("DRAFT", "CONFIRMED", "SHIPPED")[n % 3],
            "orderLines": [line],
        }
        for n in range(7)
    ]


ERPS: Mapping[str, tuple[Callable[[Asked, list[Record]], Reply], Callable[[], list[Record]], str]] = {
    "customer": (paged, customers, "/api/customers"),
    "product": (odata, items, "/api/items"),
    "order": (offsets, orders, "/api/salesOrders"),
}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    rows = {name: made() for name, (_, made, _) in ERPS.items()}

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != f"Bearer {SECRET}":
            return Reply({"error": "no"}, 401)
        plain = Asked(**{**vars(asked), "path": asked.path.removeprefix("/api")})
        for name, (erp, _, path) in ERPS.items():
            if asked.path.startswith(path):
                return erp(plain, rows[name])
        return Reply([]) if asked.path == "/api/empty" else Reply({}, 404)

    with scripted_upstream(answer) as running:
        yield running


def made_of(url: str, capsys: pytest.CaptureFixture[str], *lists: str) -> tuple[Record, str]:
    """The profile and what is said beside it."""
    code = main(["--init", *(f"{url}{path}" for path in lists)], {"ERP_TOKEN": SECRET})
    said = capsys.readouterr()
    assert (code, SECRET in said.out + said.err) == (FITS, False), said.err
    return json.loads(said.out), said.err


def checked(upstream: Upstream, document: Record, folder: Path, capsys: pytest.CaptureFixture[str]) -> Record:
    """What `erp-check` says of a profile."""
    file = folder / "made.json"
    file.write_text(json.dumps(document))
    environ = {"ERP_BASE_URL": f"{upstream.url}/api", "ERP_TOKEN": SECRET, "PAGE_SIZE": "5"}
    code = main(["--profile", str(file), "--json"], environ)
    said = capsys.readouterr()
    assert code == FITS, said.out[-3000:] + said.err
    found: Record = json.loads(said.out)["datatypes"]
    return found


def test_all_three_fit_as_they_are(
    upstream: Upstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document, _ = made_of(upstream.url, capsys, *(path for _, _, path in ERPS.values()))
    found = checked(upstream, document, tmp_path, capsys)
    assert list(found) == list(ERPS)
    assert document["connection"]["rest"]["auth"] == {"type": "bearer", "token": "${ERP_TOKEN}"}


def test_numbered_pages_with_local_stamps(upstream: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    document, said = made_of(upstream.url, capsys, "/api/customers")
    entity = document["entities"]["customer"]
    stop = {"type": "total", "path": "meta.totalCount"}
    assert entity["paginator"] == {"type": "page", "param": "page", "first": 1, "limit_param": "pageSize", "stop": stop}  # fmt: skip
    assert (entity["id"], entity["get"]) == ("customerNo", {"record": "customers"})
    assert entity["list"] == {"records": "data", "count": {"path": "meta.totalCount"}}
    assert entity["incremental"] == {"param": "updatedAfter", "order": "none", "overlap_seconds": 1}
    assert (entity["modified"], entity["modified_format"]) == (["lastUpdated"], "iso_naive")
    assert "timezone: the timestamps have no offset" in said
    assert entity["origin"] == {"field": "external_refs.chargebee", "query": {"extReference": "{origin}"}}
    fields = entity["fields"]
    assert {name: fields[name] for name in ("name", "organization_number", "email", "billing_address.city")} == {
        "name": "companyName", "organization_number": "orgNo", "email": "emailAddress", "billing_address.city": "town"
    }  # fmt: skip
    assert fields["active"] == {"from": "blocked", "map": {"false": True, "true": False}}
    assert "Odd" in fields["status"]["$comment"]
    assert "map Odd, Open of state" in said or "Odd" in said
    assert entity["values"]["decimal"] == {"form": "number"}


def test_odata_is_known_by_its_answer(upstream: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    document, _ = made_of(upstream.url, capsys, "/api/items")
    entity = document["entities"]["product"]
    assert entity["paginator"] == {"type": "odata"}
    by_stamp = {"param": "$filter", "template": "lastModifiedDateTime ge {since}", "order": "none"}
    assert entity["incremental"] == {**by_stamp, "overlap_seconds": 1}, (
        "whole seconds tell no two changes apart"
    )
    assert entity["get"] == {"path": "{path}({id})"}
    assert entity["update"] == {"lock": {"type": "if_match", "header": "ETag"}, "path": "{path}({id})"}
    assert entity["origin"]["query"] == {"$filter": "externalId eq '{origin}'"}
    assert entity["fields"]["sku"] == "number"


def test_a_list_of_summaries_is_read_by_detail(
    upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    document, said = made_of(upstream.url, capsys, "/api/salesOrders?limit=3")
    entity = document["entities"]["order"]
    assert entity["list"] == {"detail": True}
    assert "only the record itself has currencyCode, phase, orderLines" in said
    assert entity["modified_format"] == "epoch_s"
    assert entity["read_only"] is True
    assert entity["fields"]["lines"]["fields"]["quantity"] == {"from": "qty", "type": "decimal"}
    assert entity["fields"]["customer_id"] == {"from": "clientId", "type": "string", "as": "integer"}
    assert entity["values"]["date"] == {"form": "%d.%m.%Y"}
    assert entity["incremental"] == {"order": "none"}


@pytest.mark.parametrize(
    ("lists", "environ", "code", "says"),
    [
        (["/api/things"], {}, WRONG_SETTINGS, "may be any of contact"),
        (["contcat=/api/customers"], {}, WRONG_SETTINGS, "there is no datatype contcat"),
        (["/"], {}, WRONG_SETTINGS, "not the address of a list"),
        (["product=/api/empty"], {}, UNREACHABLE, "has no list of records"),
        (["/api/nothing/items"], {}, UNREACHABLE, "no such record"),
        (["/api/items"], {"ERP_TOKEN": "wrong-one"}, UNREACHABLE, "ERP_TOKEN"),
    ],
)
def test_what_cannot_be_asked_is_said(
    upstream: Upstream,
    capsys: pytest.CaptureFixture[str],
    lists: list[str],
    environ: dict[str, str],
    code: int,
    says: str,
) -> None:
    named = [one.replace("/", f"{upstream.url}/", 1) for one in lists]
    assert main(["--init", *named], {"ERP_TOKEN": SECRET, **environ}) == code
    said = capsys.readouterr()
    assert (says in said.err, said.out) == (True, ""), said.err


def test_the_key_is_that_by_which_the_erp_gives_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    """What is numbered, too, is no key, whatever it is called; and what names it elsewhere is found."""
    rows = [
        {"badgeNo": f"{n}", "code": f"K{n}", "uid": f"P{n}", "givenName": "A", "clientUid": f"C{n % 2}", "externalRef": ""}
        for n in range(4)
    ]  # fmt: skip

    def answer(asked: Asked) -> Reply:
        key = asked.path.removeprefix("/people").strip("/")
        if key:
            return next((Reply(row) for row in rows if row["uid"] == key), Reply({}, 404))
        return Reply([row for row in rows if asked.query.get("externalRef", row["externalRef"]) == row["externalRef"]])  # fmt: skip

    with scripted_upstream(answer) as running:
        document, said = made_of(running.url, capsys, "/people")
    entity = document["entities"]["contact"]
    assert (entity["id"], entity["fields"]["customer_id"]) == ("uid", "clientUid")
    assert entity["null_values"] == [""]
    assert {"language", "address", "email"} <= set(entity["ignore"])
    assert "first_name" not in entity["ignore"]
    assert "ignore: these fields are lost" in said


def test_what_the_list_is_asked_with_counts_for_one_record_too(capsys: pytest.CaptureFixture[str]) -> None:
    """An organisation in the query of every call, as in Zoho Books (https://www.zoho.com/books/api/v3/)."""
    rows = [
        {"item_id": f"{n}", "name": f"Thing {n}", "rate": n, "last_modified_time": f"2026-01-0{n + 1}T00:00:00+0530"}
        for n in range(5)
    ]  # fmt: skip

    def answer(asked: Asked) -> Reply:
        if asked.query.get("organization_id") != "7":
            return Reply({"code": 6041, "message": "no organisation"}, 400)
        key = asked.path.removeprefix("/items").strip("/")
        if key:
            found = [{**row, "note": "more"} for row in rows if row["item_id"] == key]
            return Reply({"item": found[0]}) if found else Reply({"code": 1002}, 404)
        page, size = int(asked.query.get("page", 1)), int(asked.query.get("per_page", 200))
        shown = rows[(page - 1) * size : page * size]
        return Reply({"items": shown, "page_context": {"has_more_page": page * size < len(rows)}})

    with scripted_upstream(answer) as running:
        document, _ = made_of(running.url, capsys, "/items?organization_id=7")
    entity = document["entities"]["product"]
    assert (entity["query"], entity["get"]) == ({"organization_id": "7"}, {"record": "item"})
    assert entity["list"] == {"records": "items", "detail": True}
    assert entity["paginator"]["stop"] == {"type": "has_more", "path": "page_context.has_more_page"}


def seconds(asked: Asked) -> Reply:
    """A tenant in a header; pages of seven, whose size nothing changes; days and stamps in seconds since 1970."""
    if asked.headers.get("X-Tenant") != "t7":
        return Reply({"info": "no tenant"}, 403)
    rows = [
        {
            "id": f"{n:024x}", "updatedAt": 1780000000 + n, "date": 1777593600, "docNumber": f"SO{n}", "customId": None, "currency": "eur",
            "billAddress": {"address": f"Calle {n}", "city": "Madrid", "country": "España", "countryCode": "ES"},
            "products": [{"desc": "Cosa", "price": 10, "units": 2}],
        }
        for n in range(20)
    ]  # fmt: skip
    key = asked.path.removeprefix("/documents/salesorder").strip("/")
    if key:
        found = next((row for row in rows if row["id"] == key), None)
        return Reply(found) if found else Reply({"info": "none"}, 404)
    if "customId" in asked.query:
        return Reply([])
    return Reply(rows) if "page" not in asked.query else Reply(rows[7 * int(asked.query["page"]) - 7 :][:7])


def test_a_further_header_pages_without_a_size_and_days_in_seconds(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environ = {"ERP_TENANT": "t7"}
    with scripted_upstream(seconds) as upstream:
        url = f"{upstream.url}/documents/salesorder"
        assert main(["--init", url, "--header", "X-Tenant=ERP_TENANT"], environ) == FITS
        made = json.loads(capsys.readouterr().out)
        assert made["connection"]["rest"]["headers"] == {"X-Tenant": "${ERP_TENANT}"}
        order = made["entities"]["order"]
        assert order["paginator"] == {"type": "page", "param": "page", "first": 1, "stop": {"type": "empty"}}
        assert (order["modified_format"], order["values"]["date"]) == ("epoch_s", {"form": "epoch_s"})
        assert order["fields"]["order_date"] == {"from": "date", "type": "date"}
        assert order["fields"]["currency"] == {"from": "currency", "letters": "lower"}
        assert order["fields"]["billing_address.country"] == "billAddress.countryCode", "codes, no names"
        assert order["fields"]["lines"]["fields"]["quantity"] == {"from": "units", "type": "decimal"}
        file = tmp_path / "made.json"
        file.write_text(json.dumps(made))
        assert (
            main(["--profile", str(file)], {**environ, "ERP_BASE_URL": f"{upstream.url}/documents"}) == FITS
        ), capsys.readouterr().out


@pytest.mark.parametrize("header", ["X-Tenant", "X-Tenant=t7", "=ERP_TENANT"])
def test_a_header_is_a_name_and_a_variable(header: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = "http://127.0.0.1:9/api/customers"
    assert main(["--init", url, "--header", header], {}) == WRONG_SETTINGS
    said = capsys.readouterr().err
    assert "NAME=VARIABLE" in said
    assert "t7" not in said
