"""Rows of the dataflow documents: which ERP property belongs to which Chargebee property, and which way.

They are the rows of the mapping files, seen from one ERP datatype: an object part by part, what is read from
several properties one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stack.mappings.cells import Cell
from stack.mappings.concept import CHARGEBEE, COMPARED, ERP, Row
from stack.mappings.record import Record
from stack.mappings.render import Mappings

ALWAYS, CREATED = "always", "created"
REPORTED = "towards Chargebee it is reported: only its console can change it"
SUMMED = "the ERP adds up its own, which is sent when the order is created; a later difference is reported"


@dataclass
class Pair:
    """One ERP property and one Chargebee property; how each reaches the other: `always`, `created` or not."""

    erp: str
    chargebee: str
    to_chargebee: str | None
    to_erp: str | None
    notes: list[str] = field(default_factory=list)

    @property
    def arrow(self) -> str:
        """The direction, ERP on the left: ↔ → ← ⇥ ⇤ (the last two: set when created)."""
        if ALWAYS in (self.to_chargebee, self.to_erp):
            ways = {(True, True): "↔", (True, False): "→", (False, True): "←"}
            return ways[self.to_chargebee == ALWAYS, self.to_erp == ALWAYS]
        ways = {(True, True): "⇥⇤", (True, False): "⇥", (False, True): "⇤"}
        return ways[self.to_chargebee is not None, self.to_erp is not None]


@dataclass(frozen=True)
class Mapping:
    """An ERP record, and the Chargebee record that it belongs to, with the parts of that."""

    erp: Record
    chargebee: list[Record]

    @property
    def title(self) -> tuple[str, str]:
        """The two datatypes."""
        return self.erp.datatype, self.chargebee[0].datatype

    def pairs(self) -> list[Pair]:
        """Return its rows, in the order of the mapping file."""
        return [pair for row in self.erp.concept.rows for pair in self._pairs(row)]

    def record_of(self, chargebee_property: str) -> tuple[Record, str]:
        """Return the Chargebee record that a property of a row is of, and its path there."""
        name, _, path = chargebee_property.partition(".")
        named = next((each for each in self.chargebee if each.datatype == name), None)
        return (named, path) if len(self.chargebee) > 1 and named else (self.chargebee[0], chargebee_property)

    def _pairs(self, row: Row) -> Iterator[Pair]:
        if row.link:
            yield from self._link(row)
            return
        said = self.erp.concept.row(row.given["any_of"]) if row.given.get("any_of") else row
        mine = said.cells.get(self.erp.alias)
        for other in self.chargebee:
            theirs = row.cells.get(other.alias)
            if mine is not None and theirs is not None:
                yield from self._both(row, mine, theirs, other)

    def _link(self, row: Row) -> Iterator[Pair]:
        mine = row.cells.get(self.erp.alias)
        for other in self.chargebee:
            if mine is not None and row.link == other.alias:
                yield Pair(
                    mine.path, self._named(other, "id"), None, ALWAYS if other.is_reported else CREATED
                )
            elif row.link == self.erp.alias and other.alias in row.cells:
                yield Pair("id", self._named(other, row.cells[other.alias].path), CREATED, None)

    def _both(self, row: Row, mine: Cell, theirs: Cell, other: Record) -> Iterator[Pair]:
        once = row.is_on_create(self.erp.alias) or row.is_on_create(other.alias)
        how = CREATED if once else ALWAYS
        to_chargebee = how if self._reaches(row, theirs, other) else None
        to_erp = how if self._reaches(row, mine, self.erp) else None
        notes = list(_notes(mine, theirs))
        if row.direction == COMPARED:
            to_chargebee, to_erp, notes = None, ALWAYS, [*notes, SUMMED]
        if other.is_reported:
            to_chargebee, notes = None, [*notes, REPORTED]
        if any(key.of[self.erp.alias].path == mine.path for key in self.erp.keys):
            notes.insert(0, "match key")
        for own, foreign in _parts(mine, theirs):
            yield Pair(own, self._named(other, foreign), to_chargebee, to_erp, notes)
        more = [mine.given.get("else"), *mine.given.get("also_from", []), mine.given.get("or")]
        for source in filter(None, more):
            why = (
                [mine.given["or_says"]] if "or_says" in mine.given and source == mine.given.get("or") else []
            )
            yield Pair(source, self._named(other, theirs.path), how, None, why)

    def _reaches(self, row: Row, cell: Cell, record: Record) -> bool:
        made = record.is_created or not (row.is_on_create(record.alias) or not row.has_clock)
        way = {"to_chargebee": CHARGEBEE, "to_erp": ERP}.get(row.direction, record.system.word)
        return cell.is_written and made and way == record.system.word

    def _named(self, record: Record, path: str) -> str:
        return f"{record.datatype}.{path}" if len(self.chargebee) > 1 else path


def _parts(mine: Cell, theirs: Cell) -> Iterator[tuple[str, str]]:
    """Yield the paths of a cell on each side, one pair for each part of an object."""
    left, right = (cell.path.replace("[]", "") for cell in (mine, theirs))
    if mine.parts and theirs.parts:
        for shared, own in mine.parts.items():
            yield f"{left}.{own}", f"{right}.{theirs.parts[shared]}"
    else:
        yield left, right


def _notes(mine: Cell, theirs: Cell) -> Iterator[str]:
    for cell in (mine, theirs):
        words = {**cell.given.get("translate", {}), **cell.given.get("also_read", {})}
        if words:
            yield ", ".join(f"{own} = {said}" for own, said in words.items())
        if cell.says:
            yield cell.says
        if "filler" in cell.given:
            yield "filled in for a new record that needs one, if there is no value"


def mappings(read: Mappings) -> list[Mapping]:
    """Return every ERP datatype with its counterpart, by name."""
    found = [
        Mapping(record, [record.counterpart, *record.counterpart.parts])
        for record in read.records()
        if record.system.word == ERP and record.part_of is None
    ]
    return sorted(found, key=lambda each: each.title)
