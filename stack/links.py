"""Links between records as a CSV that a person edits and gives back.

`export` writes a row for each pair of records that are linked or would be, and for each record that stands
alone. `read` takes the rows whose `decision` somebody has filled in: `link` (the two belong together,
whatever their match keys say) or `unlink` (they do not); `decide` turns them into decisions.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from core.decisions import about
from core.dotted import get_path
from core.jsonio import Json
from core.names import COLLECT, Kind, RecordName
from core.settings import BadSetting
from stack.decisions import link_decisions
from stack.node import NodeClient
from stack.pairs import Pair, pairs

COLUMNS = (
    "decision",
    "state",
    "key",
    "erp_datatype",
    "erp_id",
    "erp_name",
    "chargebee_datatype",
    "chargebee_id",
    "chargebee_name",
    "note",
)
ENDS = ("erp_datatype", "erp_id", "chargebee_datatype", "chargebee_id")
ERP, CHARGEBEE = "customerp", "chargebee"
LINK, UNLINK = "link", "unlink"
LINKED, MATCHED, AMBIGUOUS, ALONE = "linked", "matched", "ambiguous", "alone"
STATES = {
    LINKED: "the ERP record names the Chargebee record",
    MATCHED: "their match keys say that they are the same; the next run that writes links them",
    AMBIGUOUS: "it could belong to more than one record: a person must say which",
    ALONE: "it has no counterpart: the next run that writes creates one, if that is possible",
}
KEYS = ("email", "sku", "number", "registration_number", "vat_number", "name")
"""Properties of the shared model by which records are found to be the same, the most telling first."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Row:
    """One line of the file that asks for something; `line` is its number there."""

    line: int
    decision: str
    erp: RecordName
    chargebee: RecordName
    note: str


def export(node: NodeClient, out: TextIO) -> int:
    """Write all links and all that stands alone; answers the number of rows."""
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    written = 0
    for dataset in node.concepts():
        for golden in node.pages(dataset):
            for row in rows_of(golden):
                writer.writerow({name: _safe(value) for name, value in row.items()})
                written += 1
    return written


def rows_of(golden: Json) -> Iterator[dict[str, str]]:
    """Yield the rows of one golden record."""
    members = [each for each in _list(golden.get("members")) if not each.get("deleted")]
    erp = [each for each in members if _ref(each).system == ERP]
    chargebee = [each for each in members if _ref(each).system == CHARGEBEE]
    pairs = [(mine, theirs, pair) for mine in erp for theirs in chargebee if (pair := _pair(mine, theirs))]
    for mine, theirs, pair in pairs:
        named = get_path(mine.get("raw") or {}, pair.link) == _ref(theirs).key
        yield {"state": LINKED if named else MATCHED, "key": _key(mine), **_half(mine), **_half(theirs)}
    if pairs:
        return
    state = AMBIGUOUS if True in _list(golden.get("ambiguous")) else ALONE
    for member in members:
        if _is_paired_kind(_ref(member)):
            yield {"state": state, "key": _key(member), **_half(member)}


def read(file: TextIO) -> list[Row]:
    """Return the rows that ask for something. BadSetting names the line of what cannot be meant.

    Commas, semicolons and tabs are taken, as spreadsheets of different languages write them.
    """
    text = file.read().removeprefix("\ufeff")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    missing = {"decision", "erp_datatype", "erp_id", "chargebee_datatype", "chargebee_id"} - {
        *(lines.fieldnames or ())
    }
    if missing:
        raise BadSetting(
            f"the file has no column {', '.join(sorted(missing))}; export one to see the columns"
        )
    found = [row for line in lines if (row := _row(lines.line_num, line)) is not None]
    _refuse_two(found)
    return found


def decide(node: NodeClient, rows: Iterable[Row]) -> list[Json]:
    """Return the decisions that rows come to, not sent yet.

    BadSetting for records that the node does not know.
    """
    asked: dict[str, Json] = {}
    following: dict[str, Json] = {}
    for row in rows:
        for record in (row.erp, row.chargebee):
            if node.entity(record.kind.pipe(COLLECT), record.key) is None:
                raise BadSetting(f"line {row.line}: the node knows no {record}")
        if row.decision == LINK:
            for each in link_decisions(node, row.erp, row.chargebee, row.note):
                following[each["_id"]] = each
        own = about(row.decision, (row.erp, row.chargebee), row.note)
        asked[own["_id"]] = own
    return list({**following, **asked}.values())


def _row(number: int, line: dict[str, str | None]) -> Row | None:
    values = {name: (value or "").strip().removeprefix("'") for name, value in line.items() if name}
    decision = values["decision"].lower()
    if not decision:
        return None
    if decision not in (LINK, UNLINK):
        raise BadSetting(f'line {number}: the decision must be {LINK} or {UNLINK}, not "{decision}"')
    empty = [name for name in ENDS if not values[name]]
    if empty:
        raise BadSetting(f"line {number}: a decision needs both records; {', '.join(empty)} is empty")
    erp = Kind(ERP, values["erp_datatype"]).record(values["erp_id"])
    chargebee = Kind(CHARGEBEE, values["chargebee_datatype"]).record(values["chargebee_id"])
    if not any(pair.erp == erp.datatype and pair.chargebee == chargebee.datatype for pair in pairs()):
        raise BadSetting(
            f"line {number}: an ERP {erp.datatype} and a Chargebee {chargebee.datatype} are never the same"
        )
    return Row(number, decision, erp, chargebee, values.get("note", ""))


def _refuse_two(rows: list[Row]) -> None:
    """Refuse two rows for one record: it has one counterpart of a datatype, and a pair one decision."""
    seen: dict[tuple[RecordName, str], Row] = {}
    pairs: dict[tuple[RecordName, RecordName], Row] = {}
    for row in rows:
        other = pairs.setdefault((row.erp, row.chargebee), row)
        if other.decision != row.decision:
            raise BadSetting(f"line {row.line}: the opposite is in line {other.line}")
        ends = ((row.erp, row.chargebee), (row.chargebee, row.erp)) if row.decision == LINK else ()
        for record, counterpart in ends:
            first = seen.setdefault((record, counterpart.datatype), row)
            if (first.erp, first.chargebee) != (row.erp, row.chargebee):
                raise BadSetting(
                    f"line {row.line}: {record} is linked to another {counterpart.datatype} in line"
                    f" {first.line}"
                )


def _ref(member: Json) -> RecordName:
    return RecordName.of(member["of"])


def _pair(mine: Json, theirs: Json) -> Pair | None:
    kinds = _ref(mine).datatype, _ref(theirs).datatype
    return next((pair for pair in pairs() if (pair.erp, pair.chargebee) == kinds), None)


def _is_paired_kind(record: RecordName) -> bool:
    kinds = {pair.erp for pair in pairs()} if record.system == ERP else {pair.chargebee for pair in pairs()}
    return record.datatype in kinds


def _half(member: Json) -> dict[str, str]:
    record = _ref(member)
    side = "erp" if record.system == ERP else "chargebee"
    return {f"{side}_datatype": record.datatype, f"{side}_id": record.key, f"{side}_name": _name(member)}


def _claims(member: Json) -> dict[str, object]:
    return {name: (claim or {}).get("v") for name, claim in (member.get("claims") or {}).items()}


def _name(member: Json) -> str:
    claims = _claims(member)
    person = " ".join(str(claims[part]) for part in ("first_name", "last_name") if claims.get(part))
    return str(person or claims.get("name") or claims.get("number") or claims.get("email") or "")


def _key(member: Json) -> str:
    claims = _claims(member)
    return next((str(claims[name]) for name in KEYS if claims.get(name)), "")


def _safe(value: str) -> str:
    """Return a value that no spreadsheet takes for a formula; `read` takes the apostrophe off again."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
