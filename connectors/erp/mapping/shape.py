"""From the ERP's records to entities: field names, key, change stamp, deletion mark, which records count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from connectors.common import entity_text
from connectors.common.datatype import Entity, Record
from connectors.common.errors import InvalidResponse
from connectors.erp.mapping import stamps
from connectors.erp.mapping.conditions import fits
from connectors.erp.mapping.fields import FieldMap
from connectors.erp.mapping.first_seen import FirstSeen, asks_for_changes
from connectors.erp.mapping.key import Key
from connectors.erp.mapping.local_time import Clock, utc_now
from connectors.erp.profile.model.datatype import DatatypeProfile
from connectors.erp.profile.model.mapping import Condition, StampPair
from connectors.erp.profile.model.reading import Deletion, SoftFlag, Tombstones
from connectors.erp.profile.model.writing import IfMatch, NoLock
from core.dotted import get_all, get_path, set_path

LISTED = "@listed"
"""Where a record that was read by itself is given the stamp that the list showed; it may have changed
since.
"""

VERSION = "@version"
"""Where a record that was read alone is given the version that its answer's header said."""


class Codes(Protocol):
    """The values of ours for the ERP's keys."""

    def __call__(self, key: object) -> object: ...
    def prefetch(self, keys: Iterable[object]) -> None: ...
    def forget(self) -> None: ...


class CodeLookups(Protocol):
    """Gives the way back of a look-up, None where it has none."""

    def codes(self, name: str) -> Codes | None: ...


Each = Callable[[Sequence[Record], Callable[[Record], Any]], list[Any]]
"""Makes something of each of several records; what becomes of those of which it cannot, is its business."""


class Fetched(dict[str, Any]):
    """An entity that knows the ERP's own record behind it, which a write needs again."""

    __slots__ = ("raw",)

    def __init__(self, entity: Entity, raw: Record) -> None:
        super().__init__(entity)
        self.raw = raw


_LINK = "business_entity_id"
"""The link that is no datatype's origin."""


class Shape:
    """How records of one datatype become entities.

    Without a field map the ERP's record is passed on as it is; with one it has our field names only.
    """

    def __init__(
        self, datatype: str, spec: DatatypeProfile, lookups: CodeLookups, now: Clock = utc_now
    ) -> None:
        self._datatype = datatype
        self.key = Key(spec.id, datatype)
        self._stamps = stamp_readers(spec, now)
        self._also = spec.modified_also
        self._parse = stamps.parser(spec.modified_format, spec.timezone, now)
        self._lowest = stamps.lowest(spec.modified_format)
        self._deleted = _deletion(spec.deleted)
        self._where = spec.where
        self._keep = spec.keep
        self._first_seen = FirstSeen(asks_for_changes(spec))
        lock = spec.update.lock
        self._in_header = isinstance(lock, IfMatch) and lock.header is not None
        self._lock = VERSION if self._in_header else None if isinstance(lock, NoLock) else lock.path
        self._lookups = lookups
        self._links = [_LINK, *([] if spec.origin is None else [spec.origin.field])]
        self.fields = (
            None
            if spec.fields is None
            else FieldMap(spec.fields, spec, spec.items, spec.ignore, lookups.codes)
        )

    def identified(self, raw: Record) -> Record:
        """Return the record; `InvalidResponse` if its id or change stamp is of no use."""
        key = self.key(raw)
        if not entity_text.is_usable_id(key):
            raise InvalidResponse(f"{self._datatype}: {entity_text.what_is_wrong_with_id(key)}")
        self.stamp(raw)
        return raw

    def entities(self, records: list[Record], leaving: bool, seen: str | None, each: Each) -> list[Entity]:
        """Return the entities of one page, in its order; the records given are changed.

        `each` takes the records through one by one, and notes those that cannot be read.

        Records outside of the profile's `where` are left out, or with `leaving` given as deleted: whoever has
        seen one before learns that it is none of this datatype any more. `seen`: when a change was seen that
        the ERP gives no stamp for.
        """
        self._ask_for_codes(records)
        if not self._where:
            return each(records, lambda raw: self._listed(raw, seen))
        entities = each(
            records, lambda raw: self._listed(raw, seen) if self.belongs(raw) else self._left(raw, leaving)
        )
        return [entity for entity in entities if entity is not None]

    def _ask_for_codes(self, records: Sequence[Record]) -> None:
        """Look up the keys of a page that are read as values of ours, all at once where the ERP can."""
        if self.fields is None or not self.fields.has_codes:
            return
        wanted: dict[str, list[Any]] = {}
        for name, key in self.fields.keys(records):
            if key is not None:
                wanted.setdefault(name, []).append(key)
        for name, keys in wanted.items():
            codes = self._lookups.codes(name)
            if codes is not None:
                codes.forget()
                codes.prefetch(keys)

    def belongs(self, raw: Record) -> bool:
        """Return whether the record is one of this datatype."""
        return fits(self._where, raw)

    def _listed(self, raw: Record, seen: str | None) -> Entity:
        return self.entity(raw, lambda key: self._first_seen.note(key, raw, seen))

    def entity(self, raw: Record, seen: Callable[[str], str | None] | None = None) -> Entity:
        """One entity; `raw` is changed. `InvalidResponse` if it has no id.

        `seen` says for a key when a record without a stamp was first seen as it is.
        """
        key = self.key(raw)
        stamp, deleted = self.stamp(raw), self._deleted(raw)
        listed = raw.pop(LISTED, stamp)
        if self._in_header:
            raw.pop(VERSION, None)
        known: str | None = stamp
        if stamp == self._lowest:
            known = self._first_seen.known(key, raw) if seen is None else seen(key)
        record = raw if self.fields is None else {"id": key, **self.fields.read(raw, known)}
        for place in self._links:
            # Every record with an empty text there would name the same counterpart.
            if get_path(record, place) == "":
                set_path(record, place, None)
        record["_id"] = key
        record["_updated"] = min(stamp, listed)
        record["_deleted"] = deleted
        return record

    def fetched(self, raw: Record) -> Fetched:
        """One entity with its record, which is not changed; deleted if it does not belong here any more."""
        entity = self.entity(dict(raw)) if self.belongs(raw) else self._left(raw, True)
        assert entity is not None
        return Fetched(entity, raw)

    def gone(self, key: str, stamp: str) -> Entity:
        """Return the entity of a record that the ERP holds no more."""
        return {"id": key, "_id": key, "_updated": stamp, "_deleted": True}

    def stamp(self, raw: Record) -> str:
        """Return the first change stamp that is not null, in fixed width.

        A later one among `modified_also` goes before it; the lowest there is stands where there is none.
        """
        found = (read(raw) for read in self._stamps)
        stamp = next((one for one in found if one is not None), self._lowest)
        for path in self._also:
            for value in get_all(raw, path):
                stamp = max(stamp, self._parse(value))
        return stamp

    def lock_of(self, raw: Record) -> object:
        """Return the ERP's version of a record."""
        return None if self._lock is None else get_path(raw, self._lock)

    def _left(self, raw: Record, leaving: bool) -> Entity | None:
        """Return a record outside of this datatype as one that left it, with what the profile keeps of it."""
        if not leaving:
            return None
        entity = self.entity(dict(raw))
        kept = {name: entity[name] for name in self._keep if entity.get(name) is not None}
        return {**self.gone(entity["_id"], entity["_updated"]), **kept}


StampReader = Callable[[Record], str | None]


def stamp_readers(spec: DatatypeProfile, now: Clock = utc_now) -> list[StampReader]:
    """For each place where a record may hold its change stamp.

    A function that reads it, None if it is null.
    """
    return [_stamp_reader(source, spec, now) for source in spec.modified]


def _stamp_reader(source: str | StampPair, spec: DatatypeProfile, now: Clock) -> StampReader:
    if isinstance(source, StampPair):
        parse_pair = stamps.pair_parser(source.time_form, spec.timezone, now)

        def read_pair(raw: Record) -> str | None:
            day = get_path(raw, source.date)
            return None if day is None else parse_pair(day, get_path(raw, source.time))

        return read_pair
    parse = stamps.parser(spec.modified_format, spec.timezone, now)
    given = spec.null_values
    nulls = ["", *(sum(given.values(), []) if isinstance(given, dict) else given)]
    nulls = [null for null in nulls if isinstance(null, str) or null is False]

    def read(raw: Record) -> str | None:
        value = raw[source] if source in raw else get_path(raw, source)
        return None if value is None or value in nulls else parse(value)

    return read


def _deletion(spec: Deletion) -> Callable[[Record], bool]:
    match spec:
        case Tombstones(field=field):
            return lambda raw: (raw.get(field) if field in raw else get_path(raw, field)) is not None
        case SoftFlag(field=field, value=value):
            condition = [Condition(field=field, equals=value)]
            return lambda raw: fits(condition, raw)
        case _:
            return lambda raw: False


def without_read_only(value: object, schema: Mapping[str, Any]) -> Any:
    """`value` without the nested properties that the schema calls read-only.

    Merged values bring them along.
    """
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {
            name: without_read_only(item, known.get(name, {}))
            for name, item in value.items()
            if not known.get(name, {}).get("readOnly")
        }
    if isinstance(value, list):
        return [without_read_only(item, schema.get("items", {})) for item in value]
    return value


def with_reference(payload: Record, path: str, reference: str) -> Record:
    """Return a copy of `payload` that names where it comes from, unless it does already."""
    if get_path(payload, path):
        return payload
    marked = dict(payload)
    set_path(marked, path, reference)
    return marked
