"""`diff_datasets` (deprecated by the vendor): entities that are not the same in all of several datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.jsonio import Json
from localnode import codec
from localnode.pipes.base import BuildContext, Config, Entity
from localnode.pipes.registry import FLAG, SOURCE, STRINGS, register
from localnode.pipes.sources import readiness
from localnode.pipes.sources.merge_datasets import MergeDatasetsSource, Ranked

_PROPERTIES = {
    **readiness.SEVERAL_DATASETS,
    "datasets": STRINGS,
    "whitelist": STRINGS,
    "blacklist": STRINGS,
    "treat_lists_as_sets": FLAG,
    "ignore_deletes": FLAG,
}
DELETED = "_deleted"


@register(SOURCE, "diff_datasets", _PROPERTIES, ("datasets",))
class DiffDatasetsSource(MergeDatasetsSource):
    """As `merge_datasets` with the strategy `all`, and `$diff` beside it: property → dataset → value.

    An entity that has become the same everywhere comes out as deleted, unless everything is read.
    """

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._only = set(config["whitelist"]) if "whitelist" in config else None
        self._not = set(config.get("blacklist") or ())
        self._as_sets = bool(config.get("treat_lists_as_sets", False))
        self._ignores_deleted = bool(config.get("ignore_deletes", False))

    def combined(self, ranked: Ranked, first: bool, tops: Sequence[int]) -> Entity | None:
        """See MergeDatasetsSource."""
        versions = self.newest(ranked, tops)
        if versions is None:
            return None
        difference = self._difference({at: codec.loads(version[2].data) for at, version in versions.items()})
        if difference:
            return {**self.side_by_side(ranked, versions), DELETED: False, "$diff": difference}
        return None if first else {"_id": ranked[2].id, DELETED: True}

    def _difference(self, found: dict[int, Entity]) -> dict[str, Json]:
        if self._ignores_deleted:
            found = {at: entity for at, entity in found.items() if not entity[DELETED]}
        flags = {found[at][DELETED] if at in found else None for at in range(len(self.names))}
        difference: dict[str, dict[str, Any]] = {}
        if True in flags and len(flags) > 1:
            difference[DELETED] = {self.names[at]: entity[DELETED] for at, entity in sorted(found.items())}
        for name in sorted({name for entity in found.values() for name in entity if self._counts(name)}):
            values = {self.names[at]: entity[name] for at, entity in sorted(found.items()) if name in entity}
            same = {codec.dumps(self._comparable(value)) for value in values.values()}
            if len(values) < len(self.names) or len(same) > 1:
                difference[name] = values
        return difference

    def _counts(self, name: str) -> bool:
        return name[:1] != "_" and name not in self._not and (self._only is None or name in self._only)

    def _comparable(self, value: object) -> object:
        if isinstance(value, dict):
            return {name: self._comparable(inner) for name, inner in value.items()}
        if not isinstance(value, list):
            return value
        items = [self._comparable(item) for item in value]
        if not self._as_sets:
            return items
        distinct = {codec.dumps(item): item for item in items}
        return [distinct[text] for text in sorted(distinct)]
