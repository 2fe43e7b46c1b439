"""Webhook endpoints, and the delivery of events to them.

A delivery is a POST whose body is the event; any 2xx is success
(https://apidocs.chargebee.com/docs/api/webhooks).
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from sandbox.chargebee.errors import configuration_incompatible, wrong_value
from sandbox.chargebee.facts import imitates
from sandbox.chargebee.records import Write, public
from sandbox.common.control import FAULTS_SETTING
from sandbox.common.faults import FaultSettings
from sandbox.common.state import Record, State

_MAX_ENDPOINTS = 5
_TIMEOUT_S = 10
RETRIES_S = (2.0, 6.0, 30.0, 60.0, 300.0)
"""Pauses before a delivery is repeated: a sixtieth of the real ones, and not quite as many."""

_DEFAULTS: Record = {
    "api_version": "v2",
    "disabled": False,
    "primary_url": False,
    "send_card_resource": False,
}


@imitates("five-endpoints")
def create(write: Write, values: dict[str, Any]) -> Record:
    """`POST /webhook_endpoints`: at most five."""
    if write.tx.setting("webhook_endpoints") is None:
        write.tx.set_setting("webhook_endpoints", [])
    known = write.tx.setting("webhook_endpoints")
    if len(known) >= _MAX_ENDPOINTS:
        raise configuration_incompatible(f"There can be at most {_MAX_ENDPOINTS} webhook endpoints")
    endpoint = {"id": write.new_id("we_"), **_DEFAULTS}
    _assign(endpoint, values)
    write.tx.set_setting("webhook_endpoints", [*known, endpoint["id"]])
    return write.save("webhook_endpoint", endpoint)


@imitates("five-endpoints")
def update(write: Write, endpoint_id: str, values: dict[str, Any]) -> Record:
    """`POST /webhook_endpoints/{id}`."""
    endpoint = write.get("webhook_endpoint", endpoint_id)
    _assign(endpoint, values)
    return write.save("webhook_endpoint", endpoint)


@imitates("five-endpoints")
def delete(write: Write, endpoint_id: str, values: dict[str, Any]) -> Record:
    """`POST /webhook_endpoints/{id}/delete`."""
    endpoint = write.get("webhook_endpoint", endpoint_id)
    write.tx.remove("webhook_endpoint", endpoint_id)
    known = write.tx.setting("webhook_endpoints")
    write.tx.set_setting("webhook_endpoints", [one for one in known if one != endpoint_id])
    return endpoint


@imitates("values-are-checked")
def _assign(endpoint: Record, values: dict[str, Any]) -> None:
    url = values.get("url", endpoint.get("url")) or ""
    if not url.startswith(("http://", "https://")):
        raise wrong_value("url", "should be a http or https URL")
    for name, value in values.items():
        endpoint["_" + name if name == "basic_auth_password" else name] = value


class Delivery:
    """Sends events to the endpoints, in the background, in their order unless faults say otherwise.

    A delivery that is not answered 2xx is repeated after `RETRIES_S`. Waiting deliveries do not survive a
    restart: what matters to a listener is that events come, come twice, come late or do not come.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._faults = FaultSettings()
        self._random = random.Random(self._faults.seed)

    @imitates("events-come-at-least-once")
    def send(self, events: list[Record]) -> None:
        """Queue events that have been committed; nothing happens while there is no endpoint."""
        endpoints = self._state.setting("webhook_endpoints") if events else None
        if not endpoints:
            return
        with self._wake:
            self._draw_again()
            for event in events:
                for endpoint_id in endpoints:
                    for delay in self._delays():
                        self._put(delay, event, endpoint_id, 0)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)
                self._thread.start()

    def _draw_again(self) -> None:
        faults = FaultSettings.parse(self._state.setting(FAULTS_SETTING) or {})
        if faults != self._faults:
            self._faults, self._random = faults, random.Random(faults.seed)

    def _delays(self) -> list[float]:
        """Return seconds until each delivery of an event: none if it is lost, two if it comes twice."""
        faults, draw = self._faults, self._random
        copies = 0 if draw.random() < faults.webhook_loss_rate else 1
        copies += copies and draw.random() < faults.webhook_duplicate_rate
        return [draw.uniform(0, faults.webhook_delay_ms) / 1000 for _ in range(copies)]

    def _put(self, delay: float, event: Record, endpoint_id: str, attempt: int) -> None:
        heapq.heappush(
            self._due, _Due(time.monotonic() + delay, next(self._order), event, endpoint_id, attempt)
        )
        self._wake.notify()

    @imitates("any-2xx-is-success")
    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._due or self._due[0].at > time.monotonic():
                    self._wake.wait(self._due[0].at - time.monotonic() if self._due else None)
                due = heapq.heappop(self._due)
            endpoint = self._state.get("webhook_endpoint", due.endpoint_id)
            if not endpoint or endpoint["disabled"] or not _wants(endpoint, due.event):
                continue
            if not _post(endpoint, due.event) and due.attempt < len(RETRIES_S):
                with self._wake:
                    self._put(RETRIES_S[due.attempt], due.event, due.endpoint_id, due.attempt + 1)


@dataclass(order=True)
class _Due:
    """One delivery to make at `at` (monotonic seconds)."""

    at: float
    order: int
    event: Record = field(compare=False)
    endpoint_id: str = field(compare=False)
    attempt: int = field(compare=False)


def _wants(endpoint: Record, event: Record) -> bool:
    enabled = endpoint.get("enabled_events")
    return not enabled or event["event_type"] in enabled


def _post(endpoint: Record, event: Record) -> bool:
    """Return whether the endpoint took the event."""
    user = endpoint.get("basic_auth_username")
    auth = (user, endpoint.get("_basic_auth_password") or "") if user else None
    try:
        answer = requests.post(
            endpoint["url"], json=public(event), auth=auth, timeout=_TIMEOUT_S, allow_redirects=False
        )
        said = str(answer.status_code)
    except requests.RequestException as error:
        said = type(error).__name__
    is_taken = said.startswith("2")
    if not is_taken:
        print(f"webhook endpoint {endpoint['id']} did not take {event['id']}: {said}", flush=True)  # noqa: T201
    return is_taken
