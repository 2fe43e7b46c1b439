"""`POST /webhooks`: Chargebee's events, handed on to the node at once.

https://apidocs.chargebee.com/docs/api/webhooks. An event comes at least once, in any order, or not at all,
and whoever knows the password can make one up. So it only says which record to read now: what Chargebee
itself says of that record goes to the receiver of the pipe `chargebee-<datatype>-event` in the shape that a
read gives it, and nothing of what came in. Any answer but 2xx makes Chargebee deliver again.

What the API cannot retrieve (a business entity, a record that is deleted for good) is taken from the event as
Chargebee keeps it (https://apidocs.chargebee.com/docs/api/events/retrieve-an-event).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request
from prometheus_client import Counter

from connectors.chargebee.client import Chargebee
from connectors.chargebee.datatype import ChargebeeDatatype
from connectors.chargebee.settings import WebhookSettings
from connectors.common import auth, entity_text
from connectors.common.datatype import Entity, Record
from connectors.common.errors import NotFound, Rejected, ServiceError
from connectors.common.metrics import Metrics
from connectors.common.node_receiver import NodeReceiver
from connectors.common.transit import escaped
from connectors.common.views.bodies import json_of
from core import jsonio

PATH = "/webhooks"
EVENTS = f"{PATH}/events"
"""Where the node hands on what its own receiver took, so that Chargebee need not reach this service."""
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
        client: Chargebee,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._receiver = receiver
        self._client = client
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
        bp.add_url_rule(EVENTS, view_func=self.take_from_node, methods=["POST"])
        return bp

    def take(self) -> Response:
        """Answer `{"forwarded": [datatypes], "duplicate": bool}` once the node has the event or needs it not.

        401 for other credentials, 400, 413, 415 or 422 for what is no event, 503 while the node cannot be
        reached, 502 if it refuses the token or has no such pipe.
        """
        auth.require(self._settings.username, self._settings.password)
        return _json(self._taken(*read_event(json_of(request, any_bytes=True))))

    def take_from_node(self) -> Response:
        """Answer an array of events in the same order: `_id`, and `forwarded` and `duplicate`, or `error`.

        What is no event harms only itself. 503 and 502 as for one event; a repeat of the array is safe.
        """
        events = json_of(request)
        if not isinstance(events, list):
            raise Rejected("the body must be a JSON array of events", rule="type")
        return _json([self._one_of_many(each) for each in events])

    def _one_of_many(self, event: object) -> dict[str, object]:
        given = event.get("_id") if isinstance(event, dict) else None
        try:
            return {"_id": given, **self._taken(*read_event(event))}
        except Rejected as error:
            return {"_id": given, "error": str(error)}

    def _taken(self, event_id: str, named: Mapping[str, str]) -> dict[str, object]:
        """Hand an event on, unless that was done before; returns what became of it."""
        duplicate = event_id in self._seen
        forwarded: list[str] = []
        if not duplicate and not event_id.startswith(_SAMPLE):
            forwarded = self._forward(event_id, named)
            self._seen.add(event_id)
        self._events.labels("duplicate" if duplicate else "forwarded" if forwarded else "ignored").inc()
        return {"forwarded": forwarded, "duplicate": duplicate}

    def _forward(self, event_id: str, named: Mapping[str, str]) -> list[str]:
        forwarded = []
        for name, key in named.items():
            datatype = self._datatypes[name]
            try:
                record = self._present(datatype, key, event_id)
                if record is not None and datatype.shows(record):
                    self._receiver.send(f"chargebee-{name}-event", _entity(datatype, record))
                    forwarded.append(name)
            except Rejected:  # what no entity can hold: the next read says so in the record's own place
                continue
            except ServiceError:
                self._events.labels("failed").inc()
                raise
        return forwarded

    def _present(self, datatype: ChargebeeDatatype, key: str, event_id: str) -> Record | None:
        """Return what Chargebee says of a record now; None if there is no such record.

        A record that cannot be retrieved any more may be a deleted one: then Chargebee has an event of that.
        """
        if datatype.name != "business_entity":
            try:
                return self._client.retrieve(datatype.resource, datatype.name, key, attempts=1)
            except NotFound:
                pass
        try:
            kept = self._client.retrieve("events", "event", event_id, attempts=1)
        except NotFound:
            return None
        record = snapshot(kept, datatype.name)
        is_of_it = record is not None and record.get("id") == key
        is_known = datatype.name == "business_entity" or (record or {}).get("deleted") is True
        return record if is_of_it and is_known else None


def _json(body: object) -> Response:
    return Response(jsonio.dumps(body), mimetype="application/json")


def not_configured() -> Blueprint:
    """Return the route of a service that takes no events: 404 with the settings that are missing."""
    bp = Blueprint("webhooks", __name__)

    @bp.post(EVENTS)
    @bp.post(PATH)
    def refuse() -> Response:
        raise NotFound(
            "webhooks are not configured: set WEBHOOK_USERNAME, WEBHOOK_PASSWORD and NODE_URL",
            rule="WEBHOOK_USERNAME",
        )

    return bp


def read_event(body: object) -> tuple[str, dict[str, str]]:
    """Return the event's id and the ids of the records of `FORWARDED` datatypes that it names.

    `Rejected` for what is no event.
    """
    if not isinstance(body, dict):
        raise Rejected("a webhook's body is one event, a JSON object", rule="type")
    event_id, content = body.get("id"), body.get("content")
    for name, value, kind in (
        ("id", event_id, str),
        ("event_type", body.get("event_type"), str),
        ("content", content, dict),
    ):
        if not isinstance(value, kind) or not value:
            raise Rejected(f"the event has no {name}", field=f"/{name}", rule="required")
    assert isinstance(event_id, str) and isinstance(content, dict)
    if not entity_text.is_usable_id(event_id):
        raise Rejected(entity_text.what_is_wrong_with_id(event_id), field="/id", rule="id")
    return event_id, dict(_named(content))


def _named(content: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name in FORWARDED:
        record = content.get(name)
        if record is None:
            continue
        key = record.get("id") if isinstance(record, dict) else None
        if not entity_text.is_usable_id(key):
            raise Rejected(f"the {name} has no id", field=f"/content/{name}/id", rule="required")
        yield name, str(key)


def snapshot(event: Mapping[str, Any], name: str) -> Record | None:
    """Return the record of that datatype in an event of Chargebee's, marked if the event is its deletion."""
    record = (event.get("content") or {}).get(name)
    if not isinstance(record, dict):
        return None
    return {**record, "deleted": True} if event.get("event_type") == f"{name}_deleted" else record


def _entity(datatype: ChargebeeDatatype, record: Record) -> Entity:
    """Return the record in the shape of a read; its place in that stream means nothing here.

    `Rejected` if it holds what no entity can.
    """
    entity = {name: value for name, value in datatype.entity(record).items() if name != "_updated"}
    entity_text.check(entity, entity["_id"])
    found: Entity = escaped(entity)
    return found
