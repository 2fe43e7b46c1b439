"""Find the golden record of a system's record."""

from __future__ import annotations

from core.jsonio import Json
from core.names import ENRICH, RecordName
from localnode.config import NodeConfig
from localnode.diagnostics.names import concepts, kinds, members
from localnode.dtl import IndexExpression, PipeSettings, compile_index, join_keys
from localnode.pipes.sources.connected_components import GraphNode
from localnode.pipes.sources.merge import member_key
from localnode.store import Store
from localnode.store.members import MergeMembers


def golden_of(store: Store, config: NodeConfig, name: RecordName) -> tuple[str, Json] | None:
    """Return (dataset of the concept, golden record) of a record; None if it belongs to none.

    The merge stores the golden record of each enriched record; a record that is enriched inside another one's
    pipe is found through an index.
    """
    enriched = name.kind.pipe(ENRICH)
    for concept in concepts(config):
        dataset = store.find(str(concept.sink_dataset))
        if dataset is None:
            continue
        if enriched in concept.sources:
            member = member_key(GraphNode(concept.sources.index(enriched), str(name)))
            found = MergeMembers(store, concept.id).representatives([member]).get(member)
            row = dataset.get(found) if found else None
        elif name.kind not in kinds(config, ENRICH) and _may_hold(concept.sources, name):
            row = next(iter(dataset.indexes.find(_by_member(), join_keys(name.ni))), None)
        else:
            continue
        if row is not None:
            return dataset.id, row.entity()
    return None


def enriched_in(store: Store, golden: Json, name: RecordName) -> str:
    """`_id` of the enriched entity that a member of a golden record came in with: its own, or another's."""
    own = store.find(name.kind.pipe(ENRICH))
    if own is not None and own.get(str(name)) is not None:
        return str(name)
    for other, _ in members(golden):
        dataset = store.find(other.kind.pipe(ENRICH))
        row = dataset.get(str(other)) if dataset is not None else None
        if row is not None and any(who == name for who, _ in members(row.entity())):
            return str(other)
    return str(name)


def _may_hold(sources: list[str], name: RecordName) -> bool:
    """Return whether a concept merges records of the system."""
    return any(source.startswith(f"{name.system}-") for source in sources)


def _by_member() -> IndexExpression:
    return compile_index(["path", ["list", "members", "of"], "g."], "g", PipeSettings("diagnostics"))
