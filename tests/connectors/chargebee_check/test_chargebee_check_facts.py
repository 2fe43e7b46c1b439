"""The check against the sandbox: all is as assumed, and each fact that is turned round is noticed."""

from __future__ import annotations

import pytest

from connectors.chargebee.check.report import Result
from connectors.chargebee.check.verdicts import Kind
from tests.connectors.chargebee_check.conftest import PROBES, Site
from tests.support.facts import turnable

SETTLED = [fact.id for fact in PROBES.facts if fact.assumed and fact.id in turnable()]
"""The facts that calls settle and the sandbox can turn round."""


@pytest.fixture(scope="module")
def whole(running: Site) -> Result:
    running.turn_round()
    return running.check()


@pytest.mark.parametrize("fact_id", SETTLED)
def test_the_sandbox_is_as_assumed(fact_id: str, whole: Result) -> None:
    (found,) = (one for one in whole.verdicts if one.fact.id == fact_id)
    assert found.kind is Kind.ASSUMED, found.because


@pytest.mark.parametrize("fact_id", SETTLED)
def test_a_fact_turned_round_is_noticed(fact_id: str, site: Site) -> None:
    site.turn_round(fact_id)
    (found,) = site.check(fact_id).verdicts
    assert found.kind is Kind.OTHERWISE, found.because
    assert found.reading and found.reading.service
