"""Read the rules of a node's alerts: one JSON file, checked completely before it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from jsonschema import Draft202012Validator

from core import jsonio
from core.jsonio import pointer
from core.schema_messages import explain
from core.settings import BadSetting
from core.suggestions import did_you_mean
from localnode.diagnostics.findings import ERRORS, KINDS, WARNINGS, Finding

HERE = Path(__file__).parent
DEFAULT = HERE / "rules.json"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


@dataclass(frozen=True)
class Rule:
    """An alert for findings of the kinds `when` (and, if given, of `pipes`) that last for `seconds`."""

    name: str
    when: frozenset[str]
    seconds: float = 0.0
    at_least: int = 1
    severity: str | None = None
    pipes: tuple[str, ...] = ()
    advice: str = ""

    def matches(self, found: Finding) -> bool:
        """Whether a finding is what the rule looks for."""
        if found.kind not in self.when or found.count < self.at_least:
            return False
        return not self.pipes or any(fnmatchcase(found.pipe or "", pattern) for pattern in self.pipes)

    def grade(self, found: Finding) -> str:
        """How grave an alert about a finding is: error or warning."""
        return self.severity or (ERRORS if found.severity == ERRORS else WARNINGS)


@dataclass(frozen=True)
class Channel:
    """Where alerts go: e-mail addresses, or the URL of a webhook. `id` identifies the channel."""

    id: str
    type: str
    to: tuple[str, ...] = ()
    url: str = ""
    severities: frozenset[str] = frozenset({ERRORS, WARNINGS})
    rules: frozenset[str] | None = None

    def takes(self, rule: str, severity: str) -> bool:
        """Return whether it should receive an alert."""
        return severity in self.severities and (self.rules is None or rule in self.rules)


@dataclass(frozen=True)
class QuietHours:
    """When nobody is notified, except for alerts of the severities in `loud`."""

    start: time
    end: time
    zone: ZoneInfo
    days: frozenset[str] = frozenset()
    loud: frozenset[str] = frozenset()

    def holds(self, moment: datetime) -> bool:
        """Return whether an instant is within them; hours that pass midnight belong to both days."""
        local = moment.astimezone(self.zone)
        if DAYS[local.weekday()] in self.days:
            return True
        now = local.time().replace(tzinfo=None)
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


@dataclass(frozen=True)
class AlertRules:
    """All of a file. Times are seconds; `repeat` 0 stands for never."""

    rules: tuple[Rule, ...]
    channels: tuple[Channel, ...] = ()
    quiet: QuietHours | None = None
    group: float = 60.0
    repeat: float = timedelta(hours=24).total_seconds()
    file: Path = field(default=DEFAULT)


def read_rules(path: Path, environment: Mapping[str, str]) -> AlertRules:
    """Read and check a file. BadSetting names the file, the place in it and what to write instead."""
    try:
        document = jsonio.read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSetting(f"the alert rules {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadSetting(f"the alert rules {path} are not JSON: {error}") from error
    for problem in _schema().iter_errors(document):
        for found in explain(problem, show=repr):
            raise BadSetting(f"the alert rules {path} at {pointer(found.path)}: {found.text}")
    rules = tuple(_rule(each, path, at) for at, each in enumerate(document["rules"]))
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise BadSetting(f'the alert rules {path}: two rules are called "{name}"')
    return AlertRules(
        rules,
        tuple(
            _channel(each, path, at, names, environment)
            for at, each in enumerate(document.get("channels", []))
        ),
        _quiet(document.get("quiet_hours"), path),
        document.get("group_minutes", 1) * 60.0,
        document.get("repeat_hours", 24) * 3600.0,
        path,
    )


@cache
def _schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((HERE / "rules.schema.json").read_bytes()))


def _rule(each: Mapping[str, Any], path: Path, at: int) -> Rule:
    for kind in each["when"]:
        if kind not in KINDS:
            hint = did_you_mean(kind, KINDS)
            raise BadSetting(
                f'the alert rules {path} at /rules/{at}/when: there is no finding "{kind}"{hint}'
            )
    return Rule(
        each["name"],
        frozenset(each["when"]),
        each.get("for_minutes", 0) * 60.0,
        each.get("at_least", 1),
        each.get("severity"),
        tuple(each.get("pipes", ())),
        each.get("advice", ""),
    )


def _channel(
    each: Mapping[str, Any], path: Path, at: int, names: list[str], environment: Mapping[str, str]
) -> Channel:
    for name in each.get("rules", ()):
        if name not in names:
            hint = did_you_mean(name, names)
            raise BadSetting(
                f'the alert rules {path} at /channels/{at}/rules: there is no rule "{name}"{hint}'
            )
    url = each.get("url", "")
    variable = _VARIABLE.fullmatch(url)
    if variable is not None:
        url = environment.get(variable[1], "")
        if not url:
            raise BadSetting(
                f"{variable[1]} is required by the alert rules {path} at /channels/{at}/url: the address of"
                " the hook"
            )
    rules = each.get("rules")
    return Channel(
        f"{at + 1}. {each['type']}",
        each["type"],
        tuple(each.get("to", ())),
        url,
        frozenset(each.get("severities", (ERRORS, WARNINGS))),
        None if rules is None else frozenset(rules),
    )


def _quiet(each: Mapping[str, Any] | None, path: Path) -> QuietHours | None:
    if each is None:
        return None
    zone = each.get("time_zone", "UTC")
    if zone not in available_timezones():
        hint = did_you_mean(zone, available_timezones())
        raise BadSetting(
            f'the alert rules {path} at /quiet_hours/time_zone: no IANA time zone "{zone}"{hint}'
        )
    start, end = (time.fromisoformat(each[name]) for name in ("from", "to"))
    return QuietHours(
        start, end, ZoneInfo(zone), frozenset(each.get("days", ())), frozenset(each.get("except", ()))
    )
