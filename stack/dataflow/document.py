"""The dataflow documents as reStructuredText, one a direction, in the shape of Sesam's published ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stack.dataflow.mappings import Pipes, Row, node, rows

MAPPINGS = (
    ("contact", ("customer",)),
    ("customer", ("business_entity",)),
    ("employee", ("customer",)),
    ("order", ("order",)),
    ("product", ("item", "item_price")),
    ("quote", ("order",)),
)
ERP, CHARGEBEE = "Custom ERP", "Chargebee"
TESTS = "tests/e2e/test_rows.py"

_MIRRORED = str.maketrans("→←⇥⇤", "←→⇤⇥")
_WORDS = {
    "↔": "both ways",
    "→": "left to right",
    "←": "right to left",
    "⇥": "left to right, when the record is made",
    "⇤": "right to left, when the record is made",
    "⇥⇤": "either way, when the record is made",
}


_INTRODUCTION = """\
Which property of {left} ends up in which property of {right}, as the pipes have it: this page is made from
`pipes/` by `make docs`, and the test suite fails when the two part ways. It is a checklist too: the last
column names the test that edits the property in a running stack and looks for it on the other side.
"""


_PROOF = """\
The test behind each row of the dataflow documents. It makes the records in both sandboxes, edits the property
where the row says it can be edited, lets the sync run, and looks for it on the other side.
"""


def documents(pipes: Pipes, generated: str) -> dict[str, str]:
    """File name to text. `generated` is the time to name, `YYYY-MM-DD HH:MM:SS`."""
    found = [(erp, chargebee, rows(pipes, erp, chargebee)) for erp, chargebee in MAPPINGS]
    return {
        "customerp-chargebee.rst": "\n".join(_document(pipes, found, generated, is_reverse=False)),
        "chargebee-customerp.rst": "\n".join(_document(pipes, found, generated, is_reverse=True)),
        "proof.rst": "\n".join(_proof(found)),
    }


def _proof(found: Sequence[tuple[str, tuple[str, ...], list[Row]]]) -> Iterator[str]:
    yield from ("=====", "Proof", "=====", "", _PROOF)
    for erp, chargebee, each in found:
        yield from _headed(f"{erp.capitalize()} and {chargebee[0].capitalize()}", "-")
        for row in each:
            yield from (f".. _{_anchor(erp, chargebee[0], row)}:", "")
            yield f"``{row.erp}`` {row.arrow} ``{row.chargebee}``\n"
            yield from (
                "::",
                "",
                f'    .venv/bin/python -m pytest "{TESTS}::test_row[{row_id(erp, chargebee[0], row)}]"',
                "",
            )


def row_id(erp: str, chargebee: str, row: Row) -> str:
    """The name of the test case that proves a row."""
    return f"{erp}-{chargebee} {row.erp} {row.chargebee}"


def _document(
    pipes: Pipes, found: Sequence[tuple[str, tuple[str, ...], list[Row]]], generated: str, is_reverse: bool
) -> Iterator[str]:
    left, right = (CHARGEBEE, ERP) if is_reverse else (ERP, CHARGEBEE)
    title = f"{left} to {right} Dataflow"
    yield from ("=" * len(title), title, "=" * len(title), "", f"Generated: {generated}", "")
    yield from _headed("Introduction", "-")
    yield _INTRODUCTION.format(left=left, right=right)
    yield "Directions: " + " · ".join(f"{sign} {words}" for sign, words in _WORDS.items()) + ".\n"
    for erp, chargebee, each in sorted(found, key=lambda m: (m[1], m[0]) if is_reverse else (m[0], m[1])):
        yield from _section(pipes, erp, chargebee, each, is_reverse)


def _section(
    pipes: Pipes, erp: str, chargebee: tuple[str, ...], found: list[Row], is_reverse: bool
) -> Iterator[str]:
    names = [f"{ERP} {erp.capitalize()}", f"{CHARGEBEE} {chargebee[0].capitalize()}"]
    left, right = reversed(names) if is_reverse else names
    yield from _headed(f"{left} to {right}", "-")
    yield f"Each {left} has its {right}, found by its match key or made by the sync.\n"
    yield "Once the two are linked, an edit of either reaches the other, whichever system it is made in.\n"
    yield f"These properties of {left} and {right} are kept in sync:\n"
    yield from (".. list-table::", "   :header-rows: 1", "   :widths: auto", "")
    kind = f"{right.rpartition(' ')[0]} data type"
    yield from _table_row([f"{left} property", f"{right} property", kind, "Direction", "Rule", "Proof"])
    for row in found:
        pair = [row.erp, row.chargebee]
        if is_reverse:
            pair.reverse()
        types = _erp_type(pipes, erp, row) if is_reverse else _chargebee_type(pipes, chargebee, row)
        arrow = row.arrow.translate(_MIRRORED) if is_reverse else row.arrow
        proof = f"`{row.erp} <proof.html#{_anchor(erp, chargebee[0], row)}>`__"
        yield from _table_row([_code(pair[0]), _code(pair[1]), types, arrow, _rule(row), proof])
    yield ""


def _headed(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def _table_row(cells: Sequence[str]) -> Iterator[str]:
    for number, cell in enumerate(cells):
        yield f"   {'* -' if number == 0 else '  -'} {cell}".rstrip()


def _code(name: str) -> str:
    return name if name.startswith("(") else f"``{name}``"


def _rule(row: Row) -> str:
    said = (["match key"] if row.is_match_key else []) + sorted(row.done)
    if row.is_reported:
        said.append("towards Chargebee it is reported: only its console can change it")
    if row.erp.startswith("("):
        said.append("where none is named: that of the customer's billing contact")
    if row.is_compared:
        said.append(
            "the ERP adds up its own, which goes along when the order is made; a later difference is reported"
        )
    return "; ".join(said) or "as it is"


def _anchor(erp: str, chargebee: str, row: Row) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", row_id(erp, chargebee, row)).strip("-").lower()


def _chargebee_type(pipes: Pipes, datatypes: tuple[str, ...], row: Row) -> str:
    datatype, path = datatypes[0], row.chargebee
    if len(datatypes) > 1:
        datatype, _, path = path.partition(".")
    return _type(pipes.schema(f"chargebee-{datatype}"), path)


def _erp_type(pipes: Pipes, erp: str, row: Row) -> str:
    return _type(pipes.schema(f"customerp-{erp}"), row.erp)


def _type(schema: Mapping[str, Any], path: str) -> str:
    """The type of a property in words: `string 50`, `one of a, b`; empty for other records' properties."""
    found = node(schema, path)
    if not found:
        return "any" if found == {} else ""
    if "enum" in found:
        return "one of " + ", ".join(str(each) for each in found["enum"] if each is not None)
    kinds = found.get("type", [])
    names = [each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null"]
    return " ".join([" or ".join(names), str(found.get("maxLength", "")), found.get("format", "")]).strip()
