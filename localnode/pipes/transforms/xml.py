"""`xml`: an entity's XML as a text in one of its properties."""

from __future__ import annotations

from collections.abc import Sequence

from localnode.dtl import TransformContext
from localnode.pipes.base import BuildContext, Config, Item, Transform
from localnode.pipes.registry import STRING, TRANSFORM, TRIGGER, register
from localnode.pipes.transforms.trigger import Trigger
from localnode.pipes.xml import PROPERTIES, XmlWriter


@register(TRANSFORM, "xml", {**PROPERTIES, "xml-property": STRING, "trigger_on": TRIGGER}, ("xml-property",))
class XmlTransform(Transform):
    """Deleted entities pass without XML unless `skip-deleted-entities` is false."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._writer = XmlWriter(config)
        self._trigger = Trigger(config)

    def apply(self, items: Sequence[Item], context: TransformContext) -> list[Item]:
        """See Transform. EntityUnfit for what XML cannot hold."""
        return self._trigger.apply(items, lambda chosen: [self._with_xml(item) for item in chosen])

    def _with_xml(self, item: Item) -> Item:
        if self._writer.skips_deleted and item.entity.get("_deleted") is True:
            return item
        text = self._writer.opening + self._writer.element(item.entity)
        return Item(item.source_id, {**item.entity, str(self.config["xml-property"]): text})
