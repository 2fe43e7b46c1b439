"""Dotted paths into JSON values, and path templates."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from connectors.common.errors import NotFound


def dig(value: Any, path: str) -> Any:
    """The value at a dotted path (`a.b`, `errors.0.field`), or None. A key may itself hold dots
    (`@odata.etag`).
    """
    if not path:
        return value
    if isinstance(value, dict) and path in value:
        return value[path]
    head, _, rest = path.partition(".")
    if isinstance(value, dict):
        return dig(value.get(head), rest) if head in value else None
    if isinstance(value, list) and head.isdigit() and int(head) < len(value):
        return dig(value[int(head)], rest)
    return None


def bury(record: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a dotted path, making the objects on the way."""
    *way, last = path.split(".")
    for name in way:
        inner = record.get(name)
        record[name] = inner = dict(inner) if isinstance(inner, dict) else {}
        record = inner
    record[last] = value


def fill_path(template: str, path: str, key: str = "") -> str:
    """`template` with `{path}` and the URL-encoded `{id}`; a key that is no path segment is a record not
    found.
    """
    if "{id}" in template and key in ("", ".", ".."):
        raise NotFound(f"{key!r} is no record's id", entity=key)
    return template.replace("{path}", path).replace("{id}", quote(key, safe=""))
