"""The sync comes out the same however what Sesam's documentation leaves open is read (docs/reference/readings.md)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.diff import differences
from core.jsonio import Json
from localnode import readings
from localnode.readings import READINGS
from stack.settings import for_tests
from tests.e2e.pump_orders import Services, load_and_edits
from tests.support.readings import all_turned

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

TURNED = [f"{name}={choice}" for name, each in READINGS.items() for choice in each.others]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Sandboxes and services for all readings."""
    with Services(settings=for_tests(tmp_path_factory.mktemp("services"), "empty")) as running:
        yield running


@pytest.fixture(scope="module")
def as_here(services: Services, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Json]:
    """What is in both systems as this node reads everything."""
    found = load_and_edits(services, tmp_path_factory.mktemp("as-here"))
    assert list(differences(found["loaded"], found["edited"])), "the edits arrived"
    return found


@pytest.mark.parametrize("turned", [*TURNED, ", ".join(f"{name}={choice}" for name, choice in all_turned().items())], ids=[*TURNED, "all at once"])  # fmt: skip
def test_a_first_load_and_edits_on_both_sides(
    services: Services, tmp_path: Path, as_here: dict[str, Json], turned: str
) -> None:
    with readings.chosen(readings.parse(turned)):
        found = load_and_edits(services, tmp_path)
    assert not list(differences(as_here, found))
