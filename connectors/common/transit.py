"""Texts that a Sesam node would take for something else, and how they are given out.

In a node's JSON a text such as `~:a:b` is an identifier and `~f12` a number, as in transit. A text of a
record that begins with `~` is therefore given out with one more in front, which is how transit escapes it
(https://github.com/cognitect/transit-format), and taken back without: whether a node knows that escape or
takes `~~:a:b` as it stands, it is a text there.
"""

from __future__ import annotations

from typing import Any

_MARK = "~"


def escaped(value: object) -> Any:
    """Return a value whose texts a node takes for texts."""
    if type(value) is str:
        return _MARK + value if value[:1] == _MARK else value
    if isinstance(value, dict):
        return {name: escaped(item) for name, item in value.items()}
    return [escaped(item) for item in value] if isinstance(value, list) else value


def unescaped(value: object) -> Any:
    """Return a value as the record has it."""
    if type(value) is str:
        return value[1:] if value[:2] == _MARK * 2 else value
    if isinstance(value, dict):
        return {name: unescaped(item) for name, item in value.items()}
    return [unescaped(item) for item in value] if isinstance(value, list) else value
