"""What a person decides about records: whether two belong together, and what is to be tried again.

A decision is an entity pushed to the node's receiver `decisions`; the enrich and share pipes hop to it. That
works on any node, this module only looks up who is affected.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.jsonio import Json
from core.names import TRANSFORM, RecordName, parse_ni
from stack.node import NodeClient
from stack.process_manager import StackError

RETRIED = ("rejected", "conflict", "quarantined", "gone")
ONE_THING = {"order", "quote"}
"""ERP datatypes whose records stand for one thing when they are linked: a quote and the order it became."""


def unlink(node: NodeClient, record: RecordName, note: str = "") -> list[Json]:
    """Take a record apart from its counterparts for good; answers the decisions. StackError without any."""
    pairs = _pairs(record, _group(node, record))
    if not pairs:
        raise StackError(f"{record} is not linked to a record of the other system")
    return send(node, [decision("unlink", pair, note) for pair in pairs])


def relink(node: NodeClient, record: RecordName, other: RecordName, note: str = "") -> list[Json]:
    """Let two records sync with each other, and with nobody they were linked to before.

    Former counterparts are left alone until somebody decides about them. Answers the decisions.
    """
    return send(node, link_decisions(node, record, other, note))


def link_decisions(node: NodeClient, record: RecordName, other: RecordName, note: str = "") -> list[Json]:
    """Return what `relink` decides, not sent yet; the link itself comes last. Raises StackError."""
    if record.system == other.system:
        raise StackError(f"{record} and {other} are of one system: a link joins records of two")
    mine, theirs = _group(node, record), _group(node, other)
    former = [pair for pair in _pairs(record, mine) if other not in pair]
    former += [
        (other, each)
        for each in theirs
        if each.system == record.system and each not in mine and _alike(each, record)
    ]
    return [*(decision("unlink", pair, note) for pair in former), decision("link", (record, other), note)]


def retry(node: NodeClient, pipe: str | None = None, row_id: str | None = None) -> list[Json]:
    """Have share pipes try again what was rejected, in conflict, gone or quarantined: all, a pipe's, or one.

    `pipe` is `<system>-<datatype>` or the share pipe's own name. A quarantined record gets its write budget
    back.
    """
    names = [each for each in node.pipes() if each.endswith("-share")]
    if pipe is not None:
        name = pipe if pipe.endswith("-share") else f"{pipe}-share"
        if name not in names:
            raise StackError(f"there is no share pipe {name}")
        names = [name]
    rows = [
        f"{name}:{row['_id']}"
        for name in names
        for row in node.entities(name)
        if not row.get("_deleted") and row.get("$status") in RETRIED and row_id in (None, row["_id"])
    ]
    if row_id is not None and not rows:
        raise StackError(f"{names[0]} has no row {row_id} to try again")
    return send(node, [{"_id": row, "decision": "retry"} for row in rows])


def _group(node: NodeClient, record: RecordName) -> list[RecordName]:
    """Everybody linked with a record, itself included. StackError for one that the node does not know."""
    row = node.entity(record.kind.pipe(TRANSFORM), record.key)
    if row is None:
        raise StackError(f"the node knows no {record}; has it been synced?")
    ids = row.get("$ids") or []
    named = map(parse_ni, ids if isinstance(ids, list) else [ids])
    return [each for each in named if each is not None]


def _pairs(record: RecordName, group: Sequence[RecordName]) -> list[tuple[RecordName, RecordName]]:
    """Return the links between a record, with what is one thing with it, and the other system."""
    same = [each for each in group if each.system == record.system and _alike(each, record)]
    return [(mine, each) for mine in same for each in group if each.system != record.system]


def _alike(one: RecordName, other: RecordName) -> bool:
    return one.datatype == other.datatype or {one.datatype, other.datatype} <= ONE_THING


def decision(kind: str, pair: tuple[RecordName, RecordName], note: str) -> Json:
    """Return a decision about a pair, `link` or `unlink`, as the receiver takes it."""
    records = sorted(str(each) for each in pair)
    found: Json = {"_id": "|".join(records), "decision": kind, "records": records}
    return {**found, "note": note} if note else found


def send(node: NodeClient, decisions: list[Json]) -> list[Json]:
    """Hand decisions to the node, and answer them."""
    if decisions:
        node.push("decisions", decisions)
    return decisions
