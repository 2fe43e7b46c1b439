"""Publishers: what a pipe would write, computed when somebody asks, as entities or CSV."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Mapping
from itertools import chain as concatenated
from typing import TYPE_CHECKING, Any

from localnode.pipes.base import Entity, Item, decoded, source_ids
from localnode.pipes.context import RunContext
from localnode.pipes.xml import XmlWriter

if TYPE_CHECKING:
    from localnode.pipes.pipe import Pipe

_QUOTING = {
    "minimal": csv.QUOTE_MINIMAL,
    "all": csv.QUOTE_ALL,
    "non-numeric": csv.QUOTE_NONNUMERIC,
    "none": csv.QUOTE_NONE,
}


class Publisher:
    """Reads a pipe's source and runs its transforms without touching its pump's state."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    @property
    def filters(self) -> bool:
        """Whether transforms stand in the way, so that a reader may never see the highest offset."""
        return bool(self._pipe.chain.transforms)

    def entities(
        self,
        since: Any = None,
        limit: int | None = None,
        params: Mapping[str, Any] | None = None,
        preview: bool = False,
    ) -> Iterator[Entity]:
        """Yield entities after `since`; `params` are bound to `_B`.

        A `limit` never cuts through what one source entity became, so that a reader can continue after the
        last `_updated`.
        """
        context = self._pipe.context(params=params)
        count = 0
        for group in self._groups(since, context, preview):
            if limit is not None and count and count + len(group) > limit:
                return
            yield from group
            count += len(group)
            if limit is not None and count >= limit:
                return

    def _groups(self, since: object, context: RunContext, preview: bool) -> Iterator[list[Entity]]:
        """Output by source entity."""
        self._pipe.source.check_token(since)
        for batch in self._pipe.source.preview_batches(since, self._pipe.batch_size):
            sources = [decoded(entity) for entity in batch.entities]
            groups: dict[str, list[Entity]] = {}
            for item in self._pipe.chain.items(sources, context, preview):
                if item.entity.get("_filtered") is not True:
                    groups.setdefault(item.source_id, []).append(item.entity)
            for source_id, source in zip(source_ids(sources), sources, strict=True):
                outputs = groups.pop(source_id, [])
                position = {} if "_updated" not in source else {"_updated": source["_updated"]}
                yield [{**position, **output} for output in outputs]

    def stage(self, stage: str, since: object = None, limit: int | None = None) -> Iterator[Entity]:
        """Preview of `source`, `before-transforms` or `after-transforms`; side effects are left out."""
        if stage == "after-transforms":
            return self.entities(since, limit, preview=True)
        self._pipe.source.check_token(since)
        found = self._pipe.source.entities(since, limit)
        if stage == "source":
            return found
        return (item.entity for entity in found for item in self._before(entity))

    def _before(self, entity: Entity) -> list[Item]:
        return self._pipe.chain.before([entity])

    def csv(self, params: Mapping[str, object] | None = None) -> Iterator[bytes]:
        """Yield the pipe's output as CSV, by the settings of its `csv_endpoint` sink."""
        config = self._pipe.sink.config
        encoding, errors = config.get("encoding", "utf-8"), config.get("encode_error_strategy", "strict")
        columns, skips = list(config["columns"]), config.get("skip-deleted-entities", True)
        if config.get("byte_order_mark") and encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            yield codecs.BOM_UTF8
        header = [columns] if config.get("include_header", True) else []
        entities = self.entities(params=params)
        rows = (
            [_cell(e.get(name)) for name in columns]
            for e in entities
            if not (skips and e.get("_deleted") is True)
        )
        buffer = io.StringIO(newline="")
        writer = csv.writer(
            buffer,
            quoting=_QUOTING[config.get("quoting", "minimal")],  # type: ignore[arg-type]
            delimiter=config.get("delimiter", ","),
            doublequote=bool(config.get("doublequote", True)),
            escapechar=config.get("escapechar"),
            lineterminator=config.get("lineterminator", "\r\n"),
            quotechar=config.get("quotechar", '"'),
        )
        for row in concatenated(header, rows):
            writer.writerow(row)
            yield buffer.getvalue().encode(encoding, errors)
            buffer.seek(0)
            buffer.truncate()

    def xml(
        self, since: object, limit: int | None, params: Mapping[str, object] | None, writer: XmlWriter
    ) -> Iterator[bytes]:
        """Yield the pipe's output as an XML document, by the settings of its `xml_endpoint` sink."""
        if self._pipe.sink.config.get("byte_order_mark"):
            yield codecs.BOM_UTF8
        yield writer.opening.encode()
        for entity in self.entities(since, limit, params):
            if not (writer.skips_deleted and entity.get("_deleted") is True):
                yield writer.element({k: v for k, v in entity.items() if k[:1] != "_" or k == "_id"}).encode()
        yield writer.closing.encode()


def _cell(value: object) -> object:
    """Return a property as a CSV cell: text and numbers as they are, null empty, everything else as JSON."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (bool, dict, list)) else value
