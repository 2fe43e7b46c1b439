"""Turn source entities into sink entities: add namespaces, apply transforms in order, remove namespaces."""

from __future__ import annotations

from collections.abc import Sequence

from localnode.dtl import HopJoin
from localnode.dtl.namespaces import add_entity_namespaces, remove_entity_namespaces
from localnode.pipes.base import BuildContext, Config, Entity, Item, Transform, source_ids
from localnode.pipes.context import RunContext
from localnode.pipes.transforms.dtl import DtlTransform

# https://docs.sesam.io/hub/features/namespaces.html lists both
_ADDING_SOURCES = frozenset({"csv", "embedded", "http_endpoint", "json", "kafka", "ldap", "sql"})
_REMOVING_SINKS = frozenset(
    {"csv_endpoint", "elasticsearch", "http_endpoint", "json", "kafka", "mail", "rest", "sms", "solr", "sql"}
)


def _adds_namespaces(pipe: Config, source_type: str) -> bool:
    """Return whether `add_namespaces` holds for a pipe: only with namespaced identifiers.

    The default depends on the source.
    """
    if not pipe.get("namespaced_identifiers", False):
        return False
    return bool(pipe.get("add_namespaces", source_type in _ADDING_SOURCES))


def _removes_namespaces(pipe: Config, sink_type: str) -> bool:
    """Return whether `remove_namespaces` holds for a pipe; the default depends on the sink."""
    if not pipe.get("namespaced_identifiers", False):
        return False
    return bool(pipe.get("remove_namespaces", sink_type in _REMOVING_SINKS))


class Chain:
    """The transforms of one pipe."""

    def __init__(
        self, transforms: Sequence[Transform], build_context: BuildContext, source: Config, sink: Config
    ) -> None:
        self.transforms = list(transforms)
        self._settings = build_context.settings
        self._adds = _adds_namespaces(build_context.pipe, str(source.get("type")))
        self._removes = _removes_namespaces(build_context.pipe, str(sink.get("type")))

    @property
    def passes_unchanged(self) -> bool:
        """Return whether entities are not changed, so that they need not be decoded."""
        return not (self.transforms or self._adds or self._removes)

    def before(self, entities: Sequence[Entity]) -> list[Item]:
        """Return source entities as the first transform receives them."""
        known = zip(source_ids(entities), entities, strict=True)
        if not self._adds:
            return [Item(source_id, entity) for source_id, entity in known]
        return [Item(source_id, add_entity_namespaces(entity, self._settings)) for source_id, entity in known]

    def apply(self, entities: Sequence[Entity], context: RunContext, preview: bool = False) -> list[Entity]:
        """Return the sink's input for `entities`; see `items`."""
        return [item.entity for item in self.items(entities, context, preview)]

    def items(self, entities: Sequence[Entity], context: RunContext, preview: bool = False) -> list[Item]:
        """Return the sink's input, each item with its source, in the order of the sources.

        Filtered entities skip later transforms, so that the sink sees them. In a preview, transforms with
        side effects let entities pass unchanged.
        """
        items = self.before(entities)
        place = {item.source_id: at for at, item in enumerate(items)}
        held: list[Item] = []
        for transform in self.transforms:
            if preview and transform.side_effects:
                continue
            if any(_is_filtered(item) for item in items):
                held += [item for item in items if _is_filtered(item)]
                items = [item for item in items if not _is_filtered(item)]
            items = transform.apply(items, context)
        if held:
            items = sorted([*held, *items], key=lambda item: place.get(item.source_id, len(place)))
        if not self._removes:
            return items
        return [Item(item.source_id, remove_entity_namespaces(item.entity)) for item in items]

    @property
    def hop_joins(self) -> list[HopJoin]:
        """Return all indexes that the DTL of this chain uses."""
        return [join for transform in self._dtl() for join in transform.program.hop_joins]

    @property
    def datasets(self) -> set[str]:
        """Return all datasets that the DTL of this chain hops to or looks up."""
        return {name for transform in self._dtl() for name in transform.program.datasets}

    def _dtl(self) -> list[DtlTransform]:
        return [transform for transform in self.transforms if isinstance(transform, DtlTransform)]


def _is_filtered(item: Item) -> bool:
    return item.entity.get("_filtered") is True
