"""Paths: reading them, and walking through dicts and lists along them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from core.jsonio import Json
from localnode.dtl.api import PipeSettings
from localnode.dtl.values import key_of
from localnode.readings import reads

Select = Callable[[dict[str, Any]], list[Any]]
"""Gives the values of the properties that one path element names in a dict."""

_ELEMENT = re.compile(r"'((?:[^']|'')*)'|([^.']+)")


class BadPath(ValueError):
    """A path string that cannot be read."""


def split_path(written: str) -> list[str]:
    """Return the elements of `a.b.'c.d''s'`; [] for the empty string. Raises BadPath."""
    if not written:
        return []
    elements: list[str] = []
    position = 0
    while True:
        match = _ELEMENT.match(written, position)
        if match is None:
            raise BadPath(f"bad path {written!r}: {_reason(written, position)}")
        elements.append(match[2] if match[2] is not None else match[1].replace("''", "'"))
        position = match.end()
        if position == len(written):
            return elements
        if written[position] != ".":
            raise BadPath(f"bad path {written!r}: a quoted element must be alone between dots")
        position += 1


def _reason(written: str, position: int) -> str:
    if written[position : position + 1] == "'":
        return "a quote is not closed"
    return "an element is empty"


def walk(selects: Sequence[Select], value: Any) -> object:
    """Follow a path; every element of a list on the way is visited, and lists found are spliced in.

    A single chain without lists gives the bare value, null if there is nothing; otherwise a list comes out.
    """
    many, several = type(value) is list, False
    current = value if many else [value]
    for select in selects:
        found: list[Any] = []
        for item in current:
            if type(item) is not dict:
                continue
            hits = select(item)
            if len(hits) > 1:
                many = several = True
            for hit in hits:
                if type(hit) is list:
                    many = True
                    found += hit
                else:
                    found.append(hit)
        current = found
    if many:
        return _found(current, several)
    return current[0] if current else None


def _found(values: list[object], several: bool) -> list[object]:
    """Return what a path gives of the values that it finds; `several`: in more than one namespace."""
    if reads("path-null", "dropped"):
        values = [value for value in values if value is not None]
    if several and reads("path-union", "distinct"):
        found: dict[str, Any] = {}
        for value in values:
            found.setdefault(key_of(value), value)
        return list(found.values())
    return values


class KeyLayout:
    """What all dicts with the same property names have in common, worked out once for them.

    `single` has the name that an identifier (the part after the last colon) stands for, `several` the names
    where it stands for more than one; `chosen` is what patterns choose of the names, by whoever asked.
    """

    __slots__ = ("chosen", "several", "single")

    def __init__(self, names: tuple[str, ...]) -> None:
        found: dict[str, list[str]] = {}
        for name in names:
            found.setdefault(name.rpartition(":")[2], []).append(name)
        self.single = {identifier: names[0] for identifier, names in found.items() if len(names) == 1}
        self.several = {identifier: names for identifier, names in found.items() if len(names) > 1}
        self.chosen: dict[Any, list[str]] = {}

    def names(self, identifier: str) -> list[str]:
        """Return every property name with this identifier, in order."""
        name = self.single.get(identifier)
        return self.several.get(identifier, []) if name is None else [name]


_LAYOUTS: dict[tuple[str, ...], KeyLayout] = {}
_LAYOUTS_SIZE = 2048


def layout_of(value: Json) -> KeyLayout:
    """Return the key layout of a dict."""
    names = tuple(value)
    layout = _LAYOUTS.get(names)
    if layout is None:
        if len(_LAYOUTS) >= _LAYOUTS_SIZE:
            _LAYOUTS.clear()
        layout = _LAYOUTS[names] = KeyLayout(names)
    return layout


def selector(element: str, settings: PipeSettings) -> Select:
    """Return how a path element selects properties.

    Exactly one name, or (namespaces on) one name in every namespace.
    """
    name = exact_name(element, settings)
    if name is None:
        return lambda entity: [entity[found] for found in layout_of(entity).names(element)]
    exact = name
    return lambda entity: [entity[exact]] if exact in entity else []


def exact_name(element: str, settings: PipeSettings) -> str | None:
    """Return the one property name that a path element means.

    None if it means that name in every namespace.
    """
    if not settings.namespaced_identifiers:
        return element
    if element.startswith("::"):
        return element[2:]
    if element.startswith(":"):
        return f"{settings.property}{element}"
    return element if ":" in element or element[:1] in ("_", "$") else None


def path_reader(elements: Sequence[str], settings: PipeSettings) -> Callable[[object], object]:
    """Return a function from a value to what the path finds in it.

    It is specialised for one and for two plain elements.
    """
    if not elements:
        return lambda value: value
    names = [exact_name(element, settings) for element in elements]
    selects = [selector(element, settings) for element in elements]
    if len(names) == 1:
        return _anywhere(elements[0], selects) if names[0] is None else _one(names[0], selects)
    if len(names) == 2 and names[0] is not None and names[1] is not None:
        return _two(names[0], names[1], selects)
    if None in names:
        return _step_by_step(elements[0], path_reader(elements[1:], settings), names[0], selects)
    return _several([name for name in names if name is not None], selects)


def _anywhere(element: str, selects: list[Select]) -> Callable[[object], object]:
    def read(value: object) -> object:
        if type(value) is dict:
            layout = layout_of(value)
            name = layout.single.get(element)
            if name is not None:
                return value[name]
            if element not in layout.several:
                return None
        return walk(selects, value)

    return read


def _step_by_step(
    element: str, rest: Callable[[object], object], name: str | None, selects: list[Select]
) -> Callable[[object], object]:
    """From dict to dict as long as one property is found; anything else is a walk."""

    def read(value: object) -> object:
        if type(value) is dict:
            found = layout_of(value).single.get(element) if name is None else name
            if found is not None and type(inner := value.get(found)) is dict:
                return rest(inner)
        return walk(selects, value)

    return read


def _one(name: str, selects: list[Select]) -> Callable[[object], object]:
    def read(value: object) -> object:
        if type(value) is dict:
            return value.get(name)
        return None if value is None else walk(selects, value)

    return read


def _several(names: list[str], selects: list[Select]) -> Callable[[object], object]:
    """From dict to dict along exact names; where there is anything else on the way it is a walk."""

    def read(value: object) -> object:
        found = value
        for name in names:
            if type(found) is not dict:
                return None if found is None else walk(selects, value)
            found = found.get(name)
        return walk(selects, value) if type(found) is list else found

    return read


def _two(name: str, then: str, selects: list[Select]) -> Callable[[object], object]:
    def read(value: object) -> object:
        if type(value) is dict:
            inner = value.get(name)
            if type(inner) is dict:
                return inner.get(then)
            if inner is None:
                return None
        return walk(selects, value)

    return read
