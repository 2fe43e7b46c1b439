"""The closing table: per mapping, how many records are on each side, linked, pending and rejected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from core.dotted import get_path
from stack.node import Json, NodeClient
from stack.services import Service

SETTLED = (None, "ok")
ABSENT = "datatype-absent"
"""Rule of a write that was refused since the ERP has no such datatype: nothing went wrong."""

SHOWN = 10
WIDTH = 100


@dataclass(frozen=True)
class Pair:
    """One row: an ERP datatype, a Chargebee datatype, and where its record has the other side's id."""

    erp: str
    chargebee: str
    link: str = "external_refs.chargebee"


MAPPINGS = (
    Pair("contact", "customer"),
    Pair("employee", "customer"),
    Pair("customer", "business_entity", "business_entity_id"),
    Pair("product", "item"),
    Pair("order", "order"),
    Pair("quote", "order"),
)
ALSO = {"item_price": "item"}
"""Chargebee datatypes that are shared on behalf of another."""


@dataclass
class Row:
    """The figures of one mapping; `off`: the ERP has no such records, so those of Chargebee stay there."""

    name: str
    erp: int
    chargebee: int
    linked: int
    pending: int = 0
    rejected: int = 0
    off: bool = False


@dataclass
class Report:
    """All rows, and the shared records that did not go through: (share pipe, row of its dataset)."""

    rows: list[Row] = field(default_factory=list)
    pending: list[tuple[str, Json]] = field(default_factory=list)
    rejected: list[tuple[str, Json]] = field(default_factory=list)


def make_report(erp: Service, chargebee: Service, node: NodeClient) -> Report:
    """Count on both sides through the services; the share datasets say what became of each record."""
    report = Report()
    theirs = {kind: chargebee.ids(kind) for kind in sorted({each.chargebee for each in MAPPINGS})}
    off = erp.disabled()
    rows = {each.erp: _row(each, erp.records(each.erp), theirs[each.chargebee]) for each in MAPPINGS}
    for kind in off & rows.keys():
        rows[kind].off = True
    for pipe in node.pipes():
        if not pipe.endswith("-share"):
            continue
        for entity in node.entities(pipe):
            status = entity.get("$status")
            if entity.get("_deleted") or status in SETTLED or _rule(entity) == ABSENT:
                continue
            row = rows[mapping_of(pipe, entity)]
            if status == "pending":
                row.pending += 1
                report.pending.append((pipe, entity))
            else:
                row.rejected += 1
                report.rejected.append((pipe, entity))
    report.rows = list(rows.values())
    return report


def _row(mapping: Pair, records: Iterable[Json], theirs: set[str]) -> Row:
    records = list(records)
    linked = sum(get_path(record, mapping.link) in theirs for record in records)
    return Row(f"{mapping.erp} ↔ {mapping.chargebee}", len(records), len(theirs), linked)


def mapping_of(pipe: str, entity: Json) -> str:
    """The ERP datatype whose mapping a row of a share dataset belongs to.

    Where two ERP datatypes share a Chargebee datatype the row's identities decide, else the first counts.
    """
    system, datatype = pipe.removesuffix("-share").split("-", 1)
    if system == "customerp":
        return datatype
    datatype = ALSO.get(datatype, datatype)
    possible = [each.erp for each in MAPPINGS if each.chargebee == datatype]
    ids = [str(each) for each in [entity.get("$origin"), *_list(entity.get("$ids"))]]
    for kind in possible:
        if any(f":customerp-{kind}:" in each for each in ids):
            return kind
    return possible[0]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def table(report: Report) -> str:
    """The table as text, followed by what a person must do about pending and rejected records."""
    titles = ("mapping", "ERP", "Chargebee", "linked", "pending", "rejected")
    lines = ["{:<28}{:>8}{:>11}{:>9}{:>9}{:>10}".format(*titles)]
    for row in report.rows:
        if row.off:
            lines.append(f"{row.name:<28}     off: the ERP's profile does not have it")
            continue
        figures = (row.erp, row.chargebee, row.linked, row.pending, row.rejected)
        lines.append("{:<28}{:>8}{:>11}{:>9}{:>9}{:>10}".format(row.name, *figures))
    groups: dict[tuple[str, str], list[Json]] = {}
    for pipe, entity in report.pending:
        groups.setdefault((pipe, _rule(entity)), []).append(entity)
    for (pipe, rule), entities in groups.items():
        first = entities[0]
        lines += ["", f"pending: {len(entities)} × {pipe} ({rule}), such as {first['_id']}:"]
        lines += wrap(_detail(first), WIDTH, initial_indent="  ", subsequent_indent="  ")
    if report.rejected:
        lines += ["", f"rejected (the first {SHOWN}):"]
        for pipe, entity in report.rejected[:SHOWN]:
            lines.append(f"  {pipe} {entity['_id']}: {entity.get('$status')}: {_detail(entity)}")
    return "\n".join(lines)


def _rule(entity: Json) -> str:
    return str((entity.get("$error") or {}).get("rule") or "no rule given")


def _detail(entity: Json) -> str:
    error = entity.get("$error") or {}
    place = f" ({error['field']})" if error.get("field") else ""
    return f"{error.get('detail') or error.get('title') or 'no reason given'}{place}"
