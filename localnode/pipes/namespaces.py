"""Which pipes add namespaces before the first transform, and remove them after the last.

They do so for ids and property names.
"""

from __future__ import annotations

from localnode.pipes.base import Config

ADDING_SOURCES = frozenset({"embedded", "http_endpoint", "json"})
REMOVING_SINKS = frozenset({"csv_endpoint", "http_endpoint", "json", "rest"})


def adds(pipe: Config, source_type: str) -> bool:
    """Return whether `add_namespaces` holds for a pipe: only with namespaced identifiers.

    The default depends on the source.
    """
    if not pipe.get("namespaced_identifiers", False):
        return False
    return bool(pipe.get("add_namespaces", source_type in ADDING_SOURCES))


def removes(pipe: Config, sink_type: str) -> bool:
    """Return whether `remove_namespaces` holds for a pipe; the default depends on the sink."""
    if not pipe.get("namespaced_identifiers", False):
        return False
    return bool(pipe.get("remove_namespaces", sink_type in REMOVING_SINKS))
