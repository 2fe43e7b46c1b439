"""Dotted paths into JSON values, and path templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.common.errors import InvalidResponse, NotFound

_NAMED = re.compile(r"\{([^{}]+)\}")


def get_path(value: Any, path: str) -> Any:
    """The value at a dotted path (`a.b`, `errors.0.field`), or None. A key may itself hold dots
    (`@odata.etag`).
    """
    if not path:
        return value
    if isinstance(value, dict) and path in value:
        return value[path]
    head, _, rest = path.partition(".")
    if isinstance(value, dict):
        return get_path(value.get(head), rest) if head in value and rest else None
    if isinstance(value, list) and head.isdigit() and int(head) < len(value):
        return get_path(value[int(head)], rest)
    return None


def has(value: Any, path: str) -> bool:
    """Whether there is something at a dotted path, be it null."""
    if isinstance(value, dict) and path in value:
        return True
    before, dot, last = path.rpartition(".")
    inner = get_path(value, before) if dot else None
    return (isinstance(inner, dict) and last in inner) or (dot != "" and inner is None and has(value, before))


def get_all(value: Any, path: str) -> list[Any]:
    """The values at a path in which `*` stands for every item of a list; without nulls."""
    before, star, after = path.partition("*")
    if not star:
        found = get_path(value, path)
        return [] if found is None else [found]
    items = get_path(value, before.rstrip("."))
    items = items if isinstance(items, list) else []
    return [found for item in items for found in get_all(item, after.lstrip("."))]


def set_path(record: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a dotted path, making the objects on the way."""
    *way, last = path.split(".")
    for name in way:
        inner = record.get(name)
        record[name] = inner = dict(inner) if isinstance(inner, dict) else {}
        record = inner
    record[last] = value


def fill_path(template: str, path: str, key: str = "", raw: Mapping[str, Any] | None = None) -> str:
    """`template` with `{path}` and the URL-encoded `{id}`; any other `{name}` is a path into `raw`, the ERP's
    record. A key that is no path segment is a record not found.
    """
    if "{id}" in template and key in ("", ".", ".."):
        raise NotFound(f"{key!r} is no record's id", entity=key)

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name == "path":
            return path
        found = key if name == "id" else get_path(raw, name)
        if isinstance(found, bool | dict | list) or found is None:
            raise InvalidResponse(f"the ERP's record has no {name}, which {template} needs")
        return quote(str(found), safe="")

    return _NAMED.sub(value, template)
