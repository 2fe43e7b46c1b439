"""The check against the sandbox: all is as assumed, and each fact that is turned round is noticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.chargebee.check.report import Result
from connectors.chargebee.check.verdicts import Kind
from tests.connectors.chargebee_check.conftest import PROBES, Site
from tests.support.facts import turnable

SETTLED = [fact.id for fact in PROBES.facts if fact.assumed]
"""The facts that calls settle."""

SITES: dict[str, dict[str, object]] = {
    "no-feature-no-business-entity-id": {"multiple_business_entities": False},
    "no-feature-no-business-entity-parameter": {"multiple_business_entities": False},
}
"""Facts that are about sites of another configuration than the default."""
WITHOUT_ENTITIES = ("default-entity-has-no-event",)
"""Facts that are about sites whose only business entity is the one that they have from their start."""


@pytest.fixture(scope="module")
def whole(running: Site) -> Result:
    running.turn_round()
    return running.check()


@pytest.fixture
def fitting(fact_id: str, site: Site) -> Iterator[Site]:
    """Yield a site that the fact is about."""
    site.put("site", SITES.get(fact_id, {}))
    if fact_id in WITHOUT_ENTITIES:
        site.reset("empty")
        site.chargebee.post("customers", first_name="Ann")
    yield site
    if fact_id in WITHOUT_ENTITIES:
        site.reset("demo")


def test_the_sandbox_can_turn_round_what_calls_settle() -> None:
    assert sorted(set(SETTLED) - turnable()) == []


@pytest.mark.parametrize("fact_id", SETTLED)
def test_the_sandbox_is_as_assumed(fact_id: str, whole: Result, fitting: Site) -> None:
    is_other = fact_id in SITES or fact_id in WITHOUT_ENTITIES
    result = fitting.check(fact_id) if is_other else whole
    (found,) = (one for one in result.verdicts if one.fact.id == fact_id)
    assert found.kind is Kind.ASSUMED, found.because


@pytest.mark.parametrize("fact_id", SETTLED)
def test_a_fact_turned_round_is_noticed(fact_id: str, fitting: Site) -> None:
    fitting.turn_round(fact_id)
    (found,) = fitting.check(fact_id).verdicts
    assert found.kind is Kind.OTHERWISE, found.because
    assert found.reading and found.reading.set and found.reading.service
