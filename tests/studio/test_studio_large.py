"""Studio over 1,000,000 entities: the first paint, and every list, within a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from localnode.config import NodeSettings
from localnode.node import Node
from tests.studio.browsing import Visit, chromium
from tests.studio.conftest import pipe
from tests.support.processes import free_port, process, wait_until

ENTITIES = 1_000_000
BATCH = 20_000
ATTEMPTS = 5
CONFIG = [
    {"_id": "crm", "type": "system:microservice"},
    pipe("crm-person-collect", [], pump={"mode": "manual"}),
    pipe("crm-person-share", "crm-person-collect", pump={"mode": "manual"}),
]
READY = {
    "/": ".node",
    "/studio/datasets": "tbody tr",
    "/studio/datasets/crm-person-collect": "tbody tr",
    "/studio/datasets/crm-person-collect?order=id": "tbody tr",
    "/studio/record": "tbody tr",
    "/studio/pending": ".cases li",
    "/studio/runs": ".chart canvas",
    "/studio/log": ".empty:not([hidden]), tbody tr",
}


def person(number: int) -> dict[str, object]:
    """An entity of about the size of a real one."""
    name = f"Person {number}"
    address = {"line1": f"Street {number % 997}", "city": f"City {number % 89}", "country": "NO"}
    return {
        "_id": f"p{number:07}",
        "name": name,
        "email": f"p{number}@example.com",
        "address": address,
        "notes": "n" * 200,
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A node with 1,000,000 entities in a dataset, served."""
    data = tmp_path_factory.mktemp("large") / "data"
    fill(data)
    port = free_port()
    command = [
        "python",
        "-m",
        "localnode",
        "serve",
        "--no-schedule",
        "--port",
        str(port),
        "--data",
        str(data),
    ]
    address = f"http://127.0.0.1:{port}"
    with process(command, f"{address}/api/ping"):
        yield address


def fill(data: Path) -> None:
    """Write the datasets as the engine does."""
    node = Node(NodeSettings(data=data, schedule=False))
    try:
        node.replace_entities(CONFIG, force=True)
        dataset = node.store.dataset("crm-person-collect", create=True)
        for start in range(0, ENTITIES, BATCH):
            dataset.write([person(number) for number in range(start, start + BATCH)])
        assert dataset.info().live == ENTITIES
    finally:
        node.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_page_is_there_within_a_second(root: str) -> None:
    """The best of a few attempts counts: the machine may have other things to do."""
    took: dict[str, tuple[float, float]] = {}
    with chromium() as browser:
        for path, ready in READY.items():
            attempts = [first_look(browser, root, path, ready) for _ in range(ATTEMPTS)]
            took[path] = (min(paint for paint, _ in attempts), min(shown for _, shown in attempts))
    for path, (paint, shown) in took.items():
        print(f"{path}: first paint {paint:.2f} s, data {shown:.2f} s")
    assert max(paint for paint, _ in took.values()) < 1.0, took
    assert max(shown for _, shown in took.values()) < 1.0, took


def first_look(browser: object, root: str, path: str, ready: str) -> tuple[float, float]:
    """Seconds until the first paint, and until the data is there."""
    seen = Visit(browser, root)
    started = time.perf_counter()
    seen.page.goto(root + path, wait_until="commit")
    seen.page.locator(ready).first.wait_for()
    shown = time.perf_counter() - started
    paint = wait_until(
        lambda: seen.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime"),
        what="painted",
    )
    seen.close()
    return paint / 1000, shown


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_search_finds_the_oldest_entity(root: str) -> None:
    cursor, found, calls = "", [], 0
    while cursor is not None and not found:
        started = time.perf_counter()
        params = {"q": "p3@example.com", "before": cursor}
        page = requests.get(
            f"{root}/studio/data/datasets/crm-person-collect/search", params=params, timeout=30
        ).json()
        assert time.perf_counter() - started < 5
        found, cursor, calls = page["rows"], page["cursor"], calls + 1
    assert [row["id"] for row in found] == ["p0000003"] and calls < 200
