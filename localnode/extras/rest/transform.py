"""`rest` transform: a call for each entity, whose answer is added to it or takes its place."""

from __future__ import annotations

from collections.abc import Sequence

from localnode.dtl import TransformContext
from localnode.extras.rest import schema
from localnode.extras.rest.calls import Called, call
from localnode.extras.rest.client import RestClient
from localnode.pipes.base import BuildContext, Config, Entity, Item, Transform
from localnode.pipes.errors import RemoteFailed
from localnode.pipes.registry import TRANSFORM, register
from localnode.pipes.transforms.trigger import Trigger


@register(TRANSFORM, "rest", schema.TRANSFORM, ("system",))
class RestTransform(Transform):
    """Entities say which operation they ask for; see `rest.calls`."""

    side_effects = True

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._client = RestClient(config, build_context, needed="trigger_on" not in config)
        self._trigger = Trigger(config)
        self._given = self._emitted = 0

    def take_trace(self) -> list[dict[str, object]]:
        """See Transform."""
        return self._client.trace.take()

    def begin(self) -> None:
        """See Transform."""
        self._given = self._emitted = 0

    def finish(self) -> None:
        """RemoteFailed when nothing came of a run's entities and `if_transform_empty` is "fail"."""
        if self._given and not self._emitted and self.config.get("if_transform_empty") == "fail":
            raise RemoteFailed('the rest transform gave no entities and if_transform_empty is "fail"')

    def apply(self, items: Sequence[Item], context: TransformContext) -> list[Item]:
        """See Transform. EntityUnfit and RemoteFailed as in `rest.calls.call`."""
        outputs: list[Item] = []
        for item in items:
            if not self._trigger.matches(item.entity):
                outputs.append(item)
                continue
            found = self._called(item.entity)
            self._given += 1
            self._emitted += len(found)
            outputs.extend(Item(item.source_id, entity) for entity in found)
        return outputs

    def _called(self, entity: Entity) -> list[Entity]:
        called = call(self._client, entity, writes=self.side_effects)
        if called.ignored:
            return []
        if self.config.get("replace_entity", False):
            return self._replacements(entity, called)
        return [self._with_answer(entity, called)]

    def _replacements(self, entity: Entity, called: Called) -> list[Entity]:
        """Return the answer as entities; text becomes one under the `_id` of the entity it stands for."""
        if not called.last.answer.is_json:
            name = called.operation.config.get("response_property", "response")
            kept = {"_id": entity["_id"]} if "_id" in entity else {}
            return [{**kept, name: called.value(), **self._content_type(called)}]
        value = called.value()
        found = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in found):
            raise RemoteFailed(f"operation {called.operation.name} did not return entities")
        return found

    def _with_answer(self, entity: Entity, called: Called) -> Entity:
        settings, answer = called.operation.config, called.last.answer
        if answer.is_json and "payload_property" in settings:
            objection = called.operation.expression("error_expression", called.last.variables)
            if objection:
                raise RemoteFailed(f"operation {called.operation.name}: {objection}", answer.status)
        added: Entity = {settings.get("response_property", "response"): self._named(called)}
        if "response_headers_property" in settings:
            added[settings["response_headers_property"]] = dict(answer.headers)
        if "response_status_property" in settings:
            added[settings["response_status_property"]] = answer.status
        return {**entity, **added, **self._content_type(called)}

    def _named(self, called: Called) -> object:
        """Return the answer, its entities with the `_id` and `_updated` that the expressions give them."""
        value, operation = called.value(), called.operation
        if not {"id_expression", "updated_expression"} & operation.config.keys():
            return value
        return (
            [_completed(each, called) for each in value]
            if isinstance(value, list)
            else _completed(value, called)
        )

    def _content_type(self, called: Called) -> Entity:
        wanted = self.config.get("response_include_content_type", False)
        return {"content-type": called.last.answer.content_type} if wanted else {}


def _completed(value: object, called: Called) -> object:
    if not isinstance(value, dict):
        return value
    variables = {**value, **called.last.variables, "entity": value}
    names = {"_id": "id_expression", "_updated": "updated_expression"}
    added = {
        name: called.operation.expression(expression, variables)
        for name, expression in names.items()
        if name not in value and expression in called.operation.config
    }
    return {**value, **added}
