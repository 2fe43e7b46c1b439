"""Read query parameters."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.common.errors import BadRequest
from core.flags import parse_flag


def flag(query: Mapping[str, str], name: str) -> bool:
    """Return a parameter as boolean, False without it; `BadRequest` if it is neither true nor false."""
    try:
        return parse_flag(query.get(name, "false"))
    except ValueError as error:
        raise BadRequest(f"{name} {error}", field=name, rule="boolean") from None
