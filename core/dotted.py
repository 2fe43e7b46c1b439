"""Read and write values at a dotted path in JSON: `address.city`, `errors.0.field`."""

from __future__ import annotations

from typing import Any

from core.jsonio import Json


def get_path(value: object, path: str) -> Any:
    """Return the value at a dotted path, or None if there is none.

    A key may contain dots itself (`@odata.etag`): the whole rest of the path takes precedence over its first
    part. In a list a part is an index. The empty path is the value itself.
    """
    if not path:
        return value
    if isinstance(value, dict) and path in value:
        return value[path]
    head, _, rest = path.partition(".")
    if isinstance(value, dict):
        return get_path(value.get(head), rest) if head in value and rest else None
    if isinstance(value, list) and head.isdigit() and int(head) < len(value):
        return get_path(value[int(head)], rest)
    return None


def has_path(value: object, path: str) -> bool:
    """Return whether there is a value at a dotted path. Null is a value, and so is everything inside it."""
    if isinstance(value, dict) and path in value:
        return True
    before, dot, last = path.rpartition(".")
    inner = get_path(value, before) if dot else None
    is_there = isinstance(inner, dict) and last in inner
    return is_there or (dot != "" and inner is None and has_path(value, before))


def is_shown(value: object, path: str) -> bool:
    """Return whether a value determines what is at a path, even if nothing is there.

    A text, number or boolean in place of an object determines it, and so does a list of any length.
    """
    while not has_path(value, path):
        path, dot, _ = path.rpartition(".")
        if not dot and not path or isinstance(get_path(value, path), dict):
            return False
    return True


def get_all(value: object, path: str) -> list[object]:
    """Return the values at a path in which `*` stands for every item of a list, without nulls."""
    before, star, after = path.partition("*")
    if not star:
        found = get_path(value, path)
        return [] if found is None else [found]
    items = get_path(value, before.rstrip("."))
    items = items if isinstance(items, list) else []
    return [found for item in items for found in get_all(item, after.lstrip("."))]


def set_path(record: dict[str, object], path: str, value: object) -> None:
    """Set the value at a dotted path. Objects on the way are created, or copied if others may share them."""
    *way, last = path.split(".")
    for name in way:
        inner = record.get(name)
        record[name] = inner = dict(inner) if isinstance(inner, dict) else {}
        record = inner
    record[last] = value


def leaves(value: object, path: str = "") -> Json:
    """Return dotted path → value of everything that is not an object, or an empty one; in order."""
    if not isinstance(value, dict) or (not value and path):
        return {path: value}
    found: dict[str, Any] = {}
    for name, inner in value.items():
        found |= leaves(inner, f"{path}.{name}" if path else name)
    return found
