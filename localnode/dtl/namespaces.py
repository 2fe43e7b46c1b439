"""Namespaces of property names and ids: adding and removing them, and the names that transforms write to.

A name is `namespace:identifier`, split at the last colon. Names that start with `_` or `$` have no namespace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localnode.dtl.api import Entity, PipeSettings
from localnode.dtl.budget import spend_items
from localnode.dtl.patterns import Matcher, wildcard
from localnode.dtl.values import NI, kind
from localnode.readings import reads


@dataclass(frozen=True)
class Namespacing:
    """How namespaces are added: which, and what is left alone."""

    property_namespace: str | None
    identity_namespace: str | None
    skip_underscore: bool = True
    skip_dollar: bool = True
    recursive: bool = True

    @classmethod
    def of(cls, config: object, settings: PipeSettings) -> Namespacing | None:
        """Return the NAMESPACE argument of `apply-ns`.

        None if it is neither a string nor a dict, or one whose namespaces are neither strings nor null.
        """
        if type(config) is str:
            return cls(config, config)
        if type(config) is not dict:
            return None
        prop = config.get("property_namespace", settings.property)
        identity = config.get("identity_namespace", settings.identity)
        if not all(name is None or type(name) is str for name in (prop, identity)):
            return None
        flags = {
            name: config[name] is not False
            for name in ("skip_underscore", "skip_dollar", "recursive")
            if name in config
        }
        return cls(prop, identity, **flags)


def add_namespaces(value: object, how: Namespacing) -> Any:
    """Return a dict (or list of them) with namespaces added to names and to the value of each `_id`.

    A name that has another namespace gets this one in front of it.
    """
    if type(value) is list:
        spend_items(len(value))
        return [add_namespaces(item, how) for item in value]
    if type(value) is not dict:
        return value
    spend_items(len(value))
    return dict(_added_property(name, content, how) for name, content in value.items())


def _added_property(name: str, content: object, how: Namespacing) -> tuple[str, object]:
    if how.skip_dollar and name.startswith("$"):
        return name, content
    inner = add_namespaces(content, how) if how.recursive else content
    if name == "_id" and type(content) is str and how.identity_namespace is not None:
        inner = qualified(content, how.identity_namespace)
    if how.property_namespace is None or (how.skip_underscore and name.startswith("_")):
        return name, inner
    return qualified(name, how.property_namespace), inner


def strip_namespaces(value: object) -> object:
    """Return a value with the namespaces of all property names in it removed."""
    if type(value) is list:
        spend_items(len(value))
        return [strip_namespaces(item) for item in value]
    if type(value) is not dict:
        return value
    spend_items(len(value))
    return {local_name(name): strip_namespaces(content) for name, content in value.items()}


def add_entity_namespaces(entity: Entity, settings: PipeSettings) -> Entity:
    """Return what `add_namespaces: true` of a pipe does to an entity before the first transform.

    Nested `_id`s get the identity namespace, too.
    """
    added: Entity = add_namespaces(entity, Namespacing(settings.property, settings.identity))
    return added


def remove_entity_namespaces(entity: Entity) -> Entity:
    """Return what `remove_namespaces: true` of a pipe does to an entity after the last transform.

    Names, NIs and every `_id` lose their namespace, in nested dicts too. An NI stays one (`~:x`); of `_id`
    stays what follows its last colon; of names that become the same the later wins.
    """
    removed: Entity = _without_namespaces(entity)
    return removed


def _without_namespaces(value: object) -> Any:
    if type(value) is list:
        return [_without_namespaces(item) for item in value]
    if type(value) is dict:
        return {
            local_name(name): _local_id(content) if name == "_id" else _without_namespaces(content)
            for name, content in value.items()
        }
    return f"~:{split_identifier(value[2:])[1]}" if type(value) is str and kind(value) == NI else value


def _local_id(value: object) -> object:
    if type(value) is not str or ":" not in value:
        return value
    return value.split(":", 1 if reads("id-colons", "first") else -1)[-1] or value


def qualified(identifier: str, namespace: str) -> str:
    """Return an identifier with its namespace in front.

    One that has this namespace already stays as it is.
    """
    return identifier if identifier.startswith(namespace + ":") else f"{namespace}:{identifier}"


def split_identifier(identifier: str) -> tuple[str, str]:
    """Namespace and identifier of `ns:id`, at the first colon, so that `ni-ns`/`ni-id` undo `ni`."""
    if reads("ni-colons", "last"):
        namespace, colon, rest = identifier.rpartition(":")
    else:
        namespace, colon, rest = identifier.partition(":")
    return (namespace, rest) if colon else ("", identifier)


def local_name(name: str) -> str:
    """Return a property name without its namespace; names that start with `_` or `$` have none."""
    return name if name[:1] in ("_", "$") else name.rpartition(":")[2] or name


def target_name(name: str, settings: PipeSettings) -> str:
    """Return the property that `add` and its like write to for a name as it stands in the rules."""
    if not settings.namespaced_identifiers or name[:1] in ("_", "$"):
        return name
    if name.startswith("::"):
        return name[2:]
    if name.startswith(":"):
        return f"{settings.property}{name}"
    return name if ":" in name else f"{settings.property}:{name}"


def name_pattern(pattern: str, settings: PipeSettings) -> Matcher:
    """Return a pattern of property names, as in `copy` and `remove`.

    With namespaces on, a pattern without colon is compared with the identifier part, one with a colon part by
    part.
    """
    if not settings.namespaced_identifiers:
        return wildcard(pattern)
    if pattern.startswith("::"):
        return wildcard(pattern[2:])
    if pattern.startswith(":"):
        pattern = f"{settings.property}{pattern}"
    namespace, colon, identifier = pattern.rpartition(":")
    of_identifier = wildcard(identifier)
    if not colon:
        return lambda name: of_identifier(name.rpartition(":")[2])
    return _by_parts(wildcard(namespace), of_identifier)


def _by_parts(of_namespace: Matcher, of_identifier: Matcher) -> Callable[[str], bool]:
    def matches(name: str) -> bool:
        namespace, colon, identifier = name.rpartition(":")
        return bool(colon) and of_namespace(namespace) and of_identifier(identifier)

    return matches
