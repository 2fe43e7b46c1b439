"""Escape texts that a Sesam node would treat as another type.

In a node's JSON a text such as `~:a:b` is an identifier and `~f12` a number, as in transit. So a text of a
record that begins with `~` gets another one in front, which is how transit escapes it
(https://github.com/cognitect/transit-format). It is removed on the way back. Whether a node knows that escape
or keeps `~~:a:b`, it is a text there.
"""

from __future__ import annotations

from typing import Any

_MARK = "~"


def escaped(value: object) -> Any:
    """Return a value whose texts are texts to a node."""
    if type(value) is str:
        return _MARK + value if value[:1] == _MARK else value
    if isinstance(value, dict):
        return {name: escaped(item) for name, item in value.items()}
    return [escaped(item) for item in value] if isinstance(value, list) else value


def unescaped(value: object) -> Any:
    """Return a value in the form that the record has."""
    if type(value) is str:
        return value[1:] if value[:2] == _MARK * 2 else value
    if isinstance(value, dict):
        return {name: unescaped(item) for name, item in value.items()}
    return [unescaped(item) for item in value] if isinstance(value, list) else value
