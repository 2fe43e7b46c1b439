"""One datatype of one system, as templates use it: links, match keys, properties, deletion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from stack.mappings.cells import Cell, Dtl, assembled, moved
from stack.mappings.concept import BOTH, COMPARED, ERP, ON_CREATE, OWN, Concept, Key, KeyPart, Row, System

OPTIONS: dict[str, Any] = {
    "becomes": None,
    "deletion": {},
    "final": [],
    "finds": None,
    "insert": None,
    "is_reported": False,
    "lines": None,
    "part_of": None,
}
"""Defaults of the keys of a record that templates read as attributes."""


class Record:
    """One datatype of one system in a concept. The keys of its mapping file are attributes."""

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

    # -- links and match keys ------------------------------------------------------------------------------

    @property
    def others(self) -> list[Record]:
        """The records of the other system that may be its counterpart, or that of its whole."""
        return [each for each in self.concept.whole if each.system is not self.system]

    @property
    def counterpart(self) -> Record:
        """Its counterpart; the first where there are several kinds."""
        return self.others[0]

    @property
    def counterparts(self) -> Dtl:
        """The types of `others`, as a DTL list."""
        return ["list", *(each.type for each in self.others)]

    @property
    def parts(self) -> list[Record]:
        """The records that are a part of this one, such as the item price of an item."""
        return [each for each in self.concept.records.values() if each.part_of == self.alias]

    @property
    def is_created(self) -> bool:
        """Whether the sync creates such records, or asks people to."""
        return self.insert is not None

    @property
    def not_created_if(self) -> list[Dtl]:
        """Conditions on a golden record `_S`, DTL, under which no record is created."""
        kinds = [each for each in self.concept.whole if each.system is self.system and each is not self]
        siblings = [["in", each.type, ["path", "type", "_S.members"]] for each in kinds if not self.part_of]
        return [*siblings, *([self.insert["unless"]] if "unless" in self.insert else [])]

    @property
    def not_awaited_if(self) -> list[Dtl]:
        """Conditions under which no other record waits for its creation."""
        held = [each["when"] for each in self.insert.get("pending", []) if each.get("is_final")]
        return [*self.not_created_if, *held]

    @property
    def is_written(self) -> bool:
        """Whether the sync writes such records."""
        return not self.is_reported

    def is_created_from(self, other: Record) -> bool:
        """Return whether a record that the sync creates from an `other` has an id that names it.

        `connectors/chargebee/identity.py` derives the id: datatype, hyphen, id of the ERP record.
        """
        made_there = self.system.word == "chargebee" and self.is_created and self.is_written
        return made_there and other in self.others

    def may_be(self, other: Record) -> bool:
        """Return whether a record of the same system may be linked to it directly."""
        return other.alias in self.links or other is self.also

    @property
    def also(self) -> Record | None:
        """A kind of record of the same system that may be the same person or thing."""
        return self.concept.records.get((self.finds or {}).get("also", ""))

    @cached_property
    def keys(self) -> list[Key]:
        """The match keys that it or one of its parts has."""
        found = []
        for key in self.concept.given["match"]:
            of: dict[str, KeyPart] = {}
            for alias, path in key.items():
                record = self.concept.records[alias]
                of[record.part_of or alias] = KeyPart(path, record if record.part_of else None)
            own = of.get(self.alias)
            if own is not None:
                found.append(Key(own.name, of))
        return found

    @property
    def match_keys(self) -> list[tuple[str, str]]:
        """Names and paths of the match keys in the record itself."""
        paths = [key[self.alias] for key in self.concept.given["match"] if self.alias in key]
        return [(path.rpartition(".")[2], path) for path in paths]

    @property
    def links(self) -> dict[str, str]:
        """By alias of the linked record, the path of its key."""
        own = {row.link: row.cells[self.alias].path for row in self.link_rows if row.link}
        return {**own, **self.given.get("links", {})}

    @property
    def links_within(self) -> dict[str, str]:
        """The same for linked records of its own system, such as a quote and its order."""
        records = self.concept.records
        return {alias: path for alias, path in self.links.items() if records[alias].system is self.system}

    @property
    def link_rows(self) -> list[Row]:
        """Its rows that hold the key of a linked record."""
        return [row for row in self.concept.rows if row.link and self.alias in row.cells]

    @property
    def link_names(self) -> list[str]:
        """The properties by which records of the other system name one of this kind."""
        others = {each.alias for each in self.others}
        return [row.name for row in self.concept.rows if row.link and others & set(row.cells)]

    @property
    def back_link(self) -> str | None:
        """The path by which its counterpart names it."""
        return self.counterpart.links.get(self.alias)

    @property
    def claimants(self) -> list[Record]:
        """The kinds of record of the other system that name one of this kind."""
        return [each for each in self.others if self.alias in each.links]

    @property
    def owners(self) -> list[Record]:
        """The kinds of record whose claims on a candidate count; by default its own kind."""
        return [self.concept.records[alias] for alias in (self.finds or {}).get("owners", [self.alias])]

    @property
    def created_kind(self) -> Record | None:
        """The kind of record that the sync creates from candidates without a counterpart."""
        mine = [each for each in self.concept.whole if each.system is self.system and each.is_created]
        return mine[0] if mine else None

    @property
    def converted_from(self) -> Record | None:
        """The kind of record that may become one of this kind, which starts from its claims."""
        return next((each for each in self.concept.whole if each.becomes == self.alias), None)

    @property
    def is_converted(self) -> Dtl | None:
        """DTL: whether it has become another record, which counts from then on."""
        return ["is-not-null", f"_S.{self.links[self.becomes]}"] if self.becomes else None

    @property
    def successor_exists(self) -> Dtl | None:
        """DTL: whether the record that it became exists or existed: an ERP may have quotes but no orders."""
        if self.becomes is None or self.is_converted is None:
            return None
        type_, key = self.concept.records[self.becomes].type, f"_S.{self.links[self.becomes]}"
        there: list[Dtl] = [
            ["hops", {"datasets": [f"{type_}-{stage} o"], "where": [["eq", key, "o._id"]]}]
            for stage in ("collect", "deletes")
        ]
        return ["and", self.is_converted, ["is-not-empty", ["combine", *there]]]

    # -- properties ----------------------------------------------------------------------------------------

    def rows(self) -> Iterator[tuple[Row, Cell]]:
        """Yield its rows with their cells."""
        for row in self.concept.rows:
            if self.alias in row.cells:
                yield row, row.cells[self.alias]

    @property
    def mapping(self) -> dict[str, Any]:
        """Return its rows, those of its parts and the cells of the other system, for pipe metadata."""
        others = [each.alias for each in self.concept.records.values() if each.system is not self.system]
        return self.concept.rows_of([self.alias, *(part.alias for part in self.parts)], others)

    def shared(self) -> Iterator[tuple[Row, Cell]]:
        """Yield its rows that the golden record has with a clock."""
        for row, cell in self.rows():
            if row.has_clock and not cell.given.get("on_create"):
                yield row, cell

    @property
    def model(self) -> list[tuple[str, Dtl]]:
        """By shared name, the DTL that reads each property."""
        return [(row.name, self._read(cell)) for row, cell in self.shared()]

    def _read(self, cell: Cell) -> Dtl:
        if cell.in_lines:
            return cell.read_lines("_P._T._lines")
        return cell.read("_S", f"_S.{self.currency}")

    @property
    def currency(self) -> str:
        """The path of the currency of its amounts."""
        found = [cell.path for row, cell in self.rows() if row.name == "currency"]
        return found[0] if found else "currency"

    def lines_sorted(self, start: str, every: bool = False) -> Dtl:
        """Return its lines in their order, of a record at the path `start`.

        `every`: also without a counterpart.
        """
        lines: Dtl = ["combine", f"{start}.{self.lines['path']}"]
        if "only" in self.lines and not every:
            lines = ["filter", self.lines["only"], lines]
        return ["sorted", f"_.{self.lines['position']}", lines] if "position" in self.lines else lines

    def other_lines(self, start: str) -> Dtl:
        """Return the lines that have no counterpart, of a record at the path `start`."""
        return ["filter", ["not", self.lines["only"]], ["combine", f"{start}.{self.lines['path']}"]]

    def line_count(self, start: str) -> Dtl:
        """Return how many lines with a counterpart it has, of a record at the path `start`."""
        lines: Dtl = ["combine", f"{start}.{self.lines['path']}"]
        return ["count", ["filter", self.lines["only"], lines] if "only" in self.lines else lines]

    @property
    def observed(self) -> Dtl:
        """DTL: the properties that it only observes, so that a change is not an edit."""
        named = ["list", *(row.name for row, _ in self.shared() if self.is_observed(row))]
        at_times = [
            ["if", cell.observed_if, ["list", row.name]] for row, cell in self.rows() if cell.observed_if
        ]
        if self.erased:
            every = ["list", *(row.name for row, _ in self.shared())]
            at_times.append(["if", self.erased_in("_S"), every])
        return ["combine", named, *at_times] if at_times else named

    @property
    def erased(self) -> dict[str, list[str]] | None:
        """The own property, with its values, that says that the record's personal data is erased."""
        found: dict[str, list[str]] | None = self.given.get("erased")
        return found

    def erased_in(self, start: str) -> Dtl:
        """Return whether the personal data of the record at the path `start` is erased."""
        [(name, values)] = (self.erased or {}).items()
        return ["in", f"{start}.{name}", ["list", *values]]

    def is_observed(self, row: Row) -> bool:
        """Return whether it only observes the property of a row."""
        return bool(row.link) or (row.direction not in (OWN, BOTH) and row.goes_to(self.system))

    @property
    def second_steps(self) -> Dtl:
        """DTL: the properties that a second call of the create sets; they may be missing at first."""
        steps = [
            ["if", cell.given["second_step_if"], ["list", row.name]]
            for row, cell in self.rows()
            if "second_step_if" in cell.given
        ]
        return ["combine", *steps] if steps else ["list"]

    @property
    def intermediates(self) -> list[tuple[str, dict[str, str]]]:
        """By property, the value that a write of several calls leaves between its calls."""
        return [
            (row.name, cell.given["intermediate"])
            for row, cell in self.rows()
            if "intermediate" in cell.given
        ]

    @property
    def own(self) -> list[str]:
        """Properties that are never shared."""
        return [row.name for row, _ in self.rows() if row.direction == OWN]

    @property
    def not_edits(self) -> list[str]:
        """Properties of related records: a change of them is not an edit of this record."""
        return [row.name for row, cell in self.shared() if cell.is_related]

    def updated_rows(self) -> Iterator[tuple[Row, Cell]]:
        """Yield its rows that are written whenever they differ, not only at creation."""
        for row, cell in self.shared():
            if cell.is_written and row.goes_to(self.system) and not row.is_on_create(self.alias):
                yield row, cell

    @property
    def fields(self) -> list[tuple[str, Dtl]]:
        """By field, the DTL that writes it; lines by their shared name."""
        return assembled(
            (row.name, f"_S.{row.name}") if cell.in_lines else (cell.path, cell.write())
            for row, cell in self.updated_rows()
        )

    @property
    def written_model(self) -> list[tuple[str, Dtl]]:
        """By shared name, the DTL that reads each written property back."""
        return [(row.name, self._read(cell)) for row, cell in self.updated_rows()]

    @property
    def names_by_field(self) -> dict[str, list[str]]:
        """By field, the shared properties that are written to it."""
        found: dict[str, list[str]] = {}
        for row, cell in self.updated_rows():
            found.setdefault(cell.top, []).append(row.name)
        return found

    @property
    def line_fields(self) -> list[dict[str, object]]:
        """The line properties that are written; `_T._wanted` is the value in the shared model."""
        return [
            {"name": row.name, "field": cell.field, "write": cell.write("_T._wanted")}
            for row, cell in self.updated_rows()
            if cell.in_lines
        ]

    @property
    def fillers(self) -> list[dict[str, object]]:
        """Properties that get a filler where the target demands a value and nobody has set one.

        `value`: DTL of the filler in the rule `update`. `only_if_cleared`: the target demands it at creation,
        and later only refuses to empty it. `follows`: the filler depends on the counterpart alone, so it has
        to be brought up to date although nothing else is written.
        """
        found = []
        for row, cell in self.updated_rows():
            if "filler" in cell.given:
                value = moved(moved(cell.given["filler"], "_S", "_P._T._source"), "_T", "_T._wanted")
                no_value = ["is-null", f"_T._wanted.{cell.path}"]
                conditions = cell.filler_conditions("_T._wanted")
                found.append(
                    {
                        "name": row.name,
                        "path": cell.path,
                        "value": value,
                        "only_if_cleared": not conditions,
                        "follows": value != moved(cell.given["filler"], "_T", "_T._wanted"),
                        "is_demanded": ["and", no_value, *conditions],
                    }
                )
        return found

    @property
    def fillers_seen(self) -> list[tuple[str, Dtl]]:
        """By property, the value that counts as a filler at the first read: DTL in the rule `claim`."""
        return [
            (row.name, moved(cell.given["filler_seen"], "_S", "_P._S"))
            for row, cell in self.updated_rows()
            if "filler_seen" in cell.given
        ]

    @property
    def two_way(self) -> list[str]:
        """Shared properties that are written in both systems."""
        return [row.name for row, _ in self.updated_rows() if row.direction == BOTH]

    @property
    def updated_match_keys(self) -> list[str]:
        """Match keys that are written whenever they differ."""
        names = self.concept.folded or []
        return [row.name for row, _ in self.updated_rows() if row.name in names]

    @property
    def free_keys(self) -> list[str]:
        """Fields that are objects with free keys."""
        return [cell.path for _, cell in self.rows() if cell.given.get("as") == "free_keys"]

    @property
    def own_values(self) -> list[tuple[str, Dtl]]:
        """Fields with their values that are neither shared nor overwritten."""
        return [(cell.path, cell.own_values) for _, cell in self.rows() if cell.own_values]

    @property
    def foreign_values(self) -> list[tuple[str, Dtl]]:
        """Shared properties with the values that belong to a counterpart alone."""
        return [
            (row.name, row.cells[each.alias].own_values)
            for row, _ in self.shared()
            for each in self.others
            if each.alias in row.cells and row.cells[each.alias].own_values
        ]

    @property
    def compared(self) -> list[dict[str, str]]:
        """Figures that the ERP computes itself: its field and that of the counterpart."""
        if self.system.word != ERP:
            return []
        other = self.counterpart.alias
        return [
            {"field": cell.path, "theirs": row.cells[other].path}
            for row, cell in self.rows()
            if row.direction == COMPARED
        ]

    @property
    def golden(self) -> list[Dtl]:
        """Statements that adapt the values of the golden record to this kind of record."""
        return [
            *(
                self._preferred(row)
                for row, _ in self.shared()
                if row.given.get("prefer") and row.goes_to(self.system)
            ),
            *(
                ["if", ["in", f"_S.golden.{name}.v", values], ["remove", name]]
                for name, values in self.foreign_values
            ),
            *(self._any_of(row) for row, _ in self.shared() if row.given.get("any_of")),
        ]

    def _preferred(self, row: Row) -> Dtl:
        live = ["filter", ["eq", "_.type", self.concept.records[row.given["prefer"]].type], "_P._T._live"]
        said = ["filter", ["is-not-null", "_."], ["path", ["list", "claims", row.name, "v"], live]]
        return ["add-if", row.name, ["first", said]]

    def _any_of(self, row: Row) -> Dtl:
        none_left = ["and", ["is-not-empty", "_P._T._counterparts"], ["neq", "$ENV(deletes)", "ignore"]]
        said = ["any", f"_.claims.{row.given['any_of']}.v", "_P._T._live"]
        no = ["if", none_left, ["add", row.name, False]]
        return ["if", ["is-not-empty", "_P._T._live"], ["add", row.name, said], no]

    def conversion_rules(self, with_sources: bool) -> list[tuple[str, Dtl]]:
        """Named rules that its conversions apply; `with_sources`: those of its counterparts, too."""
        records = [self, *self.parts, *(self.others if with_sources else [])]
        cells = [cell for record in records for row, cell in record.rows() if with_sources or row.has_clock]
        return list({name: body for cell in cells for name, body in cell.rules.items()}.items())

    # -- coarse values -------------------------------------------------------------------------------------

    @property
    def coarse(self) -> dict[str, object] | None:
        """The property with fewer values: the value that stands for many, and those it does not cover."""
        for row, cell in self.rows():
            for value, but in cell.given.get("coarse", {}).items():
                return {"property": row.name, "value": value, "but": ["list", *but]}
        return None

    @property
    def coarse_counterparts(self) -> list[dict[str, object]]:
        """Counterparts with coarser values."""
        return [{"type": each.type, **each.coarse} for each in self.others if each.coarse]

    @property
    def claimed_names(self) -> list[str]:
        """Shared properties that it can have claims on: all except its links."""
        return [row.name for row, _ in self.shared() if not row.link]

    @property
    def create(self) -> dict[str, Dtl]:
        """By shared name, values of its parts that a record created from this one gets once."""
        return {
            row.name: f"_T._{part.alias}.{row.cells[part.alias].path}"
            for row in self.concept.rows
            if self.alias not in row.cells and row.direction == ON_CREATE
            for part in self.parts
            if part.alias in row.cells
        }

    @property
    def live_records(self) -> Dtl:
        """DTL: the live records of this kind in a golden record `_S`, as their system has them."""
        live = ["and", ["eq", "_.type", self.type], ["neq", "_.deleted", True]]
        return ["path", "raw", ["filter", live, "_S.members"]]

    # -- deletions -----------------------------------------------------------------------------------------

    @property
    def set_on_deletion(self) -> tuple[str, object] | None:
        """The shared property and the value that its deletion sets."""
        for name, value in self.deletion.items():
            if self.concept.row(name).direction == BOTH:
                return name, value
        return None

    @property
    def also_set_on_deletion(self) -> list[tuple[str, object]]:
        """Further shared properties that its deletion sets, with their values."""
        return [
            (name, value)
            for name, value in self.deletion.items()
            if self.concept.row(name).direction == BOTH and name != (self.set_on_deletion or ("",))[0]
        ]

    @property
    def retired_by(self) -> str | None:
        """The `own` property that retires a record whose counterparts are all deleted."""
        names = [name for name in self.deletion if self.concept.row(name).direction != BOTH]
        return names[0] if names else None

    @property
    def is_active(self) -> Dtl:
        """DTL in the rule `deletion`: whether the record is not retired yet."""
        own = f"_S.said.{self.retired_by}"
        return ["eq", own, True] if self.system.word == ERP else ["neq", own, False]

    @property
    def would_retire(self) -> Dtl:
        """DTL: whether the deletion of its counterparts retires it, unless reactivated since."""
        if self.system.word != ERP:
            return self.is_active
        later = ["gt", ["max", ["path", "deleted_at", "_S.counterparts"]], f"_S.claims.{self.retired_by}.t"]
        return ["and", self.is_active, later]
