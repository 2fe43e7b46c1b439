"""One datatype of the ERP service: the profile's operations behind the common interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.common.compare import same_leaf
from connectors.common.datatype import Datatype, Deletion, Entity, Insert, Record
from connectors.common.errors import BrokenAnswer, Conflict, FixSettings, Rejected
from connectors.common.upstream import Answer, UpstreamClient
from connectors.erp.paths import bury, dig, fill_path
from connectors.erp.reading import Lists
from connectors.erp.shaping import Shape, with_reference, without_read_only
from connectors.erp.since import Since


class ErpDatatype(Datatype):
    """Records of one kind in an ERP that is described by a profile; nothing here knows which ERP."""

    assigns_keys = True

    def __init__(
        self,
        name: str,
        spec: Mapping[str, Any],
        schema: Mapping[str, Any],
        client: UpstreamClient,
        page_size: int,
    ) -> None:
        """`spec`: the profile's entity with defaults filled in; `schema`: the JSON Schema of the entity."""
        self.name = name
        self.schema = schema
        self.line_keys = spec.get("line_keys", {})
        self._spec = spec
        self._client = client
        self._lists = Lists(client, name, spec, page_size)
        self._shape = Shape(name, spec)
        self._since = Since(name, spec)
        self._forms = _forms(schema)

    def pages(self, since: str | None, limit: int | None) -> Iterator[list[Entity]]:
        """See `connectors.erp.since` for order and tokens."""
        token = self._since.parse(since)
        if limit == 0:
            return iter(())
        raw = self._lists.pages(self._since.query(token), limit)
        return self._since.apply(map(self._shape.entities, raw), token, limit)

    def fetch(self, key: str) -> Record:
        """The record as the ERP gives it, in our field names if the profile maps them."""
        return self._record(self._call("get", key), "get")

    def entity(self, record: Record) -> Entity:
        """The record with `_id`, `_updated` and `_deleted`."""
        return record if "_updated" in record else self._shape.entity(record)

    def find_own(self, insert: Insert) -> Record | None:
        """Ask the ERP for the record that names our origin; an ERP that ignores the question is found out."""
        self._check_writable()
        origin = self._spec["origin"]
        reference = self._reference(insert)
        query = {name: text.replace("{origin}", reference) for name, text in origin["query"].items()}
        page = next(self._lists.pages(query, 2), [])
        for entity in self._shape.entities(page):
            if str(dig(entity, origin["field"])) != reference:
                raise FixSettings(
                    f"{self.name}: the ERP does not look up by {origin['field']}; see origin in the profile",
                    setting="ERP_PROFILE",
                )
            if not entity["_deleted"]:
                return entity
        return None

    def create(self, insert: Insert) -> Record:
        """Create and give the record as the ERP stored it."""
        self._check_writable()
        spec = self._spec["create"]
        payload = with_reference(insert.payload, self._spec["origin"]["field"], self._reference(insert))
        answer = self._call("create", "", self._body(spec, payload))
        if "id_from" in spec:
            key = dig(answer.body, spec["id_from"])
            if key is None:
                raise BrokenAnswer(f"{self.name}: the ERP's answer to a create has no {spec['id_from']}")
            return self.fetch(str(key))
        return self._record(answer, "create")

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """Write the changes under the lock that the profile names."""
        self._check_writable()
        spec = self._spec["update"]
        clean = without_read_only(changes, self.schema)
        headers, body = self._locked(spec, present, self._outgoing(key, present, clean))
        wrapped = {spec["wrap"]: body} if "wrap" in spec else body
        answer = self._call("update", key, wrapped, headers)
        if spec.get("answers") == "nothing" or answer.body is None:
            return self.fetch(key)
        return self._record(answer, "update")

    def delete(self, key: str) -> Deletion:
        """Delete; an ERP that keeps what others refer to rejects it with its reason."""
        self._check_writable()
        self._call("delete", key)
        return Deletion("delete")

    def key_of(self, record: Record) -> str:
        """The ERP's key as text."""
        return str(self.entity(record)["_id"])

    def same(self, path: Sequence[str | int], present: Any, desired: Any) -> bool:
        """Values that an ERP normalises are compared by what they mean: 10 and 10.00, empty text and none."""
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

    def _call(
        self, operation: str, key: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        spec = self._spec[operation]
        return self._client.call(
            spec["method"],
            fill_path(spec["path"], self._spec["path"], key),
            operation=f"{self.name}.{operation}",
            params=spec.get("query"),
            json=body,
            headers={**spec.get("headers", {}), **(headers or {})},
            repeatable=operation != "create",
        )

    def _record(self, answer: Answer, operation: str) -> Record:
        raw = dig(answer.body, self._spec[operation].get("record", ""))
        if not isinstance(raw, dict):
            raise BrokenAnswer(f"{self.name}: the ERP's answer to {operation} holds no record")
        return self._shape.entity(raw)

    def _body(self, spec: Mapping[str, Any], payload: Record) -> Record:
        body = self._shape.fields.write(payload) if self._shape.fields else payload
        return {spec["wrap"]: body} if "wrap" in spec else body

    def _outgoing(self, key: str, present: Record, changes: Record) -> Record:
        """What to send: the changed fields, or the whole record as the ERP holds it with them put in."""
        fields = self._shape.fields
        if self._spec["update"].get("mode", "partial") == "partial":
            return fields.write(changes) if fields else changes
        raw = dig(self._call("get", key).body, self._spec["get"].get("record", ""))
        if self._shape.lock_of(self._shape.entity(dict(raw))) != self._shape.lock_of(present):
            raise Conflict(f"{self.name} {key} moved on while it was written", entity=key)
        return fields.write(changes, raw) if fields else {**raw, **changes}

    def _locked(
        self, spec: Mapping[str, Any], present: Record, body: Record
    ) -> tuple[dict[str, str], Record]:
        lock = spec.get("lock", {"type": "none"})
        version = self._shape.lock_of(present)
        if lock["type"] == "none" or version is None:
            return {}, body
        if lock["type"] == "if_match":
            return {"If-Match": lock.get("template", "{version}").replace("{version}", str(version))}, body
        body = dict(body)
        bury(body, lock["path"], version)
        return {}, body

    def _reference(self, insert: Insert) -> str:
        return str(dig(insert.payload, self._spec["origin"]["field"]) or insert.origin_id)

    def _check_writable(self) -> None:
        if self._spec.get("read_only"):
            raise Rejected(f"{self.name} is read-only by the profile", rule="read_only")


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "decimal": lambda value: Decimal(str(value)),
    "date-time": datetime.fromisoformat,
}


def _forms(
    schema: Mapping[str, Any], path: tuple[str, ...] = ()
) -> dict[tuple[str, ...], Callable[[Any], Any]]:
    """For each property whose values may be written in several ways: how to read one."""
    found = {path: _FORMS[schema["format"]]} if schema.get("format") in _FORMS else {}
    for name, sub in schema.get("properties", {}).items():
        found |= _forms(sub, (*path, name))
    if isinstance(schema.get("items"), Mapping):
        found |= _forms(schema["items"], path)
    return found
