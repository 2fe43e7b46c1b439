"""Sinks without a pump.

They compute when somebody asks: `http_endpoint` entities (see `pipes.publisher`), the others a file of them.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import chain

from localnode.pipes.base import Entity, RunScope, Sink
from localnode.pipes.errors import Refused
from localnode.pipes.registry import FLAG, SINK, STRING, Schema, register
from localnode.store import Stored, WriteResult


class EndpointSink(Sink):
    """Nothing is pumped into an endpoint."""

    has_pump = False

    def write(self, entities: Iterable[Entity | Stored], scope: RunScope) -> WriteResult:
        """Refused: the pipe has no pump."""
        raise Refused(f"pipe {self.build_context.pipe_id!r} publishes on demand and has no pump")

    def document(self, entities: Iterator[Entity]) -> Iterator[bytes]:
        """Yield a file of the entities, a part at a time. Refused where they are published as JSON."""
        raise Refused(f"pipe {self.build_context.pipe_id!r} publishes entities, not a file")


@register(
    SINK, "http_endpoint", {"filename": STRING, "content_disposition": {"enum": ["inline", "attachment"]}}
)
class HttpEndpointSink(EndpointSink):
    """A JSON array."""


_QUOTING = {
    "minimal": csv.QUOTE_MINIMAL,
    "all": csv.QUOTE_ALL,
    "non-numeric": csv.QUOTE_NONNUMERIC,
    "none": csv.QUOTE_NONE,
}

_CSV: dict[str, Schema] = {
    "columns": {"type": "array", "items": STRING, "minItems": 1},
    "quoting": {"enum": ["minimal", "all", "non-numeric", "none"]},
    "delimiter": {"type": "string", "minLength": 1, "maxLength": 1},
    "doublequote": FLAG,
    "include_header": FLAG,
    "escapechar": {"type": ["string", "null"], "maxLength": 1},
    "lineterminator": {"type": "string"},
    "quotechar": {"type": "string", "minLength": 1, "maxLength": 1},
    "encoding": STRING,
    "byte_order_mark": FLAG,
    "encode_error_strategy": STRING,
    "skip-deleted-entities": FLAG,
    "filename": STRING,
}


@register(SINK, "csv_endpoint", _CSV, ("columns",))
class CsvEndpointSink(EndpointSink):
    """Rows of the chosen columns."""

    def document(self, entities: Iterator[Entity]) -> Iterator[bytes]:
        """Yield the entities as CSV."""
        config = self.config
        encoding, errors = config.get("encoding", "utf-8"), config.get("encode_error_strategy", "strict")
        columns, skips = list(config["columns"]), config.get("skip-deleted-entities", True)
        if config.get("byte_order_mark") and encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            yield codecs.BOM_UTF8
        header = [columns] if config.get("include_header", True) else []
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
        for row in chain(header, rows):
            writer.writerow(row)
            yield buffer.getvalue().encode(encoding, errors)
            buffer.seek(0)
            buffer.truncate()


def _cell(value: object) -> object:
    """Return a property as a CSV cell: text and numbers as they are, null empty, everything else as JSON."""
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (bool, dict, list)) else value
