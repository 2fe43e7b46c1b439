"""`embedded` and `empty`: entities that stand in the config itself, or none at all."""

from __future__ import annotations

from collections.abc import Iterator

from localnode.pipes.base import Batch, BuildContext, Config, Source, unusable_id
from localnode.pipes.errors import ConfigProblem
from localnode.pipes.registry import FLAG, OBJECT, SOURCE, STRING, register

SINCE_FLAGS = {"supports_since": FLAG, "is_since_comparable": FLAG, "is_chronological": FLAG}


@register(
    SOURCE,
    "embedded",
    {**SINCE_FLAGS, "entities": {"type": "array", "items": OBJECT}, "system": STRING},
    ("entities",),
)
class EmbeddedSource(Source):
    """Everything on every run, so an entity taken out of the config is deleted downstream."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        for at, entity in enumerate(config["entities"]):
            if (reason := unusable_id(entity)) is not None:
                raise ConfigProblem(("entities", at), reason)
        self.supports_since = bool(config.get("supports_since", False))
        self.is_since_comparable = bool(config.get("is_since_comparable", True))
        self.is_chronological = bool(config.get("is_chronological", False))

    def batches(self, since: object, size: int) -> Iterator[Batch]:
        """See Source; the token is the position in the list, or the entity's own `_updated`."""
        entities = [{"_updated": n, **entity} for n, entity in enumerate(self.config["entities"])]
        if since is not None:
            entities = [entity for entity in entities if entity["_updated"] > since]
        for start in range(0, len(entities), size):
            batch = entities[start : start + size]
            top = max(entity["_updated"] for entity in batch) if self.supports_since else None
            since = top if since is None or top is None else max(since, top)
            yield Batch(batch, since)


@register(SOURCE, "empty", {})
class EmptySource(Source):
    """No entities."""

    is_chronological = True

    def batches(self, since: object, size: int) -> Iterator[Batch]:
        """See Source."""
        return iter(())
