"""The closing table: per mapping, how many records are on each side, linked, pending and rejected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from core.dotted import get_path
from core.jsonio import Json
from core.names import parse_ni, parse_pipe
from core.tables import text_table
from localnode.diagnostics.findings import OF_RECORDS
from localnode.diagnostics.names import Labels
from stack.node import NodeClient
from stack.pairs import Pair, pairs
from stack.plan_table import held_up
from stack.services import Service

SETTLED = (None, "ok")
ABSENT = "datatype-absent"
"""Rule of a write that was refused since the ERP has no such datatype: nothing went wrong."""

SHOWN = 10
ALONE = "Other records need no counterpart, such as an order that is a draft or was cancelled before."
WIDTH = 100


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
    """All rows, and the shared records that did not go through: (share pipe, row of its dataset).

    `findings`: what of the node needs attention, as it answers.
    """

    rows: list[Row] = field(default_factory=list)
    pending: list[tuple[str, Json]] = field(default_factory=list)
    rejected: list[tuple[str, Json]] = field(default_factory=list)
    findings: Json = field(default_factory=lambda: {"findings": [], "systems": {}})


def make_report(erp: Service, chargebee: Service, node: NodeClient) -> Report:
    """Count on both sides through the services; the share datasets say what became of each record."""
    report = Report()
    theirs = {kind: chargebee.ids(kind) for kind in sorted({each.chargebee for each in pairs()})}
    off = erp.disabled()
    rows = {each.erp: _row(each, erp.records(each.erp), theirs[each.chargebee]) for each in pairs()}
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
    report.findings = node.findings()
    return report


def _row(mapping: Pair, records: Iterable[Json], theirs: set[str]) -> Row:
    records = list(records)
    linked = sum(get_path(record, mapping.link) in theirs for record in records)
    return Row(f"{mapping.erp} ↔ {mapping.chargebee}", len(records), len(theirs), linked)


def mapping_of(pipe: str, entity: Json) -> str:
    """Return the ERP datatype whose mapping a row of a share dataset belongs to.

    Where two ERP datatypes share a Chargebee datatype the row's identities decide, else the first counts.
    """
    system, datatype = pipe.removesuffix("-share").split("-", 1)
    if system == "customerp":
        return datatype
    possible = [each.erp for each in pairs() if datatype in (each.chargebee, *each.parts)]
    ids = [str(each) for each in [entity.get("$origin"), *_list(entity.get("$ids"))]]
    for kind in possible:
        if any(f":customerp-{kind}:" in each for each in ids):
            return kind
    return possible[0]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def table(report: Report) -> str:
    """Return the table as text, followed by what a person must do about pending and rejected records."""
    there = [row for row in report.rows if not row.off]
    lines = text_table(
        ("mapping", "ERP", "Chargebee", "linked", "pending", "rejected"),
        [(row.name, row.erp, row.chargebee, row.linked, row.pending, row.rejected) for row in there],
    )
    lines += [f"{row.name}  off: the ERP's profile does not have it" for row in report.rows if row.off]
    if any(row.erp > row.linked + row.pending + row.rejected for row in there):
        lines += ["", ALONE]
    labels = Labels(report.findings["systems"])
    groups: dict[tuple[str, str], list[Json]] = {}
    for pipe, entity in report.pending:
        groups.setdefault((_target(pipe, labels), _rule(entity)), []).append(entity)
    for (target, rule), entities in groups.items():
        about = _about(entities[0], labels)
        lines += ["", f"pending: {len(entities)} × {target} ({rule}), such as {about}:"]
        lines += wrap(_detail(entities[0]), WIDTH, initial_indent="  ", subsequent_indent="  ")
    if report.rejected:
        lines += ["", f"rejected (the first {SHOWN}):"]
        for pipe, entity in report.rejected[:SHOWN]:
            told = f"{_target(pipe, labels)} for {_about(entity, labels)}"
            lines.append(f"  {told}: {entity.get('$status')}: {_detail(entity)}")
    of_pumps = [each for each in report.findings["findings"] if each["kind"] not in OF_RECORDS]
    held = list(held_up({"findings": of_pumps}))
    return "\n".join([*lines, *([""] if held else []), *held])


def _target(pipe: str, labels: Labels) -> str:
    """`Chargebee business entity` of its share pipe."""
    stage = parse_pipe(pipe)
    return labels.kind(stage[0]) if stage is not None else pipe


def _about(entity: Json, labels: Labels) -> str:
    """Return the records that a row of a share dataset is about."""
    found = [ni for ni in [*_list(entity.get("$ids")), entity.get("$origin")] if parse_ni(ni)]
    return ", ".join(map(labels.ni, dict.fromkeys(found))) or str(entity["_id"])


def _rule(entity: Json) -> str:
    return str((entity.get("$error") or {}).get("rule") or "no rule given")


def _detail(entity: Json) -> str:
    error = entity.get("$error") or {}
    place = f" ({error['field']})" if error.get("field") else ""
    return f"{error.get('detail') or error.get('title') or 'no reason given'}{place}"
