"""A check's result for people, for programs and as a Markdown file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from connectors.chargebee.check.verdicts import NEEDS_ALL, NEEDS_WRITING, Kind, Verdict
from core.jsonio import Json

_PAGE = "docs/reference/chargebee-facts.md"
_WIDTH = 110
_UNASKED = (NEEDS_WRITING, NEEDS_ALL)
"""Why a fact was left alone; those are named only."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found. `stays`: what could not be removed yet. `cut_short`: why it ended early, if so."""

    site: str
    wrote: bool
    calls: int
    learned: Sequence[tuple[str, str]]
    verdicts: Sequence[Verdict]
    stays: Sequence[str] = ()
    cut_short: str = ""

    def of(self, kind: Kind) -> list[Verdict]:
        """Return the verdicts of one kind."""
        return [verdict for verdict in self.verdicts if verdict.kind is kind]


def lines(result: Result) -> Iterator[str]:
    """Yield the text, line by line.

    The site, what is otherwise or not decidable, and the names of the rest.
    """
    yield f"site  {result.site}"
    yield from (f"  {about:<22}{text}" for about, text in result.learned)
    for kind in (Kind.OTHERWISE, Kind.UNDECIDED):
        found = [verdict for verdict in result.of(kind) if verdict.because not in _UNASKED]
        if found:
            yield from ("", f"{kind} ({len(found)})")
            yield from (line for verdict in found for line in _lines_of(verdict))
    for why in _UNASKED:
        unasked = [one for one in result.of(Kind.UNDECIDED) if one.because == why]
        yield from _names(f"not asked ({len(unasked)}; {why})", unasked)
    for kind, how in ((Kind.ASSUMED, ""), (Kind.BY_HAND, f"; how: {_PAGE}")):
        yield from _names(f"{kind} ({len(result.of(kind))}{how})", result.of(kind))
    yield ""
    yield from (f"stays for now: {line}" for line in result.stays)
    if result.cut_short:
        yield result.cut_short
    yield summary(result)


def _names(title: str, verdicts: Sequence[Verdict]) -> Iterator[str]:
    if verdicts:
        yield from ("", title)
        names = ", ".join(verdict.fact.id for verdict in verdicts)
        yield from wrap(names, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _lines_of(verdict: Verdict) -> Iterator[str]:
    yield f"  {verdict.fact.id}: {verdict.fact.statement}"
    if verdict.reading and verdict.kind is Kind.OTHERWISE:
        yield f"    found:   {verdict.reading.means} ({verdict.because})"
        yield f"    set:     {verdict.reading.set}"
        yield f"    service: {verdict.reading.service}"
    else:
        yield f"    {verdict.because}"


def summary(result: Result) -> str:
    """One line: how many facts of each kind, and how many calls it took."""
    counts = ", ".join(f"{len(result.of(kind))} {kind}" for kind in Kind)
    how = "reading and writing" if result.wrote else "reading only"
    return f"{len(result.verdicts)} facts: {counts} ({result.calls} calls, {how})"


def markdown(result: Result) -> Iterator[str]:
    """Yield the lines of a report file."""
    yield from (f"# Check of {result.site}", "", summary(result), "")
    if result.cut_short:
        yield from (f"**{result.cut_short}**", "")
    yield from ("| of the site | |", "|---|---|")
    yield from (f"| {name} | {_cell(text)} |" for name, text in result.learned)
    otherwise = result.of(Kind.OTHERWISE)
    if otherwise:
        yield from ("", "## Otherwise", "", "| fact | assumed | found | set | what the service then does |")
        yield "|---|---|---|---|---|"
        for one in otherwise:
            reading = one.reading
            if reading:
                found = f"{reading.means} ({one.because})"
                cells = (one.fact.statement, found, reading.set, reading.service)
                yield f"| `{one.fact.id}` | {' | '.join(map(_cell, cells))} |"
    for kind, title in (
        (Kind.UNDECIDED, "Not decidable"),
        (Kind.BY_HAND, "By hand"),
        (Kind.ASSUMED, "As assumed"),
    ):
        found_ones = result.of(kind)
        if found_ones:
            yield from ("", f"## {title}", "", "| fact | statement | answers |", "|---|---|---|")
            for one in found_ones:
                yield f"| `{one.fact.id}` | {_cell(one.fact.statement)} | {_cell(one.because)} |"
    if result.stays:
        yield from ("", "## Stays for now", "", *(f"* {line}" for line in result.stays))


def document(result: Result) -> Json:
    """Return the same as JSON."""
    return {
        "site": result.site,
        "wrote": result.wrote,
        "calls": result.calls,
        "cut_short": result.cut_short or None,
        "learned": dict(result.learned),
        "counts": {str(kind): len(result.of(kind)) for kind in Kind},
        "facts": [
            {
                "id": one.fact.id,
                "topic": one.fact.topic,
                "statement": one.fact.statement,
                "site_setting": one.fact.site_setting,
                "verdict": str(one.kind),
                "because": one.because,
                **_reading(one),
            }
            for one in result.verdicts
        ],
        "stays": list(result.stays),
    }


def _reading(verdict: Verdict) -> dict[str, str]:
    reading = verdict.reading
    if reading is None or verdict.kind is not Kind.OTHERWISE:
        return {}
    return {"found": reading.means, "set": reading.set, "service": reading.service}


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
