"""Ids that we choose ourselves: derived from the origin, so that a repeated create meets the first one."""

from __future__ import annotations

import hashlib
import re

from connectors.common.datatype import Insert, Record
from connectors.common.errors import Rejected

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_HASH_LENGTH = 8


def derived_id(insert: Insert, limit: int, suffix: str = "") -> str:
    """`contact-CT-1` from `~:customerp-contact:CT-1`, or the id that the payload chose.

    Characters outside `[A-Za-z0-9_.-]` become `-`; where that or the cut to `limit` loses something, a hash
    of the whole keeps two origins apart.
    """
    if insert.key is not None:
        if len(insert.key) > limit:
            raise Rejected(
                f"/id is {len(insert.key)} characters long; at most {limit} are allowed",
                field="/id",
                rule="maxLength",
                limit=limit,
            )
        return insert.key
    return sanitised(f"{origin_type(insert)}-{insert.origin_id}{suffix}", limit)


def sanitised(text: str, limit: int) -> str:
    """`text` as an id: unchanged if it is one, else made one that only this text has."""
    safe = _UNSAFE.sub("-", text)
    if safe == text and len(text) <= limit:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{safe[: limit - _HASH_LENGTH - 1].strip('-')}-{digest}"


def origin_system(insert: Insert) -> str:
    """`customerp` of `~:customerp-contact:CT-1`."""
    return insert.origin_namespace.partition("-")[0]


def origin_type(insert: Insert) -> str:
    """`contact` of `~:customerp-contact:CT-1`; the whole namespace if it has no system part."""
    system, _, datatype = insert.origin_namespace.partition("-")
    return datatype or system


def link(insert: Insert) -> Record:
    """Return what marks a record as made from its origin: `{"customerp": {"contact_id": "CT-1"}}`."""
    return {origin_system(insert): {f"{origin_type(insert)}_id": insert.origin_id}}


def linked(insert: Insert, metadata: object) -> Record:
    """Metadata of a new record: what the payload says, and the link."""
    given = metadata if isinstance(metadata, dict) else {}
    system = origin_system(insert)
    mine = given.get(system)
    return {**given, system: {**link(insert)[system], **(mine if isinstance(mine, dict) else {})}}


def is_ours(insert: Insert, metadata: object) -> bool:
    """Return whether a record with the derived id may be adopted.

    Its link, if it has one, names the same origin.
    """
    given = metadata if isinstance(metadata, dict) else {}
    mine = given.get(origin_system(insert))
    name = f"{origin_type(insert)}_id"
    named = mine.get(name) if isinstance(mine, dict) else None
    return named is None or str(named) == insert.origin_id
