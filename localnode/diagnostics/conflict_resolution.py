"""Find which record's claim on a property won, by which rule, and where the value was first said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.jsonio import Json
from core.names import RecordName

NEVER = ""
"""The clock of what a record only mirrors, and of what nobody ever set."""

RULES = {
    "only-value": "only this record has a value",
    "agreed": "all records say the same by now",
    "newest-clock": "its clock is the newest: this value changed last",
    "cleared": "it was emptied on purpose, after the last change of the other values",
    "value-beats-empty": "a value beats an empty one of the same age",
    "old-beats-empty": "an old value beats one that was never set",
    "tie-break": "the clocks are equal; the merge rule says which system wins a tie for this property",
    "one-way": "the other records only receive this property: they never win",
    "unset": "no record has a value",
}
"""Name and meaning of the rules that choose a value."""


@dataclass(frozen=True)
class Claim:
    """A record's value of a property: `value`, and since when (`clock`, UTC text, "" for never)."""

    of: RecordName
    value: Any
    clock: str


@dataclass(frozen=True)
class Choice:
    """The outcome of a conflict.

    `winner` as merged, `origin` where its value was first said (an echo of our own write is never an origin),
    `rule` (a key of RULES), and the losing claims with the reason.
    """

    winner: Claim
    origin: Claim
    rule: str
    losers: list[tuple[Claim, str]]


def choose(winner: Claim, claims: list[Claim], is_echo: Callable[[Claim], bool]) -> Choice:
    """Explain why `winner` won over `claims` (of all members, itself among them)."""
    same = [claim for claim in claims if _same(claim, winner)]
    origin = next((claim for claim in same if claim.clock == winner.clock and not is_echo(claim)), winner)
    losers = [claim for claim in claims if not _same(claim, winner)]
    return Choice(
        winner, origin, _rule(winner, same, losers), [(each, _why(each, winner)) for each in losers]
    )


def _same(one: Claim, other: Claim) -> bool:
    return type(one.value) is type(other.value) and bool(one.value == other.value)


def _rule(winner: Claim, same: list[Claim], losers: list[Claim]) -> str:
    if winner.value is None:
        return "cleared" if winner.clock != NEVER and losers else "unset"
    if not losers:
        return "agreed" if len(same) > 1 else "only-value"
    rivals = [each for each in losers if each.value is not None]
    if not rivals:
        newest = max(each.clock for each in losers)
        return {NEVER: "old-beats-empty", winner.clock: "value-beats-empty"}.get(newest, "newest-clock")
    if winner.clock != NEVER and all(each.clock == NEVER for each in rivals):
        return "one-way"
    if max(each.clock for each in losers) < winner.clock:
        return "newest-clock"
    return "tie-break" if max(each.clock for each in rivals) == winner.clock else "value-beats-empty"


def _why(loser: Claim, winner: Claim) -> str:
    if loser.value is None:
        return "never set" if loser.clock == NEVER else "emptied earlier"
    if loser.clock == NEVER:
        return "only mirrored here"
    return "changed earlier" if loser.clock < winner.clock else "loses ties of equal clocks"


def claims_on(prop: str, said: Mapping[RecordName, Json]) -> list[Claim]:
    """Return the claims of records (`{name: their claims}`) on one property."""
    found = []
    for name, claims in said.items():
        claim = claims.get(prop)
        if claim is not None:
            found.append(Claim(name, claim.get("v"), claim.get("t") or NEVER))
    return found
