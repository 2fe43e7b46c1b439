"""Writing single records: create, update and delete as the profile describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.common.datatype import Record
from connectors.common.errors import Conflict, Indeterminate, InvalidResponse, Unavailable
from connectors.common.upstream import UpstreamClient, UpstreamResponse
from connectors.erp.mapping.items import Commands
from connectors.erp.mapping.paths import fill_path
from connectors.erp.mapping.shape import VERSION, Fetched, Shape
from connectors.erp.mapping.templates import parameters
from connectors.erp.read.children import Children
from connectors.erp.read.lookups import References
from connectors.erp.write.transitions import Transitions
from core.dotted import get_path, set_path

Bodies = dict[str, Record]
"""What to send, by the part of the record it goes to; "" is the record itself."""


class Writer:
    """The single-record operations of one datatype."""

    def __init__(
        self,
        client: UpstreamClient,
        datatype: str,
        spec: Mapping[str, Any],
        shape: Shape,
        children: Children,
    ) -> None:
        self._client = client
        self._name = datatype
        self._spec = spec
        self._parts = spec.get("parts", {})
        self._shape = shape
        self._children = children
        self._references = References(client, spec.get("lookups", {}))
        self._commands = Commands(spec.get("commands"))
        self.actions = Transitions(spec)

    def fetch(self, key: str) -> Record:
        """The ERP's record, with its children in it."""
        answer = self._call("get", key)
        raw = self._record(answer, "get")
        header = self._spec["update"].get("lock", {}).get("header")
        if header is not None:
            raw[VERSION] = answer.headers.get(header)
        return self._whole(raw)

    def create(self, payload: Record, origin: str) -> Record:
        """Create the record and take it to the state it is to have; the record as the ERP then holds it.

        `origin` is what it is made from, by which parts are found that an interrupted create made.
        """
        written, called = self.actions.split(payload)
        self.actions.check(called)
        bodies = self._bodies(written)
        spec = self._spec["create"]
        own = {**self._references.filled(spec.get("body", {})), **bodies.pop("", {})}
        within = spec.get("within")
        if within is not None:
            outer = bodies.pop(within["part"], {})
            fixed = self._references.filled(self._parts[within["part"]].get("create", {}).get("body", {}))
            own = {**fixed, **outer, within["in"]: [self._commands.create(own)]}
        for name, body in bodies.items():
            set_path(own, self._parts[name]["create"]["into"], self._part_for(name, body, origin))
        answer = self._call("create", "", {spec["wrap"]: own} if "wrap" in spec else own)
        raw = self._created(answer, spec)
        return self.act(raw, called)

    def update(self, present: Fetched, key: str, changes: Record) -> Record | None:
        """Write the changes under the lock that the profile names; the record as the ERP then holds it, None
        if there was nothing to write.
        """
        written, called = self.actions.split(changes)
        self.actions.check(called)
        raw = present.raw
        bodies = self._bodies(written, present)
        for name in [name for name in bodies if name]:
            self._send({"method": "PATCH", **self._parts[name]["update"]}, "update", key, bodies[name], raw)
        answer = self._send_record(present, key, bodies[""]) if "" in bodies else None
        if not bodies and not called:
            return None
        if answer is None or self._spec["update"].get("answers") == "nothing" or len(bodies) > 1:
            raw = self.fetch(key) if bodies else raw
        else:
            raw = self._whole(self._record(answer, "update"))
        return self.act(raw, called)

    def delete(self, key: str) -> None:
        """Delete the record."""
        self._call("delete", key)

    def act(self, raw: Record, wanted: Record) -> Record:
        """Take a record to the values that only actions lead to; the record as it then is."""
        if not wanted:
            return raw
        key = str(get_path(raw, self._spec["id"]))
        self.actions.execute(wanted, key, raw, self._step)
        return self.fetch(key)

    def _step(self, step: Mapping[str, Any], key: str, raw: Record) -> None:
        try:
            self._send({"method": "POST", **step}, "action", key, step.get("body", {}), raw)
        except Indeterminate as silence:
            # It may have been done: the record is read again, and compared anew, before the next attempt.
            raise Unavailable(silence.detail, retry_after=silence.retry_after) from silence

    def _send_record(self, present: Fetched, key: str, body: Record) -> UpstreamResponse | None:
        spec = self._spec["update"]
        headers, body = self._locked(spec, present.raw, self._outgoing(key, present, body))
        answer = self._call(
            "update", key, {spec["wrap"]: body} if "wrap" in spec else body, headers, present.raw
        )
        return None if answer.body is None else answer

    def _bodies(self, changes: Record, present: Fetched | None = None) -> Bodies:
        fields = self._shape.fields
        if fields is None:
            return {"": changes} if changes else {}
        raw = None if present is None else present.raw
        written = fields.write(changes, self._references, present, raw)
        return {part: self._references.filled(body) for part, body in written.items()}

    def _outgoing(self, key: str, present: Fetched, changes: Record) -> Record:
        """What to send: the changed fields, or the whole record as the ERP holds it with them put in."""
        if self._spec["update"].get("mode", "partial") == "partial":
            return changes
        raw = self.fetch(key)
        if self._shape.lock_of(raw) != self._shape.lock_of(present.raw):
            raise Conflict(f"{self._name} {key} moved on while it was written", entity=key)
        for extra in [VERSION, *(child["into"] for child in self._spec.get("children", {}).values())]:
            raw.pop(extra, None)
        return _merged(raw, changes)

    def _locked(self, spec: Mapping[str, Any], raw: Record, body: Record) -> tuple[dict[str, str], Record]:
        lock = spec.get("lock", {"type": "none"})
        version = self._shape.lock_of(raw)
        if lock["type"] == "none" or version is None:
            return {}, body
        if lock["type"] == "if_match":
            return {"If-Match": lock.get("template", "{version}").replace("{version}", str(version))}, body
        body = dict(body)
        set_path(body, lock["path"], version)
        return {}, body

    def _part_for(self, name: str, body: Record, origin: str) -> Any:
        """The key of a part made for a new record, or of one that an interrupted create has made."""
        spec = self._parts[name]["create"]
        place = spec.get("id_from", "id")
        if "find" in spec:
            finder = {**spec, "query": {**spec.get("query", {}), **spec["find"]}, "method": "GET"}
            found = self._send(finder, "find", "", None, {}, values={"origin": origin}).body
            if isinstance(found, list) and found:
                return get_path(found[0], place)
        body = {**self._references.filled(spec.get("body", {})), **body}
        key = get_path(self._send({"method": "POST", **spec}, "create", "", body, {}).body, place)
        if key is None:
            raise InvalidResponse(f"{self._name}: the ERP's answer to a create has no {place}")
        return key

    def _created(self, answer: UpstreamResponse, spec: Mapping[str, Any]) -> Record:
        if "id_from" not in spec:
            return self._whole(self._record(answer, "create"))
        key = get_path(answer.body, spec["id_from"])
        if key is None:
            raise InvalidResponse(f"{self._name}: the ERP's answer to a create has no {spec['id_from']}")
        return self.fetch(str(key))

    def _record(self, answer: UpstreamResponse, operation: str) -> Record:
        raw = get_path(answer.body, self._spec[operation].get("record", ""))
        if not isinstance(raw, dict):
            raise InvalidResponse(f"{self._name}: the ERP's answer to {operation} holds no record")
        return raw

    def _whole(self, raw: Record) -> Record:
        return self._children.embed([raw])[0]

    def _call(
        self,
        operation: str,
        key: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        raw: Record | None = None,
    ) -> UpstreamResponse:
        spec = self._spec[operation]
        query = {**self._spec.get("query", {}), **spec.get("query", {})}
        return self._send({**spec, "query": query}, operation, key, body, raw, headers)

    def _send(
        self,
        spec: Mapping[str, Any],
        operation: str,
        key: str,
        body: Any,
        raw: Record | None,
        headers: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> UpstreamResponse:
        path = fill_path(spec["path"], self._spec["path"], key, raw)
        values = {"id": key} if values is None else values
        return self._client.call(
            spec["method"],
            path,
            operation=f"{self._name}.{operation}",
            params=parameters(spec.get("query", {}), values),
            json=body,
            headers={**dict(parameters(spec.get("headers", {}), values)), **(headers or {})},
            repeatable=operation not in ("create", "action"),
        )


def _merged(record: Record, changes: Record) -> Record:
    """`record` with `changes` put in, objects key by key."""
    merged = dict(record)
    for name, value in changes.items():
        have = merged.get(name)
        merged[name] = _merged(have, value) if isinstance(have, dict) and isinstance(value, dict) else value
    return merged
