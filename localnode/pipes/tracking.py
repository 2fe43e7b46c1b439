"""Dependency tracking.

Which source entities have to be processed again because an entity they hopped to has changed.

While a pipe transforms, every tracked look at another dataset leaves a record (dataset, index, join value,
source id). A changed entity's old and new join values are looked up there, so it makes no difference how
deep in the rules or behind how many aliases the look was taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from core.jsonio import Json
from localnode import codec
from localnode.dtl import HopJoin, IndexExpression
from localnode.store import Dataset, PipeState, Store, Stored
from localnode.store.state import Probe

PAGE = 500
PREFIX = "tracking:"


class Tracker:
    """The tracked datasets of one run, as of its start: later changes belong to the next run."""

    def __init__(self, store: Store, state: PipeState, joins: Iterable[HopJoin]) -> None:
        self._store = store
        self._state = state
        self._indexes: dict[str, dict[str, IndexExpression]] = defaultdict(dict)
        for join in joins:
            if join.track:
                self._indexes[join.dataset][join.index.key] = join.index
        self._tops = {name: self._position(name) for name in self._indexes}

    @property
    def datasets(self) -> list[str]:
        """Datasets whose changes are followed."""
        return sorted(self._indexes)

    def _position(self, name: str) -> Json | None:
        dataset = self._store.find(name)
        if dataset is None:
            return None
        info = dataset.info()
        return {"generation": info.generation, "offset": info.max_updated}

    def pending(self) -> dict[str, int]:
        """Return changes of each tracked dataset that have not been followed up yet."""
        counts = {}
        for name, top in self._tops.items():
            done = self._done(name, top)
            last = top["offset"] if top else None
            counts[name] = 0 if last is None else last - (-1 if done is None else done)
        return counts

    def _done(self, name: str, top: Json | None) -> int | None:
        """Return the offset up to which changes were followed up; None = from the start."""
        seen = self._state.get(PREFIX + name)
        if not seen or not top or seen["generation"] != top["generation"]:
            return None
        offset: int | None = seen["offset"]
        return offset

    def affected(self) -> Iterator[dict[str, set[Probe]]]:
        """Portions of source ids with the records that led to them."""
        for name, top in self._tops.items():
            dataset = self._store.find(name)
            if dataset is None or top is None or top["offset"] is None:
                continue
            rows = dataset.rows(self._done(name, top), history=True)
            while page := list(islice(rows, PAGE)):
                upto = [row for row in page if row.updated <= top["offset"]]
                if upto:
                    yield self._sources(name, dataset, upto)
                if len(upto) < len(page):
                    break

    def _sources(self, name: str, dataset: Dataset, rows: list[Stored]) -> dict[str, set[Probe]]:
        versions = {row.updated: row for row in rows}
        for row in rows:
            if row.previous is not None and row.previous not in versions and (old := dataset.previous(row)):
                versions[old.updated] = old
        entities = [codec.loads(row.data) for row in versions.values() if not row.deleted]
        found: dict[str, set[Probe]] = defaultdict(set)
        for key, index in self._indexes[name].items():
            values = {value for entity in entities for value in index.values(entity)}
            for source, value in self._state.probing_sources(name, key, sorted(values)):
                found[source].add((name, key, value))
        return found

    def store_positions(self) -> None:
        """Note that everything up to the start of this run has been followed up."""
        with self._store.transaction():
            for name, top in self._tops.items():
                self._state.put(PREFIX + name, top)

    def drop_stale_records(self) -> None:
        """Forget records of joins that the rules no longer have."""
        keep = {(name, key) for name, indexes in self._indexes.items() for key in indexes}
        self._state.drop_probes(keep)
