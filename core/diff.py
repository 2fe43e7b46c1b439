"""Compare JSON values exactly: 1, 1.0 and true differ, at any depth; the order of keys does not count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from core.dotted import get_path
from core.jsonio import Json

_MISSING = object()


def same(one: object, other: object) -> bool:
    """Return whether two values are the same JSON."""
    return bool(one == other) and _kinds(one) == _kinds(other)


def field_changes(before: object, after: object, fields: Iterable[str]) -> list[Json]:
    """Return `[{"field", "before", "after"}]` of the dotted paths in `fields` whose values differ."""
    pairs = [(field, get_path(before, field), get_path(after, field)) for field in fields]
    return [{"field": f, "before": old, "after": new} for f, old, new in pairs if not same(old, new)]


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Json]:
    """Yield `{"path", "kind": added|removed|changed, "before", "after"}` in the order of paths.

    Objects are compared member by member, everything else as a whole.
    """
    yield from _compare("", before, after)


def _compare(path: str, before: object, after: object) -> Iterator[Json]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            inner = f"{path}.{name}" if path else name
            yield from _compare(inner, before.get(name, _MISSING), after.get(name, _MISSING))
    elif before is _MISSING:
        yield {"path": path, "kind": "added", "before": None, "after": after}
    elif after is _MISSING:
        yield {"path": path, "kind": "removed", "before": before, "after": None}
    elif not same(before, after):
        yield {"path": path, "kind": "changed", "before": before, "after": after}


def _kinds(value: object) -> object:
    if isinstance(value, list):
        return [_kinds(each) for each in value]
    if isinstance(value, dict):
        return {name: _kinds(each) for name, each in value.items()}
    return type(value)
