"""The whole stack on free ports: both sandboxes, both services, the local node with the shipped pipes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from stack.processes import Stack
from tests.support.systems import Chargebee, Erp


@dataclass
class World:
    """What a test may touch: the two systems as outsiders see them, and the button that syncs them."""

    erp: Erp
    chargebee: Chargebee
    stack: Stack

    def sync(self) -> None:
        """Run the pumps until nothing moves, without resetting anything."""
        self.stack.sync()

    def pump(self, pipe: str, operation: str) -> None:
        """`enable` or `disable` a pipe's pump."""
        url = f"{self.stack.node.url}/pipes/{pipe}/pump"
        requests.post(url, data={"operation": operation}, timeout=60).raise_for_status()

    def writes(self) -> tuple[int, int]:
        """Return writes that took effect so far: (ERP, Chargebee)."""
        return self.erp.writes(), self.chargebee.writes()

    def shared(self, pipe: str, key: str) -> dict[str, Any] | None:
        """Return a share pipe's row on one entity: what was asked, and what became of it."""
        return self.stack.entity(f"{pipe}-share", key)

    def rows(self, pipe: str) -> list[dict[str, Any]]:
        """Return all rows of a share pipe that are not deleted."""
        return [row for row in self.stack.entities(f"{pipe}-share") if not row.get("_deleted")]


def _world(stack: Stack) -> World:
    chargebee = Chargebee(stack.chargebee_sandbox_url)
    chargebee.configure(customer_deletion_s=0)
    return World(Erp(stack.erp_sandbox_url), chargebee, stack)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Empty systems, shared by the mapping tests, which make records of their own."""
    with Stack(data="empty", folder=tmp_path_factory.mktemp("stack")) as stack:
        yield _world(stack)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Yield the demo data, not synced yet."""
    with Stack(data="demo", folder=tmp_path_factory.mktemp("demo")) as stack:
        yield _world(stack)
