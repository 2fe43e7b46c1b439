"""Each fact about Chargebee is well-formed, has a source or a probe, and names a test that there is."""

from __future__ import annotations

import ast
from functools import cache

import orjson
import pytest
import requests
from jsonschema import Draft202012Validator

from sandbox.chargebee import facts
from tests.support import facts as source
from tests.support.processes import ROOT
from tests.support.systems import Chargebee

SCHEMA = facts.FILE.with_name("facts.schema.json")


def test_facts_fit_their_schema() -> None:
    schema = orjson.loads(SCHEMA.read_bytes())
    Draft202012Validator.check_schema(schema)
    document = orjson.loads(facts.FILE.read_bytes())
    problems = [
        f"{'/'.join(map(str, error.path))}: {error.message[:150]}"
        for error in Draft202012Validator(schema).iter_errors(document)
    ]
    assert problems == []


def test_each_fact_is_there_once() -> None:
    written = orjson.loads(facts.FILE.read_bytes())["facts"]
    for name in ("id", "statement"):
        values = [fact[name] for fact in written]
        assert sorted(values) == sorted(set(values)), name
    topics = [fact["topic"] for fact in written]
    assert topics == sorted(topics, key=topics.index), "the facts of a topic stand together"


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_tests_that_facts_name_exist() -> None:
    missing = []
    for fact in facts.all_facts().values():
        file, _, function = fact["test"].partition("::")
        if function.partition("[")[0] not in functions_of(file):
            missing.append(f"{fact['id']}: {fact['test']}")
    assert missing == []


def test_every_rule_of_the_sandbox_names_its_fact() -> None:
    """What refuses a call and what carries one out keeps to a fact, and says so."""
    rules = sorted(source.rules())
    assert len(rules) > 100
    assert [name for name, node in rules if not source.names_a_fact(node)] == []


def test_every_fact_is_named_by_a_rule() -> None:
    assert sorted(facts.all_facts().keys() - source.named()) == []


SWITCHED_ELSEWHERE = {
    "events-come-at-least-once": "faults: webhook_loss_rate, webhook_duplicate_rate, webhook_delay_ms",
    "lists-lag": "faults: list_lag_s",
    "old-records-lack-updated-at": "the demo data",
    "rate-limit-is-429": "faults: rate_per_minute",
    "retry-after-is-optional": "faults: retry_after",
}
"""Facts that a sandbox shows or not without being turned round, and by what."""


def test_every_other_fact_can_be_turned_round() -> None:
    assert sorted(facts.all_facts().keys() - source.turnable()) == sorted(SWITCHED_ELSEWHERE)


def test_a_fact_that_is_not_there_is_an_error() -> None:
    for use in (facts.holds, facts.imitates, facts.checks):
        with pytest.raises(facts.UnknownFact):
            use("the-moon-is-cheese")


def test_a_check_is_left_out_while_its_fact_is_turned_round() -> None:
    seen: list[int] = []

    @facts.checks("zip-length-by-country")
    def note(value: int) -> None:
        seen.append(value)

    note(1)
    facts.turn_round(["zip-length-by-country"])
    try:
        note(2)
        assert not facts.holds("zip-length-by-country")
    finally:
        facts.turn_round([])
    note(3)
    assert seen == [1, 3]


def test_facts_are_turned_round_until_the_next_reset(site: Chargebee) -> None:
    switch = f"{site.root}/_sandbox/facts"
    turned = {"billing-info-is-assignment": False}
    assert requests.put(switch, json={**turned, "oldest-first": True}, timeout=60).json() == turned
    assert requests.get(switch, timeout=60).json() == turned
    for body in ({"the-moon-is-cheese": False}, {"oldest-first": "no"}):
        assert requests.put(switch, json=body, timeout=60).status_code == 400
    requests.post(f"{site.root}/_sandbox/reset", json={"data": "empty"}, timeout=60)
    assert requests.get(switch, timeout=60).json() == {}
