"""Calls on behalf of an entity: the `rest` transform and sink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from localnode.extras.rest.client import RestClient
from localnode.extras.rest.operation import Operation
from localnode.extras.rest.paging import Page, pages
from localnode.extras.rest.schema import READS
from localnode.pipes.base import Entity
from localnode.pipes.errors import RemoteFailed


@dataclass(frozen=True)
class Called:
    """The pages that an operation answered for an entity; the last tells the outcome."""

    operation: Operation
    pages: list[Page]

    @property
    def last(self) -> Page:
        """The last page."""
        return self.pages[-1]

    @property
    def ignored(self) -> bool:
        """Whether the answer is to be dropped without a word (`ignored_status_codes`)."""
        return self.last.answer.status in self.operation.ignored

    def value(self) -> Any:
        """Return the answer: JSON (of several pages the lists in a row), else text."""
        if len(self.pages) == 1:
            return self.last.value
        joined: list[Any] = []
        for page in self.pages:
            joined.extend(page.value if isinstance(page.value, list) else [page.value])
        return joined


def call(client: RestClient, entity: Entity, writes: bool) -> Called:
    """Carry out the operation an entity asks for (its own `operation`, `properties`, `payload` come first).

    `writes`: whether it counts as a write, unless its method is one that only reads.

    EntityUnfit when it cannot be made into a request, RemoteFailed when the answer's status is not allowed.
    """
    name = entity.get("operation", client.config.get("operation"))
    operation = client.operation(name)
    shared = client.variables(operation, entity.get("properties"))
    variables = {**entity, **shared, "entity": entity, "source_entity": entity}
    if writes and operation.config["method"] not in READS:
        client.build_context.written_systems.add(str(client.config["system"]))
    found = list(pages(client, operation, variables, entity.get("payload")))
    status = found[-1].answer.status
    if status not in operation.allowed and status not in operation.ignored:
        text = str(found[-1].answer.body)[:500]
        raise RemoteFailed(f"operation {name} for {entity['_id']!r} answered {status}: {text}", status)
    return Called(operation, found)
