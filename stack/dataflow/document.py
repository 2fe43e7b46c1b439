"""The dataflow documents as reStructuredText, one a direction, in the shape of Sesam's published ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stack.dataflow.rows import ALWAYS, Mapping, Pair, mappings
from stack.mappings.record import Record
from stack.mappings.render import Mappings
from stack.mappings.schemas import emptying, node, schema_of

ERP, CHARGEBEE = "Custom ERP", "Chargebee"
TESTS = "tests/e2e/test_rows.py"

_MIRRORED = str.maketrans("→←⇥⇤", "←→⇤⇥")
_WORDS = {
    "↔": "both ways",
    "→": "left to right",
    "←": "right to left",
    "⇥": "left to right, when the record is created",
    "⇤": "right to left, when the record is created",
    "⇥⇤": "either way, when the record is created",
}


_INTRODUCTION = """\
This page shows which property of {left} is synced with which property of {right}. `make docs` writes it from
`mappings/`, and the test suite fails if the two differ. It is a checklist too: the last column names the
test that edits the property in a running stack and checks it on the other side.
"""


_PROOF = """\
This page has the test of each row of the dataflow documents. It creates the records in both sandboxes, edits
the property where the row allows it, runs the sync, and checks the property on the other side.
"""


def documents(read: Mappings, generated: str) -> dict[str, str]:
    """File name to text. `generated` is the time to name, `YYYY-MM-DD HH:MM:SS`."""
    found = mappings(read)
    return {
        "customerp-chargebee.rst": "\n".join(_document(read, found, generated, is_reverse=False)),
        "chargebee-customerp.rst": "\n".join(_document(read, found, generated, is_reverse=True)),
        "proof.rst": "\n".join(_proof(found)),
    }


def _proof(found: Sequence[Mapping]) -> Iterator[str]:
    yield from ("=====", "Proof", "=====", "", _PROOF)
    for mapping in found:
        erp, chargebee = mapping.title
        yield from _headed(f"{erp.capitalize()} and {chargebee.capitalize()}", "-")
        for pair in mapping.pairs():
            yield from (f".. _{_anchor(mapping, pair)}:", "")
            yield f"``{pair.erp}`` {pair.arrow} ``{pair.chargebee}``\n"
            yield from (
                "::",
                "",
                f'    .venv/bin/python -m pytest "{TESTS}::test_row[{row_id(mapping, pair)}]"',
                "",
            )


def row_id(mapping: Mapping, pair: Pair) -> str:
    """Return the name of the test case that proves a row."""
    return f"{'-'.join(mapping.title)} {pair.erp} {pair.chargebee}"


def _document(read: Mappings, found: Sequence[Mapping], generated: str, is_reverse: bool) -> Iterator[str]:
    left, right = (CHARGEBEE, ERP) if is_reverse else (ERP, CHARGEBEE)
    title = f"{left} to {right} Dataflow"
    yield from ("=" * len(title), title, "=" * len(title), "", f"Generated: {generated}", "")
    yield from _headed("Introduction", "-")
    yield _INTRODUCTION.format(left=left, right=right)
    yield "Directions: " + " · ".join(f"{sign} {words}" for sign, words in _WORDS.items()) + ".\n"
    for mapping in sorted(found, key=lambda each: each.title[::-1] if is_reverse else each.title):
        yield from _section(read, mapping, is_reverse)


def _section(read: Mappings, mapping: Mapping, is_reverse: bool) -> Iterator[str]:
    erp, chargebee = mapping.title
    names = [f"{ERP} {erp.capitalize()}", f"{CHARGEBEE} {chargebee.capitalize()}"]
    left, right = reversed(names) if is_reverse else names
    yield from _headed(f"{left} to {right}", "-")
    yield f"Each {left} has its {right}, found by its match key or created by the sync.\n"
    yield "Once the two are linked, an edit of one reaches the other, in either direction.\n"
    yield f"These properties of {left} and {right} are kept in sync:\n"
    yield from (".. list-table::", "   :header-rows: 1", "   :widths: auto", "")
    kind = f"{right.rpartition(' ')[0]} data type"
    yield from _table_row([f"{left} property", f"{right} property", kind, "Direction", "Rule", "Proof"])
    for pair in mapping.pairs():
        sides = [pair.erp, pair.chargebee]
        if is_reverse:
            sides.reverse()
        record, path = (mapping.erp, pair.erp) if is_reverse else mapping.record_of(pair.chargebee)
        types = type_in_words(read, record, path)
        arrow = pair.arrow.translate(_MIRRORED) if is_reverse else pair.arrow
        proof = f"`{pair.erp} <proof.html#{_anchor(mapping, pair)}>`__"
        never_empty = emptying(read.root, *mapping.record_of(pair.chargebee))
        more = [never_empty] if never_empty and pair.to_chargebee == ALWAYS else []
        rule = "; ".join(dict.fromkeys([*pair.notes, *more])) or "unchanged"
        yield from _table_row([_code(sides[0]), _code(sides[1]), types, arrow, rule, proof])
    yield ""


def _headed(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def _table_row(cells: Sequence[str]) -> Iterator[str]:
    for number, cell in enumerate(cells):
        yield f"   {'* -' if number == 0 else '  -'} {cell}".rstrip()


def _code(name: str) -> str:
    return name if name.startswith("(") else f"``{name}``"


def _anchor(mapping: Mapping, pair: Pair) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", row_id(mapping, pair)).strip("-").lower()


def type_in_words(read: Mappings, record: Record, path: str) -> str:
    """Return the type of a property: `string 50`, `one of a, b`; empty for other records' properties."""
    found = node(schema_of(read.root, record), path)
    if not found:
        return "any" if found == {} else ""
    if "enum" in found:
        return "one of " + ", ".join(str(each) for each in found["enum"] if each is not None)
    kinds = found.get("type", [])
    names = [each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null"]
    return " ".join([" or ".join(names), str(found.get("maxLength", "")), found.get("format", "")]).strip()
