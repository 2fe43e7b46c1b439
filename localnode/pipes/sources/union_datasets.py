"""`union_datasets`: several datasets one after the other, ids kept apart by a prefix."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from localnode.pipes.base import Batch, Config, Source, Surroundings
from localnode.pipes.registry import FLAG, SOURCE, STRINGS, register
from localnode.pipes.sources import gates
from localnode.pipes.sources.positions import Positions


class SeveralDatasets(Source):
    """What the multi-dataset sources have in common: gates and flags."""

    supports_since = True
    is_chronological = True

    def __init__(self, config: Config, around: Surroundings) -> None:
        super().__init__(config, around)
        self.names = [str(name) for name in config["datasets"]]

    @property
    def _ignores_missing(self) -> bool:
        return bool(self.config.get("ignore_non_existent_datasets", True))

    def input_datasets(self) -> list[str]:
        """See Source."""
        return self.names

    def positions(self, offset: Any) -> dict[str, int | None]:
        """See Source."""
        read = Positions(len(self.names), offset)
        return {name: read.since(at) for at, name in enumerate(self.names)}

    def check_token(self, token: Any) -> None:
        """See Source."""
        Positions.check(token)

    def populated(self) -> bool:
        """See Source."""
        expected = gates.expected_datasets(self.config, self.names)
        return gates.populated(self.around.store, expected, self._ignores_missing)

    def check_ready(self) -> None:
        """See Source."""
        expected = gates.expected_datasets(self.config, self.names)
        gates.check_populated(self.config, self.around, expected, self._ignores_missing)


@register(
    SOURCE,
    "union_datasets",
    {**gates.SEVERAL_DATASETS, "datasets": STRINGS, "include_previous_versions": FLAG, "prefix_ids": FLAG},
    ("datasets",),
)
class UnionSource(SeveralDatasets):
    """Ids become `<dataset>:<id>` unless `prefix_ids` is false."""

    def batches(self, since: Any, size: int) -> Iterator[Batch]:
        """See Source."""
        positions = Positions(len(self.names), since)
        history = bool(self.config.get("include_previous_versions", False))
        prefixes = bool(self.config.get("prefix_ids", True))
        for at, name in enumerate(self.names):
            dataset = self.around.store.find(name)
            if dataset is None:
                continue
            rows = dataset.rows(positions.since(at), history=history)
            while chunk := list(islice(rows, size)):
                entities, offsets = [], []
                for row in chunk:
                    positions.advance(at, row.updated)
                    offsets.append(positions.token)
                    entity_id = f"{name}:{row.id}" if prefixes else row.id
                    entities.append({**row.entity(), "_id": entity_id, "_updated": positions.token})
                yield Batch(entities, offsets[-1], offsets)
