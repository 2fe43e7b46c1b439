"""Write alerts for people: text for e-mail, and the formats of Slack, Teams and other webhooks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from core.clock import seconds_to_text
from localnode.alerts.rules import AlertRules
from localnode.alerts.state import FIRING, MORE, RESOLVED, STILL, Event

Json = dict[str, Any]
WORDS = {FIRING: "", MORE: "more of it", STILL: "still", RESOLVED: "resolved"}
FEW = 10
SLACK_CHARACTERS = 2900
"""A section of a Slack message takes 3,000 (https://docs.slack.dev/reference/block-kit/blocks/section-block)."""


def subject(events: Sequence[Event], node: str) -> str:
    """`[sesam node] error: failing (2), waiting (1); 1 resolved`."""
    counts: defaultdict[str, int] = defaultdict(int)
    for event in events:
        if event.kind != RESOLVED:
            counts[event.alert.rule] += 1
    resolved = sum(event.kind == RESOLVED for event in events)
    parts = [", ".join(f"{rule} ({number})" for rule, number in counts.items())] if counts else []
    parts += [f"{resolved} resolved"] if resolved else []
    grave = {event.alert.severity for event in events if event.kind != RESOLVED}
    level = "error" if "error" in grave else "warning" if grave else "ok"
    return f"[{node}] {level}: {'; '.join(parts)}"


def text(events: Sequence[Event], rules: AlertRules, node: str) -> str:
    """Return the whole message, grouped by rule; resolved alerts are at the end."""
    advice = {rule.name: rule.advice for rule in rules.rules}
    by_rule: defaultdict[tuple[bool, str], list[Event]] = defaultdict(list)
    for event in events:
        by_rule[event.kind == RESOLVED, event.alert.rule].append(event)
    paragraphs = []
    for (resolved, rule), found in sorted(by_rule.items()):
        lines = [f"{'RESOLVED' if resolved else found[0].alert.severity.upper()} {rule}"]
        lines += [f"  {_line(event)}" for event in found[:FEW]]
        lines += [f"  and {len(found) - FEW} more"] if found[FEW:] else []
        lines += [f"  {advice[rule]}"] if advice.get(rule) and not resolved else []
        paragraphs.append("\n".join(lines))
    return "\n\n".join([*paragraphs, f"Node: {node}"])


def _line(event: Event) -> str:
    alert = event.alert
    since = seconds_to_text(alert.since)[:16].replace("T", " ")
    word = f"{WORDS[event.kind]}, " if WORDS[event.kind] and event.kind != RESOLVED else ""
    pipe = f" ({alert.pipe})" if alert.pipe and alert.pipe != alert.about else ""
    return f"{alert.about}{pipe}: {alert.detail} [{word}since {since} UTC]"


def slack(events: Sequence[Event], rules: AlertRules, node: str) -> Json:
    """For an incoming webhook of Slack: `text` is the notification, the block what is shown."""
    body = text(events, rules, node)[:SLACK_CHARACTERS]
    block = {"type": "section", "text": {"type": "mrkdwn", "text": f"```\n{body.replace('```', '')}\n```"}}
    return {"text": subject(events, node), "blocks": [block]}


def teams(events: Sequence[Event], rules: AlertRules, node: str) -> Json:
    """For a Teams workflow that posts what a webhook brings: a message with an adaptive card."""
    title = {"type": "TextBlock", "text": subject(events, node), "weight": "Bolder", "wrap": True}
    body = [
        {"type": "TextBlock", "text": part, "wrap": True} for part in text(events, rules, node).split("\n")
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *(each for each in body if each["text"])],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [content]}


def plain(events: Sequence[Event], rules: AlertRules, node: str) -> Json:
    """For any other hook: the text, and every event for programs."""
    return {
        "node": node,
        "subject": subject(events, node),
        "text": text(events, rules, node),
        "events": [
            {
                "event": event.kind,
                "rule": event.alert.rule,
                "severity": event.alert.severity,
                "pipe": event.alert.pipe or None,
                "about": event.alert.about,
                "count": event.alert.count,
                "detail": event.alert.detail,
                "since": seconds_to_text(event.alert.since),
            }
            for event in events
        ],
    }
