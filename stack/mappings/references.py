"""Keys of other records: what a record reads of those, and which of the other system a new record refers to.

A new record gets the key of its company, say, once and for good. So it is looked up in the transform pipe, in
the golden records as they are when the new one is made, and nowhere before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from stack.mappings.cells import Cell, Dtl
from stack.mappings.concept import Concept, Row
from stack.mappings.record import Record


class Hop(NamedTuple):
    """Datasets with their aliases, and how they are joined."""

    datasets: list[str]
    where: list[Dtl]


class Route(NamedTuple):
    """One way to what a reference leads to: where the records are as they were read, and the golden ones."""

    read: Hop
    golden: Hop


HANDED_ON = ("$ids", "members", "unlinked")
"""What is asked of a golden record that was found."""


@dataclass(frozen=True)
class Reference:
    """A row that holds the key of a record of another concept, and the kinds of records that hold it."""

    row: Row
    sources: tuple[Record, ...]

    @property
    def name(self) -> str:
        """Return its name; `_T._<name>` are the golden records that it leads to."""
        return self.row.name

    @property
    def concept(self) -> Concept:
        """Return the concept of what it leads to."""
        return self.sources[0].concept.all[self.row.refers_to or ""]

    @property
    def here(self) -> Record:
        """Return the kind of record whose key it is."""
        return next(each for each in self.concept.whole if each.system is self.sources[0].system)

    @property
    def there(self) -> Record:
        """Return the kind of record of the other system that is the same."""
        return next(each for each in self.concept.whole if each.system is not self.sources[0].system)

    @property
    def instead(self) -> Mapping[str, Any] | None:
        """Return what else leads to golden records where the key is empty: `by`, and what comes `first`."""
        return next((each["instead"] for each in self._cells() if "instead" in each), None)

    @property
    def awaited(self) -> list[Record]:
        """Return what the sync makes of what it leads to, with parts: a new record waits for that."""
        made = [self.there, *self.there.parts]
        return [each for each in made if each.is_created and each.is_written]

    @property
    def routes(self) -> list[Route]:
        """Return every way to what it leads to, for a golden record `_S`: by its key, else by `instead`."""
        type_here, golden = self.here.type, f"global-{self.concept.name} g"
        keys = self._held(lambda record, cell: ["path", ["list", *cell.path.split(".")], record.live_records])
        by_key = Route(
            Hop([f"{type_here}-collect r"], [["eq", keys, "r._id"]]),
            Hop([golden], [["eq", ["map", ["ni", type_here, "_."], keys], "g.$ids"]]),
        )
        if self.instead is None:
            return [by_key]
        by = self.instead["by"]
        empty = self._held(
            lambda record, cell: ["path", by, ["filter", ["is-null", f"_.{cell.path}"], record.live_records]]
        )
        found = Hop([f"{type_here}-collect r"], [["eq", empty, f"r.{by}"]])
        joined = ["eq", ["ni", type_here, "r._id"], "g.$ids"]
        return [by_key, Route(found, Hop([*found.datasets, golden], [*found.where, joined]))]

    @property
    def golden(self) -> Dtl:
        """Return the golden records that it leads to, for a golden record `_S`."""
        by_key, *others = (route.golden for route in self.routes)
        if self.instead is None:
            return ["sorted", "_._id", _hops(by_key)]
        first = [["if", ["eq", f"r.{name}", True], "0", "1"] for name in self.instead["first"]]
        parts = ["dict", *(each for name in HANDED_ON for each in (name, f"g.{name}"))]
        rows = [_hops(each, **{"return": [*parts, "rank", ["concat", *first, "r._id"]]}) for each in others]
        return ["combine", _hops(by_key), *(["sorted", "_.rank", each] for each in rows)]

    @property
    def candidates(self) -> Dtl:
        """Return the golden records to wait for: of several, those before the first that is there."""
        found = f"_T._{self.name}"
        if self.instead is None:
            return found
        there = f"_T._{self.name}_there"
        is_before = ["or", ["is-empty", there], ["lt", "_.key", ["first", there]]]
        return ["map", "_.value", ["filter", is_before, ["enumerate", found]]]

    @property
    def there_at(self) -> Dtl:
        """Return the places, among the golden records, of those that have a record of the other system."""
        live = ["filter", ["neq", "_.deleted", True], "_.value.members"]
        is_there = ["in", self.there.type, ["path", "type", live]]
        return ["path", "key", ["filter", is_there, ["enumerate", f"_T._{self.name}"]]]

    @property
    def key_there(self) -> Dtl:
        """Return the key of the other system's record, of the golden records that were found."""
        live = ["and", ["eq", "_.type", self.there.type], ["neq", "_.deleted", True]]
        return ["ni-id", ["path", "of", ["filter", live, ["path", "members", f"_T._{self.name}"]]]]

    def _held(self, of: Callable[[Record, Cell], Dtl]) -> Dtl:
        found = [of(each, each_cell(each, self.row)) for each in self.sources]
        return found[0] if len(found) == 1 else ["combine", *found]

    def _cells(self) -> list[Dtl]:
        return [each_cell(each, self.row).given for each in self.sources]


def _hops(hop: Hop, **more: Dtl) -> Dtl:
    return ["hops", {**hop._asdict(), **more}]


def each_cell(record: Record, row: Row) -> Cell:
    """Return what a record has of a row."""
    return row.cells[record.alias]


def related(record: Record) -> list[tuple[str, Dtl]]:
    """Return, by name, the records whose properties are read as if they were a record's own."""
    found = [
        (
            name,
            [
                "first",
                [
                    "hops",
                    {
                        "datasets": [f"{each['type']}-collect r"],
                        "where": [["eq", f"_S.{each['by']}", "r._id"]],
                    },
                ],
            ],
        )
        for name, each in record.given.get("related", {}).items()
    ]
    return [*found, *((each.name, _read(record, each)) for each in _read_references(record))]


def _read_references(record: Record) -> list[Reference]:
    read = json.dumps(record.model)
    rows = [row for row, _ in record.rows() if row.refers_to and f"_T._{row.name}" in read]
    return [Reference(row, (record,)) for row in rows]


def _read(record: Record, reference: Reference) -> Dtl:
    key = ["ni", reference.here.type, f"_S.{each_cell(record, reference.row).path}"]
    return ["hops", {"datasets": [f"global-{reference.concept.name} g"], "where": [["eq", key, "g.$ids"]]}]


def references(record: Record) -> list[Reference]:
    """Return what a new record of this kind refers to, through the records that it may be made of."""
    if not record.is_created:
        return []
    found = [
        (row, tuple(each for each in record.others if _holds_key(each, row))) for row in record.concept.rows
    ]
    return [Reference(row, sources) for row, sources in found if sources]


def _holds_key(record: Record, row: Row) -> bool:
    return (
        bool(row.refers_to)
        and record.alias in row.cells
        and not each_cell(record, row).given.get("is_theirs")
    )


def referred(record: Record) -> dict[str, Dtl]:
    """Return, by shared name, what a new record of this kind gets of the records that it refers to."""
    found: dict[str, Dtl] = {}
    for row in record.concept.rows:
        handed_on = [each for other in record.others for each in _handed_on(other, row)]
        values = [each for number, each in enumerate(handed_on) if each not in handed_on[:number]]
        if row.is_for_others and values:
            [found[row.name]] = values
        elif record.alias in row.cells and values:
            found[row.name] = ["first", ["filter", ["is-not-null", "_."], ["combine", *values]]]
    return found


def _handed_on(record: Record, row: Row) -> list[Dtl]:
    """Return what a record made of this one gets by a row that leads to other records, [] for nothing."""
    if record.alias not in row.cells:
        return []
    cell = each_cell(record, row)
    if "create" in cell.given:
        return [cell.given["create"]]
    if cell.given.get("is_theirs"):
        return [["path", cell.path, record.live_records]]
    return [Reference(row, (record,)).key_there] if row.refers_to else []
