"""One datatype of one system, as the templates ask for it: who it belongs to, how its properties travel."""

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
"""What the rules ask of a record, and what counts where its mapping file says nothing."""


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
        """The records of the other system that it, or what it is part of, may belong to."""
        return [each for each in self.concept.whole if each.system is not self.system]

    @property
    def counterpart(self) -> Record:
        """The one that records of several kinds belong to."""
        return self.others[0]

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
        """Whether the sync makes such records, or at least asks for them."""
        return self.insert is not None

    @property
    def not_made_if(self) -> list[Dtl]:
        """When none is made of a golden record `_S`: where another kind is the same, or as its file says."""
        kinds = [each for each in self.concept.whole if each.system is self.system and each is not self]
        siblings = [["in", each.type, ["path", "type", "_S.members"]] for each in kinds if not self.part_of]
        return [*siblings, *([self.insert["unless"]] if "unless" in self.insert else [])]

    @property
    def not_awaited_if(self) -> list[Dtl]:
        """When nothing waits for one to be made: where none is made, or a person must act first."""
        held = [each["when"] for each in self.insert.get("pending", []) if each.get("is_final")]
        return [*self.not_made_if, *held]

    @property
    def is_written(self) -> bool:
        """Whether the sync changes such records."""
        return not self.is_reported

    def is_made_of(self, other: Record) -> bool:
        """Whether the service gives what the sync makes of an `other` an id that says so.

        `connectors/chargebee/identity.py` derives it: datatype, hyphen, id of the ERP record.
        """
        made_there = self.system.word == "chargebee" and self.is_created and self.is_written
        return made_there and other in self.others

    def may_be(self, other: Record) -> bool:
        """Return whether one of the same system is linked to it directly."""
        return other.alias in self.links or other is self.also

    @property
    def also(self) -> Record | None:
        """A kind of record of the same system that may be the same thing."""
        return self.concept.records.get((self.finds or {}).get("also", ""))

    @cached_property
    def keys(self) -> list[Key]:
        """The match keys that it has, itself or in a part."""
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
        """Names and paths of the match keys that it keeps itself."""
        paths = [key[self.alias] for key in self.concept.given["match"] if self.alias in key]
        return [(path.rpartition(".")[2], path) for path in paths]

    @property
    def links(self) -> dict[str, str]:
        """By alias, where it holds the key of a linked record."""
        own = {row.link: row.cells[self.alias].path for row in self.link_rows if row.link}
        return {**own, **self.given.get("links", {})}

    @property
    def links_within(self) -> dict[str, str]:
        """The same for linked records of its own system, as those of a quote and the order that it became."""
        records = self.concept.records
        return {alias: path for alias, path in self.links.items() if records[alias].system is self.system}

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
        return self.counterpart.links.get(self.alias)

    @property
    def claimants(self) -> list[Record]:
        """The records of the other system that name one of this kind."""
        return [each for each in self.others if self.alias in each.links]

    @property
    def owners(self) -> list[Record]:
        """Whose claims on a candidate count: those of its own kind, where nothing else is said."""
        return [self.concept.records[alias] for alias in (self.finds or {}).get("owners", [self.alias])]

    @property
    def taken(self) -> Record | None:
        """What the sync makes of candidates that have no counterpart."""
        mine = [each for each in self.concept.whole if each.system is self.system and each.is_created]
        return mine[0] if mine else None

    @property
    def inherits(self) -> Record | None:
        """The kind of record that becomes one of this kind; its word counts until this says otherwise."""
        return next((each for each in self.concept.whole if each.becomes == self.alias), None)

    @property
    def has_become(self) -> Dtl | None:
        """Whether it has become something else, which speaks from then on."""
        return ["is-not-null", f"_S.{self.links[self.becomes]}"] if self.becomes else None

    @property
    def is_spoken_for(self) -> Dtl | None:
        """Whether what it has become is there to speak, or was: an ERP may show quotes and no orders."""
        if self.becomes is None or self.has_become is None:
            return None
        type_, key = self.concept.records[self.becomes].type, f"_S.{self.links[self.becomes]}"
        there: list[Dtl] = [
            ["hops", {"datasets": [f"{type_}-{stage} o"], "where": [["eq", key, "o._id"]]}]
            for stage in ("collect", "deletes")
        ]
        return ["and", self.has_become, ["is-not-empty", ["combine", *there]]]

    # -- properties ----------------------------------------------------------------------------------------

    def rows(self) -> Iterator[tuple[Row, Cell]]:
        """Yield its rows, each with its cell."""
        for row in self.concept.rows:
            if self.alias in row.cells:
                yield row, row.cells[self.alias]

    @property
    def mapping(self) -> dict[str, Any]:
        """Return its rows and those of its parts, for its pipes, beside the other system's cells."""
        others = [each.alias for each in self.concept.records.values() if each.system is not self.system]
        return self.concept.rows_of([self.alias, *(part.alias for part in self.parts)], others)

    def shared(self) -> Iterator[tuple[Row, Cell]]:
        """Yield its rows in the golden record."""
        for row, cell in self.rows():
            if row.has_clock and not cell.given.get("on_create"):
                yield row, cell

    @property
    def model(self) -> list[tuple[str, Dtl]]:
        """By shared name, how each property is read."""
        return [(row.name, self._read(cell)) for row, cell in self.shared()]

    def _read(self, cell: Cell) -> Dtl:
        if cell.in_lines:
            return cell.read_lines("_P._T._lines")
        return cell.read("_S", f"_S.{self.currency}")

    @property
    def currency(self) -> str:
        """Where it says in which currency its amounts are."""
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
    def lines_differ(self) -> Dtl:
        """Whether it has more or fewer lines than its counterpart, in the rule `update`.

        A record that shows no lines at all says nothing of them.
        """
        there, theirs = "_P._T._source.raw", self.counterpart
        shown = [
            ["is-not-null", f"{start}.{each.lines['path']}"]
            for start, each in (("_S.raw", self), (there, theirs))
        ]
        return ["and", *shown, ["neq", self.line_count("_S.raw"), theirs.line_count(there)]]

    @property
    def observed(self) -> Dtl:
        """Properties that it says nothing about, but only shows what others say."""
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
        """Return whether it only shows what others say of a row."""
        return bool(row.link) or (row.direction not in (OWN, BOTH) and row.goes_to(self.system))

    @property
    def second_steps(self) -> Dtl:
        """Properties that a new record gets by a second call, so that they may not be there yet."""
        steps = [
            ["if", cell.given["second_step_if"], ["list", row.name]]
            for row, cell in self.rows()
            if "second_step_if" in cell.given
        ]
        return ["combine", *steps] if steps else ["list"]

    @property
    def intermediates(self) -> list[tuple[str, dict[str, str]]]:
        """By property, what a write of several calls leaves while it is under way."""
        return [
            (row.name, cell.given["intermediate"])
            for row, cell in self.rows()
            if "intermediate" in cell.given
        ]

    @property
    def own(self) -> list[str]:
        """Properties that each record of this kind has for itself."""
        return [row.name for row, _ in self.rows() if row.direction == OWN]

    @property
    def not_edits(self) -> list[str]:
        """Properties that are another record's, so that they are no edit of this one."""
        return [row.name for row, cell in self.shared() if cell.is_related]

    def kept_up(self) -> Iterator[tuple[Row, Cell]]:
        """Yield its rows that are written whenever they differ."""
        for row, cell in self.shared():
            if cell.is_written and row.goes_to(self.system) and not row.is_on_create(self.alias):
                yield row, cell

    @property
    def fields(self) -> list[tuple[str, Dtl]]:
        """By own property, how it is written; lines by their shared name."""
        return assembled(
            (row.name, f"_S.{row.name}") if cell.in_lines else (cell.path, cell.write())
            for row, cell in self.kept_up()
        )

    @property
    def written_model(self) -> list[tuple[str, Dtl]]:
        """By shared name, how each property that is written is read back."""
        return [(row.name, self._read(cell)) for row, cell in self.kept_up()]

    @property
    def names_by_field(self) -> dict[str, list[str]]:
        """By own property, the shared ones that are written to it."""
        found: dict[str, list[str]] = {}
        for row, cell in self.kept_up():
            found.setdefault(cell.top, []).append(row.name)
        return found

    @property
    def line_fields(self) -> list[dict[str, object]]:
        """Properties of lines that are kept up; `_T._wanted` is the value in the shared model."""
        return [
            {"name": row.name, "field": cell.field, "write": cell.write("_T._wanted")}
            for row, cell in self.kept_up()
            if cell.in_lines
        ]

    @property
    def fillers(self) -> list[dict[str, object]]:
        """Properties that are filled in where they are demanded and nobody said anything.

        With what is filled in on an update, in the rule `update`; `only_if_cleared`: unless it is emptied, it
        is demanded of new records alone; `follows`: it is made of what the counterpart alone says, so that
        nothing else that is written would bring it up to date.
        """
        found = []
        for row, cell in self.kept_up():
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
        """What is a filler when a record is seen for the first time, in the rule `claim`."""
        return [
            (row.name, moved(cell.given["filler_seen"], "_S", "_P._S"))
            for row, cell in self.kept_up()
            if "filler_seen" in cell.given
        ]

    @property
    def two_way(self) -> list[str]:
        """Shared properties that are kept up in both systems."""
        return [row.name for row, _ in self.kept_up() if row.direction == BOTH]

    @property
    def matched_by(self) -> list[str]:
        """Shared properties that are match keys and kept up."""
        names = self.concept.folded or []
        return [row.name for row, _ in self.kept_up() if row.name in names]

    @property
    def free_keys(self) -> list[str]:
        """Own properties that are objects with any keys."""
        return [cell.path for _, cell in self.rows() if cell.given.get("as") == "free_keys"]

    @property
    def own_values(self) -> list[tuple[str, Dtl]]:
        """Own properties with the values that are neither told nor overwritten."""
        return [(cell.path, cell.own_values) for _, cell in self.rows() if cell.own_values]

    @property
    def foreign_values(self) -> list[tuple[str, Dtl]]:
        """Shared properties with the values that are a counterpart's own."""
        return [
            (row.name, row.cells[each.alias].own_values)
            for row, _ in self.shared()
            for each in self.others
            if each.alias in row.cells and row.cells[each.alias].own_values
        ]

    @property
    def compared(self) -> list[dict[str, str]]:
        """Figures that the ERP takes from nobody: own property, and the counterpart's."""
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
        """Statements that complete the golden record as this record is to have it."""
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
        """Named rules that its conversions apply, `with_sources` also those of what it may be made from."""
        records = [self, *self.parts, *(self.others if with_sources else [])]
        cells = [cell for record in records for row, cell in record.rows() if with_sources or row.has_clock]
        return list({name: body for cell in cells for name, body in cell.rules.items()}.items())

    # -- coarse values -------------------------------------------------------------------------------------

    @property
    def coarse(self) -> dict[str, object] | None:
        """The property of which it knows fewer values, the one that stands for many, and for which not."""
        for row, cell in self.rows():
            for value, but in cell.given.get("coarse", {}).items():
                return {"property": row.name, "value": value, "but": ["list", *but]}
        return None

    @property
    def coarse_counterparts(self) -> list[dict[str, object]]:
        """Counterparts that know less than this one."""
        return [{"type": each.type, **each.coarse} for each in self.others if each.coarse]

    @property
    def said(self) -> list[str]:
        """Shared properties that it speaks about at all: all but its links."""
        return [row.name for row, _ in self.shared() if not row.link]

    @property
    def create(self) -> dict[str, Dtl]:
        """By shared name, what a record made from this one is to have once, and a part of this one says."""
        return {
            row.name: f"_T._{part.alias}.{row.cells[part.alias].path}"
            for row in self.concept.rows
            if self.alias not in row.cells and row.direction == ON_CREATE
            for part in self.parts
            if part.alias in row.cells
        }

    @property
    def live_records(self) -> Dtl:
        """The records of this kind that a golden record `_S` has, as their system has them."""
        live = ["and", ["eq", "_.type", self.type], ["neq", "_.deleted", True]]
        return ["path", "raw", ["filter", live, "_S.members"]]

    # -- deletions -----------------------------------------------------------------------------------------

    @property
    def says_on_deletion(self) -> tuple[str, object] | None:
        """The shared property and the value that its deletion comes to."""
        for name, value in self.deletion.items():
            if self.concept.row(name).direction == BOTH:
                return name, value
        return None

    @property
    def also_said_on_deletion(self) -> list[tuple[str, object]]:
        """Further shared properties that follow from its deletion, with their values."""
        return [
            (name, value)
            for name, value in self.deletion.items()
            if self.concept.row(name).direction == BOTH and name != (self.says_on_deletion or ("",))[0]
        ]

    @property
    def retires(self) -> str | None:
        """The property, its own, by which a record is retired whose counterparts are deleted."""
        names = [name for name in self.deletion if self.concept.row(name).direction != BOTH]
        return names[0] if names else None

    @property
    def is_active(self) -> Dtl:
        """Whether such a record is not retired yet, in the rule `deletion`."""
        own = f"_S.said.{self.retires}"
        return ["eq", own, True] if self.system.word == ERP else ["neq", own, False]

    @property
    def would_retire(self) -> Dtl:
        """Whether the deletion of its counterparts would retire it: somebody may have set that later."""
        if self.system.word != ERP:
            return self.is_active
        later = ["gt", ["max", ["path", "deleted_at", "_S.counterparts"]], f"_S.claims.{self.retires}.t"]
        return ["and", self.is_active, later]
