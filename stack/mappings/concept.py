"""What a mapping file says as a whole: a concept, its records, its rows, its match keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from stack.mappings.cells import Cell, Conversion, Dtl

if TYPE_CHECKING:
    from stack.mappings.record import Record

BOTH, TO_CHARGEBEE, TO_ERP, OWN = "both", "to_chargebee", "to_erp", "own"
ON_CREATE, COMPARED = "on_create", "compared"
ERP, CHARGEBEE = "erp", "chargebee"


class System:
    """A system as `systems.json` describes it; `word` is what rows call it: `erp` or `chargebee`."""

    def __init__(self, name: str, given: Mapping[str, Any]) -> None:
        self.id = name
        self.given = given
        self.word: str = given["word"]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self.given:
            raise AttributeError(name)
        return self.given[name]


class Row:
    """One property: its name in the shared model, and a cell for each record that has it."""

    def __init__(self, given: Mapping[str, Any], records: Mapping[str, Any], convert: Conversion) -> None:
        self.given = given
        self.name: str = given["name"]
        self.direction: str = given.get("direction", BOTH)
        self.cells = {
            alias: Cell(cell, self.name, convert, records[alias].get("related", {}))
            for alias, cell in given.items()
            if alias in records
        }

    @property
    def link(self) -> str | None:
        """The record whose key this property holds, if it is there to link two records."""
        return self.given.get("link")

    @property
    def refers_to(self) -> str | None:
        """The concept whose record's key this property holds."""
        return self.given.get("refers_to")

    @property
    def has_clock(self) -> bool:
        """Whether it is part of the golden record; the others matter when a record is made."""
        return self.direction not in (ON_CREATE, COMPARED)

    def is_on_create(self, alias: str) -> bool:
        """Return whether a record has it set when it is made and never after."""
        cell = self.cells.get(alias)
        flagged = self.given.get("on_create") or (cell is not None and cell.given.get("on_create"))
        return self.direction == ON_CREATE or bool(flagged)

    @property
    def is_for_others(self) -> bool:
        """Return whether no record has it: it is looked up for what other rows write."""
        return all("create" in cell.given and not cell.is_written for cell in self.cells.values())

    def goes_to(self, system: System) -> bool:
        """Return whether the records of a system are written."""
        ways = {TO_CHARGEBEE: CHARGEBEE, TO_ERP: ERP}
        return ways.get(self.direction, system.word) == system.word


@dataclass(frozen=True)
class KeyPart:
    """Where a record keeps a match key: at `path` of itself, or of its part `part`."""

    path: str
    part: Record | None

    @property
    def name(self) -> str:
        """What the record that keeps it calls it."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Key:
    """One match key, by alias of the record; `name` is what the record that asks calls it."""

    name: str
    of: Mapping[str, KeyPart]


class Concept:
    """One mapping file; `file`: its path within the project."""

    def __init__(self, given: Mapping[str, Any], convert: Conversion, file: str) -> None:
        self.given = given
        self.file = file
        self.name: str = given["concept"]
        self.rows = [Row(each, given["records"], convert) for each in given["properties"]]
        self.records: dict[str, Record] = {}
        self.all: Mapping[str, Concept] = {}

    def row(self, name: str) -> Row:
        """Return the row of a shared property."""
        return next(row for row in self.rows if row.name == name)

    def rows_of(self, aliases: Collection[str], beside: Collection[str] = ()) -> dict[str, Any]:
        """Return the rows of some records as the file has them, for whoever looks at a pipe made of them.

        `beside`: the records whose cells are shown beside theirs; those of others are left out.
        """
        hidden = self.records.keys() - {*aliases, *beside}
        rows = [row.given for row in self.rows if any(alias in row.cells for alias in aliases)]
        return {
            "file": self.file,
            "records": {alias: each.type for alias, each in self.records.items() if alias not in hidden},
            "rows": [{key: cell for key, cell in row.items() if key not in hidden} for row in rows],
        }

    @property
    def mapping(self) -> dict[str, Any]:
        """Return all rows, for its global pipe."""
        return self.rows_of(self.records.keys())

    @property
    def whole(self) -> list[Record]:
        """The records that are members of their own, parts of others left out."""
        return [each for each in self.records.values() if each.part_of is None]

    @property
    def enriched(self) -> list[str]:
        """The datasets that the global merges."""
        return [f"{each.type}-enrich" for each in self.whole]

    @property
    def equality_sets(self) -> list[list[str]]:
        """Which links count in the merge: those of each record to each that it may be linked to."""
        return [
            [f"{each.alias}.links", f"{other.alias}.$ids"]
            for each in self.whole
            for other in self.whole
            if other is not each and (other.system is not each.system or each.may_be(other))
        ]

    @cached_property
    def folded(self) -> Dtl | None:
        """What records are matched by: there, spellings that are compared as the same are no difference."""
        found = [
            row.name
            for row in self.rows
            for key in self.given["match"]
            if row.has_clock and any(cell.path == key.get(alias) for alias, cell in row.cells.items())
        ]
        return ["list", *dict.fromkeys(found)] if found else None

    @cached_property
    def line_names(self) -> Dtl | None:
        """Properties of lines that are kept up, each place by itself."""
        found = [each["name"] for record in self.records.values() for each in record.line_fields]
        return ["list", *dict.fromkeys(found)] if found else None

    @property
    def coarse(self) -> list[Record]:
        """Records that know fewer values of a property than others do."""
        return [each for each in self.records.values() if each.coarse]

    @property
    def chargebee_wins_ties(self) -> Dtl:
        """Properties of which Chargebee's value counts when both were set at the same time."""
        usual = self.given.get("tie", ERP)
        rows = [row for row in self.rows if row.has_clock and row.given.get("tie", usual) == CHARGEBEE]
        return ["list", *(row.name for row in rows)]
