"""Facts, calls and readings as typed objects, read from `facts.json` and `probes.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.jsonio import Json

PROBES = Path(__file__).with_name("probes.json")
FACTS = Path(__file__).resolve().parents[3] / "sandbox" / "chargebee" / "facts.json"
PLACEHOLDER = re.compile(r"\$\{([^}]+)\}")
BUILT_IN = re.compile(r"run|now(\+\d+d)?|currency|other_currency|repeat:.*")
"""Placeholders that are no path into an earlier answer."""

Texts = Mapping[str, str]
Condition = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: method, path below the API's root, and what goes with it; texts may hold placeholders."""

    id: str
    method: str
    path: str
    query: Texts = field(default_factory=dict)
    form: Texts | None = None
    headers: Texts = field(default_factory=dict)
    is_json: bool = False
    """Whether the parameters go as JSON, not as a form."""
    wrong_key: bool = False
    spare: Mapping[str, str | None] = field(default_factory=dict)
    """What is sent instead of a parameter that is refused, None to leave it out.

    So one call settles several questions.
    """
    after: tuple[str, ...] = ()
    makes: str | None = None
    until: tuple[Condition, ...] = ()
    pause: float = 0.0

    def needs(self) -> set[str]:
        """Return the calls that must have been made before."""
        given = [*self.query.values(), *(self.form or {}).values(), *self.headers.values()]
        texts = [self.path, *given, *(text for text in self.spare.values() if text is not None)]
        named = {name for text in texts for name in PLACEHOLDER.findall(text) if not BUILT_IN.fullmatch(name)}
        return {name.partition(".")[0] for name in named} | set(self.after)


@dataclass(frozen=True, slots=True)
class Reading:
    """What answers may mean: it is so when all conditions hold; what to set then, what the service does."""

    when: tuple[Condition, ...]
    means: str = ""
    set: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact; `assumed` is None for one that no call of the check settles (`probe` says what would)."""

    id: str
    topic: str
    statement: str
    probe: str
    site_setting: str | None
    assumed: Reading | None = None
    otherwise: tuple[Reading, ...] = ()
    is_open: bool = False
    """Whether no documentation says it."""
    is_harmful: bool = False
    """Whether data or money would be lost if it were otherwise."""
    undecided: tuple[Reading, ...] = ()
    """Answers by which the site is none that the fact is about; `means` says why."""

    @property
    def is_pressing(self) -> bool:
        """Whether it is worth asking of every site: nobody says it, or much hangs on it."""
        return self.is_open or self.is_harmful

    def calls(self) -> set[str]:
        """Return the calls whose answers it is read from."""
        readings = [*([self.assumed] if self.assumed else []), *self.otherwise, *self.undecided]
        return {name for reading in readings for condition in reading.when for name in calls_in(condition)}


def calls_in(condition: Condition) -> set[str]:
    """Return the calls whose answers a condition looks at."""
    paths = [condition[name] for name in ("at", "same_as", "differs_from", "above") if name in condition]
    return {path.partition(".")[0] for path in paths}


@dataclass(frozen=True, slots=True)
class Probes:
    """All facts in their order, and all calls in theirs."""

    facts: tuple[Fact, ...]
    calls: tuple[Call, ...]

    def needed_by(self, facts: Iterable[Fact], *besides: str) -> list[Call]:
        """Return the calls that settle these facts, with all that must go before, in their order."""
        by_id = {call.id: call for call in self.calls}
        wanted: set[str] = set()
        waiting = [*besides, *(name for fact in facts for name in fact.calls())]
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting += by_id[name].needs()
        return [call for call in self.calls if call.id in wanted]

    def reading(self) -> frozenset[str]:
        """Return the calls that change nothing on the site: GETs that need no write before."""
        by_id = {call.id: call for call in self.calls}
        found: set[str] = set()
        for call in self.calls:
            if call.method == "GET" and all(name in found for name in call.needs() if name in by_id):
                found.add(call.id)
        return frozenset(found)


def load(facts_file: Path = FACTS, probes_file: Path = PROBES) -> Probes:
    """Read both files; a fact without a probe is settled by hand."""
    document = json.loads(probes_file.read_bytes())
    calls = tuple(map(_call, document["calls"]))
    probes = document["facts"]
    facts = tuple(_fact(row, probes.get(row["id"])) for row in json.loads(facts_file.read_bytes())["facts"])
    return Probes(facts, calls)


def _call(row: Json) -> Call:
    method, _, path = row["call"].partition(" ")
    return Call(
        row["id"],
        method,
        path,
        row.get("query", {}),
        row.get("form"),
        row.get("headers", {}),
        "encoding" in row,
        "key" in row,
        row.get("spare", {}),
        tuple(row.get("after", ())),
        row.get("makes"),
        tuple(row.get("until", ())),
        row.get("pause", 0.0),
    )


def _fact(row: Json, probe: Json | None) -> Fact:
    known = (row["id"], row["topic"], row["statement"], row["probe"], row.get("site_setting"))
    is_open = isinstance(row["source"], str)
    if probe is None:
        return Fact(*known, is_open=is_open)
    otherwise = [
        Reading(tuple(one["when"]), one["means"], one["set"], one["service"]) for one in probe["otherwise"]
    ]
    undecided = [Reading(tuple(one["when"]), one["means"]) for one in probe.get("undecided", ())]
    return Fact(
        *known,
        Reading(tuple(probe["assumed"])),
        tuple(otherwise),
        is_open,
        probe.get("harmful", False),
        tuple(undecided),
    )
