"""JSON text."""

from __future__ import annotations

import json
from typing import Any

from core import jsonio
from localnode.dtl.budget import spend, spend_items
from localnode.dtl.decorators import cast, mapped
from localnode.dtl.kinds import INVALID
from localnode.dtl.values import DECIMAL, STRING, URI, is_string, kind, own, text
from localnode.readings import reads


@mapped("json")
def json_(value: Any) -> str:
    """Map-style: the value as JSON text without type tags.

    Keys sorted, `", "` and `": "` as separators, characters as they are. Tagged values are written as strings
    without their tag, decimals as numbers. Null gives null.
    """
    if kind(value) == URI and reads("json-uri", "bare"):
        return text(value[2:])
    return text(json_text(value))


@mapped("json-transit")
def json_transit(value: object) -> str:
    """Map-style: as `json`, but tagged values keep their tag; `json-transit-parse` gives them back."""
    return text(transit_text(value))


def json_text(value: object) -> str:
    """JSON text of a value, without tags."""
    return _counted(_write(value, tags=False))


def transit_text(value: object) -> str:
    """JSON text of a value, with tags."""
    return _counted(_write(value, tags=True))


def _counted(made: str) -> str:
    """Return a text that was made; each quoting may double the backslashes of the one before."""
    spend(len(made))
    return made


def _write(value: object, tags: bool) -> str:
    if type(value) is list:
        spend_items(len(value))
        return f"[{', '.join(_write(item, tags) for item in value)}]"
    if type(value) is dict:
        spend_items(len(value))
        pairs = (f"{_quoted(key)}: {_write(value[key], tags)}" for key in sorted(value))
        return f"{{{', '.join(pairs)}}}"
    name = kind(value)
    if type(value) is not str or tags or name == STRING:
        return _quoted(value)
    if name == DECIMAL:
        return str(value[2:])
    return _quoted(value[2:])


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=reads("json-escapes", "ascii"))


@cast("json-parse", nulls=True)
def json_parse(value: object) -> object:
    """Map-style: the value of a JSON text; strings in it that start with `~` stay strings.

    Invalid text is dropped or, with DEFAULT, replaced by it; the text `null` is valid and gives null.
    """
    return _parse(value, _untagged)


@cast("json-transit-parse", nulls=True)
def json_transit_parse(value: object) -> object:
    """Map-style: as `json-parse`, but tagged strings become the values they stand for."""
    return _parse(value, own)


def _parse(value: Any, finish: Any) -> object:
    if not is_string(value):
        return INVALID
    try:
        return finish(jsonio.read(value))
    except (ValueError, RecursionError):
        return INVALID


def _untagged(value: object) -> object:
    if type(value) is str:
        return text(value)
    if type(value) is list:
        return [_untagged(item) for item in value]
    if type(value) is dict:
        return {key: _untagged(item) for key, item in value.items()}
    return value
