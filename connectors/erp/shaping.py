"""From the ERP's records to entities: field names, key, change stamp and deletion mark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.common.datatype import Entity, Record
from connectors.common.errors import BrokenAnswer
from connectors.erp import stamps
from connectors.erp.fieldmap import FieldMap
from connectors.erp.paths import bury, dig

LOCK = "_lock"
"""Where a mapped record keeps the ERP's version of it."""


class Shape:
    """How records of one datatype become entities.

    Without a field map the ERP's record is passed on as it is; with one it has our field names only, and the
    things that a write needs again are kept under names beginning with `_`.
    """

    def __init__(self, datatype: str, spec: Mapping[str, Any]) -> None:
        self._datatype = datatype
        self._id = spec["id"]
        self._modified = tuple(spec["modified"])
        self._form = spec["modified_format"]
        self._parse = stamps.parser(self._form)
        self._lowest = stamps.lowest(self._form)
        self._deleted = _deletion(spec["deleted"])
        self._lock = spec["update"].get("lock", {}).get("path")
        self.fields = FieldMap(spec["fields"]) if "fields" in spec else None
        self._plain = self.fields is None and "." not in self._id

    def entities(self, records: list[Record]) -> list[Entity]:
        """The entities of one page, in its order; the records given are changed."""
        return [self.entity(raw) for raw in records]

    def entity(self, raw: Record) -> Entity:
        """One entity; `raw` is changed. `BrokenAnswer` if it has no id."""
        key = raw.get(self._id) if self._plain else dig(raw, self._id)
        if type(key) is not str:
            key = self._key(key)
        stamp, deleted = self.stamp(raw), self._deleted(raw)
        record = raw if self.fields is None else self._mapped(raw, key)
        record["_id"] = key
        record["_updated"] = stamp
        record["_deleted"] = deleted
        return record

    def stamp(self, raw: Record) -> str:
        """The first change stamp that is not null, in fixed width; the lowest there is if all are."""
        for path in self._modified:
            value = raw.get(path) if path in raw else dig(raw, path)
            if value is not None:
                return self._parse(value)
        return self._lowest

    def lock_of(self, record: Record) -> Any:
        """The ERP's version of a record that `fetch` gave."""
        if self._lock is None:
            return None
        return record.get(LOCK) if self.fields is not None else dig(record, self._lock)

    def _key(self, key: Any) -> str:
        if key is None or key == "" or isinstance(key, bool | dict | list):
            raise BrokenAnswer(f"{self._datatype}: the ERP gave a record without {self._id}")
        return str(key)

    def _mapped(self, raw: Record, key: str) -> Record:
        assert self.fields is not None
        record = {"id": key, **self.fields.read(raw)}
        if self._lock is not None:
            record[LOCK] = dig(raw, self._lock)
        return record


def _deletion(spec: Mapping[str, Any]) -> Callable[[Record], bool]:
    match spec["strategy"]:
        case "tombstones":
            field = spec["field"]
            return lambda raw: (raw.get(field) if field in raw else dig(raw, field)) is not None
        case "soft_flag":
            field, value = spec["field"], spec["value"]
            return lambda raw: dig(raw, field) == value
        case _:
            return lambda raw: False


def without_read_only(value: Any, schema: Mapping[str, Any]) -> Any:
    """`value` without the nested properties that the schema calls read-only; merged values bring them
    along.
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
    """A copy of `payload` that names where it comes from, unless it does already."""
    if dig(payload, path):
        return payload
    marked = dict(payload)
    bury(marked, path, reference)
    return marked
