"""`json`: pull entities from a system with the JSON pull protocol (`since`, `limit`, `subset`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from core.flags import parse_flag
from localnode import codec
from localnode.pipes.base import Batch, BuildContext, Config, Entity
from localnode.pipes.errors import RemoteFailed, SourceFailed
from localnode.pipes.registry import FLAG, HEADERS, POSITIVE, SOURCE, STRING, register
from localnode.pipes.sources.embedded import SINCE_FLAGS
from localnode.pipes.sources.external import ExternalSource
from localnode.pipes.unread import Unread

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
class JsonSource(ExternalSource):
    """See ExternalSource; a cut or malformed answer fails the read, too."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._says_populated = True

    def populated(self) -> bool:
        """See Source: not while the other side says `X-Dataset-Populated: false`."""
        return self._says_populated

    def batches(self, since: object, size: int) -> Iterator[Batch]:
        """See Source."""
        if since is None:
            since = self.config.get("initial_since_value")
        pages = self._pages(since) if self._paged else self._request(since, None)
        yield from self.in_batches(pages, since, size)

    @property
    def _paged(self) -> bool:
        flags = self.supports_since and self.is_since_comparable and self.is_chronological
        return flags and "page_size" in self.config

    def _pages(self, since: object) -> Iterator[Entity]:
        """Yield page after page, until nothing new comes.

        Each continues after the last `_updated` of the one before.
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
                    f"{self.place}: {count} entities share _updated {last!r}, so a page of {size}"
                    " never gets past them; raise page_size"
                )
            since = last

    def _unread(self, text: str, reason: str) -> Unread:
        return Unread.of_text(text, f"{self.place}: {reason}")

    def _request(self, since: object, limit: int | None) -> Iterator[Entity]:
        params: dict[str, Any] = {}
        if self.supports_since and since is not None:
            params["since"] = since
        if limit is not None:
            params["limit"] = limit
        if "subset" in self.config:
            subset = self.config["subset"]
            params["subset"] = subset if isinstance(subset, str) else json.dumps(subset)
        try:
            with self.build_context.engine.systems.stream(
                self.config["system"],
                "GET",
                self.config["url"],
                params=params,
                headers=self.config.get("headers"),
            ) as (headers, chunks):
                self._says_populated = _is_populated(headers.get("X-Dataset-Populated", ""))
                for entity in codec.iter_array(chunks, unread=self._unread):
                    yield self.checked(entity)
        except (RemoteFailed, codec.MalformedJson) as error:
            raise SourceFailed(f"{self.place}: {error}") from error


def _is_populated(header: str) -> bool:
    """Read `X-Dataset-Populated`; a dataset counts as populated where it says nothing of it."""
    try:
        return parse_flag(header)
    except ValueError:
        return True
