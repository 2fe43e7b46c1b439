"""What differs between two versions of an entity, property by property."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MISSING = object()


def changes(before: dict[str, Any] | None, after: dict[str, Any]) -> list[dict[str, Any]]:
    """`[{"path", "kind": added|removed|changed, "before", "after"}]` in the order of paths.

    Objects are compared member by member, all else as a whole; `_deleted` counts, the store's own `_`
    properties do not. 1, 1.0 and true differ.
    """
    return list(_compare("", _content(before or {}), _content(after)))


def _content(entity: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in entity.items() if not k.startswith("_") or (k == "_deleted" and v)}


def _compare(path: str, before: Any, after: Any) -> Iterator[dict[str, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            inner = f"{path}.{name}" if path else name
            yield from _compare(inner, before.get(name, MISSING), after.get(name, MISSING))
    elif before is MISSING:
        yield {"path": path, "kind": "added", "before": None, "after": after}
    elif after is MISSING:
        yield {"path": path, "kind": "removed", "before": before, "after": None}
    elif type(before) is not type(after) or before != after or _inner_kinds(before) != _inner_kinds(after):
        yield {"path": path, "kind": "changed", "before": before, "after": after}


def _inner_kinds(value: Any) -> Any:
    """Return kinds of the values within a list, so that [1] and [true] differ as 1 and true do."""
    if isinstance(value, list):
        return [_inner_kinds(each) for each in value]
    if isinstance(value, dict):
        return {name: _inner_kinds(each) for name, each in value.items()}
    return type(value)
