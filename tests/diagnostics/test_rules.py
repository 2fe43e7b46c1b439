"""Every rule that our pipes report has words, in which views and messages name it."""

from __future__ import annotations

from collections.abc import Iterator

from core.jsonio import loads
from localnode.diagnostics.rules import RULES, in_words
from tests.support.processes import ROOT


def rules(value: object) -> Iterator[str]:
    """The rules in a config: `"rule": "x"`, and `["dict", …, "rule", "x"]`."""
    if isinstance(value, dict):
        yield from (each for name, each in value.items() if name == "rule" and isinstance(each, str))
        value = list(value.values())
    if isinstance(value, list):
        if value[:1] == ["dict"]:
            yield from (
                x for name, x in zip(value, value[1:], strict=False) if name == "rule" and type(x) is str
            )
        for each in value:
            yield from rules(each)


def test_every_rule_of_the_pipes_has_words() -> None:
    found = {
        rule
        for path in (ROOT / "pipes").glob("*.json")
        for rule in rules(loads(path.read_bytes()))
        if not rule.startswith("_")
    }
    assert len(found) > 10
    assert sorted(found - set(RULES)) == []


def test_a_rule_that_is_not_known_is_taken_apart() -> None:
    assert in_words("due_date-order") == "Due date order"
    assert in_words("") == in_words("no rule given") != ""
