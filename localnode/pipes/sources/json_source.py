"""`json`: pull entities from a system with the JSON pull protocol (`since`, `limit`, `subset`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from localnode import codec
from localnode.pipes.base import Batch, Config, Entity, Source, Surroundings
from localnode.pipes.errors import RemoteFailed, SourceFailed
from localnode.pipes.registry import FLAG, HEADERS, POSITIVE, SOURCE, STRING, register
from localnode.pipes.sources.embedded import SINCE_FLAGS

_PROPERTIES = {
    **SINCE_FLAGS,
    "system": STRING,
    "url": STRING,
    "page_size": POSITIVE,
    "subset": {"type": ["array", "string"]},
    "headers": HEADERS,
    "initial_since_value": {"type": ["string", "integer", "number"]},
    "supports_signalling": FLAG,
}


@register(SOURCE, "json", _PROPERTIES, ("system", "url"))
class JsonSource(Source):
    """The token is the highest `_updated` seen: numbers compare as numbers, text bytewise.

    A cut or malformed answer, an entity without `_id`, or one without `_updated` where `supports_since` is
    on, fails the read: nothing is ever deleted on half an answer.
    """

    def __init__(self, config: Config, around: Surroundings) -> None:
        super().__init__(config, around)
        self.supports_since = bool(config.get("supports_since", False))
        self.is_since_comparable = bool(config.get("is_since_comparable", True))
        self.is_chronological = bool(config.get("is_chronological", False))
        self._says_populated = True

    def populated(self) -> bool:
        """See Source: not while the other side says `X-Dataset-Populated: false`."""
        return self._says_populated

    def batches(self, since: Any, size: int) -> Iterator[Batch]:
        """See Source."""
        if since is None:
            since = self.config.get("initial_since_value")
        pages = self._pages(since) if self._paged else self._request(since, None)
        top, batch = since, []
        for entity in pages:
            top = self._token(entity, top)
            batch.append(entity)
            if len(batch) == size:
                yield self._batch(batch, top)
                batch = []
        if batch:
            yield self._batch(batch, top)

    def _batch(self, entities: list[Entity], top: Any) -> Batch:
        if not self.is_chronological or not self.supports_since:
            return Batch(entities, top)
        return Batch(entities, top, [entity["_updated"] for entity in entities])

    @property
    def _paged(self) -> bool:
        flags = self.supports_since and self.is_since_comparable and self.is_chronological
        return flags and "page_size" in self.config

    def _pages(self, since: Any) -> Iterator[Entity]:
        """Page after page, each continuing after the last `_updated` of the one before, until nothing new
        comes.
        """
        size = int(self.config["page_size"])
        while True:
            count, last = 0, since
            for entity in self._request(since, size):
                count += 1
                last = entity.get("_updated")
                yield entity
            if count == 0 or (last == since and count < size):
                return
            if last == since:
                raise SourceFailed(
                    f"{self._place}: {count} entities share _updated {last!r}, so a page of {size}"
                    " never gets past them; raise page_size"
                )
            since = last

    def _request(self, since: Any, limit: int | None) -> Iterator[Entity]:
        params: dict[str, Any] = {}
        if self.supports_since and since is not None:
            params["since"] = since
        if limit is not None:
            params["limit"] = limit
        if "subset" in self.config:
            subset = self.config["subset"]
            params["subset"] = subset if isinstance(subset, str) else json.dumps(subset)
        try:
            with self.around.engine.systems.stream(
                self.config["system"],
                "GET",
                self.config["url"],
                params=params,
                headers=self.config.get("headers"),
            ) as (headers, chunks):
                self._says_populated = headers.get("X-Dataset-Populated", "true").lower() != "false"
                for entity in codec.iter_array(chunks):
                    yield self._checked(entity)
        except (RemoteFailed, codec.MalformedJson) as error:
            raise SourceFailed(f"{self._place}: {error}") from error

    def _checked(self, entity: Any) -> Entity:
        if not isinstance(entity, dict) or not isinstance(entity.get("_id"), str) or not entity["_id"]:
            raise SourceFailed(
                f"{self._place}: an entity without a non-empty string _id: {str(entity)[:200]}"
            )
        if self.supports_since and entity.get("_updated") is None:
            raise SourceFailed(
                f"{self._place}: entity {entity['_id']!r} has no _updated, but supports_since is on"
            )
        return {name: value for name, value in entity.items() if name[:1] != "_" or name in _KEPT}

    def _token(self, entity: Entity, top: Any) -> Any:
        if not self.supports_since:
            return None
        value = entity["_updated"]
        if self.is_chronological or top is None:
            return value
        if isinstance(value, str) != isinstance(top, str):
            raise SourceFailed(
                f"{self._place}: _updated is sometimes text, sometimes a number: {top!r}, {value!r}"
            )
        if isinstance(value, str):
            return max(value, top, key=lambda text: text.encode())
        return max(value, top)

    @property
    def _place(self) -> str:
        return f"system {self.config['system']!r}, {self.config['url']}"


_KEPT = frozenset({"_id", "_deleted", "_updated"})
