"""Components that hosted nodes have and this one has not.

A pipe that names one is deployed: its config is checked, its other stages can be looked at, and pipes that
read what it would write wait for it. Its pump does not run here. The names are those of the vendor's
documentation: https://docs.sesam.io/hub/documentation/service-configuration/pipes/configuration-pipes.html
and https://docs.sesam.io/hub/deprecations.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from localnode.dtl import TransformContext
from localnode.pipes.base import Batch, Entity, Item, RunScope, Sink, Source, Transform
from localnode.pipes.errors import NotAvailable
from localnode.pipes.registry import SINK, SOURCE, TRANSFORM, register_unavailable
from localnode.store import Stored, WriteResult

SOURCES = ("binary", "csv", "kafka", "ldap", "rdf", "sdshare", "sparql", "sql")
TRANSFORMS = ("lower_keys", "properties_to_curies", "rdf", "undirected_graph", "uris_to_curies")
SINKS = ("elasticsearch", "kafka", "mail", "replicated_dataset", "sdshare", "sms", "solr", "sparql", "sql")
ENDPOINTS = ("excel_endpoint",)


def not_available(kind: str, name: object) -> str:
    """Say of such a component that it is not here."""
    return f'the {kind} type "{name}" is not available on this node, so the pipe is not runnable here'


class UnavailableSource(Source):
    """Gives nothing."""

    def batches(self, since: object, size: int) -> Iterator[Batch]:
        """NotAvailable."""
        raise NotAvailable(not_available(SOURCE, self.config.get("type")))


class UnavailableTransform(Transform):
    """Lets nothing pass."""

    def apply(self, items: Sequence[Item], context: TransformContext) -> list[Item]:
        """NotAvailable."""
        raise NotAvailable(not_available(TRANSFORM, self.config.get("type")))


class UnavailableSink(Sink):
    """Takes nothing."""

    def write(self, entities: Iterable[Entity | Stored], scope: RunScope) -> WriteResult:
        """NotAvailable."""
        raise NotAvailable(not_available(SINK, self.config.get("type")))


class UnavailableEndpoint(UnavailableSink):
    """Has no pump; what it would answer is refused where somebody asks for it."""

    has_pump = False


for _kind, _names, _factory in (
    (SOURCE, SOURCES, UnavailableSource),
    (TRANSFORM, TRANSFORMS, UnavailableTransform),
    (SINK, SINKS, UnavailableSink),
    (SINK, ENDPOINTS, UnavailableEndpoint),
):
    for _name in _names:
        register_unavailable(_kind, _name, _factory)
