"""One check from the first call to the last record removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from connectors.chargebee.check import site
from connectors.chargebee.check.caller import Caller, OutOfTime, new_run
from connectors.chargebee.check.cleanup import leftovers, remove
from connectors.chargebee.check.conditions import Outcome
from connectors.chargebee.check.probes import Call, Fact, Probes
from connectors.chargebee.check.report import Result
from connectors.chargebee.check.verdicts import verdict
from connectors.chargebee.settings import ChargebeeSettings
from connectors.common.logs import Redactor

SECONDS = 600.0
"""How long the calls of a check may take together; 170 calls at 120 a minute take about two minutes."""

CLEANUP_SECONDS = 180.0
PATIENCE_S = 3.0
_SITES = ".chargebee.com"
Say = Callable[[str], None]


class NotAsked(Exception):
    """The site cannot be asked: the message says what to look at."""


class NotWritten(Exception):
    """Writing was asked for where a check must not write."""


class Interrupted(Exception):
    """A person or the system wants the check to end."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a check is to do: write or only read; `facts`: these only; `patience`: seconds between repeats.

    `everything`: write for what documentation says as well, not only for what is pressing.
    """

    write: bool = False
    facts: Collection[str] = ()
    everything: bool = False
    patience: float = PATIENCE_S
    seconds: float = SECONDS


def check(settings: ChargebeeSettings, probes: Probes, options: Options, say: Say) -> Result:
    """Ask, clean up and judge. `NotAsked`, `NotWritten`: nothing was done. `say` tells what goes on."""
    redact = Redactor(settings.common.secrets)
    caller = Caller(settings, new_run(), CLEANUP_SECONDS, options.patience)
    facts = [fact for fact in probes.facts if not options.facts or fact.id in options.facts]
    name = _first(caller, probes, redact)
    if options.write:
        _may_write(settings, name)
    calls = _calls(probes, facts, options)
    say(f"{name}: about {len(calls)} calls" + (f", as {caller.run}" if options.write else ""))
    stays, cut_short = _make(caller, calls, options, say)
    unasked = {call.id: Outcome(reason="not made any more") for call in calls} if cut_short else {}
    outcomes = {**unasked, **caller.outcomes}
    verdicts = [verdict(fact, outcomes, caller.fill) for fact in facts]
    learned = () if options.facts else tuple(site.described(outcomes))
    return Result(
        name,
        options.write,
        caller.count,
        [(about, redact(text)) for about, text in learned],
        [replace(one, because=redact(one.because)) for one in verdicts],
        [redact(line) for line in stays],
        cut_short,
    )


def _calls(probes: Probes, facts: Sequence[Fact], options: Options) -> list[Call]:
    """Return what is to be called: all that the facts need, and for a whole check what tells of the site.

    The first record of a run that writes is its family: by that the next check knows that something is left.
    """
    reading = probes.reading()
    whole = probes.needed_by(facts, *(("currencies",) if options.facts else site.LOOKED_AT))
    if not options.write:
        return [call for call in whole if call.id in reading]
    asked = facts if options.facts or options.everything else [fact for fact in facts if fact.is_pressing]
    wanted = {call.id for call in probes.needed_by(asked)} | {call.id for call in whole if call.id in reading}
    first = set() if wanted <= reading else {"family"}
    return [call for call in probes.calls if call.id in wanted | first]


def _make(caller: Caller, calls: Sequence[Call], options: Options, say: Say) -> tuple[list[str], str]:
    """Make the calls and remove what they made: what stays for now, and why it ended early, if so."""
    stays: list[str] = []
    cut_short = ""
    caller.extend(options.seconds)
    try:
        if options.write and not options.facts:
            for run, left in leftovers(caller):
                stays += remove(caller, run, left)
        caller.make(call for call in calls if call.id not in caller.outcomes)
    except OutOfTime:
        cut_short = f"Ended after {options.seconds:.0f} seconds, before all calls were made."
    except (Interrupted, KeyboardInterrupt):
        cut_short = "Interrupted before all calls were made."
    finally:
        if caller.made:
            say(f"removing {len(caller.made)} records of {caller.run}")
            caller.extend(CLEANUP_SECONDS)
            stays += _removed(caller)
    return stays, cut_short


def _removed(caller: Caller) -> list[str]:
    try:
        return remove(caller, caller.run, caller.made)
    except OutOfTime:
        return [f"records of {caller.run}: there was no time left; run the check again"]


def _first(caller: Caller, probes: Probes, redact: Redactor) -> str:
    """Return the first call tells whether there is a site, what it is called and whether the key is good."""
    caller.make(call for call in probes.calls if call.id == "configurations")
    outcome = caller.outcomes["configurations"]
    name = site.domain(caller.outcomes)
    if not outcome.is_taken or name is None:
        if outcome.reason:
            raise NotAsked(redact(outcome.reason))
        told = redact(outcome.told())
        if outcome.status in (401, 403):
            raise NotAsked(f"Chargebee answered {told}: is CHARGEBEE_API_KEY right, and of this site?")
        raise NotAsked(f"Chargebee answered {told}: is CHARGEBEE_SITE or CHARGEBEE_BASE_URL right?")
    return name


def _may_write(settings: ChargebeeSettings, domain: str) -> None:
    """Refuse all but a test site: by its address, by what it says of itself and by the key."""
    host = urlsplit(settings.base_url).hostname or ""
    names = [domain, *([host.partition(".")[0]] if host.endswith(_SITES) else [])]
    if not all(one.endswith("-test") for one in names) or settings.api_key.startswith("live_"):
        said = " / ".join(dict.fromkeys(names))
        raise NotWritten(f"{said} is not a test site (-test at its end); a check writes on no other")


def asked_for(probes: Probes, ids: Collection[str]) -> list[str]:
    """Return those of `ids` that no fact has."""
    known: set[str] = {fact.id for fact in probes.facts}
    return sorted(set(ids) - known)
