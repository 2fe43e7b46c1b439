"""JSON as a person would lay it out: what fits on a line stays on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

WIDTH = 140
STEP = 2
PAIRS = {"dict": 1, "case": 1, "case-eq": 2}
"""DTL functions whose arguments come in pairs, and where the first pair begins."""


def laid_out(value: object) -> str:
    """Return a JSON text in lines of up to `WIDTH` characters, but for longer strings.

    Ends with a newline.
    """
    return _text(value, 0, 0) + "\n"


def _text(value: object, indent: int, used: int) -> str:
    """Lay it out.

    `used` are characters that stand before and behind it on its line, apart from the indentation.
    """
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (list, dict)) or not value or indent + used + len(flat) <= WIDTH and indent > 0:
        return flat
    inner = indent + STEP
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return _filled([json.dumps(each, ensure_ascii=False) for each in value], indent)
    if isinstance(value, dict):
        names = [(json.dumps(name, ensure_ascii=False) + ": ", each) for name, each in value.items()]
        parts = [name + _text(each, inner, len(name) + 1) for name, each in names]
        return _block("{", parts, "}", indent)
    head = _head(value)
    parts = [_text(each, inner, 1) for each in value[head:]]
    if head and value[0] in PAIRS:
        head = PAIRS[value[0]]
        parts = list(_paired(value[head:], inner))
    if not head:
        return _block("[", parts, "]", indent)
    first = ", ".join(json.dumps(each, ensure_ascii=False) for each in value[:head])
    return _block(f"[{first},", parts, "]", indent)


def _filled(texts: list[str], indent: int) -> str:
    """Return a list of words, as many as fit on each line."""
    lines, margin = ["["], " " * (indent + STEP)
    for at, text in enumerate(texts):
        piece = text + (", " if at < len(texts) - 1 else "]")
        if len(lines[-1]) + len(piece) > WIDTH:
            lines.append(margin)
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines)


def _paired(values: list[object], indent: int) -> Iterator[str]:
    for at in range(0, len(values), 2):
        name, *rest = (_text(each, indent, 1) for each in values[at : at + 2])
        yield (
            ", ".join([name, *rest])
            if "\n" not in name
            else ",\n".join([name, *(" " * indent + each for each in rest)])
        )


def _head(value: list[Any]) -> int:
    """Return how many items stay on the first line: a DTL function's name, and the word after it."""
    count = 0
    while count < min(2, len(value) - 1) and isinstance(value[count], str) and len(value[count]) < 60:
        count += 1
    return count


def _block(start: str, parts: list[str], end: str, indent: int) -> str:
    margin = " " * (indent + STEP)
    return start + "\n" + ",\n".join(margin + part for part in parts) + "\n" + " " * indent + end
