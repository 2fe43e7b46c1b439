"""Sinks without a pump.

`http_endpoint`, `csv_endpoint` and `xml_endpoint` compute when somebody asks (see `pipes.publisher`).
"""

from __future__ import annotations

from collections.abc import Iterable

from localnode.pipes import xml
from localnode.pipes.base import BuildContext, Config, Entity, RunScope, Sink
from localnode.pipes.errors import Refused
from localnode.pipes.registry import FLAG, SINK, STRING, Schema, register
from localnode.store import Stored, WriteResult


class EndpointSink(Sink):
    """Nothing is pumped into an endpoint."""

    has_pump = False

    def write(self, entities: Iterable[Entity | Stored], scope: RunScope) -> WriteResult:
        """Refused: the pipe has no pump."""
        raise Refused(f"pipe {self.build_context.pipe_id!r} publishes on demand and has no pump")


@register(
    SINK, "http_endpoint", {"filename": STRING, "content_disposition": {"enum": ["inline", "attachment"]}}
)
class HttpEndpointSink(EndpointSink):
    """A JSON array."""


@register(
    SINK,
    "xml_endpoint",
    {
        **xml.PROPERTIES,
        "wrapper": STRING,
        "byte_order_mark": FLAG,
        "filename": STRING,
        "content_disposition": {"enum": ["inline", "attachment"]},
    },
)
class XmlEndpointSink(EndpointSink):
    """An XML document."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self.writer = xml.XmlWriter(config)


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
