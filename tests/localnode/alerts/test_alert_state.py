"""When people are told: once, of more, still, and when it is over; in groups, outside quiet hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from zoneinfo import ZoneInfo

import pytest

from localnode.alerts.message import plain, slack, subject, teams, text
from localnode.alerts.rules import AlertRules, QuietHours, Rule
from localnode.alerts.state import FIRING, MORE, RESOLVED, SETTLE_S, STILL, Alert, AlertState, Event
from localnode.diagnostics.findings import Finding

RULES = AlertRules(
    (Rule("failing", frozenset({"failed"}), 600.0, advice="Look."), Rule("waiting", frozenset({"pending"}))),
    group=60.0,
    repeat=3600.0,
)
FAILED = Finding("failed", "no such field", "crm-person-share", "CRM person")
PENDING = Finding("pending", "3 × console-only", "crm-person-share", "CRM person", 3)


class Clock:
    """A state that is told what there is, minute by minute."""

    def __init__(self, rules: AlertRules = RULES) -> None:
        self.rules, self.state, self.now = rules, AlertState(), 1_000_000.0

    def minutes(self, number: int, *findings: Finding, quiet: bool = False) -> list[list[tuple[str, str]]]:
        """Let so many minutes go by; the messages of each."""
        sent = []
        for _ in range(number):
            self.now += 60.0
            self.state = AlertState.of(self.state.as_json())  # as if the node were started again and again
            self.state.update(self.rules, findings, self.now)
            events = self.state.take(self.rules, quiet, self.now)
            if events:
                sent.append([(event.kind, event.alert.rule) for event in events])
        return sent


def test_what_lasts_long_enough_is_told_once_and_again_after_some_hours() -> None:
    clock = Clock()
    assert clock.minutes(10, FAILED) == []
    assert clock.minutes(3, FAILED) == [[(FIRING, "failing")]]
    assert clock.minutes(57, FAILED) == []
    assert clock.minutes(5, FAILED) == [[(STILL, "failing")]]


def test_what_is_over_soon_enough_is_not_told_at_all() -> None:
    clock = Clock()
    assert clock.minutes(9, FAILED) == [] and clock.minutes(30) == []


def test_the_end_is_told_when_it_has_lasted_and_what_comes_back_at_once_never_went() -> None:
    clock = Clock()
    clock.minutes(13, FAILED)
    clock.now += SETTLE_S / 2 - 60
    assert clock.minutes(1) == [] and clock.minutes(5, FAILED) == []
    assert clock.minutes(4) == [[(RESOLVED, "failing")]]
    assert clock.minutes(13, FAILED) == [[(FIRING, "failing")]], "another time, another alert"


def test_more_of_it_is_told_and_less_is_not() -> None:
    clock = Clock()
    assert clock.minutes(3, PENDING) == [[(FIRING, "waiting")]]
    assert clock.minutes(3, replace(PENDING, count=2)) == []
    assert clock.minutes(3, replace(PENDING, count=4)) == [[(MORE, "waiting")]]


def test_what_comes_up_together_is_one_message() -> None:
    clock = Clock(replace(RULES, group=180.0))
    clock.minutes(10, FAILED)
    assert clock.minutes(5, FAILED, PENDING) == [[(FIRING, "failing"), (FIRING, "waiting")]]


def test_quiet_hours_hold_messages_back_and_what_is_over_by_then_is_not_told() -> None:
    clock = Clock()
    assert clock.minutes(30, FAILED, PENDING, quiet=True) == []
    assert clock.minutes(5, FAILED, quiet=True) == []
    assert clock.minutes(3, FAILED) == [[(FIRING, "failing")]], "what waited is over"


def test_grave_ones_are_told_in_quiet_hours_too() -> None:
    hours = QuietHours(time(22), time(7), ZoneInfo("UTC"), loud=frozenset({"error"}))
    clock = Clock(replace(RULES, quiet=hours))
    assert clock.minutes(30, FAILED, PENDING, quiet=True) == [[(FIRING, "failing")]]
    assert clock.minutes(1, FAILED, PENDING) == [[(FIRING, "waiting")]]


def test_two_pipes_are_two_alerts() -> None:
    clock = Clock()
    other = replace(FAILED, pipe="crm-order-share")
    clock.minutes(11, FAILED, other)
    assert clock.minutes(2, FAILED, other) == [[(FIRING, "failing")] * 2]
    assert clock.minutes(5, other) == [[(RESOLVED, "failing")]]


EVENTS = [
    Event(FIRING, Alert("failing", "crm-person-share", "error", "CRM person", "no ```field", 1, 0.0), 0.0),
    Event(MORE, Alert("waiting", "crm-person-share", "warning", "CRM person", "4 × rule", 4, 0.0), 0.0),
    Event(RESOLVED, Alert("waiting", "crm-order-share", "warning", "CRM order", "gone", 1, 0.0), 0.0),
]


def test_a_message_says_what_where_since_when_and_what_to_do() -> None:
    assert subject(EVENTS, "acme") == "[acme] error: failing (1), waiting (1); 1 resolved"
    assert subject(EVENTS[2:], "acme") == "[acme] ok: 1 resolved"
    assert text(EVENTS, RULES, "acme").split("\n") == [
        "ERROR failing",
        "  CRM person (crm-person-share): no ```field [since 1970-01-01 00:00 UTC]",
        "  Look.",
        "",
        "WARNING waiting",
        "  CRM person (crm-person-share): 4 × rule [more of it, since 1970-01-01 00:00 UTC]",
        "",
        "RESOLVED waiting",
        "  CRM order (crm-order-share): gone [since 1970-01-01 00:00 UTC]",
        "",
        "Node: acme",
    ]


@pytest.mark.parametrize("number", [1, 200])
def test_the_formats_of_hooks(number: int) -> None:
    events = [replace(EVENTS[0], alert=replace(EVENTS[0].alert, pipe=f"p{at}")) for at in range(number)]
    said = slack(events, RULES, "acme")
    assert said["text"].startswith("[acme] error") and len(said["blocks"][0]["text"]["text"]) < 3000
    assert said["blocks"][0]["text"]["text"].count("```") == 2, "nothing in it ends the block"
    card = teams(events, RULES, "acme")["attachments"][0]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert card["content"]["body"][0]["text"].startswith("[acme]") and all(
        each["text"] for each in card["content"]["body"]
    )
    assert [each["event"] for each in plain(events, RULES, "acme")["events"]] == [FIRING] * number
