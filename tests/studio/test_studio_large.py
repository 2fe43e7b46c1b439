"""Studio over 1,000,000 entities: the first paint, and every list, within a second."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests

from localnode.config import NodeSettings
from localnode.node import Node
from tests.studio.browsing import Visit, chromium
from tests.studio.conftest import pipe
from tests.support.plain import PLAIN
from tests.support.processes import free_port, process, wait_until

ENTITIES = 1_000_000
BATCH = 20_000
ATTEMPTS = 5
CONFIG = [
    {"_id": "crm", "type": "system:microservice"},
    pipe("crm-person-collect", [], pump={"mode": "manual"}),
    pipe("crm-person-share", "crm-person-collect", pump={"mode": "manual"}),
    PLAIN,
]
READY = {
    "/": ".tile",
    "/studio/flow": ".node",
    "/studio/datasets": "tbody tr",
    "/studio/datasets/crm-person-collect": "tbody tr",
    "/studio/datasets/crm-person-collect?order=id": "tbody tr",
    "/studio/record": "tbody tr",
    "/studio/pending": ".empty, .group",
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


@dataclass
class Look:
    """Seconds until the first paint and until the data is there, and the CPU seconds that browser and node took for
    it: what it would be at most if they had a core to themselves."""

    paint: float
    shown: float
    work: float


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_page_is_there_within_a_second(root: str) -> None:
    """The best of a few attempts counts. On a machine that has more to do than it can, time is no measure: there the
    work of browser and node counts."""
    best: dict[str, Look] = {}
    with chromium() as browser:
        for path, ready in READY.items():
            looks = [first_look(browser, root, path, ready) for _ in range(ATTEMPTS)]
            best[path] = min(looks, key=lambda look: look.work if busy() else look.shown)
    for path, look in best.items():
        print(f"{path}: first paint {look.paint:.2f} s, data {look.shown:.2f} s, work {look.work:.2f} CPU s")
    slow = {path: look for path, look in best.items() if (look.work if busy() else look.shown) >= 1}
    assert not slow


def busy() -> bool:
    """Whether more wants to run on this machine than it has cores for."""
    return os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)


def work() -> float:
    """CPU seconds of all processes that this one started, the browser's and the node's."""
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            times = child.cpu_times()
            total += times.user + times.system
    return total


def first_look(browser: object, root: str, path: str, ready: str) -> Look:
    """Open a page in a fresh context, nothing cached."""
    seen = Visit(browser, root)
    started, before = time.perf_counter(), work()
    seen.page.goto(root + path, wait_until="commit")
    seen.page.locator(ready).first.wait_for()
    shown, done = time.perf_counter() - started, work()
    paint = wait_until(
        lambda: seen.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime"),
        what="painted",
    )
    seen.close()
    return Look(paint / 1000, shown, done - before)


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
