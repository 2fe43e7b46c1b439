"""`merge_datasets`: the newest version of each id over several datasets, in the order of time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from localnode import codec
from localnode.pipes.base import Batch, Entity
from localnode.pipes.registry import SOURCE, STRINGS, register
from localnode.pipes.sources import readiness
from localnode.pipes.sources.offsets import Offsets
from localnode.pipes.sources.union_datasets import SeveralDatasets
from localnode.readings import reads
from localnode.store import Stored

Ranked = tuple[int, int, Stored]
"""(`_ts`, position of the dataset, version): the higher, the newer."""


@register(
    SOURCE,
    "merge_datasets",
    {**readiness.SEVERAL_DATASETS, "datasets": STRINGS, "strategy": {"enum": ["latest", "all"]}},
    ("datasets",),
)
class MergeDatasetsSource(SeveralDatasets):
    """`latest`: the version with the newest `_ts`, emitted once.

    `all`: each dataset's version under its name.
    """

    def batches(self, since: Any, size: int) -> Iterator[Batch]:
        """See Source."""
        offsets = Offsets(len(self.names), since)
        tops = [self._top(at) for at in range(len(self.names))]
        streams = [self._stream(at, offsets.since(at)) for at in range(len(self.names))]
        merged = heapq.merge(*streams, key=lambda ranked: ranked[:2])
        while chunk := list(islice(merged, size)):
            entities: list[Entity] = []
            for ranked in chunk:
                offsets.advance(ranked[1], ranked[2].updated)
                entity = self.combined(ranked, since is None, tops)
                if entity is not None:
                    entities.append({**entity, "_updated": offsets.token})
            yield Batch(entities, offsets.token)

    def _top(self, at: int) -> int:
        """Return the offset of the last version that a dataset has now, -1 without any."""
        dataset = self.build_context.store.find(self.names[at])
        top = dataset.max_updated if dataset else None
        return -1 if top is None else top

    def _stream(self, at: int, since: int | None) -> Iterator[Ranked]:
        dataset = self.build_context.store.find(self.names[at])
        for row in dataset.rows(since) if dataset else ():
            yield row.ts, at, row

    def combined(self, ranked: Ranked, first: bool, tops: Sequence[int]) -> Entity | None:
        """Return what to emit for a version, None for nothing.

        `first`: everything is read. `tops`: how far this run reads each dataset at least.
        """
        versions = self.newest(ranked, tops)
        if versions is None:
            return None
        if self.config.get("strategy", "latest") == "latest":
            return ranked[2].entity()
        return self.side_by_side(ranked, versions)

    def side_by_side(self, ranked: Ranked, versions: dict[int, Ranked]) -> Entity:
        """One entity with the version of each dataset under its name."""
        deleted = all(version[2].deleted for version in versions.values())
        shown = {
            at: row
            for at, (_, _, row) in sorted(versions.items())
            if deleted or not row.deleted or reads("deleted-part", "kept")
        }
        parts = {self.names[at]: _content(row) for at, row in shown.items()}
        return {**parts, "_id": ranked[2].id, "_deleted": deleted, "_ts": ranked[0]}

    def newest(self, ranked: Ranked, tops: Sequence[int]) -> dict[int, Ranked] | None:
        """Return the latest versions of an id by position of dataset.

        None when another than `ranked` is newer and sure to come in this run. One that was written since the
        run began may come with the next only: what reads on would find the entity missing until then.
        """
        versions = {ranked[1]: ranked}
        for at, name in enumerate(self.names):
            dataset = self.build_context.store.find(name) if at != ranked[1] else None
            row = dataset.get(ranked[2].id) if dataset else None
            if row is not None:
                versions[at] = (row.ts, at, row)
        later = (version for at, version in versions.items() if version[2].updated <= tops[at])
        if any(_rank(version) > _rank(ranked) for version in later):
            return None
        return versions


def _rank(version: Ranked) -> tuple[int, int]:
    """Return what the latest of some versions has the most of: time, then the place of its dataset."""
    time, at, _ = version
    return time, at if reads("latest-ties", "later") else -at


def _content(row: Stored) -> Entity:
    """Return a version without what the store adds; only a deleted one says so."""
    content: Entity = codec.loads(row.data)
    if not row.deleted:
        content.pop("_deleted", None)
    return content
