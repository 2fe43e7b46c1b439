"""Makes the calls of a check, one after another, within the site's limits and within a bound of time."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from secrets import choice
from typing import Any

from requests.auth import HTTPBasicAuth

from connectors.chargebee.check.conditions import MISSING, NotMade, Outcome, find, hold
from connectors.chargebee.check.probes import PLACEHOLDER, Call
from connectors.chargebee.check.site import currencies
from connectors.chargebee.client import options
from connectors.chargebee.forms import in_path
from connectors.chargebee.settings import ChargebeeSettings
from connectors.common.errors import ServiceError, Unavailable
from connectors.common.limiter import Limiter
from connectors.common.metrics import Metrics
from connectors.common.upstream import UpstreamClient, UpstreamResponse
from core.jsonio import Json

PREFIX = "cbcheck-"
"""What the ids of all records begin with that a check makes."""

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_QUIET = {"chargebee-event-email": "all-disabled"}
"""Sent with every write: nobody is mailed about what a check does."""

_TRIES = 5
_REPEAT = re.compile(r"repeat:(.):(\d+)")
_DAYS = re.compile(r"now\+(\d+)d")
_DAY_S = 86_400
_NOT_ENABLED = ("ZMW", "GEL", "KZT", "XPF", "MUR")
"""Real currencies that few sites have; the first that this one has not is tried."""


class OutOfTime(Exception):
    """The check has taken as long as it may."""


def new_run() -> str:
    """Return the name of a run: `cbcheck-2611300412-x7k2pa`, with which the ids of its records begin."""
    return f"{PREFIX}{datetime.now(UTC):%y%m%d%H%M}-{''.join(choice(_LETTERS) for _ in range(6))}"


def run_of(record_id: str) -> tuple[str, datetime] | None:
    """Return the run that made a record, and when it began; None for a record of other origin."""
    found = re.match(rf"{PREFIX}(\d{{10}})-[a-z0-9]+", record_id)
    try:
        return (found[0], datetime.strptime(f"{found[1]}+0000", "%y%m%d%H%M%z")) if found else None
    except ValueError:
        return None


class Caller:
    """One run's calls and their outcomes, by id."""

    def __init__(self, settings: ChargebeeSettings, run: str, seconds: float, patience: float) -> None:
        """`seconds`: how long all calls may take together; `patience`: between repeats of what comes late."""
        self.run = run
        self.outcomes: dict[str, Outcome] = {}
        self.made: list[tuple[str, str]] = []
        self.count = 0
        self._until = time.monotonic() + seconds
        self._patience = patience
        rate = settings.rate_per_minute / 60 or None
        limiter = Limiter(rate, burst=max(1, settings.rate_per_minute // 10), concurrency=1)
        self._http = _client(settings, settings.api_key, limiter)
        self._stranger = _client(settings, "cbcheck-wrong-key", limiter)

    def make(self, calls: Iterable[Call]) -> None:
        """Make these calls, in their order; what became of each is in `outcomes`."""
        for call in calls:
            self.outcomes[call.id] = self._outcome(call)

    def extend(self, seconds: float) -> None:
        """Allow this much time from now on."""
        self._until = time.monotonic() + seconds

    def ask(self, method: str, path: str, query: Mapping[str, str] | None = None) -> Outcome:
        """One call besides those of the probes."""
        return self._send(
            Call("", method, path), path, dict(query or {}), {} if method == "POST" else None, {}
        )

    def fill(self, text: str) -> str:
        """`text` with values in place of placeholders; `NotMade` when one is not known."""
        return PLACEHOLDER.sub(lambda found: self._value(found.group(1)), text)

    def _outcome(self, call: Call) -> Outcome:
        for name in call.after:
            if not self.outcomes[name].is_taken:
                return Outcome(reason=f"not made, because {name} brought {self.outcomes[name].told()}")
        try:
            path = PLACEHOLDER.sub(lambda found: in_path(self._value(found.group(1))), call.path)
            query, headers = self._filled(call.query), self._filled(call.headers)
            form = None if call.form is None else self._filled(call.form)
        except NotMade as unknown:
            return Outcome(reason=f"not made, because {unknown}")
        time.sleep(call.pause)
        outcome = self._parted(call, path, query, form, headers)
        for _ in range(_TRIES if call.until else 0):
            if outcome.reason or hold(call.until, {**self.outcomes, call.id: outcome}, self.fill):
                break
            time.sleep(self._patience)
            outcome = self._send(call, path, query, form, headers)
        if call.makes and outcome.is_taken and outcome.record is not MISSING:
            self.made.append((call.makes, str(outcome.record.get("id", ""))))
        return outcome

    def _parted(
        self,
        call: Call,
        path: str,
        query: dict[str, str],
        form: dict[str, str] | None,
        headers: dict[str, str],
    ) -> Outcome:
        """Send a call, again without each spare parameter that is refused; without all if none is named."""
        outcome = self._send(call, path, query, form, headers)
        left, found = [name for name in call.spare if form and name in form], dict[str, dict[str, int]]()
        while left and form and not outcome.is_taken and not outcome.reason:
            refused = outcome.part("param")
            if refused in left:
                found[str(refused)] = {"status": outcome.status}
            gone = [str(refused)] if refused in left else left
            instead = self._filled({name: text for name in gone if (text := call.spare[name]) is not None})
            form = {name: value for name, value in form.items() if name not in gone} | instead
            left = [name for name in left if name not in gone]
            outcome = self._send(call, path, query, form, headers)
        taken = {name: {"status": outcome.status} for name in left if outcome.is_taken}
        return replace(outcome, parted={**found, **taken})

    def _filled(self, texts: Mapping[str, str]) -> dict[str, str]:
        return {name: self.fill(text) for name, text in texts.items()}

    def _send(
        self,
        call: Call,
        path: str,
        query: dict[str, str],
        form: dict[str, str] | None,
        headers: dict[str, str],
    ) -> Outcome:
        if time.monotonic() > self._until:
            raise OutOfTime
        self.count += 1
        client = self._stranger if call.wrong_key else self._http
        given = headers if call.method == "GET" else {**_QUIET, **headers}
        try:
            answer = client.call(
                call.method,
                f"/{path}",
                operation="check",
                params=query,
                json=form if call.is_json else None,
                data=None if call.is_json else form,
                headers=given,
            )
        except ServiceError as error:
            return Outcome(reason=f"no answer ({error.detail})", sent=form or {})
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Outcome(answer.status, answer.body, named, form or {})

    def _value(self, name: str) -> str:
        if name == "run":
            return self.run
        if repeated := _REPEAT.fullmatch(name):
            return repeated.group(1) * int(repeated.group(2))
        if name == "now" or _DAYS.fullmatch(name):
            days = _DAYS.fullmatch(name)
            return str(int(time.time()) + _DAY_S * (int(days.group(1)) if days else 0))
        if name in ("currency", "other_currency"):
            return self._currency(name)
        value = find(self.outcomes, name)
        if value is MISSING or value is None:
            raise NotMade(f"{name.partition('.')[0]} brought no {name.rpartition('.')[2]}")
        return str(value)

    def _currency(self, name: str) -> str:
        if not self.outcomes["currencies"].is_taken and "prices" not in self.outcomes:
            self.outcomes["prices"] = self.ask("GET", "item_prices", {"limit": "1"})
        base, enabled = currencies(self.outcomes)
        if name == "other_currency":
            return next(code for code in _NOT_ENABLED if code not in enabled)
        if base is None:
            raise NotMade("the site's currency is not known")
        return base


def _client(settings: ChargebeeSettings, key: str, limiter: Limiter) -> UpstreamClient:
    return UpstreamClient(options(settings), HTTPBasicAuth(key, ""), limiter, Metrics(), _error_of)


def _error_of(answer: UpstreamResponse) -> ServiceError | None:
    """Only what is worth a repeat is an error here; a refusal is an answer like any other."""
    if answer.status == 429 or answer.status >= 500:
        return Unavailable(f"Chargebee answered {answer.status}")
    return None


def listed(outcome: Outcome, kind: str) -> list[Json]:
    """Return the records in a list of one kind of record."""
    rows: Any = outcome.body.get("list", []) if outcome.is_taken and isinstance(outcome.body, dict) else []
    return [row[kind] for row in rows if kind in row]
