"""Build decisions of people about records, as the receiver `decisions` of the flow accepts them.

A decision is an entity. About records: `link`, `unlink` (two `records`), `new` (one record, which gets a
counterpart of its own) and `choose` (one record with a `property`, whose value counts as if somebody had
typed it now). About a row of a share pipe, named `<pipe>:<_id of the row>`: `retry`, `ignore` and `note`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.jsonio import Json
from core.names import RecordName

LINK, UNLINK, NEW, CHOOSE = "link", "unlink", "new", "choose"
RETRY, IGNORE, NOTE = "retry", "ignore", "note"
OF_ROWS = (RETRY, IGNORE, NOTE)
RECEIVER = "decisions"
KEPT = ("_id", "decision", "records", "property")
"""What a decision that is taken back is still known by."""
ONE_THING = {"order", "quote"}
"""ERP datatypes whose records stand for one thing when they are linked: a quote and the order it became."""

Group = Callable[[RecordName], Sequence[RecordName]]
"""Finds everybody who is linked with a record, itself included."""


def about(kind: str, records: Sequence[RecordName], note: str = "", **more: str) -> Json:
    """Return a decision about records, as the receiver accepts it."""
    names = sorted(str(each) for each in records)
    found: Json = {"_id": "|".join([*names, *more.values()]), "decision": kind, "records": names, **more}
    return {**found, "note": note} if note else found


def about_row(kind: str, pipe: str, row_id: str, note: str = "") -> Json:
    """Return a decision about a row of a share pipe. Only a retry replaces an earlier retry."""
    found: Json = {"_id": row_key(kind, pipe, row_id), "decision": kind}
    return {**found, "note": note} if note else found


def row_key(kind: str, pipe: str, row_id: str) -> str:
    """Return the `_id` of a decision about a row."""
    return f"{pipe}:{row_id}" if kind == RETRY else f"{kind}:{pipe}:{row_id}"


def unlink(record: RecordName, group: Group, note: str = "") -> list[Json]:
    """Return the decisions that separate a record from its counterparts; [] if it has none."""
    return [about(UNLINK, pair, note) for pair in _pairs(record, group(record))]


def link(record: RecordName, other: RecordName, group: Group, note: str = "") -> list[Json]:
    """Return the decisions that let two records sync only with each other; the link itself comes last.

    Former counterparts are left alone until somebody decides about them. ValueError for two records of one
    system.
    """
    if record.system == other.system:
        raise ValueError(f"{record} and {other} are of one system: a link joins records of two")
    mine, theirs = group(record), group(other)
    former = [pair for pair in _pairs(record, mine) if other not in pair]
    former += [
        (other, each)
        for each in theirs
        if each.system == record.system and each not in mine and _alike(each, record)
    ]
    return [*(about(UNLINK, pair, note) for pair in former), about(LINK, (record, other), note)]


def undone(decisions: Sequence[Json]) -> list[Json]:
    """Return the decisions that take back what one action has decided: each is sent again as deleted.

    Records that were linked name each other by now, so a link is taken back by an `unlink` instead, and what
    it took apart, which names nobody any more, by a `link`.
    """
    opposite = {LINK: UNLINK, UNLINK: LINK} if any(_is_link(each) for each in decisions) else {}
    return [_undone(each, opposite) for each in decisions]


def _is_link(decision: Json) -> bool:
    return decision.get("decision") == LINK


def _undone(decision: Json, opposite: Mapping[str, str]) -> Json:
    if decision["decision"] in opposite:
        other = opposite[decision["decision"]]
        return {"_id": decision["_id"], "decision": other, "records": decision["records"]}
    kept: Json = {each: decision[each] for each in KEPT if each in decision}
    return {**kept, "_deleted": True}


def _pairs(record: RecordName, group: Sequence[RecordName]) -> list[tuple[RecordName, RecordName]]:
    """Return the links between a record, with those that are one thing with it, and the other system."""
    same = [each for each in group if each.system == record.system and _alike(each, record)]
    return [(mine, each) for mine in same for each in group if each.system != record.system]


def _alike(one: RecordName, other: RecordName) -> bool:
    return one.datatype == other.datatype or {one.datatype, other.datatype} <= ONE_THING
