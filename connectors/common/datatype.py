"""Define the interface of a datatype: what a service must provide for one kind of record.

Everything else in this package uses this interface.
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
    """A record as stored after a write, with reports for a person.

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

    `origin` is the namespaced identifier `~:namespace:id` of the record from which it is created; `payload`
    has the target's own fields; `key` is the payload's `id` if the caller chose one, otherwise None.
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
        """Return `CT-1` of `~:customerp-contact:CT-1`; an id that begins with `~` is escaped there."""
        key: str = unescaped(split_ni(self.origin)[1])
        return key


@dataclass(frozen=True, slots=True)
class Deletion:
    """The result of a delete: `operation` is delete, update (archived or marked) or none.

    `record` is the record as now stored.
    """

    operation: str
    record: Record | None = None


class Datatype(ABC):
    """One datatype of a service: reads all records, and reads and writes single ones.

    All methods raise `connectors.common.errors`; `NotFound` if no record has a key. A method may be called
    from several threads at once; the share engine serialises writes to one key.
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

        Deleted ones are included. They are ordered by `_updated`; at most `limit` in total. A `since` that
        this datatype never returned is `BadRequest`.
        """

    @abstractmethod
    def fetch(self, key: str) -> Record:
        """Return the record as stored now; it may be a deleted one (`entity` shows that)."""

    def present(self, key: str, based_on: Record | None) -> Record:
        """Return the record with which an update is compared: as stored now.

        Override for records that upstream shows late. There `based_on`, the record as the caller last saw it,
        may be newer than anything that can be read.
        """
        del based_on
        return self.fetch(key)

    @abstractmethod
    def entity(self, record: Record) -> Entity:
        """Return `record` with `_id`, `_updated` and `_deleted` added."""

    @abstractmethod
    def find_own(self, insert: Insert) -> Record | None:
        """Return the record made earlier from `insert.origin`, or None.

        `Rejected` if a record of another origin has the key.
        """

    @abstractmethod
    def create(self, insert: Insert) -> Record:
        """Create the record and mark it with its origin.

        Raises `AlreadyExists`, `Indeterminate`, `Rejected` or `Pending`.
        """

    @abstractmethod
    def update(self, key: str, present: Record, changes: Record) -> Record:
        """Write `changes` and return the record as stored.

        `changes` are whole top-level values, already merged with `present`. If upstream cannot accept any of
        it, nothing is written and the answer is `present` itself. `Conflict` if the record has changed since
        `present` was read; the engine then reads and compares again.
        """

    @abstractmethod
    def delete(self, key: str) -> Deletion:
        """Delete, archive or mark the record, as the settings say; `NotFound` if it no longer exists."""

    def withdraw(self, insert: Insert) -> Deletion:
        """Remove what an unanswered insert left behind, now that the record is not to be created.

        The record itself, if it exists, stays: it is read, linked and changed like any other. There is
        nothing to do if a create is a single call; `Pending` if a person must act.
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
        """Raise `Rejected` if this datatype is never written; called before everything else."""
        return

    def refers(self, name: str) -> bool:
        """Return whether a property has the key of another record, judging by its name."""
        return name.endswith("_id")

    def can_leave_out(self, operation: str, error: Rejected) -> bool:
        """Return whether a record can be written without the refused property (`error.field`).

        It cannot if an insert requires the property, if a new record belongs to it, or if only a mistake in
        the configuration can have sent it.
        """
        name = (error.field or "").split("/")[1:2]
        if not name or error.rule in (*MISTAKES, "reference"):
            return False
        is_needed = name[0] in self.schema.get("required", ()) or self.refers(name[0])
        return operation != "insert" or not is_needed

    def check(self, operation: str, payload: Record) -> None:
        """Check rules that a JSON Schema cannot express, for `insert` or `update`; raises `Rejected`.

        There are none by default.
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
