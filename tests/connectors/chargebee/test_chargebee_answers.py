"""Answers that are not as they should be, from a scripted Chargebee."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from connectors.chargebee.app import create_app
from connectors.chargebee.settings import read_settings
from connectors.common.errors import SettingsError
from tests.support.upstream import Asked, Reply, Upstream, scripted_upstream

CUSTOMERS = [{"id": f"c{number:02d}", "updated_at": 1_790_000_000 + number} for number in range(90)]
EVENTS = [
    {
        "id": f"ev{number:02d}",
        "occurred_at": 1_790_000_000 + number,
        "event_type": "business_entity_created",
        "content": {"business_entity": {"id": f"be{number:02d}", "name": f"B {number}"}},
    }
    for number in range(90)
]
FAMILIES = [{"id": f"f{number:02d}", "name": f"F {number}"} for number in range(90)]
LISTS = {"customers": CUSTOMERS, "events": EVENTS, "item_families": FAMILIES}
TOO_LARGE = b" " * (16 * 1024 * 1024 + 1)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with scripted_upstream(lambda asked: Reply({})) as running:
        yield running


@pytest.fixture
def client(upstream: Upstream) -> FlaskClient:
    settings = {
        "CHARGEBEE_BASE_URL": f"{upstream.url}/api/v2",
        "CHARGEBEE_API_KEY": "key",
        "LOG_LEVEL": "ERROR",
    }
    return create_app(
        {**settings, "UPSTREAM_BACKOFF_SECONDS": "0.001", "CHARGEBEE_RATE_PER_MINUTE": "0"}
    ).test_client()


def listing(asked: Asked) -> tuple[int, Any]:
    """The number of rows and the answer of a list that goes on where `offset` says."""
    name = asked.path.rsplit("/", 1)[1]
    kind = {"customers": "customer", "events": "event", "item_families": "item_family"}[name]
    start, limit = int(asked.query.get("offset", 0)), int(asked.query["limit"])
    rows = LISTS[name][start : start + limit]
    body: dict[str, Any] = {"list": [{kind: row} for row in rows]}
    if start + limit < len(LISTS[name]):
        body["next_offset"] = str(start + limit)
    return len(rows), body


BROKEN: dict[str, Callable[[Any], Reply]] = {
    "breaks off": lambda body: Reply(body, cut=len(json.dumps(body)) // 2),
    "is a page of HTML": lambda body: Reply(b"<html>too much</html>", headers={"Content-Type": "text/html"}),
    "is too large": lambda body: Reply(TOO_LARGE),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize(
    ("datatype", "count"), [("customer", 90), ("business_entity", 90), ("item_family", 90)]
)
def test_an_answer_that_cannot_be_read_is_asked_for_in_smaller_pages(
    broken: Callable[[Any], Reply], datatype: str, count: int, client: FlaskClient, upstream: Upstream
) -> None:
    """Every answer of more than 7 rows is broken."""

    def script(asked: Asked) -> Reply:
        rows, body = listing(asked)
        return broken(body) if rows > 7 else Reply(body)

    upstream.script = script
    found = [entity["_id"] for entity in json.loads(client.get(f"/{datatype}/entities").data)]
    assert len(found) == len(set(found)) == count
    if datatype == "customer":
        assert found == [record["id"] for record in CUSTOMERS]


def test_a_single_row_that_cannot_be_read_is_an_error_and_no_end(
    client: FlaskClient, upstream: Upstream
) -> None:
    upstream.script = lambda asked: Reply(b"<html></html>")
    answer = client.get("/customer/entities")
    assert (answer.status_code, answer.json["kind"]) == (502, "retry")
    assert {one.query["limit"] for one in upstream.asked} == {"100", "25", "6", "1"}
    assert upstream.calls() <= 12


def test_a_site_that_is_not_there_is_named_with_its_setting(client: FlaskClient, upstream: Upstream) -> None:
    body = {"message": "Sorry, we couldn't find the site", "api_error_code": "site_not_found"}
    upstream.script = lambda asked: Reply(body, status=404)
    for answer in (client.get("/ready"), client.get("/customer/entities")):
        assert answer.json["setting"] == "CHARGEBEE_SITE or CHARGEBEE_BASE_URL"
        assert "no such site" in answer.json["detail"]
        assert "API_KEY" not in answer.json["detail"]


@pytest.mark.parametrize("site", ["acme.eu", "acme.eu.chargebee.com", "https://acme.eu.chargebee.com/api/v2"])
def test_a_site_of_another_region_is_told_its_setting(site: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({"CHARGEBEE_SITE": site, "CHARGEBEE_API_KEY": "key"})
    assert "CHARGEBEE_SITE" in str(raised.value)
    assert "CHARGEBEE_BASE_URL=https://acme.eu.chargebee.com/api/v2" in str(raised.value)
