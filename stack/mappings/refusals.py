"""What mapping files may not say although their form is right, with the place and what to write instead."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.suggestions import advice, did_you_mean
from localnode.config.substitution import Substitution
from localnode.dtl import DtlCompileError, PipeSettings, compile_dtl
from stack.environment import ROOT
from stack.mappings.cells import Cell, UnknownForm
from stack.mappings.concept import ERP, OWN, Concept, Row
from stack.mappings.reading import Place, Refusal
from stack.mappings.record import Record
from stack.mappings.schemas import node, properties_of, schema_of

RESERVED = {"raw": "the record as its system has it (`_S.raw`)"}
"""Names that mean something else beside the shared properties."""

IN_DEFAULT = frozenset(
    {"lookups", "before", "same_key", "unless", "when", "create", "second_step_if", "observed_if"}
)
"""DTL of the rule `default`, where hops are allowed; all other DTL is applied to a record."""

STATEMENTS = ("lookups", "before", "also")
EXPRESSIONS = ("same_key", "totals_unless", "unless", "when")
IN_CELLS = (
    "read",
    "write",
    "observed_if",
    "second_step_if",
    "if",
    "filler",
    "filler_seen",
    "demanded_if",
    "create",
)

Found = Iterator[tuple[Place, str]]


def contradictions(file: Path, concept: Concept, root: Path) -> Iterator[Refusal]:
    """Yield everything that is wrong with a concept."""
    names = Counter(row.name for row in concept.rows)
    for at, row in enumerate(concept.rows):
        place = ("properties", at)
        if names[row.name] > 1:
            text = f"another row has the name {row.name!r}, too: a property has one row"
            yield Refusal(file, (*place, "name"), text)
        unknown = list(_unknown_forms(row))
        for where, text in unknown or _row(concept, row, root):
            yield Refusal(file, (*place, *where), text)
    for alias, record in concept.records.items():
        for where, text in _record(concept, record):
            yield Refusal(file, ("records", alias, *where), text)
        for name, other, path in _twice_written(record):
            at = next(n for n, row in enumerate(concept.rows) if row.name == name)
            text = f"the row {other!r} writes {path} of {_a(alias)}, too: one of them would be lost"
            yield Refusal(file, ("properties", at, alias), text)
        for at, row in enumerate(concept.rows):
            if (
                alias in row.cells
                and row.cells[alias].in_lines
                and row.name in schema_of(root, record)["properties"]
            ):
                text = f"{_a(alias)} has a property of its own called {row.name!r}: call that of its lines"
                yield Refusal(
                    file, ("properties", at, "name"), f"{text} otherwise, such as 'line_{row.name}'"
                )


def _unknown_forms(row: Row) -> Found:
    for alias, cell in row.cells.items():
        try:
            cell.says  # noqa: B018 - asks for the form
        except UnknownForm as error:
            yield (alias, "as"), str(error)


def _row(concept: Concept, row: Row, root: Path) -> Found:
    known = {"link": concept.records, "prefer": concept.records, "refers_to": concept.all}
    known["any_of"] = dict.fromkeys(each.name for each in concept.rows)
    for word, names in known.items():
        if word in row.given and row.given[word] not in names:
            yield (word,), f"there is no {row.given[word]!r}; {advice(row.given[word], names)}"
    if row.name in RESERVED:
        yield ("name",), f"{row.name!r} is {RESERVED[row.name]} in the DTL of cells: choose another name"
    systems = {concept.records[alias].system.word for alias in row.cells}
    is_shared = row.direction != OWN and not row.link and "any_of" not in row.given
    if is_shared and len(systems) < 2 and not row.is_for_others:
        yield (), "only records of one system have it: name the other's as well, or it goes nowhere"
    if row.given.get("personal") and "type" not in row.given and not _type_is_known(concept, row, root):
        advised = 'give it a "type", such as "string 50", or name it in a service\'s schema'
        yield (), f"personal, but has no type: {advised}"
    for alias, cell in row.cells.items():
        record = concept.records[alias]
        if why := _why_never_written(record, row, cell, root):
            way = "to_chargebee" if record.system.word == ERP else "to_erp"
            yield (alias,), f'{cell.path} is {why}: make the row "direction": "{way}"'
        for where, text in _cell(concept, concept.records[alias], cell, root):
            yield (alias, *where), text


def _why_never_written(record: Record, row: Row, cell: Cell, root: Path) -> str | None:
    """Say why a record cannot be given what a row keeps up in it; None if it can."""
    is_kept_up = row.has_clock and row.direction != OWN and row.goes_to(record.system) and cell.is_written
    if not is_kept_up:
        return None
    if cell.is_related:
        return f"a property of another record, which {_a(record.datatype)} does not write"
    found = node(schema_of(root, record), cell.path.replace("[]", "")) or {}
    return "read only there" if found.get("readOnly") else None


def _type_is_known(concept: Concept, row: Row, root: Path) -> bool:
    described = [
        node(schema_of(root, concept.records[alias]), cell.path.replace("[]", ""))
        for alias, cell in row.cells.items()
        if not cell.is_related
    ]
    is_object = any(cell.parts for cell in row.cells.values())
    return any(found and ("type" in found or "enum" in found or is_object) for found in described)


def _cell(concept: Concept, record: Record, cell: Cell, root: Path) -> Found:
    yield from _translation(record, cell, root)
    for word in ("read", "write"):
        if _is_constant(cell.given.get(word)):
            text = f"{json.dumps(cell.given[word])} is the same for every record; DTL is a list, or a path"
            yield (word,), f'{text} that begins with "_S."'
    for word in IN_CELLS:
        if word in cell.given:
            for text in _dtl_problems([["add", "value", cell.given[word]]], word in IN_DEFAULT):
                yield (word,), text
    if "read" not in cell.given and "create" not in cell.given and not cell.is_related:
        yield from _path(record, cell.path, ("path",) if len(cell.given) > 1 else (), root)
    if "else" in cell.given:
        yield from _path(record, cell.given["else"], ("else",), root)


def _is_constant(given: object) -> bool:
    """Return whether DTL gives one value whatever the record; `false`, never written, is none."""
    return given is True or (isinstance(given, str) and not given.startswith(("_", "$ENV(")))


def _translation(record: Record, cell: Cell, root: Path) -> Found:
    """Refuse a translation that is not the same there and back: the value would bounce between systems."""
    words, also_read = cell.given.get("translate", {}), cell.given.get("also_read", {})
    for word, count in Counter(words.values()).items():
        if count > 1:
            own = " and ".join(repr(each) for each, said in words.items() if said == word)
            text = f"{own} are both {word!r}, so the way back is ambiguous"
            yield ("translate",), f"{text}: leave one, and put the other into `also_read`"
    for own in set(words) & set(also_read):
        yield ("also_read", own), "is in `translate`, too: a word is read in one way"
    enum = (node(schema_of(root, record), cell.path.replace("[]", "")) or {}).get("enum", [])
    for own in words if enum else ():
        if own not in enum:
            known = ", ".join(repr(each) for each in enum if each is not None)
            yield ("translate", own), f"is not one of its words; those of {cell.path} are {known}"
    for own, said in words.items():
        if said in enum and said not in words and said not in also_read:
            text = f"{said!r} is also one of its words, and would come back as {own!r}"
            yield ("translate", own), f"{text}: translate that one as well"


def _path(record: Record, path: str, where: Place, root: Path) -> Found:
    schema = schema_of(root, record)
    plain = path.replace("[]", "")
    if node(schema, plain) is None:
        file = f"{record.system.schemas}/{record.datatype}.schema.json"
        text = f"{_a(record.datatype)} has no property {plain!r}{_meant(schema, plain)}"
        yield where, f"{text}; a new one is named in {file} first"
        return
    steps = path.split(".")
    for n, step in enumerate(steps[:-1]):
        above = node(schema, ".".join(steps[: n + 1]).replace("[]", "")) or {}
        if "items" in above and not step.endswith("[]"):
            yield where, f"{step} is a list: {path.replace(step, f'{step}[]', 1)!r} is that of its items"


def _meant(schema: Mapping[str, Any], path: str) -> str:
    """Return "; did you mean" with the property that is spelt most like the first unknown step of a path."""
    steps = path.split(".")
    known = next(n for n in range(len(steps)) if node(schema, ".".join(steps[: n + 1])) is None)
    place = (node(schema, ".".join(steps[:known])) or {}) if known else schema
    return did_you_mean(steps[known], properties_of(schema, place))


def _a(datatype: str) -> str:
    return f"{'an' if datatype[0] in 'aeiou' else 'a'} {datatype}"


def _record(concept: Concept, record: Record) -> Found:
    aliases, finds = concept.records, record.given.get("finds", {})
    named: list[tuple[Place, str | None]] = [(("finds", "also"), finds.get("also"))]
    named += [(("becomes",), record.becomes), (("part_of",), record.part_of)]
    named += [(("finds", "owners", at), each) for at, each in enumerate(finds.get("owners", []))]
    for where, alias in named:
        if alias is not None and alias not in aliases:
            yield where, f"is not a record of this file; {advice(alias, aliases)}"
    rows = [row.name for row in concept.rows]
    for name in record.deletion:
        if name not in rows:
            yield ("deletion", name), f"is not a property of this file; {advice(name, rows)}"
    for place, statements in _statements(record.given, ()):
        for text in _dtl_problems(statements, place[-1] in IN_DEFAULT):
            yield place, text


def _statements(given: Any, place: Place) -> Iterator[tuple[Place, list[object]]]:
    """Every list of statements in a record, and every expression as one."""
    for key, value in given.items():
        if key in STATEMENTS:
            yield (*place, key), value
        elif key in EXPRESSIONS:
            yield (*place, key), [["add", "value", value]]
        elif key == "pending":
            for at, each in enumerate(value):
                yield from _statements(each, (*place, key, at))
        elif isinstance(value, dict) and key in ("insert", "lines"):
            yield from _statements(value, (*place, key))


def _twice_written(record: Record) -> Iterator[tuple[str, str, str]]:
    """Rows that write what another row writes, or part of it: (the later row, the earlier one, the property).

    An object whose form (`as`) leaves parts out may have rows for those.
    """
    seen: dict[str, str] = {}
    whole: set[str] = set()
    for row, cell in record.rows():
        is_set = row.has_clock or record.is_created
        if not (is_set and cell.is_written and row.goes_to(record.system)) or cell.is_related:
            continue
        for path, name in seen.items():
            outer, inner = sorted((path, cell.path), key=len)
            if outer == inner or (inner.startswith(f"{outer}.") and outer not in whole):
                yield row.name, name, inner
        if "as" in cell.given:
            whole.add(cell.path)
        seen.setdefault(cell.path, row.name)


def _dtl_problems(statements: list[object], in_default: bool) -> Iterator[str]:
    """Yield what the compiler says about statements of the rule `default`, or of one that is applied."""
    statements = Substitution(_variables()).component({"rules": statements})["rules"]
    rules = {"default": [["add", "value", ["apply", "cell", "_S."]]], "cell": statements}
    try:
        compile_dtl({"default": statements} if in_default else rules, PipeSettings("mapping"))
    except DtlCompileError as error:
        yield from (f"is not valid DTL: {problem.message}" for problem in error.problems)


@lru_cache(maxsize=1)
def _variables() -> Mapping[str, object]:
    """Return the variables that pipes read: some must be known before DTL compiles, such as a time zone."""
    found: Mapping[str, Any] = json.loads((ROOT / "prod-env.json").read_text(encoding="utf-8"))
    return found
