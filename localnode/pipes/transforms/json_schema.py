"""`json_schema`: mark each entity as valid or not, with the reasons."""

from __future__ import annotations

from collections.abc import Sequence

from localnode import codec
from localnode.dtl import TransformContext
from localnode.pipes.base import BuildContext, Config, Item, Transform
from localnode.pipes.errors import ConfigProblem, RemoteFailed
from localnode.pipes.json_schemas import Schema
from localnode.pipes.registry import STRING, TRANSFORM, TRIGGER, register
from localnode.pipes.transforms.trigger import Trigger

_PROPERTIES = {
    "schema": {"type": ["object", "boolean"]},
    "schema_url": STRING,
    "system": STRING,
    "key_valid": STRING,
    "key_errors": STRING,
    "trigger_on": TRIGGER,
}


@register(TRANSFORM, "json_schema", _PROPERTIES)
class JsonSchemaTransform(Transform):
    """Sets `key_valid` ("valid") on every entity and `key_errors` ("errors", messages) on invalid ones."""

    def __init__(self, config: Config, build_context: BuildContext) -> None:
        super().__init__(config, build_context)
        self._trigger = Trigger(config)
        self._valid = str(config.get("key_valid", "valid"))
        self._errors = str(config.get("key_errors", "errors"))
        self._schema: Schema | None = None
        if "schema" in config:
            self._schema = Schema(config["schema"], ("schema",))
        elif "schema_url" not in config or "system" not in config:
            raise ConfigProblem((), "needs schema, or schema_url together with system")

    def apply(self, items: Sequence[Item], context: TransformContext) -> list[Item]:
        """See Transform. A schema behind `schema_url` is fetched once."""
        schema = self._schema = self._schema or self._fetch()
        return self._trigger.apply(items, lambda chosen: [self._checked(item, schema) for item in chosen])

    def _checked(self, item: Item, schema: Schema) -> Item:
        content = {name: value for name, value in item.entity.items() if name[:1] != "_" or name == "_id"}
        errors = schema.errors(content)
        result = {**item.entity, self._valid: not errors}
        if errors:
            result[self._errors] = errors
        return Item(item.source_id, result)

    def _fetch(self) -> Schema:
        system, url = self.config["system"], self.config["schema_url"]
        answer = self.build_context.engine.systems.request(system, "GET", url)
        try:
            return Schema(codec.parse(answer.content))
        except (codec.MalformedJson, ConfigProblem) as error:
            raise RemoteFailed(f"system {system!r}, {url}: no usable JSON Schema: {error}") from error
