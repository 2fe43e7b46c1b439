"""Writing single records: create, update and delete as the profile describes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from msgspec import UNSET

from connectors.common.datatype import Record, with_answer_of
from connectors.common.errors import (
    Conflict,
    Indeterminate,
    InvalidResponse,
    NotFound,
    Rejected,
    Unavailable,
    Unreadable,
)
from connectors.common.upstream import UpstreamResponse
from connectors.common.write_port import WritePort
from connectors.erp.http.calls import Calls
from connectors.erp.mapping.fields import LineWrite
from connectors.erp.mapping.items import Commands
from connectors.erp.mapping.shape import VERSION, Fetched, Shape
from connectors.erp.mapping.templates import names_in_path, render
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.writing import BodyVersion, IdFromHeader, IfMatch, TransitionStep
from connectors.erp.read.children import Children
from connectors.erp.read.lookups import Lookups
from connectors.erp.read.single import SingleReader
from connectors.erp.write.transitions import Transitions
from core.dotted import get_path, set_path

Same = Callable[[Sequence[str | int], Any, Any], bool]
"""Whether two values at a place mean the same."""

Bodies = dict[str, Record]
"""What to send, by the part of the record it goes to; "" is the record itself."""


@dataclass(frozen=True, slots=True)
class Write:
    """One record to be written; `payload` has our field names.

    `present`: the record as it was read before an update.
    `reference`: what a new record says that it is made from; `placeholder` stands for the key it will get.
    """

    payload: Record = field(default_factory=dict)
    key: str = ""
    present: Record = field(default_factory=dict)
    reference: str = ""
    placeholder: str = ""


class Writer(WritePort[Write]):
    """Reads and writes single records of one datatype: the port of a real run."""

    is_dry_run = False

    def __init__(
        self,
        datatype: str,
        spec: DatatypeProfile,
        schema: Mapping[str, Any],
        calls: Calls,
        single: SingleReader,
        shape: Shape,
        children: Children,
        lookups: Lookups,
    ) -> None:
        self._calls = calls
        self._single = single
        self._name = datatype
        self._spec = spec
        self._schema = schema
        self._shape = shape
        self._children = children
        self._lookups = lookups
        self._commands = Commands(spec.commands)
        self._actions = Transitions(spec.actions)

    def fetch(self, key: str) -> Record:
        """Return the ERP's record, with its children in it."""
        return self._children.embed([self._single.fetch(key)])[0]

    def whole(self, listed: Record) -> Record:
        """Return a record that a list gave with all that belongs to it."""
        if self._spec.listing.detail is not None:
            return self.fetch(self._shape.key(listed))
        return self._children.embed([listed])[0]

    def create(self, write: Write) -> Record:
        """Create the record and take it to the state it is to have; the record as the ERP then holds it.

        By the reference, parts are found that an interrupted create made.
        """
        origin = write.reference
        written, called = self._actions.split(write.payload)
        self._actions.check(called)
        bodies = self._bodies(written)
        spec = self._spec.create
        new = render(self._lookups.filled(spec.new), {"origin": origin})
        # What the record itself leaves empty, such as a product without a SKU, is what every new one gets.
        said = bodies.pop("", {})
        own = {**new, **{name: value for name, value in said.items() if value is not None or name not in new}}
        later = {name: bodies.pop(name) for name in list(bodies) if self._comes_after(name)}
        if spec.within is not None:
            outer, part = bodies.pop(spec.within.part, {}), self._spec.parts[spec.within.part]
            fixed = self._lookups.filled(part.create.body if part.create else {})
            own = {**fixed, **outer, spec.within.into: [self._commands.create(own)]}
        for name, body in bodies.items():
            into, key = self._part_for(name, body, origin)
            set_path(own, into, key)
        whole = {spec.wrap: own} if spec.wrap else own
        body = whole if spec.body is UNSET else render(spec.body, {"record": whole})
        answer = self._calls.send(spec, "create", body=body, repeatable=False)
        raw = self._write_lines(self._created(answer), self._line_writes(written))
        return self._stored(self._act(self._with_parts(raw, later), called))

    def update(self, write: Write) -> Record:
        """Write the changes under the lock that the profile names.

        The record as the ERP then holds it, the present one if there was nothing to write.
        """
        present, key = self._held(write), write.key
        written, called = self._actions.split(write.payload)
        self._actions.check(called)
        raw = present.raw
        bodies = self._bodies(written, present)
        lines = self._line_writes(written, present)
        for name in [name for name in bodies if name]:
            self._write_part(name, key, bodies, raw)
        answer = self._send_record(present, key, bodies[""]) if "" in bodies else None
        if not bodies and not called and not lines:
            return write.present
        stored = None if answer is None or len(bodies) > 1 else self._updated(answer)
        raw = self._add_lines(raw, lines, key)
        if bodies or lines:
            raw = self.fetch(key) if stored is None or lines else stored
        last = self._stored(self._act(raw, called))
        # Lines are read last: what is called for may change them.
        names = [name for name, value in written.items() if not isinstance(value, list)]
        first: Record = self._stored(raw if stored is None else stored)
        if stored is None and answer is not None and self._is_edited_since(answer, raw):
            first = written
        return Fetched(with_answer_of(first, names, last), last.raw)

    def delete(self, write: Write) -> Record:
        """Delete the record; an ERP that keeps what others refer to rejects it with its reason."""
        spec = self._spec.delete
        body = None if spec.body is UNSET else render(spec.body, self._calls.values_of(write.key))
        self._calls.send(spec, "delete", write.key, body=body)
        return {}

    def finish(self, present: Fetched, payload: Record, same: Same) -> Record:
        """Make the calls that an interrupted create has not made: for parts, lines and the state."""
        entity: Record = present
        raw = self._complete_parts(present, payload)
        if raw is None:
            raw = present.raw
        else:
            entity = self._shape.entity(dict(raw))
        missing = self._missing_lines(entity, payload, same)
        if missing:
            raw = self._add_lines(raw, missing)
            entity = self._shape.entity(dict(raw))
        if self._shape.belongs(raw):
            return Fetched(entity, raw)
        _, called = self._actions.split(payload)
        wanted = {name: value for name, value in called.items() if entity.get(name) != value}
        return self._stored(self._act(raw, wanted))

    def _is_edited_since(self, answer: UpstreamResponse, raw: Record) -> bool:
        """Return whether a record has another version than the answer to its update, which held no record.

        ETag in the answer to a write is the version that the write made, and what If-Match compares:
        https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3. Where an ERP sends none, nobody can tell, and
        what is read counts as what was stored.
        """
        lock = self._spec.update.lock
        read = self._tag(raw)
        if read is None or not isinstance(lock, IfMatch):
            return False
        made = answer.headers.get(lock.header or "ETag")
        return made is not None and made.removeprefix("W/") != read.removeprefix("W/")

    def _stored(self, raw: Record) -> Fetched:
        """Return a record just written.

        It may still belong to this datatype, or its new state took it away.
        """
        return Fetched(self._shape.entity(dict(raw)), raw)

    def _held(self, write: Write) -> Fetched:
        """Return the present record with the ERP's own; a caller may have it from elsewhere."""
        present = write.present
        return present if isinstance(present, Fetched) else self._shape.fetched(self.fetch(write.key))

    def has_no_place_for(self, write: Write) -> bool:
        """Return whether all that changes is what the ERP has no place for and may get lost (`ignore`)."""
        present = self._held(write)
        written, called = self._actions.split(write.payload)
        return not (called or self._bodies(written, present) or self._line_writes(written, present))

    def _write_lines(self, raw: Record, lines: list[LineWrite], key: str | None = None) -> Record:
        """Make the calls that write lines; the record as the ERP then holds it."""
        if not lines:
            return raw
        key = self._shape.key(raw) if key is None else key
        for line in lines:
            values = {"line": line.key} if line.key is not None else {}
            call, body = line.call, _kept(line.raw, line.call.keep, line.body)
            body = {**render(call.besides, {**self._calls.values_of(key), **values}), **body}
            if call.body is not UNSET:
                body = render(call.body, {**self._calls.values_of(key), **values, "changes": body})
            version = get_path(line.raw, call.if_match) if call.if_match is not None else None
            headers = {} if version is None else {"If-Match": str(version)}
            self._calls.send(
                call,
                "line",
                key,
                body=body,
                raw=raw,
                headers=headers,
                values=values,
                method=call.method or ("POST" if line.key is None else "PATCH"),
                repeatable=line.key is not None,
            )
        return self.fetch(key)

    def _add_lines(self, raw: Record, lines: list[LineWrite], key: str | None = None) -> Record:
        """Make the calls that write lines of a record that was there before.

        A call without an answer is `Unavailable`: before the next attempt the record is read and compared
        again, which shows what was done.
        """
        try:
            return self._write_lines(raw, lines, key)
        except Indeterminate as lost:
            raise Unavailable(lost.detail, retry_after=lost.retry_after) from lost

    def _comes_after(self, name: str) -> bool:
        """Return whether a part is written only once the record is there."""
        within = self._spec.create.within
        return self._spec.parts[name].create is None and (within is None or within.part != name)

    def _with_parts(self, raw: Record, later: Bodies) -> Record:
        """Write parts of a record just made; the record as the ERP then holds it.

        A part without an answer is `Unavailable`: the next attempt finds the record, and compares.
        """
        if not later:
            return raw
        key = self._shape.key(raw)
        try:
            for name, body in later.items():
                self._calls.send(self._spec.parts[name].update, "update", key, body=body, raw=raw)
        except Indeterminate as lost:
            raise Unavailable(lost.detail, retry_after=lost.retry_after) from lost
        return self.fetch(key)

    def _complete_parts(self, present: Fetched, payload: Record) -> Record | None:
        """Write the parts that an interrupted create has not written: those that hold nothing, or zero.

        The record as the ERP then holds it; None if there was nothing to write.
        """
        fields = self._shape.fields
        names = [] if fields is None else fields.in_parts(filter(self._comes_after, self._spec.parts))
        wanted = {name: payload[name] for name in names if _is_nothing(present.get(name)) and name in payload}
        bodies = self._bodies(wanted, present) if wanted else {}
        return self._with_parts(present.raw, bodies) if bodies else None

    def _missing_lines(self, entity: Record, payload: Record, same: Same) -> list[LineWrite]:
        """Return the calls that an interrupted create has not made.

        For lines that the record does not have yet.
        """
        fields, missing = self._shape.fields, dict[str, Any]()
        for name in fields.lines_called_for() if fields is not None else []:
            have = list(entity.get(name) or [])
            for line in payload.get(name) or []:
                twin = next((at for at, one in enumerate(have) if _says_all(one, line, name, same)), None)
                if twin is None:
                    missing.setdefault(name, []).append(line)
                else:
                    del have[twin]
        return self._line_writes(missing)

    def _line_writes(self, changes: Record, present: Fetched | None = None) -> list[LineWrite]:
        fields = self._shape.fields
        if fields is None:
            return []
        return fields.line_writes(changes, self._lookups, present, None if present is None else present.raw)

    def _write_part(self, name: str, key: str, bodies: Bodies, raw: Record) -> None:
        """Write what belongs to another record; where the record names none yet, one is made and named."""
        part = self._spec.parts[name]
        wanted = names_in_path(part.update.path) - {"path", "id"}
        if all(get_path(raw, place) is not None for place in wanted):
            self._calls.send(part.update, "update", key, body=bodies[name], raw=raw)
            return
        if part.create is None or part.create.into is None or part.create.path is None:
            raise Rejected(f"{self._name} {key} has no {name} that could be written to", rule="part")
        into, made = self._part_for(name, bodies[name], "")
        set_path(bodies.setdefault("", {}), into, made)

    def _updated(self, answer: UpstreamResponse) -> Record | None:
        """Return the record in the answer to an update; None if it is to be read again."""
        if self._spec.update.answers == "nothing":
            return None
        try:
            return self._whole(self._record(answer, "update", self._spec.update.record))
        except InvalidResponse:
            return None

    def _act(self, raw: Record, wanted: Record) -> Record:
        """Take a record to the values that only actions lead to; the record as it then is."""
        if not wanted:
            return raw
        key = self._shape.key(raw)
        self._actions.execute(wanted, key, raw, self._step)
        return self.fetch(key)

    def _step(self, step: TransitionStep, key: str, raw: Record) -> None:
        try:
            body = {} if step.body is UNSET else render(step.body, self._calls.values_of(key))
            self._calls.send(step, "action", key, body=body, raw=raw, repeatable=False)
        except Indeterminate as lost:
            # It may have been done: the record is read again, and compared again, before the next attempt.
            raise Unavailable(lost.detail, retry_after=lost.retry_after) from lost

    def _send_record(self, present: Fetched, key: str, body: Record) -> UpstreamResponse:
        spec = self._spec.update
        headers, changes = self._locked(present.raw, self._outgoing(key, present, body))
        changes = {**render(spec.besides, self._calls.values_of(key)), **changes}
        whole: Any = {spec.wrap: changes} if spec.wrap else changes
        if spec.body is not UNSET:
            version = self._shape.lock_of(present.raw)
            whole = render(spec.body, {**self._calls.values_of(key), "changes": whole, "version": version})
        return self._calls.send(spec, "update", key, body=whole, raw=present.raw, headers=headers)

    def _bodies(self, changes: Record, present: Fetched | None = None) -> Bodies:
        fields = self._shape.fields
        if fields is None:
            return {"": changes} if changes else {}
        raw = None if present is None else present.raw
        written = fields.write(changes, self._lookups, present, raw)
        return {part: self._lookups.filled(body) for part, body in written.items()}

    def _outgoing(self, key: str, present: Fetched, changes: Record) -> Record:
        """Return what to send.

        The changed fields, or the whole record as the ERP holds it with them put in.
        """
        if self._spec.update.mode == "partial":
            return _with_whole(present.raw, self._spec.update.whole, changes)
        raw = self.fetch(key)
        if self._shape.lock_of(raw) != self._shape.lock_of(present.raw):
            raise Conflict(f"{self._name} {key} moved on while it was written", entity=key)
        for extra in [VERSION, *(child.into for child in self._spec.children.values())]:
            raw.pop(extra, None)
        return _merged(raw, changes)

    def _locked(self, raw: Record, body: Record) -> tuple[dict[str, str], Record]:
        version = self._shape.lock_of(raw)
        match self._spec.update.lock:
            case IfMatch() if version is not None:
                return {"If-Match": str(self._tag(raw))}, body
            case BodyVersion(path=path) if version is not None:
                body = dict(body)
                set_path(body, path, version)
        return {}, body

    def _tag(self, raw: Record) -> str | None:
        """Return what If-Match says for the version of a record."""
        version, lock = self._shape.lock_of(raw), self._spec.update.lock
        if version is None or not isinstance(lock, IfMatch):
            return None
        return lock.template.replace("{version}", str(version))

    def _part_for(self, name: str, body: Record, origin: str) -> tuple[str, object]:
        """Return where the record names the part, and the key of one that was made for it.

        It was made just now, or by a create that was interrupted.
        """
        spec = self._spec.parts[name].create
        assert spec is not None and spec.into is not None
        if spec.find is not None and origin:
            query = {**spec.query, **spec.find}
            values = {"origin": origin}
            found = self._calls.send(spec, "find", values=values, query=query, method="GET").body
            if isinstance(found, list) and found:
                return spec.into, get_path(found[0], spec.id_from)
        body = {**self._lookups.filled(spec.body), **body}
        answer = self._calls.send(spec, "create", body=body, raw={}, repeatable=False)
        key = get_path(answer.body, spec.id_from)
        if key is None:
            raise InvalidResponse(f"{self._name}: the ERP's answer to a create has no {spec.id_from}")
        return spec.into, key

    def _created(self, answer: UpstreamResponse) -> Record:
        """Return the record that a create made. `Unreadable` if the answer holds neither it nor its key."""
        spec = self._spec.create
        if spec.id_from is None:
            try:
                return self._whole(self._record(answer, "create", spec.record))
            except InvalidResponse as error:
                raise Unreadable(error.detail) from error
        if isinstance(spec.id_from, IdFromHeader):
            key = self._shape.key.in_address(answer.headers.get(spec.id_from.header), spec.id_from.pattern)
        else:
            key = get_path(answer.body, spec.id_from)
        if key is None or isinstance(key, dict | list | bool):
            place = spec.id_from.header if isinstance(spec.id_from, IdFromHeader) else spec.id_from
            raise Unreadable(f"{self._name}: the ERP's answer to a create has no key at {place}")
        try:
            return self.fetch(str(key))
        except NotFound as error:
            raise Unreadable(f"{self._name}: the ERP made {key} but does not show it yet") from error

    def _record(self, answer: UpstreamResponse, operation: str, place: str) -> Record:
        raw = get_path(answer.body, place)
        if not isinstance(raw, dict):
            raise InvalidResponse(f"{self._name}: the ERP's answer to {operation} holds no record")
        self._shape.key(raw)
        return raw

    def _whole(self, raw: Record) -> Record:
        return self._children.embed([raw])[0]


def _is_nothing(value: object) -> bool:
    """Return whether a value says nothing: an amount that nobody has set is zero in many ERPs."""
    try:
        return value is None or value == "" or Decimal(str(value)) == 0
    except ArithmeticError:
        return False


def _says_all(have: Record, wanted: Record, name: str, same: Same) -> bool:
    """Return whether a line holds everything that another one says."""
    return all(
        same((name, 0, key), have.get(key), value) for key, value in wanted.items() if value is not None
    )


def _with_whole(raw: Record, places: Sequence[str], changes: Record) -> Record:
    """Return the changes, with all that the record holds of the objects there that change."""
    whole = dict(changes)
    for place in places:
        change, held = get_path(changes, place), get_path(raw, place)
        if isinstance(change, dict) and isinstance(held, dict):
            set_path(whole, place, _merged(dict(held), change))
    return whole


def _kept(raw: Record, places: Sequence[str], body: Record) -> Record:
    """Return the body of a call with what is sent back as it was read; a new line has nothing."""
    body = dict(body)
    for place in places if raw else []:
        set_path(body, place, get_path(raw, place))
    return body


def _merged(record: Record, changes: Record) -> Record:
    """`record` with `changes` put in, objects key by key."""
    merged = dict(record)
    for name, value in changes.items():
        have = merged.get(name)
        merged[name] = _merged(have, value) if isinstance(have, dict) and isinstance(value, dict) else value
    return merged
