"""`python -m stack property PATH`: what happens to a property, from its mapping row to the datasets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from core.settings import BadSetting
from core.suggestions import advice
from core.tables import text_table
from stack.mappings.cells import Cell, Dtl
from stack.mappings.concept import (
    BOTH,
    CHARGEBEE,
    COMPARED,
    ERP,
    ON_CREATE,
    OWN,
    TO_CHARGEBEE,
    TO_ERP,
    Concept,
    Row,
)
from stack.mappings.record import Record
from stack.mappings.render import Mappings, Pipe
from stack.mappings.schemas import emptying

WIDTH = 110
HOLDERS = ("claims", "golden", "raw", "said", "value", "values")
"""What the rules keep properties in, on the way from one record to another."""
DIRECTIONS = {
    TO_CHARGEBEE: "to Chargebee only: edits in Chargebee are overwritten",
    TO_ERP: "to the ERP only: edits in the ERP are overwritten",
    ON_CREATE: "set once, when a record is created",
    COMPARED: "compared: a difference is reported, and never written",
    OWN: "each record's own: it travels nowhere",
}
BOTH_WAYS = "both ways: the newer edit wins, an old value beats an empty one"


@dataclass(frozen=True)
class Found:
    """A row of a mapping file; `at`: its place among the rows."""

    concept: Concept
    row: Row
    at: int

    @property
    def names(self) -> Iterator[str]:
        """Yield everything that a person may call it: its shared name, and its path in each record."""
        yield self.row.name
        for alias, cell in self.row.cells.items():
            record = self.concept.records[alias]
            own = [cell.path, *filter(None, [cell.given.get("else")]), *cell.given.get("also_from", [])]
            own += [f"{cell.path}.{part}" for part in cell.parts.values()]
            for path in (each.replace("[]", "") for each in own):
                yield path
                yield from (f"{owner}.{path}" for owner in (record.type, alias, record.datatype))


def find(read: Mappings, path: str) -> list[Found]:
    """Return the rows that a path names: `phone`, `contact.phone` or `chargebee-customer.phone`.

    BadSetting if there is none.
    """
    wanted = path.replace("[]", "")
    rows = [
        Found(concept, row, at) for concept in read.concepts.values() for at, row in enumerate(concept.rows)
    ]
    found = [each for each in rows if wanted in each.names]
    if not found:
        known = sorted({name for each in rows for name in each.names})
        raise BadSetting(f"no mapping file has a property {path!r}; {advice(path, known)}")
    return found


def told(read: Mappings, path: str) -> str:
    """Return what happens to a property, as text of about one screen.

    Where several rows have that name: which they are, with the words that tell them apart.
    """
    found = find(read, path)
    if len(found) > 1:
        lines = [f"{path!r} is a property of several records; name one:"]
        return "\n".join([*lines, *(f"  {_full_name(each)}  ({each.concept.file})" for each in found)])
    return "\n".join(_told(read, found[0]))


def _full_name(found: Found) -> str:
    alias, cell = next(iter(found.row.cells.items()))
    return f"{found.concept.records[alias].type}.{cell.path.replace('[]', '')}"


def _told(read: Mappings, found: Found) -> Iterator[str]:
    row, concept, pipes = found.row, found.concept, read.pipes()
    yield f"{row.name}   {concept.file}, /properties/{found.at}"
    yield ""
    yield from _wrapped(json.dumps(row.given, ensure_ascii=False), "  ")
    yield ""
    yield from (f"  {each}" for each in _rules(concept, row))
    yield ""
    cells = [(concept.records[alias], cell) for alias, cell in row.cells.items()]
    for record, cell in cells:
        yield f"  {record.type}.{cell.path}"
        yield from _cell(record, row, cell)
        never_empty = emptying(read.root, record, cell.path.replace("[]", ""))
        if never_empty and row.direction in (BOTH, TO_CHARGEBEE) and not row.given.get("on_create"):
            yield f"    {never_empty}"
    yield ""
    yield from text_table(("pipe", "rules that have it", "in its dataset"), list(_stages(pipes, found)))


def _rules(concept: Concept, row: Row) -> Iterator[str]:
    yield DIRECTIONS.get(row.direction, f"a link to the {row.link}" if row.link else BOTH_WAYS)
    if row.given.get("on_create"):
        yield "never changed after the record was created"
    if row.direction == BOTH and not row.link:
        wins = CHARGEBEE if row.name in concept.chargebee_wins_ties else ERP
        yield f"of two edits at the same moment {'Chargebee' if wins == CHARGEBEE else 'the ERP'} wins"
    if row.given.get("personal"):
        yield "personal: masked in the audit trail where audit-redaction is personal"
    if row.refers_to:
        yield f"a reference to a {row.refers_to}: a new record waits until that is there"
    if row.name in (concept.folded or []):
        yield "a match key: another spelling counts as the same"


def _cell(record: Record, row: Row, cell: Cell) -> Iterator[str]:
    if row.has_clock and not row.link and not cell.in_lines:
        yield from _wrapped(
            f"is read as {json.dumps(cell.read('_S', f'_S.{record.currency}'), ensure_ascii=False)}", "    "
        )
    if not cell.is_written or not row.goes_to(record.system) or row.direction in (OWN, COMPARED):
        yield "    is never written"
    elif not cell.in_lines and not row.link:
        yield from _wrapped(f"is written as {json.dumps(cell.write(), ensure_ascii=False)}", "    ")
    if cell.says:
        yield from _wrapped(cell.says, "    ")


def _stages(pipes: Mapping[str, Pipe], found: Found) -> Iterator[tuple[str, str, str]]:
    """Yield each pipe on the way, the rules of it that name the property, and where its dataset has it."""
    row, concept = found.row, found.concept
    cells = [(concept.records[alias], cell) for alias, cell in row.cells.items()]
    for record, cell in cells:
        rules = _rules_of(pipes[f"{record.type}-collect"], row.name, cell)
        yield f"{record.type}-collect", rules or "as the service reads it", cell.path
    if row.has_clock:
        for record, cell in cells:
            pipe_id = f"{concept.records[record.part_of or record.alias].type}-enrich"
            yield pipe_id, _rules_of(pipes[pipe_id], row.name, cell), f"members.claims.{row.name}"
        yield f"global-{concept.name}", "default", f"golden.{row.name}"
    for stage in ("transform", "share"):
        for record, cell in cells:
            rules = _rules_of(pipes[f"{record.type}-{stage}"], row.name, cell)
            if rules:
                yield f"{record.type}-{stage}", rules, cell.path


def _rules_of(pipe: Pipe, name: str, cell: Cell) -> str:
    """Return the rules of a pipe that name the property, in their order."""
    own = cell.path.partition("[].")[2] or cell.path
    pattern = re.compile(
        rf"_[STP](\.(_\w+|{'|'.join(HOLDERS)}))*\.({re.escape(name)}|{re.escape(own)})(\.|$)"
    )
    found = [
        rule
        for transform in pipe.get("transform", [])
        for rule, statements in transform.get("rules", {}).items()
        if any(_names(each, {name, own}, pattern) for each in statements if each[0] != "comment")
    ]
    return ", ".join(dict.fromkeys(found))


def _names(dtl: Dtl, names: set[str], pattern: re.Pattern[str]) -> bool:
    """Return whether an expression names the property, by itself or in a path to it."""
    if isinstance(dtl, str):
        return dtl in names or pattern.match(dtl) is not None
    values: Any = dtl.values() if isinstance(dtl, dict) else dtl if isinstance(dtl, list) else ()
    return any(_names(each, names, pattern) for each in values)


def _wrapped(text: str, margin: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=margin, subsequent_indent=f"{margin}  ", break_on_hyphens=False)
