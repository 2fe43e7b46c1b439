"""Check the node at intervals, and notify people."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.clock import seconds_to_text
from core.settings import BadSetting
from localnode.alerts.channels import NotSent, send
from localnode.alerts.rules import Channel, read_rules
from localnode.alerts.settings import alert_settings
from localnode.alerts.state import FIRING, Alert, AlertState, Event
from localnode.diagnostics.findings import findings
from localnode.errors import NotFound
from localnode.node import Node
from localnode.store import DiskFull, StoreError

log = logging.getLogger(__name__)

PAUSE_S = 15.0
FIRST_RETRY_S, LONGEST_RETRY_S = 30.0, 1800.0
KEPT = 500
"""Events that wait for a channel that does not work; older ones are dropped, and that is logged."""
STATE = "alerts"
Json = dict[str, Any]


def check_settings(environment: Mapping[str, str]) -> None:
    """Raise BadSetting for alert settings that cannot be used."""
    settings = alert_settings(environment)
    rules = read_rules(settings.rules, environment)
    if not settings.host and any(channel.type == "email" for channel in rules.channels):
        raise BadSetting(
            "ALERTS_SMTP_HOST and ALERTS_FROM are needed: the alert rules have an e-mail channel"
        )


@dataclass
class Outbox:
    """What a channel still has to send; times are Unix seconds."""

    events: list[Event] = field(default_factory=list)
    next_try: float = 0.0
    pause: float = FIRST_RETRY_S
    sent: float | None = None
    error: str | None = None


class AlertWatch:
    """The alerts of one node. `name` is what messages call it.

    Rules are read again when their file changes; one with errors is refused and the former ones stay.
    """

    def __init__(
        self,
        node: Node,
        name: str,
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """BadSetting when the file of NODE_ALERTS or the mail settings cannot be used."""
        self._node, self._name, self._environment, self._clock = node, name, environment, clock
        self._settings = alert_settings(environment)
        self._file = self._settings.rules
        self._rules = read_rules(self._file, environment)
        self._read_at = self._file.stat().st_mtime
        self._problem: str | None = None
        self._saved = node.uploaded.node_value(STATE) or "{}"
        self._state = AlertState.of(json.loads(self._saved))
        self._outboxes: dict[str, Outbox] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        """Check every PAUSE_S from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop checking; a message in progress may finish."""
        self._stop.set()

    def look(self) -> None:
        """Check once, and send what is due."""
        now = self._clock()
        with self._lock:
            self._read_again()
            self._state.update(self._rules, findings(self._node), now)
            is_quiet = self._rules.quiet is not None and self._rules.quiet.holds(
                datetime.fromtimestamp(now, UTC)
            )
            self._share_out(self._state.take(self._rules, is_quiet, now))
            self._save()
            channels = list(self._rules.channels)
        for channel in channels:
            self._deliver(channel, now)

    def try_channels(self, channel_id: str | None = None) -> list[Json]:
        """Send a message to try them out: `[{"channel", "error": text | null}]`. NotFound for no such one."""
        now = self._clock()
        sample = Alert("test", "", "warning", "This is a test", "somebody tries the alerts out", 1, now)
        found = [each for each in self._rules.channels if channel_id in (None, each.id)]
        if channel_id is not None and not found:
            raise NotFound(f'there is no channel "{channel_id}"')
        results = []
        for channel in found:
            error = self._send(channel, [Event(FIRING, sample, now)])
            results.append({"channel": channel.id, "error": error})
        return results

    def as_json(self) -> Json:
        """Return the alerts, their channels, and whether those work."""
        with self._lock:
            alerts = [_shown(each) for each in self._state.alerts.values() if each.gone is None]
            return {
                "file": str(self._rules.file),
                "problem": self._problem,
                "firing": [each for each in alerts if each["told"] is not None],
                "coming": [each for each in alerts if each["told"] is None],
                "channels": [self._channel(each) for each in self._rules.channels],
            }

    def _channel(self, channel: Channel) -> Json:
        outbox = self._outboxes.get(channel.id, Outbox())
        return {
            "id": channel.id,
            "type": channel.type,
            "to": list(channel.to),
            "waiting": len(outbox.events),
            "sent": seconds_to_text(outbox.sent) if outbox.sent else None,
            "error": outbox.error,
        }

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_S):
            try:
                self.look()
            except StoreError:
                log.exception("the alerts could not look at the node")
            except Exception:  # the watch must outlive whatever it meets
                log.exception("unexpected error in the alerts")

    def _save(self) -> None:
        """Keep the state over restarts, when it has changed; people are told of a full disk all the same."""
        text = json.dumps(self._state.as_json())
        if text == self._saved:
            return
        try:
            self._node.uploaded.set_node_value(STATE, text)
            self._saved = text
        except DiskFull as error:
            log.error("the alerts cannot keep whom they have told: %s", error)

    def _read_again(self) -> None:
        try:
            changed = self._file.stat().st_mtime
        except OSError as error:
            self._problem = f"{self._file}: {error.strerror}"
            return
        if changed == self._read_at:
            return
        self._read_at = changed
        try:
            self._rules, self._problem = read_rules(self._file, self._environment), None
        except BadSetting as error:
            self._problem = str(error)
            log.error("%s; the former rules stay", error)

    def _share_out(self, events: list[Event]) -> None:
        for channel in self._rules.channels:
            wanted = [each for each in events if channel.takes(each.alert.rule, each.alert.severity)]
            outbox = self._outboxes.setdefault(channel.id, Outbox())
            outbox.events += wanted
            if len(outbox.events) > KEPT:
                dropped = len(outbox.events) - KEPT
                log.error(
                    "alerts: %d events for %s are dropped: it does not accept them", dropped, channel.id
                )
                outbox.events = outbox.events[dropped:]

    def _deliver(self, channel: Channel, now: float) -> None:
        outbox = self._outboxes.setdefault(channel.id, Outbox())
        if not outbox.events or now < outbox.next_try:
            return
        events = list(outbox.events)
        outbox.error = self._send(channel, events)
        if outbox.error is None:
            outbox.events = outbox.events[len(events) :]
            outbox.sent, outbox.pause = now, FIRST_RETRY_S
        else:
            outbox.next_try = now + outbox.pause
            outbox.pause = min(outbox.pause * 2, LONGEST_RETRY_S)
            log.error("alerts: %s: %s; it is tried again in %d s", channel.id, outbox.error, outbox.pause)

    def _send(self, channel: Channel, events: list[Event]) -> str | None:
        """Why it did not get through, None when it did."""
        try:
            send(channel, events, self._rules, self._name, self._settings)
        except NotSent as error:
            return str(error)
        return None


def _shown(alert: Alert) -> Json:
    return {
        "rule": alert.rule,
        "severity": alert.severity,
        "pipe": alert.pipe or None,
        "about": alert.about,
        "detail": alert.detail,
        "count": alert.count,
        "since": seconds_to_text(alert.since),
        "told": seconds_to_text(alert.told) if alert.told is not None else None,
    }
