"""Reads: nothing lost at page ends, in equal seconds, while records change; one call per page.

Idle costs one call.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.chargebee.tokens import Token, Window
from sandbox.chargebee import customers
from sandbox.chargebee.records import KEYS, Write
from sandbox.common.state import State
from tests.connectors.chargebee.conftest import Calls, Entity, Service, sandbox, serving, serving_here
from tests.support.processes import wait_until
from tests.support.systems import Chargebee

DATATYPES = ("customer", "business_entity", "order", "item", "item_price", "item_family")
LISTS = {
    "customer": "customers",
    "order": "orders",
    "item": "items",
    "item_price": "item_prices",
    "item_family": "item_families",
}


def ids(entities: list[Entity]) -> list[str]:
    return [entity["_id"] for entity in entities]


def demo(site: Chargebee) -> None:
    requests.post(
        f"{site.root}/_sandbox/reset", json={"data": "demo", "seed": 1}, timeout=30
    ).raise_for_status()


def test_entities_are_upstreams_fields_untouched(service: Service, site: Chargebee) -> None:
    demo(site)
    for datatype, path in LISTS.items():
        upstream = {record["id"]: record for record in site.all(path)}
        entities = service.read(datatype)
        assert {entity["_id"] for entity in entities} == upstream.keys()
        for entity in entities:
            fields = {name: value for name, value in entity.items() if not name.startswith("_")}
            assert fields == upstream[entity["_id"]]
            assert entity["_deleted"] is False
        key = entities[0]["_id"]
        single = service.one(datatype, key)
        assert {k: v for k, v in single.items() if k != "_updated"} == {
            k: v for k, v in entities[0].items() if k != "_updated"
        }
    entities = service.read("business_entity")
    console = requests.get(f"{site.root}/_sandbox/business_entities", timeout=60).json()
    assert sorted(ids(entities)) == sorted(one["id"] for one in console)


@pytest.mark.parametrize("datatype", DATATYPES)
def test_updated_is_ordered_and_leads_on(datatype: str, service: Service, site: Chargebee) -> None:
    demo(site)
    whole = service.read(datatype)
    tokens = [entity["_updated"].encode() for entity in whole]
    assert tokens == sorted(tokens)
    before = Calls(site)
    assert service.read(datatype, since=whole[-1]["_updated"]) == []
    assert list(before.made().values()) == [1], "an idle sync costs one call"


@pytest.mark.parametrize("limit", [1, 7, 100])
@pytest.mark.parametrize("datatype", DATATYPES)
def test_a_reader_that_stops_anywhere_goes_on_without_loss(
    datatype: str, limit: int, service: Service, site: Chargebee
) -> None:
    demo(site)
    whole = service.read(datatype)
    found: list[str] = []
    since: str | None = None
    for _ in range(len(whole) + 2):
        page = service.read(datatype, limit=limit, **({"since": since} if since else {}))
        assert len(page) <= limit
        if not page:
            break
        found += ids(page)
        since = page[-1]["_updated"]
    assert sorted(found) == sorted(ids(whole))


def test_one_call_per_hundred_records(service: Service, site: Chargebee) -> None:
    for number in range(250):
        site.post("customers", id=f"c{number:03d}")
    before = Calls(site)
    assert len(service.read("customer")) == 250
    assert before.made() == {"GET /customers": 3}


def test_a_resumed_page_in_one_second_loses_nothing(service: Service, site: Chargebee) -> None:
    """A hundred and twenty records in a second or so: the limit ends pages in the middle of equal stamps."""
    start = service_token(service, site)
    for number in range(120):
        site.post("customers", id=f"c{number:03d}")
    wanted = {f"c{number:03d}" for number in range(120)}
    found: set[str] = set()
    since = start
    for _ in range(20):
        page = service.read("customer", since=since, limit=15)
        found |= set(ids(page))
        if found >= wanted:
            break
        assert page[-1]["_updated"] > since
        since = page[-1]["_updated"]
    assert found >= wanted


def service_token(service: Service, site: Chargebee) -> str:
    site.post("customers", id="seed")
    token: str = service.read("customer")[-1]["_updated"]
    return token


def test_a_change_between_two_pages_is_found_afterwards(service: Service, site: Chargebee) -> None:
    for number in range(12):
        site.post("customers", id=f"c{number:02d}", first_name="old")
    first = service.read("customer", limit=5)
    site.post("customers/c01", first_name="new")
    site.post("customers/c09", first_name="new")
    site.post("customers", id="late", first_name="new")
    wanted = {"c01": "new", "c09": "new", "late": "new"}
    state: dict[str, Any] = {}
    page = first
    for _ in range(10):
        state |= {entity["_id"]: entity.get("first_name") for entity in page}
        if state.items() >= wanted.items():
            break
        page = service.read("customer", since=page[-1]["_updated"], limit=5)
    assert {key: name for key, name in state.items() if name == "new"} == wanted


def test_deleted_records_come_as_deleted(service: Service, site: Chargebee) -> None:
    site.post("customers", id="c1")
    site.post("customers", id="c2")
    site.post("item_families", id="f", name="F")
    site.post("item_families", id="g", name="G")
    site.post("items", id="i", name="I", type="charge", item_family_id="f")
    site.post("item_prices", id="p", name="P", item_id="i", price=1, currency_code="NOK")
    entity = site.business_entity("Nordlys")
    since = {
        datatype: service.read(datatype)[-1]["_updated"] for datatype in DATATYPES if datatype != "order"
    }
    site.configure(customer_deletion_s=0)
    site.post("customers/c1/delete")
    site.post("item_prices/p/delete")
    site.post("items/i/delete")
    site.post("item_families/g/delete")
    requests.delete(f"{site.root}/_sandbox/business_entities/{entity['id']}", timeout=60).raise_for_status()
    gone = {
        ("customer", "c1"),
        ("item", "i"),
        ("item_price", "p"),
        ("item_family", "g"),
        ("business_entity", entity["id"]),
    }
    found = {
        (datatype, e["_id"])
        for datatype, token in since.items()
        for e in service.read(datatype, since=token)
        if e["_deleted"]
    }
    assert found == gone


def test_records_without_updated_at_are_in_the_first_load(service: Service, site: Chargebee) -> None:
    demo(site)
    ancient = {customer["id"] for customer in site.all("customers") if "updated_at" not in customer}
    assert ancient
    assert ancient <= set(ids(service.read("customer")))


def test_deprecated_copies_of_a_transfer_are_not_shown(service: Service, site: Chargebee) -> None:
    here, there = site.business_entity("Here")["id"], site.business_entity("There")["id"]
    site.post("customers", id="c1", business_entity_id=here)
    since = service.read("customer")[-1]["_updated"]
    site.post(
        "business_entities/transfers",
        **{
            "active_resource_ids[0]": "c1",
            "destination_business_entity_ids[0]": there,
            "resource_types[0]": "customer",
            "reason_codes[0]": "correction",
        },
    )
    assert len(site.all("customers")) == 2
    for entities in (service.read("customer"), service.read("customer", since=since)):
        assert [(e["_id"], e["business_entity_id"]) for e in entities] == [("c1", there)]


def test_events_out_of_order_leave_the_newest_business_entity(service: Service, site: Chargebee) -> None:
    entity = site.business_entity("First")
    for name in ("Second", "Third"):
        site.business_entity(name, key=entity["id"])
    entities = service.read("business_entity")
    assert [(e["_id"], e["name"], e["status"]) for e in entities] == [(entity["id"], "Third", "active")]


def test_windows_stop_short_of_now(site: Chargebee) -> None:
    """What shows late in Chargebee's lists is still found, because the token stays behind by the lag.

    Time passes as the site's clock is set, which the service follows; the list itself lags by our clock.
    """
    with serving_here(site.root, CHARGEBEE_LIST_LAG_SECONDS="20") as service:

        def it_is(seconds_ago: int) -> None:
            site.faults(list_lag_s=0.3, clock_skew_s=-seconds_ago)
            service.one("customer", "c1")  # any answer tells the service what time it is there

        it_is(1000)
        site.post("customers", id="c1")
        wait_until(lambda: site.all("customers"), what="the list shows the first")
        it_is(900)
        since = service.read("customer")[-1]["_updated"]
        site.post("customers", id="late")
        assert "late" not in ids(service.read("customer", since=since)), "neither shown nor skipped"
        wait_until(lambda: len(site.all("customers")) == 2, what="the list shows the second")
        it_is(885)
        assert "late" not in ids(service.read("customer", since=since)), "another may still show late"
        it_is(870)
        assert "late" in ids(service.read("customer", since=since))


@pytest.mark.parametrize(
    "since",
    [
        "nonsense",
        "1795425484",
        "2.1795425484.0000000",
        "1.1.1",
        "1.1795425484.0000000~!",
        "1.1795425484.0000000~WzFd",
    ],
)
def test_a_since_not_given_out_is_a_bad_request(since: str, service: Service) -> None:
    answer = requests.get(f"{service.root}/customer/entities", params={"since": since}, timeout=60)
    assert answer.status_code == 400
    assert answer.json()["field"] == "since"


def test_an_offset_that_upstream_forgot_starts_the_window_again(service: Service, site: Chargebee) -> None:
    site.post("customers", id="c1")
    stale = Token(1_700_000_000, 3, Window(1_700_000_000, 1_800_000_000), "forgotten").encode()
    assert ids(service.read("customer", since=stale)) == ["c1"]


def test_unknown_datatypes_and_records(service: Service) -> None:
    assert requests.get(f"{service.root}/invoice/entities", timeout=60).status_code == 404
    assert requests.get(f"{service.root}/customer/entities/nobody", timeout=60).status_code == 404
    assert requests.get(f"{service.root}/business_entity/entities/nobody", timeout=60).status_code == 404
    assert (
        requests.get(f"{service.root}/customer/entities", params={"limit": "x"}, timeout=60).status_code
        == 400
    )


def test_an_upstream_that_fails_midway_breaks_the_stream(
    service: Service, site: Chargebee, tmp_path: Path
) -> None:
    for number in range(210):
        site.post("customers", id=f"c{number:03d}")
    with serving(site.root, tmp_path, UPSTREAM_ATTEMPTS="1") as hasty:
        site.faults(error_rate=0.5, seed=5, retry_after=False)
        outcomes: set[tuple[int | str, int]] = set()
        for _ in range(20):
            try:
                answer = requests.get(f"{hasty.root}/customer/entities", timeout=60)
                outcomes.add((answer.status_code, len(answer.json()) if answer.status_code == 200 else 0))
            except (requests.RequestException, ValueError):
                outcomes.add(("broken", 0))
        site.faults()
    assert outcomes <= {(200, 210), (503, 0), ("broken", 0)}, "never a short success"
    assert ("broken", 0) in outcomes


def test_refused_credentials_are_named(site: Chargebee, tmp_path: Path) -> None:
    with serving(site.root, tmp_path, CHARGEBEE_API_KEY="wrong-key-of-ours") as service:
        ready = requests.get(f"{service.root}/ready", timeout=60)
        assert (ready.status_code, ready.json()["setting"]) == (503, "CHARGEBEE_API_KEY")
        read = requests.get(f"{service.root}/customer/entities", timeout=60)
        assert (read.status_code, read.json()["setting"]) == (502, "CHARGEBEE_API_KEY")
        assert "wrong-key-of-ours" not in ready.text + read.text
    assert "wrong-key-of-ours" not in (tmp_path / "service.log").read_text()


def fill(state: Path, count: int) -> None:
    """Put customers into a new state file, many to a second, without a process in between."""
    with State(state, KEYS).write() as tx:
        write = Write(tx)
        for number in range(count):
            write.now_ms = 1_790_000_000_000 + number // 7
            fields = {"id": f"c{number:06d}", "first_name": "Ola", "email": f"ola{number}@firma.example"}
            customers.create(write, fields)
        tx.set_setting("loaded", {"data": "empty", "seed": 1})


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hundred_thousand_customers(tmp_path: Path) -> None:
    """A thousand calls, the first byte after the first page, flat memory."""
    fill(tmp_path / "chargebee.sqlite", 100_000)
    with sandbox(tmp_path) as site, serving(site.root, tmp_path) as service:
        before = Calls(site)
        started = time.monotonic()
        with requests.get(f"{service.root}/customer/entities", stream=True, timeout=600) as answer:
            chunks = answer.iter_content(65536)
            size = len(next(chunks))
            first_byte = time.monotonic() - started
            peak = 0
            for chunk in chunks:
                size += len(chunk)
                peak = max(peak, memory_of(service))
        whole = time.monotonic() - started
        assert before.made() == {"GET /customers": 1000}
        assert first_byte < whole / 20, "it does not wait for what comes later, however slow the machine is"
        assert size > 30_000_000
        assert peak < 80 * 1024 * 1024


def memory_of(service: Service) -> int:
    """Resident bytes of the service's worker."""
    worker = max(service.process.children(), key=lambda child: child.memory_info().rss)
    return int(worker.memory_info().rss)
