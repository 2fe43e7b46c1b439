"""Answers, places in them, and whether something is so there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.chargebee.check.probes import Condition

MISSING: Any = object()
"""Stands for what is not there; not the same as null."""


class NotMade(Exception):
    """A call whose answer is needed was not made, or brought no answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call: its answer, or in `reason` why there is none."""

    status: int = 0
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    parted: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By spare parameter, the `status` that it brought; none for one that nothing was said of."""

    @property
    def is_taken(self) -> bool:
        """Whether Chargebee took the call (2xx)."""
        return 200 <= self.status < 300

    @property
    def record(self) -> Any:
        """The one record of a taken call, else `MISSING`."""
        records = list(self.body.values()) if self.is_taken and isinstance(self.body, dict) else []
        return records[0] if len(records) == 1 and isinstance(records[0], dict) else MISSING

    def part(self, name: str) -> object:
        """Return the answer by the names that conditions use.

        They are `status`, `code`, `param`, `error`, `body`, `record`, `headers`, `sent` and `parted`.
        """
        refusal = self.body if not self.is_taken and isinstance(self.body, dict) else {}
        parts: dict[str, Any] = {
            "status": self.status,
            "code": refusal.get("api_error_code", MISSING),
            "param": refusal.get("param", MISSING),
            "error": refusal or MISSING,
            "body": self.body if self.is_taken else MISSING,
            "record": self.record,
            "headers": self.headers,
            "sent": self.sent,
            "parted": self.parted,
        }
        return parts[name]

    def told(self) -> str:
        """Return the answer in a few words.

        `400 param_wrong_value (net_term_days)`, `200`, or why there is none.
        """
        if self.reason:
            return self.reason
        words = [str(self.status)]
        if not self.is_taken and isinstance(self.body, dict):
            words.append(str(self.body.get("api_error_code", "without a code")))
            words += [f"({self.body['param']})"] if self.body.get("param") else []
        return " ".join(words)


def find(outcomes: Mapping[str, Outcome], path: str) -> Any:
    """Return what stands at `call.part.name.0.name`; a list for a path with `*`.

    `NotMade` without an answer.
    """
    call, part, *steps = path.split(".")
    outcome = outcomes[call]
    if outcome.reason:
        raise NotMade(f"{call}: {outcome.reason}")
    return _walk(outcome.part(part), steps)


def _walk(value: object, steps: list[str]) -> object:
    for index, step in enumerate(steps):
        if step == "*":
            members = value if isinstance(value, list) else []
            found = [_walk(member, steps[index + 1 :]) for member in members]
            return [one for one in found if one is not MISSING]
        if isinstance(value, Mapping):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else MISSING
        else:
            return MISSING
    return value


def hold(
    conditions: tuple[Condition, ...], outcomes: Mapping[str, Outcome], fill: Callable[[str], str]
) -> bool:
    """Return whether all conditions hold; `fill` puts values for placeholders. `NotMade` without an answer.

    Something can only be absent from an answer that there is: nothing holds of the record of a refused call.
    """
    return all(_holds(condition, outcomes, fill) for condition in conditions)


def _holds(condition: Condition, outcomes: Mapping[str, Outcome], fill: Callable[[str], str]) -> bool:
    path = condition["at"]
    value = find(outcomes, path)
    (operator,) = condition.keys() - {"at"}
    wanted = condition[operator]
    if operator == "absent":
        call, part, *_ = path.split(".")
        return value is MISSING and (part not in ("body", "record") or outcomes[call].is_taken)
    if value is MISSING:
        return False
    if operator in ("same_as", "differs_from", "above"):
        return _compare(operator, value, find(outcomes, wanted))
    if operator == "has":
        return fill(wanted) in map(str, value)
    return _OPERATORS[operator](value, wanted)


def _compare(operator: str, value: object, other: Any) -> bool:
    if other is MISSING:
        return False
    if operator == "above":
        return bool(value > other)
    return (str(value) == str(other)) == (operator == "same_as")


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "is": lambda value, wanted: value == wanted and type(value) is type(wanted),
    "is_not": lambda value, wanted: value != wanted,
    "in": lambda value, wanted: value in wanted,
    "present": lambda value, wanted: value is not None,
    "matches": lambda value, wanted: bool(re.search(wanted, str(value))),
    "size": lambda value, wanted: len(value) == wanted,
}
