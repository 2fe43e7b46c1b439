"""Keep the state of the alerts: what is wrong since when, and what people were sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from localnode.alerts.rules import AlertRules, Rule
from localnode.diagnostics.findings import Finding

FIRING, MORE, STILL, RESOLVED = "firing", "more", "still", "resolved"
"""What there is to tell of an alert: it began, it concerns more records, it lasts, it is over."""
SETTLE_S = 60.0
"""What is gone for so long is over; what comes back sooner has never been away."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Alert:
    """One rule about one pipe. Times are Unix seconds; `told` when people were last told, None for not yet.

    `told_count`: how many records it concerned then; `gone`: since when there is nothing of it.
    """

    rule: str
    pipe: str
    severity: str
    about: str
    detail: str
    count: int
    since: float
    told: float | None = None
    told_count: int = 0
    gone: float | None = None

    @property
    def key(self) -> str:
        """Return the key that identifies it."""
        return f"{self.rule}|{self.pipe}"


@dataclass(frozen=True)
class Event:
    """A change of an alert to report, since `at`."""

    kind: str
    alert: Alert
    at: float


@dataclass
class AlertState:
    """All alerts by key, and the events that have not been told yet."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    waiting: list[Event] = field(default_factory=list)

    def update(self, rules: AlertRules, findings: Iterable[Finding], now: float) -> None:
        """Update the alerts from the present findings."""
        active: dict[str, Alert] = {}
        for found in findings:
            for rule in rules.rules:
                if rule.matches(found):
                    alert = self._seen(rule, found, now)
                    active[alert.key] = alert
        for key, alert in list(self.alerts.items()):
            if key not in active:
                self._missing(alert, now)
        seconds = {rule.name: rule.seconds for rule in rules.rules}
        for key, alert in active.items():
            self.alerts[key] = self._due(alert, seconds[alert.rule], rules.repeat, now)

    def _seen(self, rule: Rule, found: Finding, now: float) -> Alert:
        name = found.pipe or ""
        known = self.alerts.get(f"{rule.name}|{name}")
        about = found.about or name or "the node"
        fresh = Alert(rule.name, name, rule.grade(found), about, found.detail, found.count, now)
        if known is None:
            return fresh
        return replace(fresh, since=known.since, told=known.told, told_count=known.told_count)

    def _due(self, alert: Alert, seconds: float, repeat: float, now: float) -> Alert:
        if alert.told is None:
            kind = FIRING if now - alert.since >= seconds else None
        elif alert.count > alert.told_count:
            kind = MORE
        else:
            kind = STILL if repeat and now - alert.told >= repeat else None
        if kind is None:
            return alert
        alert = replace(alert, told=now, told_count=alert.count)
        self._tell(Event(kind, alert, now))
        return alert

    def _missing(self, alert: Alert, now: float) -> None:
        if alert.gone is None:
            self.alerts[alert.key] = replace(alert, gone=now)
            return
        if now - alert.gone < SETTLE_S:
            return
        del self.alerts[alert.key]
        if alert.told is not None:
            self._tell(Event(RESOLVED, alert, now))

    def _tell(self, event: Event) -> None:
        """Add an event; an alert that ended before it was sent is dropped."""
        earlier = [each for each in self.waiting if each.alert.key == event.alert.key]
        self.waiting = [each for each in self.waiting if each not in earlier]
        began = next((each for each in earlier if each.kind == FIRING), None)
        if event.kind == RESOLVED and began is not None:
            return
        self.waiting.append(replace(event, kind=FIRING, at=began.at) if began is not None else event)

    def take(self, rules: AlertRules, is_quiet: bool, now: float) -> list[Event]:
        """Return the events to send now, in one message: none until the first is old enough."""
        loud = rules.quiet.loud if rules.quiet is not None else frozenset()
        ready = [each for each in self.waiting if not is_quiet or each.alert.severity in loud]
        if not ready or now - min(each.at for each in ready) < rules.group:
            return []
        self.waiting = [each for each in self.waiting if each not in ready]
        return ready

    def as_json(self) -> Json:
        """Return the state as JSON for `of`, to survive restarts."""
        return {
            "alerts": [asdict(each) for each in self.alerts.values()],
            "waiting": [asdict(each) for each in self.waiting],
        }

    @classmethod
    def of(cls, kept: Json) -> AlertState:
        """Return the state from the result of `as_json`."""
        alerts = [Alert(**each) for each in kept.get("alerts", ())]
        waiting = [Event(e["kind"], Alert(**e["alert"]), e["at"]) for e in kept.get("waiting", ())]
        return cls({each.key: each for each in alerts}, waiting)
