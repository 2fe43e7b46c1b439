"""`template` transforms: a body of transforms whose texts may name `properties`, opened up while the pipe is
built.

The bodies behind the vendor's names (`transform-share-rest` and so on) are not published. A body is given in
place of the name: `{"transform": transform or list of them}`, or one transform.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localnode.pipes.base import Config
from localnode.pipes.errors import ConfigProblem
from localnode.pipes.jinja import TemplateFailed, template

Place = tuple[str | int, ...]


def opened(config: Config, path: Place) -> list[tuple[Place, Config]]:
    """The transforms of a template with their places. ConfigProblem when there is no body, or a text of it
    names a property that is not given.
    """
    body = config.get("template")
    if not isinstance(body, Mapping):
        raise ConfigProblem(
            (*path, "template"),
            f'the body of "{body}" is not published: give it here, as {{"transform": […]}}',
        )
    place: Place = (*path, "template")
    found = body
    if "type" not in body:
        found, place = body.get("transform"), (*place, "transform")  # type: ignore[assignment]
    filled = _filled(found, {"properties": config.get("properties") or {}}, place)
    links = filled if isinstance(filled, list) else [filled]
    if not all(isinstance(link, dict) for link in links):
        raise ConfigProblem(place, "the body must be a transform, or a list of transforms")
    several = isinstance(filled, list)
    return [((*place, at) if several else place, link) for at, link in enumerate(links)]


def _filled(value: Any, variables: dict[str, Any], path: Place) -> Any:
    """A body with its texts rendered: those that name `properties` and nothing else. All others are for the
    transforms themselves.
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
