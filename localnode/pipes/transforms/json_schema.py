"""`json_schema`: mark each entity as valid or not, with the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jsonschema

from localnode import codec
from localnode.dtl import TransformContext
from localnode.pipes.base import Config, Item, Surroundings, Transform
from localnode.pipes.errors import ConfigProblem, RemoteFailed
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

    def __init__(self, config: Config, around: Surroundings) -> None:
        super().__init__(config, around)
        self._trigger = Trigger(config)
        self._valid = str(config.get("key_valid", "valid"))
        self._errors = str(config.get("key_errors", "errors"))
        self._validator: jsonschema.protocols.Validator | None = None
        if "schema" in config:
            self._validator = _validator(config["schema"])
        elif "schema_url" not in config or "system" not in config:
            raise ConfigProblem((), "needs schema, or schema_url together with system")

    def apply(self, items: Sequence[Item], context: TransformContext) -> list[Item]:
        """See Transform. A schema behind `schema_url` is fetched once."""
        validator = self._validator or self._fetch()
        self._validator = validator
        return self._trigger.apply(items, lambda chosen: [self._checked(item, validator) for item in chosen])

    def _checked(self, item: Item, validator: jsonschema.protocols.Validator) -> Item:
        content = {name: value for name, value in item.entity.items() if name[:1] != "_" or name == "_id"}
        errors = [_sentence(error) for error in validator.iter_errors(content)]
        result = {**item.entity, self._valid: not errors}
        if errors:
            result[self._errors] = errors
        return Item(item.source_id, result)

    def _fetch(self) -> jsonschema.protocols.Validator:
        system, url = self.config["system"], self.config["schema_url"]
        answer = self.around.engine.systems.request(system, "GET", url)
        try:
            return _validator(codec.parse(answer.content))
        except (codec.MalformedJson, ConfigProblem) as error:
            raise RemoteFailed(f"system {system!r}, {url}: no usable JSON Schema: {error}") from error


def _validator(schema: Any) -> jsonschema.protocols.Validator:
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ConfigProblem(("schema", *error.absolute_path), error.message) from error
    validator: jsonschema.protocols.Validator = kind(schema)
    return validator


def _sentence(error: jsonschema.ValidationError) -> str:
    place = "/".join(map(str, error.absolute_path))
    return f"{place}: {error.message}" if place else str(error.message)
