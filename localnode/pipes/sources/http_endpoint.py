"""`http_endpoint` source: entities are pushed to the pipe's receiver; there is no pump."""

from __future__ import annotations

from collections.abc import Iterator

from localnode.pipes.base import Batch, Source
from localnode.pipes.registry import FLAG, SOURCE, STRING, register

_PROPERTIES = {
    "auto_populate_dataset": FLAG,
    "do_float_as_decimal": FLAG,
    "do_float_as_int": FLAG,
    "validation_expression": STRING,
    "trace": {"type": ["object", "boolean"]},
}


@register(SOURCE, "http_endpoint", _PROPERTIES)
class HttpEndpointSource(Source):
    """What arrives is handled by `localnode.pipes.receiver`."""

    has_pump = False

    @property
    def auto_populates(self) -> bool:
        """Whether the sink dataset counts as populated from the start."""
        return bool(self.config.get("auto_populate_dataset", True))

    def batches(self, since: object, size: int) -> Iterator[Batch]:
        """Return nothing: entities do not wait here."""
        return iter(())
