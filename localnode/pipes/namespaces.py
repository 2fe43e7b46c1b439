"""Which pipes add namespaces before the first transform, and remove them after the last.

They do so for ids and property names.
"""

from __future__ import annotations

from localnode.pipes.base import Config

# https://docs.sesam.io/hub/features/namespaces.html lists both
ADDING_SOURCES = frozenset({"csv", "embedded", "http_endpoint", "json", "kafka", "ldap", "sql"})
REMOVING_SINKS = frozenset(
    {"csv_endpoint", "elasticsearch", "http_endpoint", "json", "kafka", "mail", "rest", "sms", "solr", "sql"}
)


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
