"""`rest` source: entities out of the answers of an operation, page by page."""

from __future__ import annotations

from collections.abc import Iterator

from localnode.extras.jinja import TemplateFailed
from localnode.extras.rest import schema
from localnode.extras.rest.client import RestClient
from localnode.extras.rest.operation import Variables
from localnode.extras.rest.paging import Page, pages
from localnode.pipes.base import Batch, BuildContext, Config, Entity
from localnode.pipes.errors import EntityUnfit, RemoteFailed, SourceFailed
from localnode.pipes.registry import SOURCE, register
from localnode.pipes.sources.embedded import SINCE_FLAGS
from localnode.pipes.sources.external import ExternalSource


@register(SOURCE, "rest", {**SINCE_FLAGS, **schema.SOURCE}, ("system", "operation"))
class RestSource(ExternalSource):
    """See ExternalSource. An answer that is no JSON is one entity, its text in `response_property`."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._client = RestClient(config, build_context)
        self._operation = self._client.operation(config["operation"])
        self._settings = self._operation.config

    @property
    def place(self) -> str:
        """See ExternalSource."""
        return f"system {self.config['system']!r}, operation {self.config['operation']!r}"

    def take_trace(self) -> list[dict[str, object]]:
        """See Source."""
        return self._client.trace.take()

    def batches(self, since: object, size: int) -> Iterator[Batch]:
        """See Source."""
        if since is None:
            since = self.config.get("initial_since_value")
        yield from self.in_batches(self._entities(since), since, size)

    def _entities(self, since: object) -> Iterator[Entity]:
        try:
            variables = self._client.variables(self._operation)
            if self.supports_since and since is not None:
                variables["since"] = since
            for page in pages(self._client, self._operation, variables):
                yield from self._of(page)
        except (RemoteFailed, EntityUnfit, TemplateFailed) as error:
            raise SourceFailed(f"{self.place}: {error}") from error

    def _of(self, page: Page) -> Iterator[Entity]:
        """Yield the entities of one page."""
        answer = page.answer
        if answer.status not in range(200, 300):
            raise SourceFailed(f"{self.place}: answered {answer.status}: {str(answer.body)[:500]}")
        if not answer.is_json:
            if answer.body:
                yield self._finished({self._settings.get("response_property", "response"): answer.body}, page)
            return
        if "payload_property" in self._settings and (
            objection := self._operation.expression("error_expression", page.variables)
        ):
            raise SourceFailed(f"{self.place}: {objection}")
        found = page.value if isinstance(page.value, list) else [page.value]
        for entity in found:
            if isinstance(entity, dict):
                yield self._finished(entity, page)
            elif entity is not None:
                raise SourceFailed(f"{self.place}: answered {str(entity)[:100]!r} where entities should be")

    def _finished(self, entity: Entity, page: Page) -> Entity:
        """`entity` with what the expressions and `response_…` settings add to it."""
        variables: Variables = {**entity, **page.variables, "entity": entity}
        added: Entity = {}
        made = None if "_id" in entity else self._operation.expression("id_expression", variables)
        if made is not None:
            added["_id"] = made
        if "_updated" not in entity and self.supports_since:
            added["_updated"] = self._operation.expression("updated_expression", variables)
        if "response_headers_property" in self._settings:
            added[self._settings["response_headers_property"]] = dict(page.answer.headers)
        if self.config.get("response_include_content_type"):
            added["content-type"] = page.answer.content_type
        return self.checked({**entity, **added})
