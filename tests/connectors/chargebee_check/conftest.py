"""A sandbox with demo data that a check asks, and a check of it that runs in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from connectors.chargebee.check.probes import load
from connectors.chargebee.check.report import Result
from connectors.chargebee.check.run import Options, check
from connectors.chargebee.settings import ChargebeeSettings, read_settings
from tests.connectors.chargebee.conftest import sandbox
from tests.support.systems import Chargebee

PROBES = load()


def settings(root: str, **values: str) -> ChargebeeSettings:
    return read_settings(
        {
            "CHARGEBEE_BASE_URL": f"{root}/api/v2",
            "CHARGEBEE_API_KEY": "sandbox",
            "CHARGEBEE_RATE_PER_MINUTE": "0",
            "UPSTREAM_BACKOFF_SECONDS": "0.01",
            **values,
        }
    )


class Site:
    """A sandbox, and checks of it."""

    def __init__(self, chargebee: Chargebee) -> None:
        self.chargebee = chargebee
        self.root = chargebee.root

    def turn_round(self, *ids: str) -> None:
        self.put("facts", dict.fromkeys(ids, False))

    def put(self, what: str, body: dict[str, object]) -> None:
        requests.put(f"{self.root}/_sandbox/{what}", json=body, timeout=60).raise_for_status()

    def reset(self, data: str) -> None:
        requests.post(f"{self.root}/_sandbox/reset", json={"data": data}, timeout=60).raise_for_status()

    def check(
        self,
        *ids: str,
        write: bool = True,
        everything: bool = True,
        patience: float = 0.01,
        seconds: float = 60,
    ) -> Result:
        options = Options(write, ids, everything, patience, seconds)
        return check(settings(self.root), PROBES, options, lambda line: None)


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with sandbox(tmp_path_factory.mktemp("checked"), "demo") as chargebee:
        yield Site(chargebee)


@pytest.fixture
def site(running: Site) -> Site:
    """Return the sandbox with every fact as it is, and the default configuration."""
    running.turn_round()
    running.put("site", {})
    return running
