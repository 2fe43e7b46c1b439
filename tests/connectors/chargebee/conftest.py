"""The Chargebee service under gunicorn, as its image starts it, in front of a sandbox Chargebee.

Where the process is not what a test is about, the same app is served by a thread of the test (`serving_here`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from werkzeug.serving import make_server

from connectors.chargebee.app import create_app
from tests.support.processes import free_port, process
from tests.support.systems import Chargebee

Entity = dict[str, Any]


class Service:
    """The service as a Sesam node sees it."""

    def __init__(self, root: str, pid: int | None = None) -> None:
        """`pid` None: this very process."""
        self.root = root
        self.process = psutil.Process(pid)

    def read(self, datatype: str, **params: Any) -> list[Entity]:
        answer = requests.get(f"{self.root}/{datatype}/entities", params=params, timeout=60)
        assert answer.status_code == 200, answer.text
        entities: list[Entity] = answer.json()
        return entities

    def one(self, datatype: str, key: str) -> Entity:
        entity: Entity = requests.get(f"{self.root}/{datatype}/entities/{key}", timeout=60).json()
        return entity

    def share(self, datatype: str, *entities: Entity) -> list[Entity]:
        answer = requests.post(f"{self.root}/{datatype}/share", json=list(entities), timeout=60)
        assert answer.status_code == 200, answer.text
        answers: list[Entity] = answer.json()
        assert len(answers) == len(entities)
        return answers

    def insert(self, datatype: str, origin: str, **payload: Any) -> Entity:
        return self.share(datatype, insert(origin, **payload))[0]

    def update(self, datatype: str, based_on: Entity, **payload: Any) -> Entity:
        return self.share(datatype, update(based_on, **payload))[0]


def insert(origin: str, **payload: Any) -> Entity:
    """A share entity that asks for a new record made from `origin`."""
    return {"_id": f"new:{origin}", "$operation": "insert", "$origin": f"~:customerp-{origin}", **payload}


def update(based_on: Entity, **payload: Any) -> Entity:
    """A share entity that asks for a change of a record as it was collected."""
    return {
        "_id": based_on["id"],
        "id": based_on["id"],
        "$operation": "update",
        "$based_on": based_on,
        **payload,
    }


def _settings(upstream: str, **settings: str) -> dict[str, str]:
    return {
        "CHARGEBEE_BASE_URL": f"{upstream}/api/v2",
        "CHARGEBEE_API_KEY": "sandbox",
        "CHARGEBEE_LIST_LAG_SECONDS": "0",
        "CHARGEBEE_RATE_PER_MINUTE": "0",
        "UPSTREAM_BACKOFF_SECONDS": "0.01",
        "UPSTREAM_MAX_WAIT_SECONDS": "10",
        **settings,
    }


@contextmanager
def serving_here(upstream: str, **settings: str) -> Iterator[Service]:
    """The service in front of `upstream`, served by a thread of this process."""
    app = create_app(_settings(upstream, LOG_LEVEL="ERROR", **settings))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Service(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def serving(upstream: str, folder: Path, **settings: str) -> Iterator[Service]:
    """Run the service under gunicorn in front of `upstream` (a sandbox's root)."""
    port = free_port()
    environment = {
        **_settings(upstream),
        "BIND": f"127.0.0.1:{port}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        **settings,
    }
    command = ["python", "-m", "gunicorn", "-c", "connectors/common/gunicorn.conf.py"]
    root = f"http://127.0.0.1:{port}"
    with process(
        [*command, "connectors.chargebee.app:create_app()"],
        ready_url=f"{root}/health",
        env=environment,
        log=folder / "service.log",
    ) as child:
        yield Service(root, child.pid)


@contextmanager
def sandbox(folder: Path, data: str = "empty") -> Iterator[Chargebee]:
    """Run a sandbox Chargebee."""
    port = free_port()
    root = f"http://127.0.0.1:{port}"
    state = str(folder / "chargebee.sqlite")
    command = ["python", "-m", "sandbox.chargebee", "--port", str(port), "--state", state, "--data", data]
    with process(command, ready_url=f"{root}/_sandbox/stats"):
        yield Chargebee(root)


@pytest.fixture(scope="package")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chargebee]:
    with sandbox(tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture(scope="package")
def running_service(upstream: Chargebee, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(upstream.root, tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def site(upstream: Chargebee) -> Chargebee:
    """An empty, healthy site."""
    requests.post(f"{upstream.root}/_sandbox/reset", json={"data": "empty"}, timeout=60).raise_for_status()
    upstream.faults()
    upstream.configure()
    return upstream


@pytest.fixture
def service(site: Chargebee, running_service: Service) -> Service:
    """The service in front of the empty site."""
    return running_service


def calls(site: Chargebee) -> dict[str, int]:
    """Calls so far by method and route, without the path's root."""
    found: dict[str, int] = requests.get(f"{site.root}/_sandbox/stats", timeout=60).json()["calls"]
    return {route.replace("/api/v2", ""): count for route, count in found.items()}


class Calls:
    """Calls made since this object was."""

    def __init__(self, site: Chargebee) -> None:
        self._site = site
        self._before = calls(site)

    def made(self) -> dict[str, int]:
        now = calls(self._site)
        return {
            name: n - self._before.get(name, 0) for name, n in now.items() if n != self._before.get(name, 0)
        }
