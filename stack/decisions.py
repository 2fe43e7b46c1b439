"""What a person decides about records: whether two belong together, and what is to be tried again.

A decision is an entity pushed to the node's receiver `decisions`, see `core.decisions`; the enrich and share
pipes hop to it. That works on any node, this module only looks up who is affected.
"""

from __future__ import annotations

from core import decisions
from core.jsonio import Json
from core.names import TRANSFORM, RecordName, parse_ni
from stack.node import NodeClient
from stack.process_manager import StackError

RETRIED = ("rejected", "conflict", "quarantined", "gone")


def unlink(node: NodeClient, record: RecordName, note: str = "") -> list[Json]:
    """Take a record apart from its counterparts for good; answers the decisions. StackError without any."""
    found = decisions.unlink(record, lambda name: _group(node, name), note)
    if not found:
        raise StackError(f"{record} is not linked to a record of the other system")
    return send(node, found)


def relink(node: NodeClient, record: RecordName, other: RecordName, note: str = "") -> list[Json]:
    """Let two records sync with each other, and with nobody they were linked to before.

    Former counterparts are left alone until somebody decides about them. Answers the decisions.
    """
    return send(node, link_decisions(node, record, other, note))


def link_decisions(node: NodeClient, record: RecordName, other: RecordName, note: str = "") -> list[Json]:
    """Return what `relink` decides, not sent yet; the link itself comes last. Raises StackError."""
    try:
        return decisions.link(record, other, lambda name: _group(node, name), note)
    except ValueError as error:
        raise StackError(str(error)) from error


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
    found = [
        decisions.about_row(decisions.RETRY, name, row["_id"])
        for name in names
        for row in node.entities(name)
        if not row.get("_deleted") and row.get("$status") in RETRIED and row_id in (None, row["_id"])
    ]
    if row_id is not None and not found:
        raise StackError(f"{names[0]} has no row {row_id} to try again")
    return send(node, found)


def send(node: NodeClient, found: list[Json]) -> list[Json]:
    """Hand decisions to the node, and answer them."""
    if found:
        node.push(decisions.RECEIVER, found)
    return found


def _group(node: NodeClient, record: RecordName) -> list[RecordName]:
    """Everybody linked with a record, itself included. StackError for one that the node does not know."""
    row = node.entity(record.kind.pipe(TRANSFORM), record.key)
    if row is None:
        raise StackError(f"the node knows no {record}; has it been synced?")
    ids = row.get("$ids") or []
    named = map(parse_ni, ids if isinstance(ids, list) else [ids])
    return [each for each in named if each is not None]
