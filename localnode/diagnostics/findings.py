"""Find what needs attention on a node: pumps that do not work, and records that wait for somebody.

All views use this (status, plan, verify, Studio, alerts), so that they never contradict each other. The
present state counts, not how the last run ended.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from core.jsonio import Json
from core.names import SHARE, parse_pipe
from localnode.config.problems import ERROR
from localnode.diagnostics.names import Labels, kinds
from localnode.diagnostics.open_cases import count_open
from localnode.diagnostics.rules import in_words
from localnode.node import Node, NodePipe
from localnode.pipes.policy import policy
from localnode.scheduler import FAILED, NOT_READY
from localnode.store import DiskFull
from localnode.store.breaker import staged_count
from localnode.store.disk import shortage

ERRORS, WARNINGS, NOTES = "error", "warning", "note"

KINDS = {
    "disk-full": (ERRORS, "the disk that holds the data of the node is full: it can store nothing more"),
    "config-error": (ERRORS, "the configuration of a pipe has an error, so it does not run"),
    "not-runnable": (ERRORS, "a pipe cannot run here: its system has no address, or a secret is missing"),
    "unreadable": (ERRORS, "a pipe could not read from its system"),
    "failed": (ERRORS, "the last run of a pipe failed"),
    "breaker": (ERRORS, "a circuit breaker has tripped: a person lets the changes through or drops them"),
    "rejected": (ERRORS, "records that the other side refuses"),
    "quarantined": (ERRORS, "records that were written too often within an hour and are held back"),
    "dead-letters": (ERRORS, "entities that a pipe could not process"),
    "stalled": (WARNINGS, "a pump that should have run by now has not"),
    "disabled": (WARNINGS, "a person has disabled a pump: its pipe processes nothing"),
    "manual": (WARNINGS, "a share pump runs only on request: nothing is written automatically"),
    "not-scheduled": (WARNINGS, "no pump runs by itself: scheduling is off"),
    "pending": (WARNINGS, "records that wait for a person"),
    "retries": (WARNINGS, "entities that could not be processed yet and are tried again"),
    "waits": (NOTES, "a pipe waits for its input to exist"),
    "conflict": (NOTES, "records that somebody changed in the meantime; the next run decides again"),
    "gone": (NOTES, "records that no longer exist"),
    "behind": (NOTES, "changes that are on their way"),
}
"""Every kind of finding: how grave it is, and its meaning."""
OVERDUE_S = 120.0
TO_DECIDE = "Look in Studio (Pending) or with `localnode breakers`, then let them through or drop them"
TO_MEND = "Correct them, then retry or drop them: Studio (Dead letters) or `localnode dead-letters`"
"""What a person does about a tripped breaker, and about dead letters."""
OF_RECORDS = ("rejected", "quarantined", "pending", "conflict", "gone")
"""The kinds that are about records in the share datasets, by their `$status`."""


@dataclass(frozen=True)
class Finding:
    """One thing that needs attention. `about` is its name for people (`ERP contact`), `since` UTC or None."""

    kind: str
    detail: str
    pipe: str | None = None
    about: str | None = None
    count: int = 1
    since: str | None = None

    @property
    def severity(self) -> str:
        """error, warning or note."""
        return KINDS[self.kind][0]

    def as_json(self) -> Json:
        """`{"kind", "severity", "pipe", "about", "count", "since", "detail"}`."""
        return {**asdict(self), "severity": self.severity}


def findings(node: Node) -> list[Finding]:
    """Return all findings, the most serious first."""
    labels = Labels.of(node.config)
    found = [*_of_node(node), *_of_pumps(node, labels)]
    try:
        found += _of_records(node, labels)
    except DiskFull as error:  # the index that they are counted by may have to be made first
        found.append(Finding("disk-full", str(error)))
    order = list(KINDS)
    return sorted(found, key=lambda each: (order.index(each.kind), each.pipe or ""))


def of_pumps(node: Node) -> list[Finding]:
    """Return findings that stop a run from doing its work: all except those about records."""
    return [each for each in findings(node) if each.kind not in OF_RECORDS]


def summary(found: list[Finding]) -> Json:
    """`{"state": "ok" | "error" | "warning", "counts": {kind: n}}`; notes leave the state at "ok"."""
    counts: Counter[str] = Counter()
    for each in found:
        counts[each.kind] += each.count
    grave = {each.severity for each in found}
    state = next((level for level in (ERRORS, WARNINGS) if level in grave), "ok")
    return {"state": state, "counts": {kind: counts[kind] for kind in KINDS if counts[kind]}}


def _of_node(node: Node) -> Iterator[Finding]:
    full = shortage(node.settings.data)
    if full:
        yield Finding("disk-full", f"{full}; free some space, and the node goes on")
    if not node.scheduling and not _all_are_run(node):
        yield Finding("not-scheduled", "no pump runs by itself: run all pipes, or start scheduling")


def _of_pumps(node: Node, labels: Labels) -> Iterator[Finding]:
    for pipe in node.pipes.values():
        stage = parse_pipe(pipe.id)
        about = labels.kind(stage[0]) if stage is not None else None
        is_share = stage is not None and stage[1] == SHARE
        if _is_stalled(node, pipe):
            yield Finding(
                "stalled", f"should have run at {_utc(pipe.pump.next_run)[:19]} UTC", pipe.id, about
            )
        for kind, detail, count in [*_of_pipe(pipe, is_share), *_of_queues(node, pipe)]:
            last = pipe.pump.last
            since = _utc(last.ended) if last is not None and kind in ("failed", "unreadable") else None
            yield Finding(kind, detail, pipe.id, about, count, since)


def _of_pipe(pipe: NodePipe, is_share: bool) -> Iterator[tuple[str, str, int]]:
    """(kind, detail, count) of one pipe."""
    component, pump = pipe.component, pipe.pump
    if not component.valid:
        first = next(each for each in component.problems if each.level == ERROR)
        yield "config-error", f"at {first.elements}: {first.msg}", 1
        return
    if pump.disabled:
        yield "disabled", f"disabled{f': {pump.comment}' if pump.comment else ''}", 1
    elif pipe.blocked:
        yield "not-runnable", pipe.blocked, 1
    elif pipe.has_pump and is_share and pump.schedule.mode in ("manual", "off"):
        yield "manual", f"its pump is {pump.schedule.mode}: it writes only when a person starts it", 1
    yield from _of_last_run(pipe)


def _of_last_run(pipe: NodePipe) -> Iterator[tuple[str, str, int]]:
    dataset, last = pipe.sink_dataset, pipe.pump.last
    breaker = dataset.info().breaker if dataset is not None else None
    if dataset is not None and breaker:
        held = staged_count(dataset)
        yield "breaker", f"{_counted(held, 'change waits', 'changes wait')}: {breaker}. {TO_DECIDE}", held
    elif last is not None and last.outcome.status == FAILED and pipe.has_pump and not pipe.blocked:
        yield "unreadable" if pipe.is_input else "failed", last.outcome.reason, 1
    elif last is not None and last.outcome.status == NOT_READY:
        yield "waits", last.outcome.reason, 1


def _of_queues(node: Node, pipe: NodePipe) -> Iterator[tuple[str, str, int]]:
    if pipe.engine_pipe is None or not pipe.has_pump:
        return
    queues = pipe.queues()
    behind = (queues["source"] or 0) + sum(queues["dependencies"].values())
    if behind:
        told = _counted(behind, "change is on its way", "changes are on their way")
        yield "behind", told, behind
    if queues["retries"]:
        told = _counted(queues["retries"], "entity is tried again", "entities are tried again")
        yield "retries", told, queues["retries"]
    name = policy(pipe.component.effective).dead_letter_dataset
    dataset = node.store.find(name) if name else None
    letters = dataset.info().live if dataset is not None else 0
    if letters:
        told = _counted(letters, "entity failed", "entities failed")
        yield "dead-letters", f"{told}. {TO_MEND}", letters


def _of_records(node: Node, labels: Labels) -> Iterator[Finding]:
    for kind in kinds(node.config, SHARE):
        for status, rules in count_open(node.store, kind).items():
            known = status if status in OF_RECORDS else "pending"
            told = ", ".join(f"{number} × {_lower(in_words(rule))}" for rule, number in rules.most_common())
            yield Finding(known, told, kind.pipe(SHARE), labels.kind(kind), rules.total())


def _is_stalled(node: Node, pipe: NodePipe) -> bool:
    """Whether a pump is overdue; while all pipes are run nothing starts by itself."""
    pump = pipe.pump
    waits = node.scheduling and pipe.has_pump and pump.may_run and not pump.is_running
    return waits and time.time() - pump.next_run > OVERDUE_S and not _all_are_run(node)


def _all_are_run(node: Node) -> bool:
    """Whether somebody has asked for a run of all pipes, which is under way."""
    return bool(node.runs.status(None)["status"] == "running")


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
