"""What stands for an entity that came in and could not be read, so that it fails alone."""

from __future__ import annotations

from core import jsonio
from localnode import codec
from localnode.pipes.base import Entity
from localnode.store import is_text

UNREAD = "$unread"
"""Where an entity that stands for one that could not be read says why."""
_LONGEST_ID = 1000


class Unread(Entity):
    """Stands for an entity that could not be read: its `_id` if it has one, `_updated`, and why."""

    @classmethod
    def of(cls, found: object, reason: str, text: str = "") -> Unread:
        """`found` is what could be made out of it, any value; `text` is what was there, if that is known."""
        known = found if isinstance(found, dict) else {}
        kept = {
            name: value
            for name, value in known.items()
            if name in ("_id", "_updated") and isinstance(value, (str, int, float)) and value != ""
        }
        entity_id = kept.get("_id")
        if not isinstance(entity_id, str) or len(entity_id) > _LONGEST_ID or not is_text(entity_id):
            kept["_id"] = f"unread:{codec.digest((text or repr(found)).encode(errors='replace')).hex()}"
        return cls({**kept, UNREAD: reason})

    @classmethod
    def of_text(cls, text: str, reason: str) -> Unread:
        """`text` is the JSON that it was meant to be; see `codec.Unread`."""
        try:
            found = jsonio.salvage(text.encode("utf-8", "surrogateescape"))
        except ValueError:
            found = text
        return cls.of(found, reason, text)
