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
        """`transform` over the matching items as one list, the others around its output."""
        if self._always:
            return transform(list(items))
        chosen = [item for item in items if self.matches(item.entity)]
        others = [item for item in items if not self.matches(item.entity)]
        return others + (transform(chosen) if chosen else [])
