"""When what a pipe gives is what a test expects, and what differs if it is not."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from difflib import unified_diff
from typing import Any

from localnode.testing.specs import Spec
from localnode.testing.xml_text import NotXml, pretty

Entity = dict[str, Any]

LONGEST_VALUE = 200
EXACT_DIGITS = 16
_BEYOND_FLOATS = 10**308


def present(entities: Sequence[Entity], expected: Sequence[Entity], spec: Spec) -> list[Entity]:
    """Return what of a pipe's entities a test looks at, in the form and order in which it compares them."""
    seen = [_numbers(_visible(entity, spec, ())) for entity in entities]
    if spec.ignore_deletes:
        wanted = {entity.get("_id") for entity in expected if entity.get("_deleted") is True}
        seen = [
            entity for entity in seen if entity.get("_deleted") is not True or entity.get("_id") in wanted
        ]
    return in_order(seen, spec)


def in_order(entities: Sequence[Entity], spec: Spec) -> list[Entity]:
    """Return entities by the properties that a test sorts by, and then by all they hold."""
    return sorted(entities, key=lambda entity: [*(_text(entity.get(n)) for n in spec.sort_by), _text(entity)])


def _visible(value: object, spec: Spec, path: tuple[str, ...]) -> Any:
    """Without what is blacklisted, and without `_…` but for `_id` and a `_deleted` that is true."""
    if isinstance(value, list):
        return [_visible(item, spec, path) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, inner in value.items():
        place = (*path, name)
        if spec.blacklist and spec.is_blacklisted(place):
            continue
        if name[:1] == "_":
            if name == "_id" or (name == "_deleted" and inner is True):
                kept[name] = inner
            continue
        kept[name] = _visible(inner, spec, place)
    return kept


def _numbers(value: object) -> Any:
    """As the vendor's client reads numbers: `1.0` is 1, and more than 16 digits lose those behind."""
    if isinstance(value, dict):
        return {name: _numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, float) and str(value).endswith(".0"):
        return _numbers(int(value))
    if isinstance(value, int) and not isinstance(value, bool) and len(str(value)) > EXACT_DIGITS:
        return int(Decimal(str(float(value)))) if abs(value) < _BEYOND_FLOATS else value
    return value


def _text(value: object) -> str:
    """JSON by which values are told apart: 1, 1.0, true and "1" differ."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def entity_differences(expected: Sequence[Entity], actual: Sequence[Entity], spec: Spec) -> list[str]:
    """Return lines that say what differs, entity by entity and property by property; none if nothing does."""
    wanted, found = in_order(expected, spec), list(actual)
    if _text(wanted) == _text(found):
        return []
    return list(_pairwise(wanted, found))


def _pairwise(expected: list[Entity], actual: list[Entity]) -> Iterator[str]:
    """Yield what is on one side only.

    Entities with one `_id` are held against each other, others stand alone.
    """
    missing, extra = _without(expected, actual), _without(actual, expected)
    by_id: dict[str, list[Entity]] = defaultdict(list)
    for entity in extra:
        by_id[_text(_id(entity))].append(entity)
    for entity in missing:
        twins = by_id[_text(_id(entity))] if _id(entity) is not None else []
        if not twins:
            yield f"{_shown(_id(entity))}: missing; expected {_shown(entity)}"
            continue
        for path, wanted, found in _parts(entity, twins.pop(0), ""):
            yield f"{_shown(_id(entity))}: {path}: expected {wanted}, got {found}"
    for entity in (entity for rest in by_id.values() for entity in rest):
        yield f"{_shown(_id(entity))}: not expected; got {_shown(entity)}"


def _without(entities: list[Entity], others: list[Entity]) -> list[Entity]:
    """Return those that are not among others, each of which takes one away."""
    taken = Counter(map(_text, others))
    left = []
    for entity in entities:
        text = _text(entity)
        if taken[text]:
            taken[text] -= 1
        else:
            left.append(entity)
    return left


def _parts(expected: Any, actual: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """(path, expected, found) of every part of two values that differs."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in sorted({*expected, *actual}):
            place = f"{path}.{name}" if path else name
            if name not in actual:
                yield place, _shown(expected[name]), "nothing"
            elif name not in expected:
                yield place, "nothing", _shown(actual[name])
            else:
                yield from _parts(expected[name], actual[name], place)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for at, (wanted, found) in enumerate(zip(expected, actual, strict=True)):
            yield from _parts(wanted, found, f"{path}[{at}]")
    elif _text(expected) != _text(actual):
        yield path, _shown(expected), _shown(actual)


def _id(entity: object) -> object:
    return entity.get("_id") if isinstance(entity, dict) else None


def _shown(value: object) -> str:
    text = _text(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def xml_differences(expected: bytes, actual: bytes) -> list[str]:
    """Return a diff of two XML documents; one that cannot be read is compared byte by byte."""
    try:
        wanted, found = pretty(expected), pretty(actual)
    except NotXml:
        return text_differences(expected, actual)
    return _diff(wanted, found)


def text_differences(expected: bytes, actual: bytes) -> list[str]:
    """Return a diff of two texts, none if they are the same byte for byte."""
    if expected == actual:
        return []
    for encoding in ("utf-8", "latin-1"):
        try:
            return _diff(expected.decode(encoding), actual.decode(encoding))
        except UnicodeDecodeError:
            continue
    raise AssertionError("every byte is a character of latin-1")


def _diff(expected: str, actual: str) -> list[str]:
    lines = unified_diff(expected.split("\n"), actual.split("\n"), "expected", "actual", lineterm="")
    return [line.replace("\r", "\\r") for line in lines]
