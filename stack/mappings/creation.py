"""What a new record gets besides its fields: DTL of the rules `insert` and `new_line`.

In `insert` the record that a new one is made from is `_S` (what it says itself is `_S.raw`), in `new_line`
one of its lines is `_S.value`.
"""

from __future__ import annotations

from collections.abc import Mapping

from stack.mappings.cells import Cell, Dtl, assembled
from stack.mappings.concept import COMPARED, ERP, OWN, Row
from stack.mappings.record import Record
from stack.mappings.references import referred


def insert_statements(record: Record) -> list[Dtl]:
    """Return everything of the rule `insert` that the mapping file decides."""
    found: list[Dtl] = []
    for row, cell in record.rows():
        if cell.in_lines or not cell.is_written or row.direction == OWN:
            continue
        value = _first_value(record, row, cell)
        if value is not None:
            statement = _set(cell, value)
            found.append(["if", cell.given["if"], statement] if "if" in cell.given else statement)
    if new_line_statements(record):
        lines = _by_type({each: each.lines_sorted("_S.raw", every=True) for each in record.others}, "_S.type")
        found.append(["add", record.lines["path"], ["apply", "new_line", ["enumerate", 1, lines]]])
    return [*found, *_fillers(record), *record.insert.get("also", [])]


def _set(cell: Cell, value: Dtl) -> Dtl:
    top, made = assembled([(cell.path, value)])[0]
    return ["add-if", top, made]


def _first_value(record: Record, row: Row, cell: Cell) -> Dtl | None:
    """Return what a row is to be at first, in the record's own words.

    None if that is no matter of its creation.
    """
    currency = _by_type({each: f"_S.raw.{each.currency}" for each in record.others}, "_S.type")
    looked_up = f"_P._T._referred.{row.name}" if row.name in referred(record) else None
    if row.has_clock and (row.goes_to(record.system) or looked_up is None):
        golden = f"_P._S.golden.{row.name}.v"
        return cell.write(golden, currency) if row.is_on_create(record.alias) else None
    if looked_up is not None:
        return cell.write(looked_up, currency)
    sources = [each for each in record.others if each.alias in row.cells or row.name in each.create]
    if not sources or (row.direction == COMPARED and record.system.word == ERP):
        return None
    if row.name in sources[0].create:
        return cell.write(f"_S.create.{row.name}", currency)
    if cell.parts:
        copied = {each: cell.copied(row.cells[each.alias], "_S.raw") for each in sources}
        return ["first", ["apply", "with_values", ["combine", _by_type(copied, "_S.type")]]]
    read = {each: row.cells[each.alias].read("_S.raw", f"_S.raw.{each.currency}") for each in sources}
    return cell.write(_by_type(read, "_S.type"), currency)


def _fillers(record: Record) -> list[Dtl]:
    """Return what is invented where the target demands something that nobody said."""
    found: list[Dtl] = []
    for _, cell in record.rows():
        if "filler" in cell.given:
            conditions = cell.filler_conditions()
            filler = ["default", cell.path, cell.given["filler"]]
            found.append(["if", ["and", *conditions], filler] if conditions else filler)
    return found


def new_line_statements(record: Record) -> list[Dtl]:
    """Return everything of the rule `new_line`; nothing where no record with lines is made."""
    if not record.is_created or not record.lines:
        return []
    position = record.lines.get("position")
    found: list[Dtl] = [["add", position, "_S.key"]] if position else []
    for row, cell in record.rows():
        sources = [each for each in record.others if each.alias in row.cells]
        if cell.in_lines and cell.is_written and sources:
            read = {each: _line_value(row.cells[each.alias], each) for each in sources}
            currency = _by_type({each: f"_P._S.raw.{each.currency}" for each in sources}, "_P._S.type")
            found.append(["add-if", cell.field, cell.write(_by_type(read, "_P._S.type"), currency)])
    return [*found, *record.lines.get("also", [])]


def _line_value(cell: Cell, source: Record) -> Dtl:
    return cell.read_value(f"_S.value.{cell.field}", "_S.value.", f"_P._S.raw.{source.currency}")


def created_as(record: Record) -> Dtl:
    """Return how a record that was read tells which new one of the transform pipe (alias `t`) it is."""
    if record.part_of:
        return ["eq", "_S._id", "t.id"]
    if record.system.word == ERP:
        other = record.counterpart
        return ["eq", ["ni", other.type, f"_S.{record.links[other.alias]}"], "t.$origin"]
    made = ["concat", ["replace", "customerp-", "", ["ni-ns", "t.$origin"]], "-", ["ni-id", "t.$origin"]]
    return ["eq", "_S._id", made]


def _by_type(values: Mapping[Record, Dtl], of: str) -> Dtl:
    """Return the value for the type of record at the path `of`; plain if it is the same for all."""
    found = list(values.values())
    if all(each == found[0] for each in found):
        return found[0]
    return ["case-eq", of, *(part for record, value in values.items() for part in (record.type, value))]
