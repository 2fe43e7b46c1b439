"""A sandbox Chargebee process per test module, an official client for it, and plain HTTP beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests

from tests.support.processes import free_port, process
from tests.support.systems import Chargebee


def start(state: Path, data: str = "empty", port: int | None = None) -> Any:
    """Return a context manager that runs the sandbox and gives its root URL by `.root`."""
    return _Running(state, data, port or free_port())


class _Running:
    def __init__(self, state: Path, data: str, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        command = [
            "python",
            "-m",
            "sandbox.chargebee",
            "--port",
            str(port),
            "--state",
            str(state),
            "--data",
            data,
        ]
        self._process = process(command, ready_url=f"{self.root}/_sandbox/stats")

    def __enter__(self) -> _Running:
        self.child = self._process.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._process.__exit__(*exception)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start(tmp_path_factory.mktemp("chargebee") / "state.sqlite") as running:
        yield running.root


@pytest.fixture
def site(root: str) -> Chargebee:
    """Return an empty site."""
    requests.post(f"{root}/_sandbox/reset", json={"data": "empty"}, timeout=60).raise_for_status()
    requests.put(f"{root}/_sandbox/faults", json={}, timeout=60).raise_for_status()
    running = Chargebee(root)
    running.configure()
    return running


@pytest.fixture(scope="session")
def chargebee() -> ModuleType:
    """Return the official client's module. Its import takes a second, which not every test worker is to pay."""
    import chargebee

    return chargebee


@pytest.fixture
def sdk(site: Chargebee, chargebee: ModuleType) -> Any:
    """Return the official client, pointed at the sandbox: plain HTTP needs all three settings."""
    chargebee.Chargebee.verify_ca_certs = False
    client = chargebee.Chargebee(api_key="sandbox", site="sandbox-test")
    client.env.protocol = "http"
    client.env.api_endpoint = f"{site.root}/api/v2"
    return client
