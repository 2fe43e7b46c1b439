"""Writing single records: create, update and delete as the profile describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import UNSET

from connectors.common.datatype import Record
from connectors.common.errors import Conflict, Indeterminate, InvalidResponse, Unavailable
from connectors.common.upstream import UpstreamClient, UpstreamResponse
from connectors.erp.mapping.items import Commands
from connectors.erp.mapping.paths import fill_path
from connectors.erp.mapping.shape import VERSION, Fetched, Shape
from connectors.erp.mapping.templates import parameters
from connectors.erp.profile.model.base import Template
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.writing import BodyVersion, IfMatch, Step
from connectors.erp.read.children import Children
from connectors.erp.read.lookups import Lookups
from connectors.erp.write.transitions import Transitions
from core.dotted import get_path, set_path

Bodies = dict[str, Record]
"""What to send, by the part of the record it goes to; "" is the record itself."""


class Call(Protocol):
    """What all calls of a profile have in common."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str | None: ...
    @property
    def query(self) -> Mapping[str, Template]: ...
    @property
    def headers(self) -> Mapping[str, Template]: ...


class Writer:
    """The single-record operations of one datatype."""

    def __init__(
        self,
        client: UpstreamClient,
        datatype: str,
        spec: DatatypeProfile,
        shape: Shape,
        children: Children,
        lookups: Lookups,
    ) -> None:
        self._client = client
        self._name = datatype
        self._spec = spec
        self._shape = shape
        self._children = children
        self._lookups = lookups
        self._commands = Commands(spec.commands)
        self.actions = Transitions(spec.actions)

    def fetch(self, key: str) -> Record:
        """The ERP's record, with its children in it."""
        answer = self._send(self._spec.get, "get", key)
        raw = self._record(answer, "get", self._spec.get.record)
        lock = self._spec.update.lock
        if isinstance(lock, IfMatch) and lock.header is not None:
            raw[VERSION] = answer.headers.get(lock.header)
        return self._whole(raw)

    def create(self, payload: Record, origin: str) -> Record:
        """Create the record and take it to the state it is to have; the record as the ERP then holds it.

        `origin` is what it is made from, by which parts are found that an interrupted create made.
        """
        written, called = self.actions.split(payload)
        self.actions.check(called)
        bodies = self._bodies(written)
        spec = self._spec.create
        own = {**self._lookups.filled(spec.body), **bodies.pop("", {})}
        if spec.within is not None:
            outer, part = bodies.pop(spec.within.part, {}), self._spec.parts[spec.within.part]
            fixed = self._lookups.filled(part.create.body if part.create else {})
            own = {**fixed, **outer, spec.within.into: [self._commands.create(own)]}
        for name, body in bodies.items():
            into, key = self._part_for(name, body, origin)
            set_path(own, into, key)
        answer = self._send(spec, "create", "", {spec.wrap: own} if spec.wrap else own)
        raw = self._created(answer)
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
            self._send(self._spec.parts[name].update, "update", key, bodies[name], raw)
        answer = self._send_record(present, key, bodies[""]) if "" in bodies else None
        if not bodies and not called:
            return None
        if answer is None or self._spec.update.answers == "nothing" or len(bodies) > 1:
            raw = self.fetch(key) if bodies else raw
        else:
            raw = self._whole(self._record(answer, "update", self._spec.update.record))
        return self.act(raw, called)

    def delete(self, key: str) -> None:
        """Delete the record."""
        self._send(self._spec.delete, "delete", key)

    def act(self, raw: Record, wanted: Record) -> Record:
        """Take a record to the values that only actions lead to; the record as it then is."""
        if not wanted:
            return raw
        key = str(get_path(raw, self._spec.id))
        self.actions.execute(wanted, key, raw, self._step)
        return self.fetch(key)

    def _step(self, step: Step, key: str, raw: Record) -> None:
        try:
            self._send(step, "action", key, {} if step.body is UNSET else step.body, raw)
        except Indeterminate as silence:
            # It may have been done: the record is read again, and compared anew, before the next attempt.
            raise Unavailable(silence.detail, retry_after=silence.retry_after) from silence

    def _send_record(self, present: Fetched, key: str, body: Record) -> UpstreamResponse | None:
        spec = self._spec.update
        headers, body = self._locked(present.raw, self._outgoing(key, present, body))
        wrapped = {spec.wrap: body} if spec.wrap else body
        answer = self._send(spec, "update", key, wrapped, present.raw, headers)
        return None if answer.body is None else answer

    def _bodies(self, changes: Record, present: Fetched | None = None) -> Bodies:
        fields = self._shape.fields
        if fields is None:
            return {"": changes} if changes else {}
        raw = None if present is None else present.raw
        written = fields.write(changes, self._lookups, present, raw)
        return {part: self._lookups.filled(body) for part, body in written.items()}

    def _outgoing(self, key: str, present: Fetched, changes: Record) -> Record:
        """What to send: the changed fields, or the whole record as the ERP holds it with them put in."""
        if self._spec.update.mode == "partial":
            return changes
        raw = self.fetch(key)
        if self._shape.lock_of(raw) != self._shape.lock_of(present.raw):
            raise Conflict(f"{self._name} {key} moved on while it was written", entity=key)
        for extra in [VERSION, *(child.into for child in self._spec.children.values())]:
            raw.pop(extra, None)
        return _merged(raw, changes)

    def _locked(self, raw: Record, body: Record) -> tuple[dict[str, str], Record]:
        version = self._shape.lock_of(raw)
        match self._spec.update.lock:
            case IfMatch(template=template) if version is not None:
                return {"If-Match": template.replace("{version}", str(version))}, body
            case BodyVersion(path=path) if version is not None:
                body = dict(body)
                set_path(body, path, version)
        return {}, body

    def _part_for(self, name: str, body: Record, origin: str) -> tuple[str, Any]:
        """Where the record names the part, and the key of one that was made for it, now or by a create that
        was interrupted.
        """
        spec = self._spec.parts[name].create
        assert spec is not None and spec.into is not None
        if spec.find is not None:
            query = {**spec.query, **spec.find}
            found = self._send(spec, "find", "", values={"origin": origin}, query=query, method="GET").body
            if isinstance(found, list) and found:
                return spec.into, get_path(found[0], spec.id_from)
        body = {**self._lookups.filled(spec.body), **body}
        key = get_path(self._send(spec, "create", "", body, {}).body, spec.id_from)
        if key is None:
            raise InvalidResponse(f"{self._name}: the ERP's answer to a create has no {spec.id_from}")
        return spec.into, key

    def _created(self, answer: UpstreamResponse) -> Record:
        spec = self._spec.create
        if spec.id_from is None:
            return self._whole(self._record(answer, "create", spec.record))
        key = get_path(answer.body, spec.id_from)
        if key is None:
            raise InvalidResponse(f"{self._name}: the ERP's answer to a create has no {spec.id_from}")
        return self.fetch(str(key))

    def _record(self, answer: UpstreamResponse, operation: str, place: str) -> Record:
        raw = get_path(answer.body, place)
        if not isinstance(raw, dict):
            raise InvalidResponse(f"{self._name}: the ERP's answer to {operation} holds no record")
        return raw

    def _whole(self, raw: Record) -> Record:
        return self._children.embed([raw])[0]

    def _send(
        self,
        call: Call,
        operation: str,
        key: str,
        body: Any = None,
        raw: Record | None = None,
        headers: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        query: Mapping[str, Template] | None = None,
        method: str | None = None,
    ) -> UpstreamResponse:
        """Make a call of the profile; `query` and `method` stand in for its own."""
        values = {"id": key} if values is None else values
        return self._client.call(
            method or call.method,
            fill_path(call.path or "", self._spec.path, key, raw),
            operation=f"{self._name}.{operation}",
            params=parameters(call.query if query is None else query, values),
            json=body,
            headers={**dict(parameters(call.headers, values)), **(headers or {})},
            repeatable=operation not in ("create", "action"),
        )


def _merged(record: Record, changes: Record) -> Record:
    """`record` with `changes` put in, objects key by key."""
    merged = dict(record)
    for name, value in changes.items():
        have = merged.get(name)
        merged[name] = _merged(have, value) if isinstance(have, dict) and isinstance(value, dict) else value
    return merged
