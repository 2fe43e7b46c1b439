"""`http`: post entities to a system as a JSON array and go on with the array it answers."""

from __future__ import annotations

from collections.abc import Sequence

from localnode import codec
from localnode.dtl import TransformContext
from localnode.pipes.base import DEFAULT_BATCH, BuildContext, Config, Item, Transform
from localnode.pipes.errors import RemoteFailed
from localnode.pipes.registry import HEADERS, POSITIVE, STRING, TRANSFORM, TRIGGER, register
from localnode.pipes.transforms.trigger import Trigger

_PROPERTIES = {
    "system": STRING,
    "url": STRING,
    "batch_size": POSITIVE,
    "headers": HEADERS,
    "trigger_on": TRIGGER,
}


@register(TRANSFORM, "http", _PROPERTIES, ("system", "url"))
class HttpTransform(Transform):
    """The answer may have any length; one of the same length is taken to be in the same order."""

    side_effects = True

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._size = int(config.get("batch_size", DEFAULT_BATCH))
        self._trigger = Trigger(config)

    def apply(self, items: Sequence[Item], context: TransformContext) -> list[Item]:
        """RemoteFailed on anything but 2xx with a JSON array of objects."""
        return self._trigger.apply(items, self._post_all)

    def _post_all(self, items: list[Item]) -> list[Item]:
        outputs: list[Item] = []
        for start in range(0, len(items), self._size):
            outputs.extend(self._post(items[start : start + self._size]))
        return outputs

    def _post(self, items: list[Item]) -> list[Item]:
        system, url = self.config["system"], self.config["url"]
        if self.side_effects:
            self.build_context.written_systems.add(str(system))
        headers = {**(self.config.get("headers") or {}), "Content-Type": "application/json"}
        response = self.build_context.engine.systems.request(
            system, "POST", url, headers=headers, data=codec.dumps([item.entity for item in items])
        )
        try:
            answer = codec.parse(response.content)
        except codec.MalformedJson as error:
            raise RemoteFailed(
                f"system {system!r}, {url}: the answer is not JSON: {error}", response.status_code
            ) from error
        if not isinstance(answer, list) or not all(isinstance(entity, dict) for entity in answer):
            raise RemoteFailed(
                f"system {system!r}, {url}: the answer is not a JSON array of objects", response.status_code
            )
        sources = _sources(items, answer)
        return [Item(source, entity) for source, entity in zip(sources, answer, strict=True)]


def _sources(items: list[Item], answer: list[dict[str, object]]) -> list[str]:
    """Return the source id of each entity answered.

    By position, else by `_id`, else that of the first item.
    """
    if len(items) == len(answer):
        return [item.source_id for item in items]
    by_id = {item.entity.get("_id"): item.source_id for item in items}
    return [by_id.get(entity.get("_id"), items[0].source_id) for entity in answer]
