"""`union_datasets`: several datasets one after the other, ids kept apart by a prefix."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from localnode.pipes.base import Batch, BuildContext, Config, Source
from localnode.pipes.registry import FLAG, SOURCE, STRINGS, register
from localnode.pipes.sources import readiness
from localnode.pipes.sources.offsets import Offsets


class SeveralDatasets(Source):
    """What the multi-dataset sources have in common: readiness and flags."""

    supports_since = True
    is_chronological = True

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self.names = [str(name) for name in config["datasets"]]

    @property
    def _ignores_missing(self) -> bool:
        return bool(self.config.get("ignore_non_existent_datasets", True))

    def input_datasets(self) -> list[str]:
        """See Source."""
        return self.names

    def positions(self, offset: Any) -> dict[str, int | None]:
        """See Source."""
        read = Offsets(len(self.names), offset)
        return {name: read.since(at) for at, name in enumerate(self.names)}

    def check_token(self, token: object) -> None:
        """See Source."""
        Offsets.check(token)

    def populated(self) -> bool:
        """See Source."""
        expected = readiness.expected_datasets(self.config, self.names)
        return readiness.populated(self.build_context.store, expected, self._ignores_missing)

    def check_ready(self) -> None:
        """See Source."""
        expected = readiness.expected_datasets(self.config, self.names)
        readiness.check_populated(self.config, self.build_context, expected, self._ignores_missing)


@register(
    SOURCE,
    "union_datasets",
    {
        **readiness.SEVERAL_DATASETS,
        "datasets": STRINGS,
        "include_previous_versions": FLAG,
        "prefix_ids": FLAG,
    },
    ("datasets",),
)
class UnionSource(SeveralDatasets):
    """Ids become `<dataset>:<id>` unless `prefix_ids` is false."""

    def batches(self, since: Any, size: int) -> Iterator[Batch]:
        """See Source."""
        positions = Offsets(len(self.names), since)
        history = bool(self.config.get("include_previous_versions", False))
        prefixes = bool(self.config.get("prefix_ids", True))
        for at, name in enumerate(self.names):
            dataset = self.build_context.store.find(name)
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
