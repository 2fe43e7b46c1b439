"""`POST /webhooks`: the ERP tells that a record changed; the record is read at once and handed to the node.

Of an event only its datatype and its key count, as the profile's `webhooks` say where they stand. The record
goes to the receiver of the pipe `customerp-<datatype>-event` in the shape that a read gives it, with `$read`,
when its reading began, and `$deleted`, whether the ERP has it no more. Pipes let the newer version win, and
reads stay the truth: an event that is lost costs time alone. Any answer but 2xx asks for another delivery.
"""

from __future__ import annotations

import contextvars
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request
from prometheus_client import Counter

from connectors.common.datatype import Entity
from connectors.common.errors import NotFound, Rejected, ServiceError
from connectors.common.locks import RecordLocks
from connectors.common.metrics import Metrics
from connectors.common.node_receiver import NodeReceiver
from connectors.common.views.bodies import parse, read
from connectors.erp.caller_auth import require
from connectors.erp.datatype import ErpDatatype
from connectors.erp.mapping.conditions import fits
from connectors.erp.profile.model.webhooks import EventValue, Webhooks
from core import jsonio
from core.dotted import get_path

PATH = "/webhooks"
_MOST = 100
"""Records of one call that are read; the rest of a flood is for the next read."""

_AT_ONCE = 4
_CHALLENGE = re.compile(r"[\w.~+/=:-]{1,512}")
_BY_PARAMETER = EventValue(query="datatype")


class EventReceiver:
    """Takes events in. Keeps nothing that matters, so any number of replicas may share the work."""

    def __init__(
        self,
        spec: Webhooks,
        receiver: NodeReceiver,
        datatypes: Mapping[str, ErpDatatype],
        known: Sequence[str],
        metrics: Metrics,
    ) -> None:
        """`datatypes` are those that the ERP has, `known` all that there are."""
        self._spec = spec
        self._receiver = receiver
        self._datatypes = datatypes
        self._known = known
        self._locks = RecordLocks()
        self._events = Counter(
            "webhook_events",
            "Events by what became of them: forwarded, ignored or failed",
            ["outcome"],
            registry=metrics.registry,
        )

    def blueprint(self) -> Blueprint:
        """Return the route."""
        bp = Blueprint("webhooks", __name__)
        bp.add_url_rule(PATH, view_func=self.take, methods=["POST"])
        if self._spec.challenge is not None:
            bp.add_url_rule(PATH, "challenge", self._challenged, methods=["GET"])
        return bp

    def take(self) -> Response:
        """Answer `{"forwarded": [[datatype, key], …], "ignored": number}` once the node has what it needs.

        401 for other credentials; 400, 413 or 422 for what is no event by the profile; 503 while ERP or node
        cannot be reached; 502 if one of them refuses.
        """
        if self._spec.challenge is not None and self._spec.challenge in request.args:
            return self._challenged()
        text = read(request)
        events = list(self._events_in(_decoded(text)))
        require(self._spec.auth, text, events)
        named: dict[tuple[str, str], None] = {}
        ignored = 0
        for event in events:
            about = list(self._about(event)) if fits(self._spec.when, event) else []
            ignored += not about
            named.update(dict.fromkeys(about))
        forwarded = list(named)[:_MOST]
        ignored += len(named) - len(forwarded)
        self._forward(forwarded)
        self._events.labels("forwarded").inc(len(forwarded))
        self._events.labels("ignored").inc(ignored)
        body = {"forwarded": forwarded, "ignored": ignored}
        return Response(jsonio.dumps(body), mimetype="application/json")

    def _challenged(self) -> Response:
        """Send back what the ERP checks the address with, as text and nothing else."""
        given = request.args.get(self._spec.challenge or "", "")
        if not _CHALLENGE.fullmatch(given):
            raise Rejected(f"{self._spec.challenge} is not a token to send back", rule="challenge")
        return Response(given, mimetype="text/plain", headers={"X-Content-Type-Options": "nosniff"})

    def _events_in(self, body: object) -> Iterator[Any]:
        found = get_path(body, self._spec.events)
        for event in found if isinstance(found, list) else [found]:
            if not isinstance(event, dict):
                place = self._spec.events or "the body"
                raise Rejected(f"{place} has no event; see webhooks.events in the profile", rule="events")
            yield event

    def _about(self, event: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """Yield datatype and key of the records that an event may be about."""
        spec = self._spec.datatype
        word = _value(spec.source or _BY_PARAMETER, event)
        names = spec.map.get(word or "", []) if spec.map else [word] if word is not None else []
        for name in names:
            if name not in self._known:
                known = ", ".join(self._known)
                raise Rejected(f"there is no datatype {name}; there are {known}", rule="datatype")
        parts = [_value(source, event) for source in self._spec.id] if names else []
        if None in parts:
            return
        for name in names:
            if name in self._datatypes:
                yield name, self._datatypes[name].key_of_parts([str(part) for part in parts])

    def _forward(self, named: list[tuple[str, str]]) -> None:
        if len(named) < 2:
            for name, key in named:
                self._send(name, key)
            return
        with ThreadPoolExecutor(min(_AT_ONCE, len(named))) as pool:
            tasks = [
                pool.submit(contextvars.copy_context().run, self._send, name, key) for name, key in named
            ]
            for task in tasks:
                task.result()

    def _send(self, name: str, key: str) -> None:
        """Read one record and hand it on; two events of one record after each other."""
        try:
            with self._locks.of(name, key):
                entity: Entity | None = self._datatypes[name].event(key)
                if entity is not None:
                    self._receiver.send(f"customerp-{name}-event", entity)
        except ServiceError:
            self._events.labels("failed").inc()
            raise


def not_configured(why: str) -> Blueprint:
    """Return the route of a service that takes no events: 404 with what is missing."""
    bp = Blueprint("webhooks", __name__)

    @bp.post(PATH)
    def refuse() -> Response:
        raise NotFound(f"webhooks are not configured: {why}", rule="webhooks")

    return bp


def _decoded(text: bytes) -> object:
    if request.mimetype == "application/x-www-form-urlencoded":
        return dict(parse_qsl(text.decode(errors="replace"), keep_blank_values=True))
    return parse(text)


def _value(source: EventValue, event: Mapping[str, object]) -> str | None:
    """Return what a call says at a place; None if it is of no interest by the pattern.

    `Rejected` if it says nothing there.
    """
    if source.header is not None:
        found, place = request.headers.get(source.header), f"the header {source.header}"
    elif source.query is not None:
        found, place = request.args.get(source.query), f"the parameter {source.query}"
    else:
        found, place = get_path(event, source.path or ""), str(source.path)
    if found is None or isinstance(found, dict | list | bool) or found == "":
        raise Rejected(f"the event has no {place}; see webhooks in the profile", rule="required")
    if source.pattern is None:
        return str(found)
    match = re.search(source.pattern, str(found))
    return match[1] if match else None
