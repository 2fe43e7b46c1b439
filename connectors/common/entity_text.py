"""Write records in the form that a Sesam node accepts: texts escaped, and no invalid values.

A record with a value that no entity can have (bytes that are not UTF-8, NaN, endless nesting, an empty or
endless id) is left out alone. It is replaced by `{"_id", "_updated", "_deleted": false, "$status":
"rejected", "$error": {...}}`, like the answer to a share request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from connectors.common.datatype import Entity
from connectors.common.errors import Rejected, ServiceError
from connectors.common.transit import escaped
from core import jsonio
from core.jsonio import Unusable, pointer

DEEPEST = 64
"""Levels of nesting that an entity may have; no record of either system comes near."""

UNIDENTIFIED = "$unidentified"
"""The `_id` of what stands for records of which nobody knows which ones they are. While there is one, any
record that a read does not show may be it, so no deletion may be concluded from that."""

LONGEST_ID = 1000
"""Characters of an id. It stands in URLs, in logs and on every page about the record."""

_MARKED = b'"~'
"""What a JSON text has in it in which there is anything to escape."""


def text_of(entities: Sequence[Entity]) -> bytes:
    """Return the JSON text of entities for readers."""
    try:
        text = orjson.dumps(entities)
        if _MARKED not in text and all(is_usable_id(entity["_id"]) for entity in entities):
            return text
    except TypeError:  # bytes that are no UTF-8, more than 254 levels, an integer beyond 64 bits, Unusable
        pass
    return jsonio.dumps([given_out(entity) for entity in entities])


def given_out(entity: Entity) -> Entity:
    """Return one entity for readers: escaped, or its replacement."""
    try:
        check(entity, entity["_id"])
    except Rejected as error:
        return unreadable(entity["_id"], entity.get("_updated"), error)
    found: Entity = escaped(entity)
    return found


def unreadable(key: object, updated: object, error: ServiceError) -> Entity:
    """Return the replacement of a record that cannot be represented, or not even read."""
    name = key if is_usable_id(key) else UNIDENTIFIED
    stands = {"_id": escaped(name), "_updated": updated, "_deleted": False}
    return {**stands, "$status": "rejected", "$error": error.as_dict()}


def is_unreadable(entity: Entity) -> bool:
    """Return whether an entity is such a replacement."""
    return "$error" in entity


def check(value: object, key: object) -> None:
    """Raise `Rejected` if a value cannot be part of an entity; `key` identifies the record."""
    if not is_usable_id(key):
        raise Rejected(what_is_wrong_with_id(key), field="/_id", rule="_id")
    found = _finding(value)
    if found is not None:
        path, rule, what = found
        # A key may be what is no text itself.
        field = path.encode("utf-8", "backslashreplace").decode()
        raise Rejected(f"{field or 'the record'} {what}", field=field, rule=rule)


def shallow(entity: Entity) -> Entity:
    """Return an entity without the members that are nested too deep to be written."""
    return {name: value for name, value in entity.items() if (_finding(value) or ("", ""))[1] != "depth"}


def is_usable_id(key: Any) -> bool:
    """Return whether a value can be the `_id` of an entity."""
    is_sized = isinstance(key, str) and 0 < len(key) <= LONGEST_ID
    return is_sized and (key.isascii() or _is_text(key))


def what_is_wrong_with_id(key: object) -> str:
    """Return the reason why a value cannot be an `_id`."""
    if not isinstance(key, str):
        return f"the id must be a string, not {jsonio.type_name(key)}"
    if not key:
        return "the id is empty"
    if len(key) > LONGEST_ID:
        return f"the id is {len(key)} characters long; at most {LONGEST_ID} are allowed"
    return "the id has bytes that are not UTF-8"


def _finding(value: object) -> tuple[str, str, str] | None:
    """Return (JSON Pointer, rule, problem) of the first value that no entity can have."""
    level = [((), value)]
    for _ in range(DEEPEST + 1):
        below: list[tuple[tuple[Any, ...], Any]] = []
        for path, item in level:
            what = _wrong(item)
            if what is not None:
                return pointer(path), *what
            below += [((*path, name), inner) for name, inner in _inner(item)]
        if not below:
            return None
        level = below
    return pointer(level[0][0][:1]), "depth", f"is nested deeper than {DEEPEST} levels"


def _inner(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong(value: object) -> tuple[str, str] | None:
    if isinstance(value, Unusable):
        return "json", f"is {value.text}, which is not JSON"
    if isinstance(value, float) and value - value != 0:
        return "json", f"is {value}, which is not JSON"
    texts = [value] if isinstance(value, str) else value if isinstance(value, dict) else ()
    for text in texts:
        if not text.isascii() and not _is_text(text):
            return "unicode", "has bytes that are not UTF-8"
    return None
