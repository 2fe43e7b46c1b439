"""Webhook endpoints, and the delivery of events to them.

A delivery is a POST whose body is the event; any 2xx is success
(https://apidocs.chargebee.com/docs/api/webhooks).
"""

from __future__ import annotations

import queue
import threading
from typing import Any

import requests

from sandbox.chargebee.errors import configuration_incompatible, wrong_value
from sandbox.chargebee.records import Record, Write, public
from sandbox.common.state import State

_MAX_ENDPOINTS = 5
_TIMEOUT_S = 10
_DEFAULTS: Record = {
    "api_version": "v2",
    "disabled": False,
    "primary_url": False,
    "send_card_resource": False,
}


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


def update(write: Write, endpoint_id: str, values: dict[str, Any]) -> Record:
    """`POST /webhook_endpoints/{id}`."""
    endpoint = write.get("webhook_endpoint", endpoint_id)
    _assign(endpoint, values)
    return write.save("webhook_endpoint", endpoint)


def delete(write: Write, endpoint_id: str, values: dict[str, Any]) -> Record:
    """`POST /webhook_endpoints/{id}/delete`."""
    endpoint = write.get("webhook_endpoint", endpoint_id)
    write.tx.remove("webhook_endpoint", endpoint_id)
    known = write.tx.setting("webhook_endpoints")
    write.tx.set_setting("webhook_endpoints", [one for one in known if one != endpoint_id])
    return endpoint


def _assign(endpoint: Record, values: dict[str, Any]) -> None:
    url = values.get("url", endpoint.get("url")) or ""
    if not url.startswith(("http://", "https://")):
        raise wrong_value("url", "should be a http or https URL")
    for name, value in values.items():
        endpoint["_" + name if name == "basic_auth_password" else name] = value


class Delivery:
    """Sends events to the endpoints, in the background and in their order; a failure is not repeated.

    What matters to a listener is that events come, come twice or do not come: the feed `GET /events` has all.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._queue: queue.Queue[Record] = queue.Queue()
        self._started = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self, events: list[Record]) -> None:
        """Queue events that have been committed; nothing happens while there is no endpoint."""
        if not events or not self._state.setting("webhook_endpoints"):
            return
        with self._started:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)
                self._thread.start()
        for event in events:
            self._queue.put(event)

    def _work(self) -> None:
        while True:
            event = self._queue.get()
            for endpoint_id in self._state.setting("webhook_endpoints") or []:
                endpoint = self._state.get("webhook_endpoint", endpoint_id)
                if endpoint and not endpoint["disabled"] and _wants(endpoint, event):
                    _post(endpoint, event)


def _wants(endpoint: Record, event: Record) -> bool:
    enabled = endpoint.get("enabled_events")
    return not enabled or event["event_type"] in enabled


def _post(endpoint: Record, event: Record) -> None:
    user = endpoint.get("basic_auth_username")
    auth = (user, endpoint.get("_basic_auth_password") or "") if user else None
    try:
        requests.post(endpoint["url"], json=public(event), auth=auth, timeout=_TIMEOUT_S)
    except requests.RequestException as error:
        print(f"webhook endpoint {endpoint['id']} did not take {event['id']}: {error}", flush=True)  # noqa: T201
