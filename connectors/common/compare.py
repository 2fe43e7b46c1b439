"""Compare and merge: find what is new in a desired state, and whether it was changed by others.

Each leaf of the payload has three values: the *present* one upstream, the *desired* one, and the one that the
desired state was *based on*. If present equals desired, there is nothing to do. If present equals based on,
the leaf can be written. Otherwise somebody else has changed it: a conflict. Missing and null are the same
throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.common.datatype import Record, same_json
from core.jsonio import pointer

Path = tuple[str | int, ...]
Same = Callable[[Sequence[str | int], Any, Any], bool]


def same_leaf(path: Sequence[str | int], one: object, other: object) -> bool:
    """Return the plain comparison, JSON equality, independent of the path."""
    del path
    return same_json(one, other)


@dataclass(slots=True)
class Difference:
    """`changes`: top-level properties to write, whole and merged.

    `conflicts`: JSON Pointers of contested leaves; `leaves`: every leaf that differs, as pointer, present and
    desired value. `left_lines`: by pointer, lines that the desire was based on and does not name any more;
    they stay.
    """

    changes: Record = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    leaves: list[tuple[str, Any, Any]] = field(default_factory=list)
    left_lines: list[tuple[str, Record]] = field(default_factory=list)


def compare(
    present: Record,
    desired: Record,
    based_on: Record | None,
    *,
    watched_fields: Sequence[str] | None = None,
    line_keys: Mapping[str, str] | None = None,
    same: Same = same_leaf,
) -> Difference:
    """Find what to write to turn `present` into `desired`, and what is contested.

    Objects are merged key by key (a null removes the key); lists named in `line_keys` are merged line by
    line. `based_on` None skips the comparison with it. `watched_fields` limits it to these dotted paths.
    Example::

        compare({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}}, {"a": {"x": 1}})
        -> Difference(changes={"a": {"x": 3, "y": 2}}, conflicts=[], leaves=[("/a/x", 1, 3)])
    """
    found = Difference()
    for name, value in desired.items():
        merger = _Merger(based_on is not None, _watch(watched_fields), (line_keys or {}).get(name), same)
        merged = merger.value((name,), present.get(name), value, (based_on or {}).get(name))
        found.conflicts += merger.conflicts
        found.leaves += merger.leaves
        found.left_lines += merger.left_lines
        if merger.changed:
            found.changes[name] = merged
    return found


def _watch(dotted: Sequence[str] | None) -> list[Path] | None:
    return None if dotted is None else [tuple(path.split(".")) for path in dotted]


class _Merger:
    """Merges one top-level property and notes whether it changed and what is contested."""

    def __init__(
        self, check_version: bool, watched_fields: list[Path] | None, line_key: str | None, same: Same
    ) -> None:
        self.check_version = check_version
        self.watched_fields = watched_fields
        self.line_key = line_key
        self.same = same
        self.changed = False
        self.conflicts: list[str] = []
        self.leaves: list[tuple[str, Any, Any]] = []
        self.left_lines: list[tuple[str, Record]] = []

    def value(self, path: Path, present: Any, desired: object, based: Any) -> object:
        """Return the merged value at `path`."""
        if isinstance(desired, dict):
            return self._object(path, present, desired, based)
        if (
            isinstance(desired, list)
            and self.line_key
            and len(path) == 1
            and all(isinstance(x, dict) for x in desired)
        ):
            return self._lines(path, present or [], desired, based or [])
        if self.same(path, present, desired):
            return present
        self._note(path, present, desired, based)
        return desired

    def _note(self, path: Path, present: object, desired: object, based: object) -> None:
        self.changed = True
        self.leaves.append((pointer(path), present, desired))
        if self.check_version and self._is_watched(path) and not self.same(path, present, based):
            self.conflicts.append(pointer(path))

    def _is_watched(self, path: Path) -> bool:
        if self.watched_fields is None:
            return True
        names = tuple(part for part in path if isinstance(part, str))
        return any(names[: len(watch)] == watch[: len(names)] for watch in self.watched_fields)

    def _object(self, path: Path, present: object, desired: Record, based: object) -> Record:
        have = present if isinstance(present, dict) else {}
        base = based if isinstance(based, dict) else {}
        merged = dict(have)
        for key, value in desired.items():
            result = self.value((*path, key), have.get(key), value, base.get(key))
            if result is None:
                merged.pop(key, None)
            else:
                merged[key] = result
        return merged

    def _lines(self, path: Path, present: list[Any], desired: list[Record], based: list[Any]) -> list[Any]:
        key = self.line_key or ""
        merged = [dict(line) for line in present]
        # No line says which one it is, but there are as many as upstream has: they are meant in order.
        if len(desired) == len(present) and not any(line.get(key) for line in desired):
            return [
                self._object((*path, at), present[at], line, _at(based, at))
                for at, line in enumerate(desired)
            ]
        place = {line.get(key): at for at, line in enumerate(present)}
        origin = {line.get(key): line for line in based}
        named = set[int]()
        for line in desired:
            at = place.get(line.get(key)) if line.get(key) else self._twin(path, present, line)
            if at is None:
                self._note((*path, len(merged)), None, line, origin.get(line.get(key)))
                merged.append(line)
            else:
                named.add(at)
                merged[at] = self._object((*path, at), present[at], line, origin.get(present[at].get(key)))
                # A line is written over the one of its key: what is not named in it would stay.
                merged[at] |= {name: None for name in line if name in present[at] and name not in merged[at]}
        for at, have in enumerate(present):
            if at not in named and have.get(key) in origin:
                self.left_lines.append((pointer((*path, at)), have))
        return merged

    def _twin(self, path: Path, present: list[Any], line: Record) -> int | None:
        """Return the index of a present line that already holds everything a keyless desired line says."""
        for at, have in enumerate(present):
            if all(self.same((*path, at, name), have.get(name), value) for name, value in line.items()):
                return at
        return None


def _at(lines: list[object], index: int) -> object:
    return lines[index] if index < len(lines) else None
