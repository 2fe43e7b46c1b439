"""What a profile may have meant: places in an answer that look like records, keys or change stamps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.jsonio import type_name

_STAMP = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?|/Date\(-?\d+([+-]\d{4})?\)/")
_STAMP_NAME = re.compile(r"(modif|chang|updat|writ|edit|creat|stamp|_at$|At$)", re.I)
_KEY_NAME = re.compile(r"(^|_)(id|key|uuid|guid|no|number|code)$|I[Dd]$|^_id$", re.I)
_DEPTH = 3
_MOST = 6


def list_places(body: object) -> list[str]:
    """Return dotted paths of the lists of objects in an answer, longest list first."""
    found = sorted(_lists(body, "", _DEPTH), key=lambda one: -one[1])
    return [f"{path or 'the whole answer'} ({size})" for path, size in found[:_MOST]]


def _lists(value: object, path: str, depth: int) -> Iterator[tuple[str, int]]:
    if isinstance(value, list):
        if all(isinstance(item, dict) for item in value):
            yield path, len(value)
    elif isinstance(value, dict) and depth:
        for name, inner in value.items():
            yield from _lists(inner, f"{path}.{name}" if path else name, depth - 1)


def outline(body: object) -> str:
    """Return what an answer is, in a few words and without its values."""
    if isinstance(body, dict):
        names = ", ".join(list(body)[:12])
        return f"an object with {names}" if names else "an empty object"
    if isinstance(body, list):
        return f"a list of {len(body)}"
    return "nothing" if body is None else f"a single {type_name(body)}"


def key_names(record: dict[str, object]) -> list[str]:
    """Fields of a record that look like keys."""
    return [
        name for name, value in record.items() if isinstance(value, str | int) and _KEY_NAME.search(name)
    ][:_MOST]


def stamp_names(record: dict[str, object]) -> list[str]:
    """Fields of a record that look like change stamps, the likeliest first."""
    dated = [name for name, value in record.items() if isinstance(value, str) and _STAMP.fullmatch(value)]
    named = [name for name, value in record.items() if isinstance(value, int) and _STAMP_NAME.search(name)]
    return sorted([*dated, *named], key=lambda name: not _STAMP_NAME.search(name))[:_MOST]
