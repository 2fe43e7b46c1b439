"""Config groups: `$config-group` in the metadata of an entity, "default" without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEFAULT = "default"
_KEY = "$config-group"


def config_group(entity: Mapping[str, object]) -> str:
    """Return the group of a config entity."""
    metadata = entity.get("metadata")
    return str(metadata.get(_KEY, DEFAULT)) if isinstance(metadata, Mapping) else DEFAULT


def with_group(entity: Mapping[str, Any], group: str) -> dict[str, object]:
    """Return the entity as one of a group."""
    if config_group(entity) == group:
        return dict(entity)
    return {**entity, "metadata": {**(entity.get("metadata") or {}), _KEY: group}}
