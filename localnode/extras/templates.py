"""`template` transforms.

A body of transforms that `properties` are put into, opened up while the pipe is built.

A body is one of three things: the name of one that comes with the node (see `bodies`); a text, Jinja that
renders to JSON and ends in `sesam:markjson`, in which the properties are variables; or, written out,
`{"transform": transform or list of them}` or one transform, whose texts may name `properties`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from core import jsonio
from localnode import codec
from localnode.extras import bodies
from localnode.extras.jinja import AS_JSON, TemplateFailed, template
from localnode.pipes.base import Config
from localnode.pipes.errors import ConfigProblem
from localnode.pipes.registry import OBJECT, register_opener

Place = tuple[str | int, ...]
_PROPERTIES = {"template": {"type": ["string", "object"]}, "properties": OBJECT}


@register_opener("template", _PROPERTIES, ("template",))
def opened(config: Config, path: Place) -> list[tuple[Place, Config]]:
    """Return the transforms of a template with their places.

    ConfigProblem when there is no such body, when a property that it needs is not given, or when it does not
    give transforms.
    """
    body, properties = config.get("template"), config.get("properties") or {}
    place: Place = (*path, "template")
    if not isinstance(properties, Mapping):
        raise ConfigProblem((*path, "properties"), "must be an object")
    if isinstance(body, str):
        filled = _rendered(body, codec.dumps(properties))
        if isinstance(filled, ConfigProblem):
            raise ConfigProblem((*place, *filled.path), filled.message)
    elif isinstance(body, Mapping):
        found = body
        if "type" not in body:
            found, place = body.get("transform"), (*place, "transform")  # type: ignore[assignment]
        filled = _filled(found, {"properties": properties}, place)
    else:
        filled = None
    several = isinstance(filled, list)
    links = filled if several else [filled]
    if not all(isinstance(link, dict) for link in links):
        raise ConfigProblem(place, "the body must be a transform, or a list of transforms")
    return [((*place, at) if several else place, link) for at, link in enumerate(links)]


@lru_cache(maxsize=512)
def _rendered(text: str, properties: bytes) -> Any:
    """Return what a body (a text, or the name of one) renders to, or the ConfigProblem that it has.

    What takes long to find out is found out once. Nobody changes what is returned.
    """
    try:
        return _parsed(text, json.loads(properties))
    except ConfigProblem as problem:
        return problem


def _parsed(text: str, variables: dict[str, object]) -> object:
    if text in bodies.names():
        name, text = text, bodies.body(text)
    elif AS_JSON in text:
        name = "the body"
    else:
        known = ", ".join(bodies.names())
        shown = text if len(text) <= 80 else text[:80] + "…"
        raise ConfigProblem(
            (),
            f'there is no template "{shown}" (known: {known}), and a body that is a text ends in {AS_JSON}',
        )
    try:
        rendered = template(text).text({**variables, "properties": variables})
    except TemplateFailed as error:
        raise ConfigProblem((), f"{name}: {error.reason}") from error
    try:
        return jsonio.read(rendered.replace(AS_JSON, ""))
    except ValueError as error:
        raise ConfigProblem((), f"{name} does not render to JSON: {error}") from error


def _filled(value: object, variables: dict[str, object], path: Place) -> Any:
    """Return a body with its texts rendered: those that name `properties` and nothing else.

    All others are for the transforms themselves.
    """
    if isinstance(value, str):
        if "{{" not in value and "{%" not in value:
            return value
        text = template(value, path)
        if text.names != {"properties"}:
            return value
        try:
            return text.value(variables)
        except TemplateFailed as error:
            raise ConfigProblem(path, str(error)) from error
    if isinstance(value, Mapping):
        return {name: _filled(inner, variables, (*path, name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, variables, (*path, at)) for at, inner in enumerate(value)]
    return value
