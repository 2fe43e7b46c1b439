"""Define what can be wrong between two systems, and how to distinguish the faults."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from core.jsonio import Json
from core.names import COLLECT, ENRICH, Kind, RecordName, parse_ni, parse_pipe
from localnode.config import NodeConfig
from localnode.diagnostics.golden import golden_of
from localnode.diagnostics.history import stored_otherwise
from localnode.diagnostics.names import Labels, concepts, listed, members
from localnode.store import Store

Meant = dict[str, tuple[object, object]]
"""What a write would set, by property of the shared model: the value, and what it replaces."""

FAULTS = {
    "missing": "a record whose counterpart existed once and is gone",
    "extra": "a record that exists on one side only and should exist on both",
    "differing": "fields that differ between counterparts",
    "unlinked": "two counterparts, one of which does not name the other",
    "wrong-link": "a record whose counterpart names another record, or that is named by two records",
    "broken-link": "a record that names a counterpart that does not exist",
    "twin": "two records of one datatype that should be one",
    "undecided": "records that cannot be matched or written as they are",
    "surplus": "a record that should no longer exist",
}
"""Every fault with its meaning."""


def undecided(known: Store, fresh: Store, config: NodeConfig, case: Json) -> Json:
    """Return the fault of an unknown open case; `known` is what the node had collected before."""
    (kind, own, names), labels = _about(case), Labels.of(config)
    before = golden_of(known, config, own) if own else None
    for name, _ in members(before[1]) if before else ():
        if own and name.system != own.system and name not in names and _exists(fresh, name):
            return _parted(own, name, labels)
    if own and kind and own.system != kind.system:
        for name in _counterparts(known, fresh, config, own, kind.system):
            if not _exists(fresh, name):
                return _vanished(own, name, labels)
    detail = f"{case['status']} ({case['rule']}): {case['detail']}"
    return _fault("undecided", own, case["records"], [], detail)


def outlived(known: Store, config: NodeConfig, case: Json) -> bool:
    """Return whether an unknown open case follows from deletions that the node knew.

    It is about a record whose counterparts were deleted. The consequences were decided then, and an empty
    node cannot know that.
    """
    _, own, _ = _about(case)
    before = golden_of(known, config, own) if own and case["status"] == "pending" else None
    found = members(before[1]) if before else ()
    others = [each for name, each in found if own and name.system != own.system]
    return bool(others) and all(each.get("deleted") for each in others)


def _about(case: Json) -> tuple[Kind | None, RecordName | None, list[RecordName]]:
    """Return what would be written, which of the records it is about, and all of them."""
    kind, _ = parse_pipe(case["pipe"]) or (None, "")
    names = [name for ni in case["records"] if (name := parse_ni(ni))]
    return kind, next((name for name in names if name.kind == kind), names[0] if names else None), names


def of_write(known: Store, fresh: Store, config: NodeConfig, write: Json) -> Json | None:
    """Return the fault that a sync would repair with this write.

    `known` is what the node had collected before. Returns None if the node in `fresh` only lacks the
    knowledge that the system stores values differently from what it is sent, so that nothing needs repair.
    """
    own = parse_ni(write["ni"])
    origin = parse_ni(write["origin"])
    if write["operation"] == "insert" and origin is not None and own is not None:
        return _lone(known, fresh, config, origin, own)
    if write["operation"] == "delete":
        return _fault("surplus", own, write["because"], [], "its counterpart is deleted")
    settled = stored_otherwise(known, own) if own is not None else []
    fields = [
        {"field": f["field"], "is": f["before"], "should": f["after"]}
        for f in write["fields"]
        if {"field": f["field"], "sent": f["after"], "kept": f["before"]} not in settled
    ]
    if not fields:
        return None
    related = [name.key for ni in write["because"] if (name := parse_ni(ni)) and name != own]
    links = [each for each in fields if each["should"] in related]
    places = {_root(each) for each in links}
    if links and all(_root(each) in places for each in fields):
        fault = "unlinked" if all(each["is"] is None for each in links) else "wrong-link"
    else:
        fault = "differing"
    told = ", ".join(f"{each['field']} is {each['is']!r}, should be {each['should']!r}" for each in fields)
    return _fault(fault, own, write["because"], fields, told)


def kept_otherwise(known: Store, config: NodeConfig, fault: Json, meant: Meant) -> bool:
    """Return whether a counterpart only stores this record's values differently, as the node knows.

    A filler has no meaning, and a text stored in another spelling still has the meaning of the sent one; an
    empty node treats both as separate values.
    """
    own = parse_ni(fault["ni"])
    golden = golden_of(known, config, own) if own and fault["fault"] == "differing" and meant else None
    claims = [member.get("claims") or {} for name, member in members(golden[1])] if golden else []
    return bool(claims) and all(
        any(_keeps(each.get(name) or {}, said, as_kept) for each in claims)
        for name, (as_kept, said) in meant.items()
    )


def _keeps(claim: Json, said: object, as_kept: object) -> bool:
    return "as" in claim and claim["as"] == as_kept and claim.get("v") == said


def _root(field: Json) -> str:
    """Return the property that a field is part of: a link is stored together with its other parts."""
    return str(field["field"]).partition(".")[0]


def _lone(known: Store, fresh: Store, config: NodeConfig, origin: RecordName, wanted: RecordName) -> Json:
    """Return a record without a counterpart: a missing one, or one that never existed."""
    labels = Labels.of(config)
    for name in _counterparts(known, fresh, config, origin, wanted.system):
        told = _parted if _exists(fresh, name) else _vanished
        return told(origin, name, labels)
    detail = f"there is no {labels.kind(wanted.kind)} for it"
    return _fault("extra", origin, [], [], detail)


def _counterparts(
    known: Store, fresh: Store, config: NodeConfig, name: RecordName, system: str
) -> Iterator[RecordName]:
    """Yield the records of `system` to which this one belonged, and those that it names now."""
    before = golden_of(known, config, name)
    yield from (other for other, _ in members(before[1] if before else {}) if other.system == system)
    named = (parse_ni(ni) for ni in _links_of(fresh, name))
    yield from (other for other in named if other and other.system == system)


def _vanished(name: RecordName, other: RecordName, labels: Labels) -> Json:
    detail = f"there is no such {labels.kind(other.kind)} any more"
    return _fault("missing", other, [name.ni], [], detail)


def _parted(name: RecordName, other: RecordName, labels: Labels) -> Json:
    """Return two records that were linked and that only the node's memory still links."""
    detail = f"was linked to {labels.record(other)}; neither names the other now"
    return _fault("unlinked", name, [other.ni], [], detail)


def of_links(store: Store, config: NodeConfig) -> Iterator[Json]:
    """Yield faults of the links that records carry, whether or not a sync would change them."""
    labels = Labels.of(config)
    for concept in concepts(config):
        dataset = store.find(str(concept.sink_dataset))
        for entity in dataset.read(deleted=False) if dataset is not None else ():
            yield from _twins(entity, labels)
        for source in concept.sources:
            enriched = store.find(source)
            for entity in enriched.read(deleted=False) if enriched is not None else ():
                yield from _links(store, entity, labels)


def _twins(entity: Json, labels: Labels) -> Iterator[Json]:
    alike: defaultdict[str, list[RecordName]] = defaultdict(list)
    for name, member in members(entity):
        if not member.get("deleted"):
            alike[name.kind.name].append(name)
    for names in alike.values():
        for twin in names[1:]:
            detail = f"the same as {labels.record(names[0])}"
            yield _fault("twin", twin, [names[0].ni], [], detail)


def _links(store: Store, entity: Json, labels: Labels) -> Iterator[Json]:
    own = parse_ni(f"~:{entity['_id']}")
    if own is None or not _exists(store, own):
        return
    for ni in listed(entity.get("links")):
        other = parse_ni(ni)
        if other is None:
            continue
        if store.find(other.kind.pipe(COLLECT)) is not None and not _known(store, other):
            detail = f"names {labels.record(other)}, which does not exist"
            yield _fault("broken-link", own, [ni], [], detail)
            continue
        named = [name for back in _links_of(store, other) if (name := parse_ni(back))]
        rivals = [name for name in named if name.kind == own.kind]
        if rivals and own not in rivals:
            detail = f"names {labels.record(other)}, which names {labels.record(rivals[0])}"
            yield _fault("wrong-link", own, [ni, rivals[0].ni], [], detail)


def _links_of(store: Store, name: RecordName) -> list[object]:
    dataset = store.find(name.kind.pipe(ENRICH))
    row = dataset.get(str(name)) if dataset is not None else None
    return listed(row.entity().get("links")) if row is not None else []


def _known(store: Store, name: RecordName) -> bool:
    """Return whether the system has the record, even if only as deleted."""
    dataset = store.find(name.kind.pipe(COLLECT))
    return dataset is not None and dataset.get(name.key) is not None


def _exists(store: Store, name: RecordName) -> bool:
    dataset = store.find(name.kind.pipe(COLLECT))
    row = dataset.get(name.key) if dataset is not None else None
    return row is not None and not row.deleted


def _fault(fault: str, name: RecordName | None, records: list[str], fields: list[Json], detail: str) -> Json:
    own = name.as_json() if name else {"system": None, "datatype": None, "id": None, "ni": None}
    others = [ni for ni in records if ni != own["ni"]]
    return {"fault": fault, **own, "records": others, "fields": fields, "detail": detail}
