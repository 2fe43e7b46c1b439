"""Namespaces on ids and property names: put on before the first transform, taken off after the last."""

from __future__ import annotations

from typing import Any

from localnode.pipes.base import Config, Entity

ADDING_SOURCES = frozenset({"embedded", "http_endpoint", "json"})
REMOVING_SINKS = frozenset({"csv_endpoint", "http_endpoint", "json", "rest"})


def adds(pipe: Config, source_type: str) -> bool:
    """Whether `add_namespaces` holds for a pipe: only with namespaced identifiers; the default depends on
    the source.
    """
    if not pipe.get("namespaced_identifiers", False):
        return False
    return bool(pipe.get("add_namespaces", source_type in ADDING_SOURCES))


def removes(pipe: Config, sink_type: str) -> bool:
    """Whether `remove_namespaces` holds for a pipe; the default depends on the sink."""
    if not pipe.get("namespaced_identifiers", False):
        return False
    return bool(pipe.get("remove_namespaces", sink_type in REMOVING_SINKS))


def add(entity: Entity, identity: str, prop: str) -> Entity:
    """The entity with `identity:` before its `_id` and `prop:` before its property names, nested ones too.

    Names starting with `_` or `$` stay, and a `$` subtree is left as it is; so does a name that has a
    namespace.
    """
    result = _add_names(entity, f"{prop}:")
    if isinstance(entity.get("_id"), str):
        result["_id"] = f"{identity}:{entity['_id']}"
    return result


def _add_names(value: dict[str, Any], prefix: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, inner in value.items():
        if name[:1] == "$":
            result[name] = inner
        else:
            plain = name[:1] == "_" or ":" in name
            result[name if plain else prefix + name] = _add_below(inner, prefix)
    return result


def _add_below(value: Any, prefix: str) -> Any:
    if isinstance(value, dict):
        return _add_names(value, prefix)
    return [_add_below(item, prefix) for item in value] if isinstance(value, list) else value


def remove(entity: Entity) -> Entity:
    """The entity without namespaces on its `_id`, its property names and its NI values, at every depth."""
    result: Entity = _remove(entity)
    if isinstance(entity.get("_id"), str):
        result["_id"] = entity["_id"].rpartition(":")[2]
    return result


def _remove(value: Any) -> Any:
    if isinstance(value, dict):
        return {_bare(name): _remove(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_remove(item) for item in value]
    if isinstance(value, str) and value.startswith("~:"):
        return value[2:].rpartition(":")[2]
    return value


def _bare(name: str) -> str:
    return name if name[:1] in ("_", "$") else name.rpartition(":")[2]
