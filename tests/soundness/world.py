"""The outside world of one stack: people who edit records through the systems' own APIs, faults, and crashes.

People notice when an answer is lost: they look whether their edit took effect and repeat it if not. So every
edit noted in the history did happen, exactly once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import requests

from core.jsonio import Json
from stack.process_manager import StackError
from stack.processes import Stack
from tests.soundness.kinds import CANCELLED, Kind, Values
from tests.soundness.model import normal
from tests.support.systems import form

PATIENCE_S = 90.0
LIST_LAG_S = 1.0
"""What the Chargebee service is told of how late its lists may be."""
SITE = "sandbox-test"
"""The sandbox's domain, after which its first business entity is called."""
PATHS = {"erp": ("erp-sandbox", "/api/v1"), "chargebee": ("chargebee-sandbox", "/api/v2")}


class Refused(Exception):
    """The system understood and said no (4xx); the message is its answer."""


class Unsure(Exception):
    """No answer, or one that does not tell whether anything was done."""


@dataclass(frozen=True)
class Drift:
    """How far the systems' clocks are ahead of ours in seconds, and whether lists may lag behind at all."""

    erp: float = 0.0
    chargebee: float = 0.0
    lags: bool = False

    @property
    def apart_us(self) -> int:
        """How far the two clocks are apart in microseconds."""
        return round(abs(self.erp - self.chargebee) * 1_000_000)


class World:
    """What people do to the two systems of a running stack."""

    def __init__(self, stack: Stack, drift: Drift | None = None) -> None:
        self.stack = stack
        self.drift = drift or Drift()
        self.outside_writes = 0
        self._prices: dict[str, str] = {}
        self._visible_at = 0.0
        self._written = 0
        self._sessions = {"erp": requests.Session(), "chargebee": requests.Session()}
        self._sessions["erp"].headers["Authorization"] = "Bearer sandbox"
        self._sessions["chargebee"].auth = ("sandbox", "")
        self._sessions["chargebee"].headers["chargebee-event-email"] = "all-disabled"
        for session in self._sessions.values():
            session.trust_env = False

    # --- edits

    def create(self, kind: Kind, fields: Json, is_mine: Callable[[Json], bool]) -> Json:
        """Make a record; `is_mine` recognises it should the answer be lost."""

        def look() -> Json | None:
            if kind.system == "chargebee" and kind.name != "business_entity":
                return self.found(kind.path, fields["id"])
            return next((each for each in self.all(kind) if is_mine(each)), None)

        return self._surely(lambda: self._send(kind, kind.path, fields, first=True), look)

    def call(self, kind: Kind, path: str, fields: Json, done: Callable[[], Json | None]) -> Json:
        """Any other write, to a path of the kind's system; `done` finds its result when the answer is lost."""
        return self._surely(lambda: self._send(kind, path, fields, first=True), done)

    def edit(self, kind: Kind, record: Json, changes: Values) -> tuple[Json, int]:
        """Set properties of a record that was just read. Answers how it is then, and when this began."""
        key = record["id"]
        started = self.now(kind)
        for place, body in kind.calls(record, changes):
            target = f"{kind.path}/{key}{place}"
            if place == "price":
                target = f"item_prices/{record['price_record']['id']}"
            if place == "payment":
                target = f"invoices/{record['invoice_id']}/record_payment"
            act = partial(self._send, kind, target, body)
            done = self._reopened if place == "/reopen" else self._done
            self._surely(act, partial(done, kind, key, changes))
        return self.get(kind, key), started

    def _done(self, kind: Kind, key: str, changes: Values) -> Json | None:
        record = self.get(kind, key)
        shown = kind.read(record)
        as_wanted = all(shown[name] == normal(value) for name, value in changes.items() if name in shown)
        return record if as_wanted else None

    def _reopened(self, kind: Kind, key: str, _: Values) -> Json | None:
        record = self.get(kind, key)
        return record if record["status"] != CANCELLED else None

    def delete(self, kind: Kind, key: str) -> None:
        """Delete a record."""

        def gone() -> Json | None:
            try:
                return None if not self.get(kind, key).get("deleted") else {}
            except Refused:
                return {}

        if kind.name == "item":
            self._delete_prices(key)
        if kind.system == "erp":
            self._surely(lambda: self._request("erp", "DELETE", f"{kind.path}/{key}") or {}, gone)
        else:
            self._surely(lambda: self._send(kind, f"{kind.path}/{key}/delete", {}), gone)

    def _delete_prices(self, item: str) -> None:
        """Chargebee deletes no item that has prices."""
        for price in self.chargebee_all("item_prices", **{"item_id[is]": item}):
            path = f"item_prices/{price['id']}"
            self._surely(
                lambda path=path: self._request("chargebee", "POST", f"{path}/delete"),
                lambda path=path: None if self.found(*path.split("/")) else {},
            )

    def _send(self, kind: Kind, path: str, fields: Json, first: bool = False) -> Json:
        if kind.name == "business_entity":
            return self._console(path, fields, first)
        if kind.system == "erp":
            return self._request("erp", "POST" if first else "PATCH", path, json=fields)
        answer = self._request("chargebee", "POST", path, data=form(fields))
        found: Json = answer[next(iter(answer))]
        return found

    def _console(self, path: str, fields: Json, first: bool) -> Json:
        url = self.stack.chargebee_sandbox_url + "/_sandbox/" + path
        answer = self._raw("chargebee", "POST" if first else "PATCH", url, json=fields)
        self.outside_writes -= 1  # the console is not counted as a caller
        return dict(answer.json())

    # --- looking

    def found(self, path: str, key: str) -> Json | None:
        """A Chargebee record that may be missing. Lists can lag behind, the look at one record never does."""
        try:
            answer = self._patiently("GET", "chargebee", f"{path}/{key}")
        except Refused:
            return None
        return dict(answer[next(iter(answer))])

    def get(self, kind: Kind, key: str) -> Json:
        """One record as it is now, an item with its price under `price_record`."""
        if kind.name == "business_entity":
            return next(each for each in self.business_entities() if each["id"] == key)
        if kind.system == "erp":
            return dict(self._patiently("GET", "erp", f"{kind.path}/{key}"))
        answer = self._patiently("GET", "chargebee", f"{kind.path}/{key}")
        record: Json = answer[next(iter(answer))]
        if kind.name == "item":
            record["price_record"] = self._price(key)
        return record

    def _price(self, item: str) -> Json | None:
        if item not in self._prices:
            for price in self.chargebee_all("item_prices", **{"item_id[is]": item})[:1]:
                self._prices[item] = price["id"]
        return self.found("item_prices", self._prices[item]) if item in self._prices else None

    def all(self, kind: Kind, with_deleted: bool = False) -> list[Json]:
        """All records of a kind. Deleted business entities show in any case."""
        params = {"include_deleted": "true"} if with_deleted else {}
        if with_deleted and kind.name == "item":
            params = {"status[in]": '["active","archived","deleted"]'}
        if kind.name == "business_entity":
            return self.business_entities()
        every = self.erp_all if kind.system == "erp" else self.chargebee_all
        return every(kind.path, **params)

    def erp_all(self, path: str, **params: str) -> list[Json]:
        """All records of an ERP collection."""
        found: list[Json] = []
        cursor: Json = {}
        while True:
            page = self._patiently("GET", "erp", path, params={"limit": "500", **params, **cursor})
            found += page["items"]
            if not page.get("next"):
                return found
            cursor = {"cursor": page["next"]}

    def chargebee_all(self, path: str, **params: str) -> list[Json]:
        """All records of a Chargebee collection."""
        found: list[Json] = []
        offset: Json = {}
        while True:
            page = self._patiently("GET", "chargebee", path, params={"limit": "100", **params, **offset})
            found += [next(iter(row.values())) for row in page["list"]]
            if "next_offset" not in page:
                return found
            offset = {"offset": page["next_offset"]}

    def business_entities(self) -> list[Json]:
        """Return the business entities that people made; the site's own from the start is none of their things."""
        url = self.stack.chargebee_sandbox_url + "/_sandbox/business_entities"
        entities = self._raw("chargebee", "GET", url).json()
        return [entity for entity in entities if entity["name"] != SITE]

    def collection(self) -> Json:
        """Return what Chargebee would charge by now, and whom it has mailed."""
        found: Json = self._raw(
            "chargebee", "GET", self.stack.chargebee_sandbox_url + "/_sandbox/collection"
        ).json()
        return found

    def now(self, kind: Kind) -> int:
        """What the clock of a record's system shows: microseconds, to the grain in which it tells them."""
        ahead = self.drift.erp if kind.system == "erp" else self.drift.chargebee
        us = time.time_ns() // 1000 + round(ahead * 1_000_000)
        return us if kind.system == "erp" else us // 1000 * 1000

    @staticmethod
    def clock(record: Json) -> int:
        """When a record says it changed last."""
        if "modified_at" in record:
            moment = datetime.fromisoformat(record["modified_at"]) - datetime(1970, 1, 1, tzinfo=UTC)
            return (moment.days * 86_400 + moment.seconds) * 1_000_000 + moment.microseconds
        return int(record["resource_version"]) * 1000

    # --- the stack

    def faults(self, **settings: Any) -> None:
        """Set both sandboxes' faults; nothing given means healthy, apart from the clocks."""
        for system, (name, _) in PATHS.items():
            body = {**settings, "clock_skew_s": getattr(self.drift, system)}
            if system == "erp":
                body.pop("list_lag_s", None)
            self._raw(system, "PUT", f"{self.stack.settings.url(name)}/_sandbox/faults", json=body)

    def await_visible(self) -> None:
        """Wait until a read by the sync shows what was written in Chargebee so far."""
        if not self.drift.lags:
            return
        written = sum(count for route, count in self.writes().items() if route.startswith("chargebee"))
        if written != self._written:
            self._written = written
            self._visible_at = time.monotonic() + LIST_LAG_S + 1 + max(0.0, self.drift.chargebee)
        time.sleep(max(0.0, self._visible_at - time.monotonic()))

    def writes(self) -> dict[str, int]:
        """Writes that took effect so far, by `system METHOD route`."""
        counted: dict[str, int] = {}
        for system, (name, _) in PATHS.items():
            stats = self._raw(system, "GET", f"{self.stack.settings.url(name)}/_sandbox/stats").json()
            counted |= {f"{system} {route}": count for route, count in stats["writes_by_route"].items()}
        return counted

    def crash(self, name: str) -> None:
        """End a process with SIGKILL and start it again."""
        self.stack.kill(name)
        self.stack.start(name)

    # --- requests

    def _surely(self, act: Callable[[], Json], look: Callable[[], Json | None]) -> Json:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                answer = act()
            except Unsure as error:
                found = look()
                if found is not None:
                    self.outside_writes += 1
                    return found
                if time.monotonic() > deadline:
                    raise StackError(f"a person gave up: {error}") from error
                time.sleep(0.05)
            else:
                self.outside_writes += 1
                return answer

    def _patiently(self, method: str, system: str, path: str, **options: Any) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._request(system, method, path, **options)
            except Unsure as error:
                if time.monotonic() > deadline:
                    raise StackError(f"a person gave up: {error}") from error
                time.sleep(0.05)

    def _request(self, system: str, method: str, path: str, **options: Any) -> Any:
        name, root = PATHS[system]
        answer = self._raw(system, method, f"{self.stack.settings.url(name)}{root}/{path}", **options)
        return answer.json() if answer.content else None

    def _raw(self, system: str, method: str, url: str, **options: Any) -> requests.Response:
        try:
            answer = self._sessions[system].request(method, url, timeout=20, **options)
        except requests.RequestException as error:
            raise Unsure(f"{method} {url}: {type(error).__name__}") from error
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Unsure(f"{method} {url}: {answer.status_code}")
        if answer.status_code >= 400:
            raise Refused(f"{method} {url}: {answer.status_code} {answer.text[:400]}")
        return answer


class Syncing(threading.Thread):
    """Running the pumps until nothing moves, beside what else happens; how it ended is in `problem`."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self._stack = stack
        self.problem: str | None = None
        self.start()

    def run(self) -> None:
        try:
            self._stack.sync()
        except (StackError, requests.RequestException, ValueError) as error:
            self.problem = str(error) or type(error).__name__
