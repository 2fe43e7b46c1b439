"""`json_schema`: mark each entity as valid or not, with the reasons.

A schema reads no file, asks no host, and no pattern of it runs for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema
import referencing.exceptions
import regex
from jsonschema_specifications import REGISTRY

from localnode import codec
from localnode.dtl import TransformContext
from localnode.pipes.base import BuildContext, Config, Item, Transform
from localnode.pipes.errors import ConfigProblem, EntityUnfit, RemoteFailed
from localnode.pipes.registry import STRING, TRANSFORM, TRIGGER, register
from localnode.pipes.transforms.trigger import Trigger

PATTERN_SECONDS = 1.0
Messages = list[str]
Place = tuple[str | int, ...]

_SETTINGS = {
    "schema": {"type": ["object", "boolean"]},
    "schema_url": STRING,
    "system": STRING,
    "key_valid": STRING,
    "key_errors": STRING,
    "trigger_on": TRIGGER,
}


class Schema:
    """A schema that is checked when it is made. ConfigProblem at `path` when it cannot be used."""

    def __init__(self, schema: Any, path: Place = ()) -> None:
        kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
        try:
            kind.check_schema(schema)
        except jsonschema.SchemaError as error:
            raise ConfigProblem((*path, *error.absolute_path), error.message) from error
        except RecursionError as error:
            raise ConfigProblem(path, "the schema is nested too deep") from error
        for place, part in _parts(schema, path):
            _check_references(place, part, schema)
            _check_patterns(place, part)
        bounded = jsonschema.validators.extend(kind, {"pattern": _pattern, "patternProperties": _properties})
        self._validator = bounded(schema, registry=REGISTRY)

    def errors(self, value: object) -> Messages:
        """Return what is wrong with a value, each with its place. EntityUnfit when it cannot be told."""
        try:
            return [_sentence(error) for error in self._validator.iter_errors(value)]
        except TimeoutError as error:
            raise EntityUnfit(f"a pattern of the schema took longer than {PATTERN_SECONDS:g} s") from error
        except RecursionError as error:
            raise EntityUnfit("the schema refers to itself without end, or the value is too deep") from error
        except referencing.exceptions.Unresolvable as error:
            raise EntityUnfit(f"the schema refers to {error.ref!r}, which it does not have") from error


def _parts(value: Any, path: Place) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Yield all objects within a schema, with their places."""
    if isinstance(value, Mapping):
        yield path, value
        for name, inner in value.items():
            yield from _parts(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _parts(inner, (*path, at))


def _check_references(path: Place, part: Mapping[str, object], schema: object) -> None:
    for keyword in ("$ref", "$dynamicRef"):
        target = part.get(keyword)
        if not isinstance(target, str):
            continue
        address = target.partition("#")[0]
        own = {str(each.get("$id", "")).partition("#")[0] for _, each in _parts(schema, ())}
        if ":" in address and address not in own and address not in REGISTRY:
            raise ConfigProblem((*path, keyword), f"{target!r} leads out of the schema; put it under $defs")


def _check_patterns(path: Place, part: Mapping[str, object]) -> None:
    properties = part.get("patternProperties")
    given = [("pattern", part.get("pattern"))]
    given += [("patternProperties", name) for name in properties] if isinstance(properties, Mapping) else []
    for keyword, pattern in given:
        if isinstance(pattern, str):
            try:
                regex.compile(pattern)
            except (regex.error, RecursionError, OverflowError) as error:
                raise ConfigProblem(
                    (*path, keyword), f"{pattern!r} is not a regular expression: {error}"
                ) from error


def _found(pattern: str, text: str) -> bool:
    return regex.search(pattern, text, timeout=PATTERN_SECONDS) is not None


def _pattern(
    validator: object, pattern: str, value: object, schema: object
) -> Iterator[jsonschema.ValidationError]:
    if isinstance(value, str) and not _found(pattern, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


def _properties(
    validator: Any, patterns: Mapping[str, object], value: object, schema: object
) -> Iterator[jsonschema.ValidationError]:
    if not isinstance(value, dict):
        return
    for pattern, inner in patterns.items():
        for name, member in value.items():
            if _found(pattern, name):
                yield from validator.descend(member, inner, path=name, schema_path=pattern)


def _sentence(error: jsonschema.ValidationError) -> str:
    place = "/".join(map(str, error.absolute_path))
    return f"{place}: {error.message}" if place else str(error.message)


@register(TRANSFORM, "json_schema", _SETTINGS)
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
