"""Webhook endpoints, and the delivery of events to them.

A delivery is a POST whose body is the event; any 2xx is success
(https://apidocs.chargebee.com/docs/api/webhooks).
"""

from __future__ import annotations

import requests

from core.jsonio import Json
from sandbox.chargebee.errors import configuration_incompatible, wrong_value
from sandbox.chargebee.facts import SETTING, holds, imitates, turn_round
from sandbox.chargebee.records import Write, public
from sandbox.common.delivery import Delivery
from sandbox.common.state import Record, State

_MAX_ENDPOINTS = 5
_TIMEOUT_S = 10
_DEFAULTS: Record = {
    "api_version": "v2",
    "disabled": False,
    "primary_url": False,
    "send_card_resource": False,
}


@imitates("five-endpoints")
def create(write: Write, values: Json) -> Record:
    """`POST /webhook_endpoints`: at most five."""
    if write.tx.setting("webhook_endpoints") is None:
        write.tx.set_setting("webhook_endpoints", [])
    known = write.tx.setting("webhook_endpoints")
    if len(known) >= _MAX_ENDPOINTS and holds("five-endpoints"):
        raise configuration_incompatible(f"There can be at most {_MAX_ENDPOINTS} webhook endpoints")
    endpoint = {"id": write.new_id("we_"), **_DEFAULTS}
    _assign(endpoint, values)
    write.tx.set_setting("webhook_endpoints", [*known, endpoint["id"]])
    return write.save("webhook_endpoint", endpoint)


@imitates("five-endpoints")
def update(write: Write, endpoint_id: str, values: Json) -> Record:
    """`POST /webhook_endpoints/{id}`."""
    endpoint = write.get("webhook_endpoint", endpoint_id)
    _assign(endpoint, values)
    return write.save("webhook_endpoint", endpoint)


@imitates("five-endpoints")
def delete(write: Write, endpoint_id: str, values: dict[str, object]) -> Record:
    """`POST /webhook_endpoints/{id}/delete`."""
    endpoint = write.get("webhook_endpoint", endpoint_id)
    write.tx.remove("webhook_endpoint", endpoint_id)
    known = write.tx.setting("webhook_endpoints")
    write.tx.set_setting("webhook_endpoints", [one for one in known if one != endpoint_id])
    return endpoint


@imitates("values-are-checked")
def _assign(endpoint: Record, values: Json) -> None:
    url = values.get("url", endpoint.get("url")) or ""
    if not url.startswith(("http://", "https://")):
        raise wrong_value("url", "should be a http or https URL")
    for name, value in values.items():
        endpoint["_" + name if name == "basic_auth_password" else name] = value


class Events:
    """Sends events to the endpoints that a site has."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._delivery = Delivery(state, lambda: state.setting("webhook_endpoints") or [], self._post)

    @imitates("events-come-at-least-once")
    def send(self, events: list[Record]) -> None:
        """Queue events that have been committed; nothing happens while there is no endpoint."""
        self._delivery.send(events)

    @imitates("any-2xx-is-success")
    def _post(self, endpoint_id: str, event: Record) -> bool:
        turn_round(self._state.setting(SETTING) or ())
        endpoint = self._state.get("webhook_endpoint", endpoint_id)
        if not endpoint or endpoint["disabled"] or not _wants(endpoint, event):
            return True
        return _post(endpoint, event)


def _wants(endpoint: Record, event: Record) -> bool:
    enabled = endpoint.get("enabled_events")
    return not enabled or event["event_type"] in enabled


@imitates("any-2xx-is-success")
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
    is_taken = said.startswith("2") if holds("any-2xx-is-success") else said == "200"
    if not is_taken:
        print(f"webhook endpoint {endpoint['id']} did not take {event['id']}: {said}", flush=True)  # noqa: T201
    return is_taken
