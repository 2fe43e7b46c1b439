"""What became of each fact: as assumed, otherwise, not decidable, or only to be settled by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from connectors.chargebee.check.conditions import NotMade, Outcome, hold
from connectors.chargebee.check.probes import Fact, Reading

NEEDS_WRITING = "its calls write: WRITE=1"
NEEDS_ALL = "its calls write, and documentation says it: ALL=1"


class Kind(StrEnum):
    """The four things that can be said about a fact."""

    ASSUMED = "as assumed"
    OTHERWISE = "otherwise"
    UNDECIDED = "not decidable"
    BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A fact, what is said about it, the reading that fits and what was seen (or why nothing was)."""

    fact: Fact
    kind: Kind
    because: str
    reading: Reading | None = None


def verdict(fact: Fact, outcomes: Mapping[str, Outcome], fill: Callable[[str], str]) -> Verdict:
    """Hold the answers against the readings of a fact; the first that fits counts."""
    if fact.assumed is None:
        return Verdict(fact, Kind.BY_HAND, fact.probe)
    missing = sorted(name for name in fact.calls() if name not in outcomes)
    if missing:
        return Verdict(fact, Kind.UNDECIDED, NEEDS_WRITING if fact.is_pressing else NEEDS_ALL)
    seen = "; ".join(f"{name}: {outcomes[name].told()}" for name in sorted(fact.calls()))
    unmade = ""
    for reading in (fact.assumed, *fact.otherwise, *fact.undecided):
        try:
            if hold(reading.when, outcomes, fill):
                return _fits(fact, reading, seen)
        except NotMade as reason:
            unmade = str(reason)
    return Verdict(fact, Kind.UNDECIDED, unmade or f"no answer that was thought of: {seen}")


def _fits(fact: Fact, reading: Reading, seen: str) -> Verdict:
    if reading in fact.undecided:
        return Verdict(fact, Kind.UNDECIDED, reading.means)
    return Verdict(fact, Kind.ASSUMED if reading is fact.assumed else Kind.OTHERWISE, seen, reading)
