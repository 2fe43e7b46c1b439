"""Business entities: read from events, because the API has no call for them; people make them in the console.

What a share asks for is answered `pending` with what to do there, unless it is so already.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from connectors.chargebee.client import Chargebee
from connectors.chargebee.datatype import ChargebeeDatatype
from connectors.chargebee.feeds import EventFeed, version
from connectors.chargebee.settings import ChargebeeSettings
from connectors.chargebee.tokens import Window
from connectors.common.datatype import Deletion, Entity, Insert, Record
from connectors.common.errors import NotFound, Pending

_FRESH_S = 1.0
_PLACE = "Settings > Configure Chargebee > Business Entities"
_ENDS = "The report then disappears"


class BusinessEntities(ChargebeeDatatype):
    """The entities that events tell of."""

    name = "business_entity"
    resource = "events"
    id_limit = 50
    create_refuses_twins = False

    def __init__(self, client: Chargebee, settings: ChargebeeSettings) -> None:
        super().__init__(client, settings)
        self._events = EventFeed(client, self.name)
        self._lock = threading.Lock()
        self._known: dict[str, Record] = {}
        self._read_at = float("-inf")

    def pages(self, since: str | None, limit: int | None) -> Iterator[list[Entity]]:
        """Return the newest snapshot of every entity that has had an event, deleted ones too."""
        size = self.settings.common.page_size
        return self.reader.whole(lambda window: self._read(window, size), since, limit)

    def fetch(self, key: str) -> Record:
        """Return the newest snapshot of one entity."""
        record = self._all().get(key)
        if record is None:
            raise NotFound(f"no event tells of a business entity {key}", entity=key)
        return record

    def present(self, key: str, based_on: Record | None) -> Record:
        """Return the newer of what events tell and what the caller saw.

        The list of events may be late where a webhook was not, and how long Chargebee keeps events is not
        known. That none tells of an entity is no sign that it is gone.
        """
        told = self._all().get(key)
        if based_on and (told is None or version(based_on) > version(told)):
            return {**based_on, "id": key}
        return self.fetch(key) if told is None else told

    def find_own(self, insert: Insert) -> Record | None:
        """Return the entity of that very name, apart from case and outer blanks.

        The oldest if there are two.
        """
        name = _folded(insert.payload.get("name"))
        for record in self._all().values():
            if name and not record.get("deleted") and _folded(record.get("name")) == name:
                return record
        return None

    def create(self, insert: Insert) -> Record:
        """Raise `Pending`, always."""
        name = str(insert.payload["name"]).strip()
        step = f'create a business entity with exactly the name "{name}"'
        raise _pending(name, step, "It is linked automatically when Chargebee reports it")

    def update(self, key: str, present: Record, changes: Record) -> Record:
        """Raise `Pending`: names and statuses are edited in the console.

        A name that differs in case and outer blanks alone is that name, as for a match: it stays.
        """
        name = str(present.get("name"))
        left = {field: value for field, value in changes.items() if _differ(field, value, present)}
        if not left:
            return present
        what = " and ".join(f'set its {field} to "{value}"' for field, value in left.items())
        raise _pending(name, f'open the business entity "{name}" and {what}', _ENDS)

    def delete(self, key: str) -> Deletion:
        """Raise `Pending`, unless an event tells that it is deleted."""
        told = self._all().get(key, {})
        if told.get("deleted"):
            raise NotFound(f"the business entity {key} is deleted already", entity=key)
        name = str(told.get("name") or key)
        raise _pending(name, f'delete the business entity "{name}" if it is no longer needed', _ENDS)

    def _read(self, window: Window, size: int) -> list[tuple[int, Record]]:
        """Return the snapshots of a window.

        What is older than they are must not be compared with them later.
        """
        rows = self._events.snapshots(window, size)
        with self._lock:
            self._read_at = float("-inf")
        return rows

    def _all(self) -> dict[str, Record]:
        """Return every entity by id, oldest first; read again when older than a second."""
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH_S:
                rows = self._events.snapshots(Window(None, 0), self.settings.common.page_size)
                found = sorted(
                    (record for _, record in rows), key=lambda record: record.get("created_at") or 0
                )
                self._known = {str(record["id"]): record for record in found}
                self._read_at = time.monotonic()
            return self._known


def _pending(name: str, step: str, after: str) -> Pending:
    """Return what a person must do; the sync goes on by itself when the event of it arrives."""
    return Pending(
        f"Chargebee's API cannot do this. In Chargebee's console, under {_PLACE}, {step}. {after}.",
        rule="console-only",
        name=name,
        steps=[f"In Chargebee, open {_PLACE}.", f"{step[0].upper()}{step[1:]}.", f"{after}."],
    )


def _differ(field: str, value: object, present: Record) -> bool:
    return field != "name" or _folded(value) != _folded(present.get(field))


def _folded(name: object) -> str:
    return str(name or "").strip().casefold()
