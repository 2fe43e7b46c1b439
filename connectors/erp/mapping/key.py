"""The key of a record: one value of it, or several that make one text together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

from connectors.common.datatype import Record
from connectors.common.errors import InvalidResponse, NotFound
from core.dotted import get_path
from core.jsonio import Json

_BETWEEN = "~"


class Key:
    """Makes the key's text from a record, and the parts from the text again."""

    def __init__(self, paths: Sequence[str], datatype: str) -> None:
        """`paths`: where a record holds the parts."""
        self.paths = paths
        self._datatype = datatype
        self._alone = paths[0] if len(paths) == 1 else None
        self._plain = self._alone if self._alone is not None and "." not in self._alone else None

    def __call__(self, raw: Record) -> str:
        """Return the key as text; `InvalidResponse` if a part is missing."""
        if self._plain is not None:
            found = raw.get(self._plain)
            return found if type(found) is str and found else self._part(found, self._plain)
        if self._alone is not None:
            return self._part(get_path(raw, self._alone), self._alone)
        return _BETWEEN.join(_escaped(self._part(get_path(raw, path), path)) for path in self.paths)

    def of(self, parts: Sequence[str]) -> str:
        """Return the key of its parts, as `__call__` makes it of a record."""
        return parts[0] if self._alone is not None else _BETWEEN.join(_escaped(part) for part in parts)

    def in_address(self, address: str | None, pattern: str | None) -> str | None:
        """Return the key in an address such as /people/17 or /people/01/17; None if there is none.

        A key of several values has a group of the pattern for each, or is the address's last parts.
        """
        if self._alone is not None or not address:
            return key_in_address(address, pattern)
        if pattern is None:
            parts = [unquote(part) for part in urlsplit(address).path.rstrip("/").split("/")][
                -len(self.paths) :
            ]
        else:
            found = re.search(pattern, address)
            parts = [] if found is None else [unquote(part or "") for part in found.groups()]
        return self.of(parts) if len(parts) == len(self.paths) and all(parts) else None

    def values(self, key: str) -> Json:
        """Return what templates may use: `{id}`, and `{id.<path>}` for each part of a key of several.

        `NotFound` for a text with another number of parts.
        """
        if self._alone is not None or not key:
            return {"id": key}
        parts = [_unescaped(part) for part in key.split(_BETWEEN)]
        if len(parts) != len(self.paths):
            raise NotFound(
                f"there is no {self._datatype} {key}: its key has {len(self.paths)} parts", entity=key
            )
        return {"id": key, **{f"id.{path}": part for path, part in zip(self.paths, parts, strict=True)}}

    def _part(self, value: object, path: str) -> str:
        if value is None or value == "" or isinstance(value, bool | dict | list):
            raise NoKey(f"{self._datatype}: the ERP gave a record without {path}")
        return str(value)


class NoKey(InvalidResponse):
    """A record without the key that the profile names."""


def raw_key(raw: Mapping[str, object], paths: Sequence[str]) -> object:
    """Return the key as the ERP has it, for comparison: its value, or the values of its parts."""
    return get_path(raw, paths[0]) if len(paths) == 1 else [get_path(raw, path) for path in paths]


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace(_BETWEEN, "%7E")


def _unescaped(part: str) -> str:
    return part.replace("%7E", _BETWEEN).replace("%25", "%")


def key_in_address(address: str | None, pattern: str | None = None) -> str | None:
    """Return the key in an address such as https://erp.example/people(17) or /people/17.

    None if there is none.
    """
    if not address:
        return None
    if pattern is not None:
        found = re.search(pattern, address)
        return found[1] if found else None
    last = unquote(urlsplit(address).path).rstrip("/").rpartition("/")[2]
    inside = re.search(r"\((.*)\)$", last)
    if inside is None:
        return last or None
    key = inside[1]
    return key[1:-1].replace("''", "'") if key[:1] == key[-1:] == "'" else key
