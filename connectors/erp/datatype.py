"""One datatype of the ERP service: the profile's operations behind the common interface."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.common.compare import same_leaf
from connectors.common.datatype import Datatype, Deletion, Entity, Insert, Record
from connectors.common.errors import FixSettings, NotFound, Rejected
from connectors.erp.http.calls import Calls
from connectors.erp.http.client import ErpClient
from connectors.erp.mapping.local_time import Clock, utc_now
from connectors.erp.mapping.shape import Fetched, Shape, with_reference, without_read_only
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.writing import Origin
from connectors.erp.read.children import Children
from connectors.erp.read.incremental_reader import IncrementalReader, Read
from connectors.erp.read.known_deletions import Shared
from connectors.erp.read.lists import Lists, Source
from connectors.erp.read.lookups import Lookups
from connectors.erp.read.since import Since, Token
from connectors.erp.read.single import SingleReader
from connectors.erp.write.dry_run import ForeseenWriter
from connectors.erp.write.writer import Write, Writer
from core.clock import now_text, to_text
from core.dotted import get_path


class ErpDatatype(Datatype):
    """Records of one kind in an ERP that is described by a profile; nothing here knows which ERP."""

    assigns_keys = True

    def __init__(
        self,
        name: str,
        spec: DatatypeProfile,
        schema: Mapping[str, object],
        client: ErpClient,
        lookups: Lookups,
        page_size: int,
        now: Clock = utc_now,
        shared: Shared | None = None,
    ) -> None:
        """Make it; `schema` is the JSON Schema of the entity, `shared` what is asked for all datatypes."""
        self.name = name
        self.schema = schema
        self.line_keys = spec.line_keys
        self._spec = spec
        self._now = now
        self._lists = Lists(client, name, Source.of(spec), page_size)
        self._shape = Shape(name, spec, lookups, now)
        self._since = Since(name, spec, now)
        calls = Calls(client, name, spec.path, self._shape.key)
        single = SingleReader(name, spec, calls)
        children = Children(client, name, spec, page_size)
        self._incremental = IncrementalReader(
            client,
            name,
            spec,
            page_size,
            self._shape,
            children,
            single,
            now,
            lambda stamp: self._since.values(Token(stamp)),
            [] if shared is None else shared,
        )
        self._single = single
        parts = name, spec, schema, calls, single, self._shape, children, lookups
        self._writer = Writer(*parts)
        self._foreseen = ForeseenWriter(*parts)
        self._forms = _forms(schema)
        self._client = client

    @property
    def dry_run(self) -> ErpDatatype:
        """See Datatype."""
        twin = copy.copy(self)
        twin._writer, twin.is_dry_run = self._foreseen, True
        return twin

    def pages(self, since: str | None, limit: int | None) -> Iterator[list[Entity]]:
        """See `connectors.erp.read.since` for order and tokens."""
        token = self._since.parse(since)
        if limit == 0:
            return iter(())
        known_at = self._incremental.deletions_at(self._since.least(token))
        pages = self._read(token, limit, known_at)
        if token is None and limit is None:
            pages = itertools.chain(pages, self._second_look())
        return self._since.apply(pages, token, limit, known_at)

    def _read(
        self, token: Token | None, limit: int | None, known_at: datetime | None
    ) -> Iterator[list[Entity]]:
        read = Read(
            self._since.query(token),
            self._since.values(token),
            None if token is None else token.stamp,
            self._since.least(token),
            to_text(self._now()) if token is not None and self._since.by_reading else None,
            known_at,
        )
        return self._incremental.pages(read, limit, self.fetch)

    def _second_look(self) -> Iterator[list[Entity]]:
        token = self._since.second_look()
        if token is not None:
            for page in self._read(token, None, None):
                yield [entity for entity in page if entity["_updated"] >= token.stamp]

    def fetch(self, key: str) -> Record:
        """Return the record as the ERP gives it, in our field names if the profile maps them.

        Deleted, if it is none of this datatype any more.
        """
        return self._shape.fetched(self._writer.fetch(key))

    def read_alone(self, key: str) -> Record:
        """Return the record as the ERP gives it, without its children."""
        return self._single.fetch(key)

    def entity(self, record: Record) -> Entity:
        """Return the record with `_id`, `_updated` and `_deleted`.

        One that was read has them already; one that an earlier dry run foresaw (`$present`) has our fields.
        """
        if "_updated" in record:
            return record
        return {"_id": str(record.get("id")), "_updated": now_text(), "_deleted": False, **record}

    def event(self, key: str) -> Entity | None:
        """Return the record as it is now, for its event pipe; None if it can say nothing there.

        `$read`: when its reading began. `$deleted`: whether the ERP has it no more; `modified_at` is then no
        earlier than any change before that, and by the ERP's clock.
        """
        began = now_text()
        try:
            entity = dict(self.fetch(key))
        except NotFound:
            if self._spec.modified_format == "number":
                return None  # Its numbers tell the order of versions, and nothing gives a deletion one.
            entity = self._shape.gone(key, self._client.clock_now())
        stamp = entity.pop("_updated")
        if entity["_deleted"]:
            entity.setdefault("modified_at", stamp)
        return {**entity, "_deleted": False, "$deleted": entity["_deleted"], "$read": began}

    def key_of_parts(self, parts: Sequence[str]) -> str:
        """Return a key, as text, of its parts as the ERP has them."""
        return self._shape.key.of(parts)

    def find_own(self, insert: Insert) -> Record | None:
        """Ask the ERP for the record that names our origin; an ERP that ignores the question is found out.

        A record that an interrupted create left on its way is taken to the state it was to have.
        """
        self._check_writable()
        origin = self._origin
        reference = self._reference(insert)
        field = self._shape.fields.field(origin.field) if self._shape.fields is not None else None
        asked = reference if field is None else field.kept(reference)
        pages = self._lists.pages(origin.query, None if origin.loose else 2, {"origin": asked})
        found = itertools.chain.from_iterable(pages) if origin.loose else next(pages, [])
        for listed in found:
            raw = self._writer.whole(listed)
            entity = self._shape.entity(dict(raw))
            kept_so = field is not None and field.item is None and field.holds(raw, reference)
            if not kept_so and str(get_path(entity, origin.field)) != reference:
                if origin.loose:
                    continue
                raise FixSettings(
                    f"{self.name}: the ERP does not look up by {origin.field}; see origin in the profile",
                    setting="ERP_PROFILE",
                )
            if not entity["_deleted"]:
                return self._writer.finish(Fetched(entity, raw), insert.payload, self.same)
        return None

    def create(self, insert: Insert) -> Record:
        """Create and give the record as the ERP stored it."""
        self._check_writable("create")
        reference = self._reference(insert)
        payload = with_reference(insert.payload, self._origin.field, reference)
        return self._writer.create(Write(payload, reference=reference, placeholder=placeholder(insert)))

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """Write the changes under the lock that the profile names."""
        changes = without_read_only(changes, self.schema)
        if self._is_lost(changes, present, key):
            return present
        self._check_writable("update")
        return self._writer.update(Write(changes, key, present))

    def _is_lost(self, changes: Record, present: Record, key: str) -> bool:
        """Return whether all of a change is what may get lost, in an ERP without updates."""
        if self._spec.read_only or self._spec.update.allowed:
            return False
        return self._writer.has_no_place_for(Write(changes, key, present))

    def delete(self, key: str) -> Deletion:
        """Delete; an ERP that keeps what others refer to rejects it with its reason."""
        self._check_writable("delete")
        if self._spec.where and self.fetch(key)["_deleted"]:
            raise NotFound(f"{key} is no {self.name} any more", entity=key)
        self._writer.delete(Write(key=key))
        return Deletion("delete")

    def key_of(self, record: Record) -> str:
        """Return the ERP's key as text."""
        return str(self.entity(record)["_id"])

    def same(self, path: Sequence[str | int], present: object, desired: object) -> bool:
        """Compare values that an ERP normalises by what they mean: 10 and 10.00, empty text and none."""
        if present == "":
            present = None
        if desired == "":
            desired = None
        read = self._forms.get(tuple(part for part in path if isinstance(part, str)))
        if read is not None and present is not None and desired is not None:
            try:
                return bool(read(present) == read(desired))
            except (ValueError, TypeError, ArithmeticError):
                return same_leaf(path, present, desired)
        return same_leaf(path, present, desired)

    def check_reachable(self) -> None:
        """Read the first record of the list; raises what is wrong with address, credentials or profile."""
        next(self._lists.pages({}, 1), None)

    def _reference(self, insert: Insert) -> str:
        return str(get_path(insert.payload, self._origin.field) or insert.origin_id)

    @property
    def _origin(self) -> Origin:
        assert self._spec.origin is not None, "what can be written has one; see the profile's checks"
        return self._spec.origin

    def _check_writable(self, call: str | None = None) -> None:
        """`Rejected` if nothing may be written, or if this ERP has no such call (create, update, delete)."""
        if self._spec.read_only:
            raise Rejected(f"{self.name} is read-only by the profile", rule="read_only")
        if call is not None and not getattr(self._spec, call).allowed:
            raise Rejected(f"this ERP has no call to {call} {self.name}s, by its profile", rule=call)


def placeholder(insert: Insert) -> str:
    """Return what stands, in a dry run, for the key that the ERP would give to the record made from this."""
    _, _, datatype = insert.origin_namespace.partition("-")
    return f"new-{datatype or insert.origin_namespace}-{insert.origin_id}"


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "decimal": lambda value: Decimal(str(value)),
    "date-time": datetime.fromisoformat,
}


def _forms(
    schema: Mapping[str, Any], path: tuple[str, ...] = ()
) -> dict[tuple[str, ...], Callable[[object], object]]:
    """For each property whose values may be written in several ways: how to read one."""
    found = {path: _FORMS[schema["format"]]} if schema.get("format") in _FORMS else {}
    for name, sub in schema.get("properties", {}).items():
        found |= _forms(sub, (*path, name))
    if isinstance(schema.get("items"), Mapping):
        found |= _forms(schema["items"], path)
    return found
