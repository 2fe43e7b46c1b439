"""What the check asks is well-formed: every call is there once, comes after what it needs, and settles something."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connectors.chargebee.check import probes, site
from connectors.chargebee.check.conditions import NotMade, Outcome, find, hold
from sandbox.chargebee import facts
from tests.connectors.chargebee_check.conftest import PROBES


def test_the_file_fits_its_schema() -> None:
    schema = json.loads(probes.PROBES.with_name("probes.schema.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    document = json.loads(probes.PROBES.read_bytes())
    found = [
        f"{'/'.join(map(str, error.path))}: {error.message[:150]}"
        for error in Draft202012Validator(schema).iter_errors(document)
    ]
    assert found == []
    assert sorted(document["facts"].keys() - facts.all_facts().keys()) == []


def test_what_no_call_settles_says_how_a_person_does() -> None:
    by_hand = [fact for fact in PROBES.facts if fact.assumed is None]
    assert [fact.id for fact in by_hand if not fact.probe.startswith("by hand")] == []
    assert [fact.id for fact in PROBES.facts if fact.assumed and fact.probe.startswith("by hand")] == []


def test_a_call_comes_after_what_it_needs() -> None:
    seen: set[str] = set()
    for call in PROBES.calls:
        assert call.id not in seen
        assert call.needs() <= seen, call.id
        seen.add(call.id)


def test_every_call_settles_something() -> None:
    needed = PROBES.needed_by(PROBES.facts, *site.LOOKED_AT, "configurations")
    assert [call.id for call in PROBES.calls if call not in needed] == []


def test_reading_changes_nothing() -> None:
    reading = PROBES.reading()
    assert {call.method for call in PROBES.calls if call.id in reading} == {"GET"}
    assert len(reading) >= 20
    assert "order-read" not in reading, "what it reads is written first"


def test_what_is_made_is_known_again() -> None:
    made = [call for call in PROBES.calls if call.makes]
    assert len(made) > 40
    for call in made:
        assert call.form is not None
        named = call.form.get("id") or call.form.get("first_name") or "${run}"
        assert named.startswith("${run}"), call.id


TAKEN = Outcome(
    200, {"customer": {"id": "c1", "n": 0, "none": None, "tags": [{"t": "a"}, {"t": "b"}]}}, {"x-a": "1"}
)
REFUSED = Outcome(400, {"api_error_code": "param_wrong_value", "param": "id", "message": "no"})
OUTCOMES = {"a": TAKEN, "b": REFUSED, "c": Outcome(reason="not made")}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"at": "a.status", "is": 200}, True),
        ({"at": "a.record.n", "is": 0}, True),
        ({"at": "a.record.n", "is": False}, False),
        ({"at": "a.record.none", "is": None}, True),
        ({"at": "a.record.none", "present": True}, False),
        ({"at": "a.record.gone", "is": None}, False),
        ({"at": "a.record.gone", "absent": True}, True),
        ({"at": "a.record.id.deeper", "absent": True}, True),
        ({"at": "b.record.gone", "absent": True}, False),
        ({"at": "a.param", "absent": True}, True),
        ({"at": "b.param", "is": "id"}, True),
        ({"at": "b.error.message", "matches": "^n"}, True),
        ({"at": "b.status", "in": [400, 404]}, True),
        ({"at": "a.record.tags", "size": 2}, True),
        ({"at": "a.record.tags.1.t", "is": "b"}, True),
        ({"at": "a.record.tags.*.t", "has": "b"}, True),
        ({"at": "a.record.tags.*.t", "has": "c"}, False),
        ({"at": "a.headers.x-a", "is_not": "2"}, True),
        ({"at": "a.record.n", "same_as": "a.headers.x-a"}, False),
        ({"at": "a.headers.x-a", "differs_from": "a.record.n"}, True),
        ({"at": "a.status", "above": "a.record.n"}, True),
        ({"at": "a.status", "above": "a.record.gone"}, False),
    ],
)
def test_conditions(condition: dict[str, Any], expected: bool) -> None:
    assert hold([condition], OUTCOMES, str) is expected


def test_nothing_is_said_of_an_answer_that_did_not_come() -> None:
    for path in ("c.status", "c.record.id"):
        with pytest.raises(NotMade, match="c: not made"):
            find(OUTCOMES, path)
