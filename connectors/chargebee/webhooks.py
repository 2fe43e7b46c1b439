"""`POST /webhooks`: Chargebee's events, handed on to the node at once.

https://apidocs.chargebee.com/docs/api/webhooks. An event comes at least once, in any order, or not at all, so
it is only a faster way: the snapshot in it goes to the receiver of the pipe `chargebee-<datatype>-event` in
the shape that a read gives it, the pipes let the newer `resource_version` win, and reads stay the truth. Any
answer but 2xx makes Chargebee deliver again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request
from prometheus_client import Counter

from connectors.chargebee.datatype import ChargebeeDatatype
from connectors.chargebee.settings import WebhookSettings
from connectors.common import auth
from connectors.common.datatype import Entity, Record
from connectors.common.errors import NotFound, Rejected, ServiceError
from connectors.common.metrics import Metrics
from connectors.common.node_receiver import NodeReceiver
from connectors.common.views.bodies import json_of
from core import jsonio

PATH = "/webhooks"
FORWARDED = ("customer", "business_entity", "order", "item", "item_price")
"""Datatypes that have an event pipe."""

_REMEMBERED = 10_000
_SAMPLE = "ev___test__"
"""Ids of sample events begin so; the records in them do not exist."""


class Seen:
    """The newest event ids that were handed on; bounded, and only there to save work."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._most = most
        self._lock = threading.Lock()

    def __contains__(self, event_id: str) -> bool:
        with self._lock:
            return event_id in self._ids

    def add(self, event_id: str) -> None:
        """Remember an id, and forget the oldest beyond the bound."""
        with self._lock:
            self._ids[event_id] = None
            self._ids.move_to_end(event_id)
            if len(self._ids) > self._most:
                self._ids.popitem(last=False)


class Webhooks:
    """Takes events in. Keeps nothing that matters, so any number of replicas may share the work."""

    def __init__(
        self,
        settings: WebhookSettings,
        receiver: NodeReceiver,
        datatypes: Mapping[str, Any],
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._receiver = receiver
        self._datatypes: dict[str, ChargebeeDatatype] = {name: datatypes[name] for name in FORWARDED}
        self._seen = Seen()
        self._events = Counter(
            "webhook_events",
            "Events by what became of them: forwarded, duplicate, ignored or failed",
            ["outcome"],
            registry=metrics.registry,
        )

    def blueprint(self) -> Blueprint:
        """Return the route."""
        bp = Blueprint("webhooks", __name__)
        bp.add_url_rule(PATH, view_func=self.take, methods=["POST"])
        return bp

    def take(self) -> Response:
        """Answer `{"forwarded": [datatypes], "duplicate": bool}` once the node has the event or needs it not.

        401 for other credentials, 400, 413, 415 or 422 for what is no event, 503 while the node cannot be
        reached, 502 if it refuses the token or has no such pipe.
        """
        auth.require(self._settings.username, self._settings.password)
        event_id, records = read_event(json_of(request))
        duplicate = event_id in self._seen
        forwarded: list[str] = []
        if not duplicate and not event_id.startswith(_SAMPLE):
            forwarded = self._forward(records)
            self._seen.add(event_id)
        self._events.labels("duplicate" if duplicate else "forwarded" if forwarded else "ignored").inc()
        body = {"forwarded": forwarded, "duplicate": duplicate}
        return Response(jsonio.dumps(body), mimetype="application/json")

    def _forward(self, records: Mapping[str, Record]) -> list[str]:
        forwarded = []
        for name, datatype in self._datatypes.items():
            if name in records and datatype.shows(records[name]):
                try:
                    self._receiver.send(f"chargebee-{name}-event", _entity(datatype, records[name]))
                except ServiceError:
                    self._events.labels("failed").inc()
                    raise
                forwarded.append(name)
        return forwarded


def not_configured() -> Blueprint:
    """Return the route of a service that takes no events: 404 with the settings that are missing."""
    bp = Blueprint("webhooks", __name__)

    @bp.post(PATH)
    def refuse() -> Response:
        raise NotFound(
            "webhooks are not configured: set WEBHOOK_USERNAME, WEBHOOK_PASSWORD and NODE_URL",
            rule="WEBHOOK_USERNAME",
        )

    return bp


def read_event(body: Any) -> tuple[str, dict[str, Record]]:
    """Return the event's id and the snapshots of `FORWARDED` datatypes in it.

    `Rejected` for what is no event.
    """
    if not isinstance(body, dict):
        raise Rejected("a webhook's body is one event, a JSON object", rule="type")
    event_id, event_type, content = body.get("id"), body.get("event_type"), body.get("content")
    for name, value, kind in (
        ("id", event_id, str),
        ("event_type", event_type, str),
        ("content", content, dict),
    ):
        if not isinstance(value, kind) or not value:
            raise Rejected(f"the event has no {name}", field=f"/{name}", rule="required")
    assert isinstance(event_id, str) and isinstance(content, dict)
    return event_id, dict(_snapshots(str(event_type), content))


def _snapshots(event_type: str, content: Mapping[str, Any]) -> Iterator[tuple[str, Record]]:
    for name in FORWARDED:
        record = content.get(name)
        if record is None:
            continue
        if not isinstance(record, dict) or not isinstance(record.get("id"), str) or not record["id"]:
            raise Rejected(f"the {name} has no id", field=f"/content/{name}/id", rule="required")
        yield name, {**record, "deleted": True} if event_type == f"{name}_deleted" else record


def _entity(datatype: ChargebeeDatatype, record: Record) -> Entity:
    """Return the record in the shape of a read; its place in that stream means nothing here."""
    return {name: value for name, value in datatype.entity(record).items() if name != "_updated"}
