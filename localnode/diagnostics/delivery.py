"""Find out whether a difference between two systems is only on its way, and which pumps hold it up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.jsonio import Json
from core.names import COLLECT, ENRICH, SHARE, TRANSFORM, Kind, RecordName, parse_ni
from localnode import codec
from localnode.diagnostics.findings import of_pumps
from localnode.node import Node
from localnode.store import Store

HOLDING = ("config-error", "not-runnable", "unreadable", "failed", "breaker", "disabled", "manual")
"""The kinds of findings about a pump that carries nothing on by itself."""
STAGES = ("all", "event", "deletes", COLLECT, ENRICH, TRANSFORM, SHARE)


class Delivery:
    """Changes that the node has not carried to the other system yet; `fresh` has the present records."""

    def __init__(self, node: Node, fresh: Store) -> None:
        self._node, self._fresh = node, fresh
        self._held = {each.pipe: each.kind for each in of_pumps(node) if each.kind in HOLDING and each.pipe}

    def of(self, fault: Mapping[str, Any]) -> Json:
        """Return `{"on_its_way": the next run carries it out, "held_by": [pipes that prevent that]}`."""
        names = [name for ni in (fault["ni"], *fault["records"]) if (name := parse_ni(ni)) is not None]
        held = sorted({pipe for name in names for pipe in self._chain(name.kind) if pipe in self._held})
        return {"on_its_way": any(map(self._is_new, names)), "held_by": held}

    def _chain(self, kind: Kind) -> Iterable[str]:
        return (kind.pipe(stage) for stage in STAGES)

    def _is_new(self, name: RecordName) -> bool:
        """Return whether the system has a change of the record that is still on its way here."""
        kind = name.kind
        if _said(self._fresh, name) != _said(self._node.store, name):
            return True
        return self._waits(kind.pipe(COLLECT), name.key, kind.pipe(ENRICH)) or self._waits(
            kind.pipe(TRANSFORM), name.key, kind.pipe(SHARE)
        )

    def _waits(self, dataset_id: str, key: str, reader: str) -> bool:
        """Return whether a dataset has a version of an entity that its reader has not reached."""
        dataset, pipe = self._node.store.find(dataset_id), self._node.pipes.get(reader)
        row = dataset.get(key) if dataset is not None else None
        if row is None or pipe is None:
            return False
        seen = pipe.last_seen
        return seen is None or (isinstance(seen, int) and row.updated > seen)


def _said(store: Store, name: RecordName) -> bytes:
    """Return the record as the system last returned it, without what the node adds."""
    dataset = store.find(name.kind.pipe(COLLECT))
    row = dataset.get(name.key) if dataset is not None else None
    if row is None or row.deleted:
        return b""
    own = {field: value for field, value in row.entity().items() if field[:1] not in ("_", "$")}
    return codec.dumps(own)
