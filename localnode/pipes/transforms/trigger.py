"""`trigger_on`: which entities a transform is for; all others pass through untouched, in their place."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from core.dotted import get_path
from localnode.dtl.patterns import wildcard
from localnode.pipes.base import Config, Entity, Item


class Trigger:
    """`{"key": "_trigger", "value": "some*"}`.

    The property at the dotted path must be there and match the wildcard (`*` any characters, `?` one).
    """

    def __init__(self, config: Config) -> None:
        self._always = "trigger_on" not in config
        setting = config.get("trigger_on") or {}
        self._path = str(setting.get("key", "_trigger"))
        wanted = setting.get("value", "*")
        pattern = wanted if isinstance(wanted, str) else json.dumps(wanted)
        self._fits = wildcard(pattern)

    def matches(self, entity: Entity) -> bool:
        """Return whether the transform is for this entity."""
        if self._always:
            return True
        value = get_path(entity, self._path)
        if value is None:
            return False
        return self._fits(value if isinstance(value, str) else json.dumps(value))

    def apply(self, items: Sequence[Item], transform: Callable[[list[Item]], list[Item]]) -> list[Item]:
        """`transform` over the matching items as one list; the others stay in their places.

        What it makes of an item stands where that was: by position if there is one output for each, else by
        `source_id`. What belongs to none of them comes with the last one.
        """
        if self._always:
            return transform(list(items))
        matching = [self.matches(item.entity) for item in items]
        chosen = [item for item, fits in zip(items, matching, strict=True) if fits]
        made = iter(_by_item(chosen, transform(chosen)) if chosen else ())
        ordered: list[Item] = []
        for item, fits in zip(items, matching, strict=True):
            ordered += next(made) if fits else [item]
        return ordered


def _by_item(chosen: list[Item], outputs: list[Item]) -> list[list[Item]]:
    """Return what was made of each item."""
    if [item.source_id for item in chosen] == [output.source_id for output in outputs]:
        return [[output] for output in outputs]
    found: dict[str, list[Item]] = {item.source_id: [] for item in chosen}
    for output in outputs:
        found.get(output.source_id, found[chosen[-1].source_id]).append(output)
    return [found.pop(item.source_id, []) for item in chosen]
