"""What the mapping files say, as objects that the templates ask: concepts, records, rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from stack.mappings.cells import Cell, Conversion, Dtl, assembled

BOTH, TO_CHARGEBEE, TO_ERP, OWN = "both", "to_chargebee", "to_erp", "own"
ON_CREATE, COMPARED = "on_create", "compared"
ERP, CHARGEBEE = "erp", "chargebee"

OPTIONS: dict[str, Any] = {
    "also_linked": {},
    "coarse": None,
    "creates_with": {},
    "deletion": {},
    "finds": None,
    "insert": None,
    "is_reported": False,
    "lines": None,
    "part_of": None,
    "silent_if": None,
}
"""What a record may say of itself that the rules below ask for, and what counts where it says nothing."""


@dataclass(frozen=True)
class System:
    """A system as `systems.json` describes it; `word` is what rows call it: `erp` or `chargebee`."""

    id: str
    given: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        if name in self.given:
            return self.given[name]
        raise AttributeError(name)


class Row:
    """One property: its name in the shared model, and a cell for each record that has it."""

    def __init__(self, given: Mapping[str, Any], aliases: set[str], convert: Conversion) -> None:
        self.given = given
        self.name: str = given["name"]
        self.direction: str = given.get("direction", BOTH)
        self.cells = {
            alias: Cell(cell, self.name, convert) for alias, cell in given.items() if alias in aliases
        }

    @property
    def link(self) -> str | None:
        """The record whose key this property holds, if it is there to link two records."""
        return self.given.get("link")

    @property
    def has_clock(self) -> bool:
        """Whether it is part of the golden record; the others matter when a record is made."""
        return self.direction not in (ON_CREATE, COMPARED)

    def is_on_create(self, alias: str) -> bool:
        """Whether a record has it set when it is made and never after."""
        cell = self.cells.get(alias)
        flagged = self.given.get("on_create") or (cell is not None and cell.given.get("on_create"))
        return self.direction == ON_CREATE or bool(flagged)

    def goes_to(self, system: System) -> bool:
        """Whether the records of a system are written."""
        ways = {TO_CHARGEBEE: CHARGEBEE, TO_ERP: ERP}
        return ways.get(self.direction, system.word) == system.word


class Concept:
    """One mapping file."""

    def __init__(self, given: Mapping[str, Any], systems: Mapping[str, System], convert: Conversion) -> None:
        self.given = given
        self.name: str = given["concept"]
        self.all: Mapping[str, Concept] = {}
        self.rows = [Row(each, set(given["records"]), convert) for each in given["properties"]]
        self.records = {alias: Record(alias, each, self, systems) for alias, each in given["records"].items()}

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

    @property
    def folded(self) -> Dtl | None:
        """Properties that are the same in upper and in lower case: what records are matched by."""
        keys = [key for key in self.given["match"] if key.get("compare") == "folded"]
        found = [
            row.name
            for row in self.rows
            for key in keys
            if any(cell.path == key.get(alias) for alias, cell in row.cells.items()) and row.has_clock
        ]
        return ["list", *dict.fromkeys(found)] if found else None

    @property
    def coarse(self) -> list[Record]:
        """Records that know fewer values of a property than others do."""
        return [each for each in self.records.values() if each.coarse]

    @property
    def chargebee_wins_ties(self) -> Dtl:
        """Properties of which Chargebee's value counts when both were set at the same time."""
        usual = self.given.get("tie", ERP)
        return [
            "list",
            *(r.name for r in self.rows if r.has_clock and r.given.get("tie", usual) == CHARGEBEE),
        ]


@dataclass(frozen=True)
class KeyPart:
    """Where a record keeps a match key: at `path` of itself, or of its part `part`."""

    path: str
    part: Record | None


@dataclass(frozen=True)
class Key:
    """One match key, by alias of the record."""

    name: str
    compare: str
    of: Mapping[str, KeyPart] = field(default_factory=dict)


class Record:
    """One datatype of one system in a concept. What the file says of it is there as attributes."""

    def __init__(
        self, alias: str, given: Mapping[str, Any], concept: Concept, systems: Mapping[str, System]
    ) -> None:
        self.alias, self.given, self.concept = alias, given, concept
        self.type: str = given["type"]
        self.system = systems[self.type.partition("-")[0]]
        self.datatype = self.type.partition("-")[2]
        self.test_data: Any = None

    def __getattr__(self, name: str) -> Any:
        if name in OPTIONS:
            return self.given.get(name, OPTIONS[name])
        if name.startswith("__") or name not in self.given:
            raise AttributeError(name)
        return self.given[name]

    # -- who belongs together ------------------------------------------------------------------------------

    @property
    def others(self) -> list[Record]:
        """The records of the other system that it may belong to."""
        return [each for each in self.concept.whole if each.system is not self.system]

    @property
    def counterpart(self) -> Record | None:
        """The one that a record of a kind of which there are several belongs to."""
        return self.others[0] if self.others else None

    @property
    def counterparts(self) -> Dtl:
        """Types of `others`."""
        return ["list", *(each.type for each in self.others)]

    @property
    def parts(self) -> list[Record]:
        """Records of which this one takes in one as part of itself."""
        return [each for each in self.concept.records.values() if each.part_of == self.alias]

    @property
    def is_created(self) -> bool:
        """Whether the sync makes such records."""
        return self.insert is not None

    @property
    def is_written(self) -> bool:
        """Whether the sync changes such records."""
        return not self.is_reported

    def may_be(self, other: Record) -> bool:
        """Whether one of the same system is linked to it directly."""
        return other.alias in self.links or (self.finds or {}).get("same_person") == other.alias

    @cached_property
    def keys(self) -> list[Key]:
        """The match keys that it has, itself or in a part."""
        found = []
        for key in self.concept.given["match"]:
            of: dict[str, KeyPart] = {}
            for alias, path in key.items():
                if alias == "compare":
                    continue
                record = self.concept.records[alias]
                owner = record.part_of or alias
                of[owner] = KeyPart(path, record if record.part_of else None)
            own = of.get(self.alias)
            if own is not None:
                found.append(Key(own.path.rpartition(".")[2], key.get("compare", "exact"), of))
        return found

    @property
    def links(self) -> dict[str, str]:
        """By alias, where it holds the key of a linked record."""
        own = {row.link: row.cells[self.alias].path for row in self.link_rows if row.link}
        return {**own, **self.also_linked}

    @property
    def link_rows(self) -> list[Row]:
        """The rows of keys that it holds."""
        return [row for row in self.concept.rows if row.link and self.alias in row.cells]

    @property
    def named_by(self) -> list[str]:
        """The properties in which records of the other system name one of this."""
        others = {each.alias for each in self.others}
        return [row.name for row in self.concept.rows if row.link and others & set(row.cells)]

    @property
    def back_link(self) -> str | None:
        """Where its counterpart names it."""
        return self.counterpart.links.get(self.alias) if self.counterpart else None

    # -- properties ----------------------------------------------------------------------------------------

    def rows(self) -> Iterator[tuple[Row, Cell]]:
        """Its rows, each with its cell."""
        for row in self.concept.rows:
            if self.alias in row.cells:
                yield row, row.cells[self.alias]

    @property
    def model(self) -> list[tuple[str, Dtl]]:
        """By shared name, how each property is read."""
        return [
            (row.name, self._read(cell)) for row, cell in self.rows() if row.has_clock and not self._late(row)
        ]

    def _late(self, row: Row) -> bool:
        return bool(row.cells[self.alias].given.get("on_create")) and row.cells[self.alias].in_lines

    def _read(self, cell: Cell) -> Dtl:
        if cell.in_lines:
            return cell.read_lines(self.lines_sorted("_S"))
        return cell.read("_S", f"_S.{self._currency}")

    @property
    def _currency(self) -> str:
        cells = [row.cells for row in self.concept.rows if row.name == "currency"]
        return cells[0][self.alias].path if cells and self.alias in cells[0] else "currency"

    def lines_sorted(self, start: str) -> Dtl:
        """Its lines in their order, of a record at the path `start`."""
        lines = ["combine", f"{start}.{self.lines['path']}"]
        return ["sorted", f"_.{self.lines['position']}", lines] if "position" in self.lines else lines

    @property
    def observed(self) -> Dtl:
        """Properties that it says nothing about, but only shows what others say."""
        always = [row.name for row, _ in self.rows() if self._is_observed(row)]
        named = ["list", *always]
        at_times = [
            ["if", cell.given["observed_if"], ["list", row.name]]
            for row, cell in self.rows()
            if "observed_if" in cell.given
        ]
        return ["combine", named, *at_times] if at_times else named

    def _is_observed(self, row: Row) -> bool:
        if row.link:
            return True
        return row.has_clock and row.direction != OWN and row.direction != BOTH and row.goes_to(self.system)

    @property
    def own(self) -> list[str]:
        """Properties that each record of this kind has for itself."""
        return [row.name for row, _ in self.rows() if row.direction == OWN]

    @property
    def fields(self) -> list[tuple[str, Dtl]]:
        """By own property, how it is written."""
        written = [
            (row.name if cell.in_lines else cell.path, f"_S.{row.name}" if cell.in_lines else cell.write())
            for row, cell in self._kept_up()
        ]
        return assembled(written)

    def _kept_up(self) -> Iterator[tuple[Row, Cell]]:
        for row, cell in self.rows():
            if (
                row.has_clock
                and cell.is_written
                and row.goes_to(self.system)
                and not row.is_on_create(self.alias)
            ):
                yield row, cell

    @property
    def line_fields(self) -> list[dict[str, Any]]:
        """Properties of lines that are kept up; `wanted` is the value in the shared model."""
        return [
            {"name": row.name, "field": cell.field, "write": cell.write("_T.wanted")}
            for row, cell in self._kept_up()
            if cell.in_lines
        ]

    @property
    def folded_fields(self) -> list[str]:
        """Own properties that are not written when nothing but upper and lower case differ."""
        return [cell.path for row, cell in self.rows() if row.given.get("folded")]

    @property
    def free_keys(self) -> list[str]:
        """Own properties that are objects with any keys."""
        return [cell.path for _, cell in self.rows() if cell.given.get("as") == "free_keys"]

    @property
    def compared(self) -> list[dict[str, str]]:
        """Figures that the ERP takes from nobody: own property, and the counterpart's."""
        if self.system.word != ERP or self.counterpart is None:
            return []
        other = self.counterpart.alias
        return [
            {"field": cell.path, "theirs": row.cells[other].path}
            for row, cell in self.rows()
            if row.direction == COMPARED
        ]

    def conversion_rules(self, with_sources: bool) -> list[tuple[str, Dtl]]:
        """Named rules that its conversions apply, `with_sources` also those of what it may be made from."""
        records = [self, *self.parts, *(self._sources() if with_sources else [])]
        cells = [cell for record in records for row, cell in record.rows() if with_sources or row.has_clock]
        return list({name: body for cell in cells for name, body in cell.rules.items()}.items())

    # -- deletions -----------------------------------------------------------------------------------------

    @property
    def retires(self) -> str | None:
        """The property by which a record is retired that no other record names."""
        return self.deletion.get("retires")

    @property
    def is_active(self) -> Dtl | None:
        """Whether such a record is not retired yet, in the rule `update`."""
        if not self.retires:
            return None
        own = f"_T._own.{self.retires}"
        return ["eq", own, True] if self.system.word == ERP else ["neq", own, False]

    @property
    def retires_here(self) -> Dtl | None:
        """Whether the deletion of its counterparts would retire it: it may have been edited after that."""
        if not self.retires or self.system.word != ERP:
            return self.is_active
        later = ["gt", ["max", ["path", "gone", "_P._T._theirs"]], f"_S.claims.{self.retires}.t"]
        return ["and", self.is_active, later]

    @property
    def coarse_counterparts(self) -> list[dict[str, Any]]:
        """Counterparts that know less than this one, and what they are never told."""
        return [
            {"type": each.type, "coarse": each.coarse, "unwritten": ["list", *each.unwritten]}
            for each in self.others
            if each.coarse
        ]

    @property
    def unwritten(self) -> list[str]:
        """Shared properties that it has and never takes from others."""
        return [row.name for row, cell in self.rows() if row.has_clock and not cell.is_written]

    # -- new records ---------------------------------------------------------------------------------------

    @property
    def references(self) -> list[dict[str, Any]]:
        """Keys of records of other concepts: shared name, place, and concept."""
        return [
            {"name": row.name, "path": cell.path, "concept": row.given["refers_to"], "cell": cell}
            for row, cell in self.rows()
            if row.given.get("refers_to")
        ]

    def referenced(self, concept: str) -> Record:
        """The record of this system that a key into another concept is the key of."""
        return next(each for each in self.concept.all[concept].whole if each.system is self.system)

    @property
    def create(self) -> dict[str, Dtl]:
        """By shared name, what a record made from this one is to have once, from elsewhere."""
        found: dict[str, Dtl] = {}
        for row in self.concept.rows:
            cell = row.cells.get(self.alias)
            if cell is not None and "create" in cell.given:
                found[row.name] = cell.given["create"]
            elif cell is not None and row.given.get("refers_to"):
                found[row.name] = self._reference(row, cell)
            elif cell is None and row.direction == ON_CREATE:
                found.update(
                    (row.name, f"_T._{part.alias}.{row.cells[part.alias].path}")
                    for part in self.parts
                    if part.alias in row.cells
                )
        return {**found, **self.creates_with}

    def _reference(self, row: Row, cell: Cell) -> Dtl:
        if cell.given.get("is_theirs"):
            return f"_S.{cell.path}"
        concept = self.concept.all[row.given["refers_to"]]
        wanted = next(each for each in concept.whole if each.system is not self.system)
        live = ["and", ["eq", "_.type", wanted.type], ["neq", "_.deleted", True]]
        return ["first", ["ni-id", ["path", "of", ["filter", live, ["path", "members", f"_T._{row.name}"]]]]]

    @property
    def hops(self) -> list[tuple[str, Dtl]]:
        """By shared name, the golden records that its references lead to."""
        return [
            (row.name, self._hop(row, cell))
            for row, cell in self.rows()
            if row.given.get("refers_to") and not cell.given.get("is_theirs")
        ]

    def _hop(self, row: Row, cell: Cell) -> Dtl:
        if "lookup" in cell.given:
            return self.concept.given["expressions"][cell.given["lookup"]]
        concept = row.given["refers_to"]
        key = ["ni", self.referenced(concept).type, f"_S.{cell.path}"]
        return ["hops", {"datasets": [f"global-{concept} g"], "where": [["eq", key, "g.$ids"]]}]

    @property
    def refers_to(self) -> list[str]:
        """The globals that it looks into."""
        return [
            f"global-{row.given['refers_to']}"
            for row, cell in self.rows()
            if row.given.get("refers_to") and not cell.given.get("is_theirs")
        ]

    @property
    def golden(self) -> list[Dtl]:
        """Statements that complete the golden record as this record is to have it."""
        preferred = [
            [
                "add-if",
                row.name,
                [
                    "first",
                    [
                        "filter",
                        ["is-not-null", "_."],
                        [
                            "path",
                            ["list", "claims", row.name, "v"],
                            [
                                "filter",
                                ["eq", "_.type", self.concept.records[row.given["prefer"]].type],
                                "_P._T._live",
                            ],
                        ],
                    ],
                ],
            ]
            for row, _ in self.rows()
            if row.given.get("prefer") and row.goes_to(self.system)
        ]
        return [*preferred, *self.given.get("golden", [])]

    @property
    def created(self) -> list[Dtl]:
        """Statements on what a new record has besides its fields; `_S` is the record that it is made from."""
        found = []
        for row, cell in self.rows():
            if cell.in_lines or not cell.is_written or row.direction in (OWN,):
                continue
            value = self._value_at_creation(row, "_S.raw")
            if value is not None:
                found += self._set_once(row, cell, value)
        if self.new_line:
            of = self.counterpart
            lines = (
                by_type({each: each.lines_sorted("_S.raw") for each in self.others}, "_S.type")
                if of
                else None
            )
            found.append(["add", self.lines["path"], ["apply", "new-line", ["enumerate", 1, lines]]])
        found += self._fillers()
        return [*found, *self.insert.get("also", [])]

    def _set_once(self, row: Row, cell: Cell, value: Dtl) -> list[Dtl]:
        if cell.parts:
            whole = {
                each: cell.copied(row.cells[each.alias], f"_S.raw.{row.cells[each.alias].path}")
                for each in self._sources()
            }
            written = ["first", ["apply", "present", ["combine", by_type(whole, "_S.type")]]]
        else:
            written = cell.write(value, self._currency_of_source("_S.raw"))
        statement = ["add-if", cell.path, written]
        return [["if", cell.given["if"], statement] if "if" in cell.given else statement]

    def _value_at_creation(self, row: Row, raw: str) -> Dtl | None:
        """What a new record has of a row at first, in the shared model; None if it is not set at creation."""
        if row.has_clock:
            return f"_P._S.golden.{row.name}.v" if row.is_on_create(self.alias) else None
        if row.direction == COMPARED and self.system.word == ERP:
            return None
        sources = [each for each in self._sources() if each.alias in row.cells or row.name in each.create]
        if not sources:
            return None
        if row.name in sources[0].create:
            live = ["path", ["list", "create", row.name], "_P._T._live"]
            return ["first", ["filter", ["is-not-null", "_."], ["combine", f"_S.create.{row.name}", live]]]
        return by_type({each: self._read_from(each, row, raw) for each in sources}, "_S.type")

    def _read_from(self, source: Record, row: Row, raw: str) -> Dtl:
        return row.cells[source.alias].read(raw, f"{raw}.{source._currency}")

    def _sources(self) -> list[Record]:
        owner = self.concept.records[self.part_of] if self.part_of else self
        return owner.others

    def _currency_of_source(self, raw: str) -> Dtl:
        return by_type({each: f"{raw}.{each._currency}" for each in self._sources()}, "_S.type")

    def _fillers(self) -> list[Dtl]:
        found: list[Dtl] = []
        for _, cell in self.rows():
            if "filler" not in cell.given:
                continue
            filler = ["default", cell.path, cell.given["filler"]]
            unless = cell.given.get("unless")
            found.append(["if", ["is-null", f"_T.{unless}"], filler] if unless else filler)
        return found

    @property
    def new_line(self) -> list[Dtl]:
        """Statements on a line of a new record; `_S.value` is the line that it is made from."""
        if not self.is_created or not self.lines:
            return []
        position = self.lines.get("position")
        found: list[Dtl] = [["add", position, "_S.key"]] if position else []
        for row, cell in self.rows():
            sources = [each for each in self.others if each.alias in row.cells]
            if not cell.in_lines or not cell.is_written or not sources:
                continue
            values = {each: self._line_value(row.cells[each.alias], each) for each in sources}
            currency = by_type({each: f"_P._S.raw.{each._currency}" for each in sources}, "_P._S.type")
            found.append(["add-if", cell.field, cell.write(by_type(values, "_P._S.type"), currency)])
        return [*found, *self.lines.get("also", [])]

    def _line_value(self, cell: Cell, source: Record) -> Dtl:
        return cell.read_value(f"_S.value.{cell.field}", "_S.value", f"_P._S.raw.{source._currency}")

    @property
    def created_as(self) -> Dtl:
        """How a record tells which new one of the transform pipe (alias `t`) it is."""
        if self.part_of:
            return ["eq", "_S._id", "t.id"]
        if self.system.word == ERP and self.counterpart:
            other = self.counterpart
            return ["eq", ["ni", other.type, f"_S.{self.links[other.alias]}"], "t.$origin"]
        made = ["concat", ["replace", "customerp-", "", ["ni-ns", "t.$origin"]], "-", ["ni-id", "t.$origin"]]
        return ["eq", "_S._id", made]

    @property
    def silent_properties(self) -> Dtl:
        """Properties about which it says nothing while `silent_if` holds: all but its links."""
        named = [
            "list",
            *(
                row.name
                for row, cell in self.rows()
                if row.has_clock and not row.link and not self._late(row)
            ),
        ]
        return ["if", self.silent_if, named] if self.silent_if else ["list"]

    @property
    def owners(self) -> list[Record]:
        """Whose claims on a candidate count."""
        return [self.concept.records[alias] for alias in (self.finds or {}).get("owners", [])]

    @property
    def taken(self) -> Record | None:
        """What the sync makes of candidates."""
        mine = [each for each in self.concept.whole if each.system is self.system and each.is_created]
        return mine[0] if mine else None


def by_type(values: Mapping[Record, Dtl], of: str) -> Dtl:
    """The value for the type of record at the path `of`; plain if it is the same for all."""
    found = list(values.values())
    if all(each == found[0] for each in found):
        return found[0]
    return ["case-eq", of, *(part for record, value in values.items() for part in (record.type, value))]
