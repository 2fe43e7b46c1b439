"""`emit_children`: the entities listed in `$children` instead of their parent."""

from __future__ import annotations

from collections.abc import Sequence

from localnode.dtl import TransformContext
from localnode.pipes.base import Item, Transform
from localnode.pipes.registry import TRANSFORM, register


@register(TRANSFORM, "emit_children", {})
class EmitChildren(Transform):
    """Children without a string `_id` are dropped, and so is the parent."""

    def apply(self, items: Sequence[Item], context: TransformContext) -> list[Item]:
        """See Transform."""
        outputs = []
        for item in items:
            children = item.entity.get("$children")
            for child in children if isinstance(children, list) else [children]:
                if isinstance(child, dict) and isinstance(child.get("_id"), str):
                    outputs.append(Item(item.source_id, child))
        return outputs
