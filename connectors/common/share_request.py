"""Parse one entity of a share request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.common.datatype import Insert, Record
from connectors.common.entity_text import LONGEST_ID
from connectors.common.errors import LookUpFirst, Rejected
from connectors.common.transit import unescaped
from core import dry_run
from core.jsonio import type_name

OPERATIONS = ("insert", "update", "delete")
_ORIGIN = re.compile(r"~:[^:]+:.+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ShareRequest:
    """`operation` on the record `key` with `payload`.

    `check_version` False skips the comparison with `based_on`.

    For an insert `key` is the payload's own `id`, if any, and `origin` the namespaced identifier it comes
    from. A delete has one of the two: with `origin` it takes back an insert that was never answered.
    `present`: in a dry run, the record as an earlier one foresaw it; upstream is not asked for it.
    """

    operation: str
    key: str | None
    payload: Record
    origin: str | None = None
    based_on: Record | None = None
    watched_fields: list[str] | None = None
    check_version: bool = True
    present: Record | None = None

    @property
    def lock_name(self) -> str:
        """Return the name of what two threads must not write at once."""
        return self.key or self.origin or ""

    @property
    def insert(self) -> Insert:
        """Return the request in the form that `create` of a datatype expects; null means missing."""
        payload = {name: value for name, value in self.payload.items() if value is not None}
        return Insert(self.origin or "", payload, self.key)


def payload_of(entity: Mapping[str, object]) -> Record:
    """Return the target's own properties: root keys that do not start with `_` or `$`, without `id`."""
    return {name: value for name, value in entity.items() if name[:1] not in ("_", "$") and name != "id"}


def parse_dry_run(entity: Mapping[str, object]) -> ShareRequest:
    """Return a share entity of a dry run.

    It may contain the record as predicted by earlier ones, as `$present`.
    """
    return replace(parse_share_request(entity), present=_typed(entity, dry_run.PRESENT, dict, "object"))


def parse_share_request(entity: Mapping[str, object]) -> ShareRequest:
    """Read a share entity; `Rejected` names the special property that is missing or of the wrong type."""
    if not isinstance(entity.get("_id"), str) or not entity["_id"]:
        raise _wrong("_id", "string", entity.get("_id"))
    operation = _operation(entity)
    key = _key(entity, operation)
    if operation == "delete":
        if entity.get("id") in (None, "") and entity.get("$origin") is not None:
            return ShareRequest(operation, None, {}, origin=_origin(entity))
        return ShareRequest(operation, key, {})
    if operation == "insert":
        return ShareRequest(operation, key, payload_of(entity), origin=_origin(entity))
    check_version = entity.get("$unsafe_skip_optimistic_locking") is not True
    based_on = _typed(entity, "$based_on", dict, "object")
    if check_version and based_on is None:
        raise LookUpFirst(
            "an update needs $based_on, the record as it was last collected",
            field="/$based_on",
            rule="required",
        )
    watched_fields = _typed(entity, "$based_on_properties", list, "array")
    return ShareRequest(operation, key, payload_of(entity), None, based_on, watched_fields, check_version)


def _operation(entity: Mapping[str, object]) -> str:
    given = entity.get("$operation")
    if given is None:
        return "delete" if entity.get("_deleted") is True else "update" if entity.get("id") else "insert"
    if given not in OPERATIONS:
        raise Rejected(
            f"$operation must be one of {', '.join(OPERATIONS)}",
            field="/$operation",
            rule="enum",
            type=type_name(given),
        )
    return str(given)


def _key(entity: Mapping[str, Any], operation: str) -> str | None:
    """Return the payload's `id`; updates and deletes fall back on `_id` without its namespace."""
    key = entity.get("id")
    if isinstance(key, bool) or not isinstance(key, str | int | None):
        raise _wrong("id", "string", key)
    if key is None or key == "":
        return None if operation == "insert" else _without_namespace(entity["_id"])
    if len(str(key)) > LONGEST_ID:
        raise Rejected(
            f"id is {len(str(key))} characters long; at most {LONGEST_ID} are allowed",
            field="/id",
            rule="maxLength",
            limit=LONGEST_ID,
        )
    return str(key)


def _without_namespace(name: str) -> str:
    """Return `CT-1` of `contact:CT-1`. An id may contain colons, a namespace may not."""
    before, colon, key = name.partition(":")
    found: str = unescaped(key if colon else before)
    return found


def _origin(entity: Mapping[str, object]) -> str:
    origin = entity.get("$origin")
    if origin is None:
        raise Rejected("an insert needs $origin, the record it comes from", field="/$origin", rule="required")
    if not isinstance(origin, str) or not _ORIGIN.fullmatch(origin):
        raise Rejected(
            "$origin must be a namespaced identifier, ~:namespace:id",
            field="/$origin",
            rule="format",
            type=type_name(origin),
        )
    return origin


def _typed(entity: Mapping[str, object], name: str, kind: type, called: str) -> Any:
    value = entity.get(name)
    if value is not None and not isinstance(value, kind):
        raise _wrong(name, called, value)
    return value


def _wrong(name: str, wanted: str, value: object) -> Rejected:
    rule = "required" if value is None else "type"
    return Rejected(
        f"{name} must be {wanted}, not {type_name(value)}", field=f"/{name}", rule=rule, type=type_name(value)
    )
