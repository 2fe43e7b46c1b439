"""`dataset`: the entities of one dataset in the order in which they changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from localnode.pipes.base import Batch, BuildContext, Config, Entity, Source
from localnode.pipes.registry import FLAG, SOURCE, STRINGS, register
from localnode.pipes.sources import readiness
from localnode.pipes.sources.offsets import check_offset
from localnode.pipes.subsets import compile_subset
from localnode.store import Dataset, Stored

_PROPERTIES = {
    **readiness.DATASET_GATES,
    "dataset": {"type": "string"},  # public configs have "" here: one more that does not exist
    "subset": {"type": "array", "minItems": 3, "maxItems": 3},
    "include_previous_versions": FLAG,
    "include_replaced": FLAG,
    "completeness": readiness.COMPLETENESS,
    "initial_completeness": STRINGS,
}


@register(SOURCE, "dataset", _PROPERTIES, ("dataset",))
class DatasetSource(Source):
    """Latest version per id, deleted ones included; a dataset that does not exist is empty."""

    supports_since = True
    is_chronological = True

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._name = str(config["dataset"])
        self._subset = (
            compile_subset(config["subset"], build_context.settings) if "subset" in config else None
        )
        self._bound = readiness.CompletenessBound(config.get("completeness"), self._name, build_context)

    def input_datasets(self) -> list[str]:
        """See Source."""
        return [self._name]

    def positions(self, offset: Any) -> dict[str, int | None]:
        """See Source."""
        return {self._name: offset}

    def check_token(self, token: object) -> None:
        """See Source."""
        check_offset(token, self._name)

    def populated(self) -> bool:
        """See Source."""
        return readiness.populated(self.build_context.store, [self._name])

    def check_ready(self) -> None:
        """See Source."""
        readiness.check_initial(self.config, self.build_context.store)
        readiness.check_populated(self.config, self.build_context, [self._name], ignore_missing=False)

    def batches(self, since: object, size: int) -> Iterator[Batch]:
        """Yield rows as stored, so that what nothing transforms is never decoded."""
        dataset = self.build_context.store.find(self._name)
        if dataset is None:
            return
        rows = self._rows(dataset, since, size)
        while batch := list(islice(rows, size)):
            offsets = [row.updated for row in batch]
            yield Batch(self._wanted(batch), offsets[-1], offsets if self._all_wanted else None)

    def latest(self, entity_ids: Sequence[str]) -> dict[str, Entity]:
        """See Source."""
        dataset = self.build_context.store.find(self._name)
        rows = dataset.get_many(entity_ids) if dataset else {}
        return {name: row.entity() for name, row in rows.items() if self._wanted([row])}

    @property
    def _all_wanted(self) -> bool:
        return bool(self.config.get("include_replaced", True))

    def _wanted(self, rows: list[Stored]) -> list[Entity | Stored]:
        if self._all_wanted:
            return list(rows)
        entities = [row.entity() for row in rows]
        return [entity for entity in entities if entity.get("$replaced") is not True]

    def _rows(self, dataset: Dataset, since: Any, size: int) -> Iterator[Stored]:
        limit = self._bound.limit()
        rows = dataset.rows(
            since,
            history=bool(self.config.get("include_previous_versions", False)),
            subset=self._subset.holds if self._subset else None,
            page=min(1000, 10 * size),
        )
        for row in rows:
            if row.ts > limit:
                return
            yield row
