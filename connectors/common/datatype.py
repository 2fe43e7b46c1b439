"""What a service must say about one kind of record.

Everything else in this package works on this interface.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.common.errors import NotFound, Rejected
from connectors.common.transit import unescaped
from core.names import split_ni

MISTAKES = ("additionalProperties", "readOnly", "required")
"""Rules that no value breaks, but only who wrote the pipes."""

Record = dict[str, Any]
"""One record as the upstream system shows it."""


class Reported(dict[str, Any]):
    """A record as stored after a write, with what a person must know or do about it besides.

    `reports`: entries of `$refused`, `{field, value, rule, detail}`.
    """

    def __init__(self, record: Record, reports: Sequence[Record]) -> None:
        super().__init__(record)
        self.reports = tuple(reports)


Entity = dict[str, Any]
"""A record with `_id`, `_updated` and `_deleted` added."""


@dataclass(frozen=True, slots=True)
class Insert:
    """A record to be created: what `find_own` and `create` need to know.

    `origin` is the namespaced identifier `~:namespace:id` of the record that it comes from; `payload` holds
    the target's own fields; `key` is the payload's `id` if the caller chose one, else None.
    """

    origin: str
    payload: Record
    key: str | None = None

    @property
    def origin_namespace(self) -> str:
        """`customerp-contact` of `~:customerp-contact:CT-1`."""
        return split_ni(self.origin)[0]

    @property
    def origin_id(self) -> str:
        """`CT-1` of `~:customerp-contact:CT-1`; an id that begins with `~` stands escaped there."""
        key: str = unescaped(split_ni(self.origin)[1])
        return key


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a delete came to: `operation` is delete, update (archived or marked) or none.

    `record` as now stored.
    """

    operation: str
    record: Record | None = None


class Datatype(ABC):
    """One datatype of a service: how it is read, and how single records are written.

    All methods raise `connectors.common.errors`; `NotFound` where a key names no record. A method may be
    called from several threads at once; writes to one key are serialised by the share engine.
    """

    name: str
    schema: Mapping[str, Any]
    """JSON Schema 2020-12 of the record. `required` counts for inserts; `readOnly` properties may not be
    written.
    """

    line_keys: Mapping[str, str] = {}
    """Properties that are lists of objects with an own key, e.g. `{"order_line_items": "id"}`: merged by
    that key.
    """

    write_only: frozenset[str] = frozenset()
    """Properties that are written but never shown (`writeOnly` in the schema)."""

    create_refuses_twins: bool = False
    """True if `create` itself cannot make a second record for one origin (derived ids); then `find_own` is
    only asked after `AlreadyExists` or `Indeterminate`, which saves a call per insert."""

    update_attempts: int = 1
    """How often an update that upstream did not take is tried, each time on the record as it is by then. For
    systems that compare no versions: there `update` itself must not repeat a write after a pause."""

    enabled: bool = True
    """False for a datatype that the upstream system does not have: it reads as an empty list and takes no
    writes."""

    is_dry_run: bool = False
    """Whether its writes only say what would be stored, see `dry_run`."""

    assigns_keys: bool = False
    """True if the upstream system itself gives new records their keys; an insert that chooses one is
    rejected.
    """

    @property
    def dry_run(self) -> Datatype:
        """The same datatype behind a write port that writes nothing; `NotFound` if it has none."""
        raise NotFound(f"{self.name} cannot be shared in a dry run")

    @abstractmethod
    def pages(self, since: str | None, limit: int | None) -> Iterator[list[Entity]]:
        """Yield entities changed at or after `since` (all when None), one list per upstream page.

        Deleted ones are among them.

        Ordered by `_updated`; at most `limit` in all. A `since` that this datatype never gave out is
        `BadRequest`.
        """

    @abstractmethod
    def fetch(self, key: str) -> Record:
        """Return the record as stored now; a deleted one may still be given (`entity` tells)."""

    def present(self, key: str, based_on: Record | None) -> Record:
        """Return the record that an update is compared with: as stored now.

        Override for records that upstream shows late; there `based_on`, the record as the caller saw it last,
        may be newer than anything to be read.
        """
        del based_on
        return self.fetch(key)

    @abstractmethod
    def entity(self, record: Record) -> Entity:
        """`record` with `_id`, `_updated` and `_deleted` added."""

    @abstractmethod
    def find_own(self, insert: Insert) -> Record | None:
        """Return the record made earlier from `insert.origin`, or None.

        `Rejected` if a record of another origin has the key.
        """

    @abstractmethod
    def create(self, insert: Insert) -> Record:
        """Create the record and mark it with its origin.

        `AlreadyExists`, `Indeterminate`, `Rejected`, `Pending`.
        """

    @abstractmethod
    def update(self, key: str, present: Record, changes: Record) -> Record:
        """Write `changes` and return the record as stored.

        `changes` are whole top-level values, already merged with `present`. The answer is `present` itself
        where upstream has no way to take any of it, and nothing was written.

        `Conflict` if the record moved on since `present` was read; the engine then reads and compares again.
        """

    @abstractmethod
    def delete(self, key: str) -> Deletion:
        """Delete, archive or mark the record, as the settings say; `NotFound` if it is gone already."""

    def withdraw(self, insert: Insert) -> Deletion:
        """Take back what an insert that was never answered left, now that the record is not to be made.

        The record itself, if it is there, stays: it is read, linked and changed like any other. Nothing to
        do where a create is one call; `Pending` where a person has to.
        """
        del insert
        return Deletion("none")

    def key_of(self, record: Record) -> str:
        """Return the upstream key of a record, as text."""
        return str(record["id"])

    def same(self, path: Sequence[str | int], present: object, desired: object) -> bool:
        """Return whether two leaf values at `path` mean the same.

        Override for values that upstream normalises.
        """
        del path
        return same_json(present, desired)

    def check_writable(self) -> None:
        """Raise `Rejected` if nothing of this datatype is ever written; asked before all else."""
        return

    def refers(self, name: str) -> bool:
        """Return whether a property holds the key of another record, as far as its name tells."""
        return name.endswith("_id")

    def can_leave_out(self, operation: str, error: Rejected) -> bool:
        """Return whether a record can be written without the property that was refused (`error.field`).

        Not what an insert requires or what a new record belongs to, and not what only a mistake in the
        configuration can send.
        """
        name = (error.field or "").split("/")[1:2]
        if not name or error.rule in (*MISTAKES, "reference"):
            return False
        is_needed = name[0] in self.schema.get("required", ()) or self.refers(name[0])
        return operation != "insert" or not is_needed

    def check(self, operation: str, payload: Record) -> None:
        """Rules that a JSON Schema cannot say, for `insert` or `update`; raises `Rejected`.

        None by default.
        """
        del operation, payload


def with_answer_of(first: Record, names: Iterable[str], last: Record) -> Record:
    """Return what the `last` of several calls answered, but for `names`, of which the `first` call tells.

    Somebody may have edited the record in between: what they typed is not what upstream made of our values.
    """
    written = set(names)
    rest = {name: value for name, value in last.items() if name not in written}
    return rest | {name: value for name, value in first.items() if name in written}


def same_json(one: object, other: object) -> bool:
    """Return whether two values are equal as JSON: true is not 1, while 1 and 1.0 are one number.

    Null equals missing (both are None here).
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return all(same_json(one.get(key), other.get(key)) for key in one.keys() | other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)
