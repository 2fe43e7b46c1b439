"""Path templates: the address of a record from its key and its own values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.common.errors import InvalidResponse, NotFound
from core.dotted import get_path

_NAMED = re.compile(r"\{([^{}]+)\}")


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
