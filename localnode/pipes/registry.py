"""Component types: what exists, which properties each takes, and how it is built.

`find(kind, type).schema` is a closed JSON Schema of the component's config (with `type` and `comment`),
meant for validation at upload; a type that is not here is refused by name. Types that only a hosted node has
are here, too, but not `available`. Those of `localnode.extras` are imported when a config names one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from localnode.pipes.base import BuildContext, Config, Sink, Source, Transform
from localnode.pipes.errors import ConfigProblem

Schema = dict[str, Any]
T = TypeVar("T", bound=Callable[..., Any])

SOURCE, TRANSFORM, SINK = "source", "transform", "sink"

TEXT: Schema = {"type": ["string", "array"], "items": {"type": "string"}}
STRING: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
POSITIVE: Schema = {"type": "integer", "minimum": 1}
NUMBER: Schema = {"type": "number", "minimum": 0}
OBJECT: Schema = {"type": "object"}
STRINGS: Schema = {"type": "array", "items": STRING}
HEADERS: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
TRIGGER: Schema = {
    "type": "object",
    "properties": {"key": STRING, "value": {}},
    "additionalProperties": False,
}

_COMMON: Mapping[str, Mapping[str, Schema]] = {
    SOURCE: {"if_source_empty": {"enum": ["accept", "fail"]}},
    TRANSFORM: {"side_effects": FLAG},
    SINK: {},
}


@dataclass(frozen=True)
class ComponentType:
    """One entry: `kind` source|transform|sink, its `type` name, its config's schema, and its class."""

    kind: str
    type: str
    schema: Schema
    factory: Callable[[Config, BuildContext], Any]
    available: bool = True


_TYPES: dict[tuple[str, str], ComponentType] = {}


def register(
    kind: str, name: str, properties: Mapping[str, Schema], required: Sequence[str] = ()
) -> Callable[[T], T]:
    """Class decorator: make a component type known.

    Its factory is the class, called with (config, build context).
    """
    schema = {
        "type": "object",
        "properties": {"type": {"const": name}, "comment": TEXT, **_COMMON[kind], **properties},
        "required": ["type", *required],
        "additionalProperties": False,
    }

    def add(factory: T) -> T:
        _TYPES[kind, name] = ComponentType(kind, name, schema, factory)
        return factory

    return add


def register_unavailable(kind: str, name: str, factory: Callable[[Config, BuildContext], object]) -> None:
    """Make a type known that only a hosted node has; its properties are not checked."""
    schema = {"type": "object", "properties": {"type": {"const": name}}, "required": ["type"]}
    _TYPES[kind, name] = ComponentType(kind, name, schema, factory, available=False)


def types(kind: str) -> list[str]:
    """Return names of all types of a kind that are available here."""
    _import_extras()
    return sorted(name for (known, name), found in _TYPES.items() if known == kind and found.available)


def find(kind: str, name: str) -> ComponentType | None:
    """Return the type of that name, or None."""
    if (kind, name) not in _TYPES:
        _import_extras()
    return _TYPES.get((kind, name))


def _import_extras() -> None:
    """Register the types that no pipe of this project uses; they import this module."""
    import localnode.extras.components  # noqa: F401


Place = tuple[str | int, ...]
Opener = Callable[[Config, Place], list[tuple[Place, Config]]]
_OPENERS: dict[str, Opener] = {}


def register_opener(
    name: str, properties: Mapping[str, Schema], required: Sequence[str]
) -> Callable[[Opener], Opener]:
    """Make a transform type known that stands for others: a decorator of what returns them."""

    def add(opener: Opener) -> Opener:
        register(TRANSFORM, name, properties, required)(_unresolved)
        _OPENERS[name] = opener
        return opener

    return add


def opened(link: Config, place: Place) -> list[tuple[Place, Config]] | None:
    """Return the transforms that one stands for with their places, None if it stands for itself."""
    name = str(link.get("type"))
    find(TRANSFORM, name)
    opener = _OPENERS.get(name)
    return None if opener is None else opener(link, place)


def resolve(config: Config, path: Sequence[str | int]) -> tuple[Config, tuple[str | int, ...]]:
    """Return the config a `conditional` component chooses, and its path; every other config as it is.

    ConfigProblem when `condition` is none of the alternatives.
    """
    place = tuple(path)
    while config.get("type") == "conditional":
        alternatives, choice = config.get("alternatives") or {}, config.get("condition")
        chosen = alternatives.get(choice) if isinstance(choice, str) else None
        if chosen is None:
            raise ConfigProblem(
                (*place, "condition"), f"{choice!r} is not one of the alternatives {sorted(alternatives)}"
            )
        config, place = chosen, (*place, "alternatives", str(choice))
    return config, place


def build(kind: str, config: Config, build_context: BuildContext, path: Sequence[str | int]) -> Any:
    """Return the component a config describes. ConfigProblem with the place when it cannot be built."""
    config, place = resolve(config, path)
    found = find(kind, str(config.get("type")))
    if found is None:
        raise ConfigProblem(
            (*place, "type"), f"unknown {kind} type {config.get('type')!r}; known: {', '.join(types(kind))}"
        )
    try:
        return found.factory(config, build_context)
    except ConfigProblem as problem:
        raise ConfigProblem((*place, *problem.path), problem.message) from problem


def build_source(config: Config, build_context: BuildContext) -> Source:
    """Return the pipe's source."""
    source: Source = build(SOURCE, config, build_context, (SOURCE,))
    return source


def build_sink(config: Config, build_context: BuildContext) -> Sink:
    """Return the pipe's sink."""
    sink: Sink = build(SINK, config, build_context, (SINK,))
    return sink


def build_transforms(
    config: Config | Sequence[Config] | None,
    build_context: BuildContext,
    path: Sequence[str | int] = (TRANSFORM,),
) -> list[Transform]:
    """Return the pipe's chain; `chained` and `template` transforms are opened up."""
    if config is None:
        return []
    links = (
        [(config, tuple(path))]
        if isinstance(config, Mapping)
        else [(c, (*path, n)) for n, c in enumerate(config)]
    )
    chain: list[Transform] = []
    for link, place in links:
        link, place = resolve(link, place)
        if link.get("type") == "chained":
            chain.extend(build_transforms(link.get("transforms"), build_context, (*place, "transforms")))
            continue
        inner = opened(link, place)
        if inner is None:
            chain.append(build(TRANSFORM, link, build_context, place))
        for at, step in inner or []:
            chain.extend(build_transforms(step, build_context, at))
    return chain


_CHOICE: Mapping[str, Schema] = {
    "condition": STRING,
    "alternatives": {"type": "object", "additionalProperties": OBJECT, "minProperties": 1},
}


def _unresolved(config: Config, build_context: BuildContext) -> object:
    raise ConfigProblem((), f"{config['type']} is resolved while the pipe is built")


for _kind in (SOURCE, TRANSFORM, SINK):
    register(_kind, "conditional", _CHOICE, ("condition", "alternatives"))(_unresolved)
register(TRANSFORM, "chained", {"transforms": {"type": "array", "items": OBJECT}}, ("transforms",))(
    _unresolved
)
