"""Namespaced identifiers (NIs)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localnode.dtl.api import PREFIXES
from localnode.dtl.decorators import broadcast, mapped, plain, special
from localnode.dtl.kinds import INVALID
from localnode.dtl.namespaces import split_identifier
from localnode.dtl.runtime import NO_RUN, Frame
from localnode.dtl.scope import Call, Expr
from localnode.dtl.values import NI, URI, first, is_string, kind, text

BUILT_IN = {
    "_": "http://example.org/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "wgs84": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dcterms": "http://purl.org/dc/terms/",
    "gs": "http://www.opengis.net/ont/geosparql#",
}
"""Namespaces that are declared everywhere."""


@special("ni", signature="[NAMESPACE:string] VALUES", reads=[PREFIXES])
def ni(call: Call) -> Expr:
    """Map-style: strings to NIs in NAMESPACE, or in the global namespace without it.

    There "foo:bar" has the namespace foo. Without NAMESPACE, URIs are collapsed: a declared prefix to its
    namespace, an unknown one to `<pipe id>-1`, `<pipe id>-2`, … in the order in which the pipe meets them (an
    index has none for it); NIs stay as they are. Everything else is dropped.

    There "foo:bar" has the namespace foo. Without NAMESPACE, URIs are collapsed: a declared prefix to its
    namespace, an unknown one to `<pipe id>-1`, `<pipe id>-2`, … in the order in which the pipe meets them (an
    index has none for it); NIs stay as they are. Everything else is dropped.
    """
    values = call.args[-1].run
    if len(call.args) == 1:
        settings, shared = call.scope.settings, call.scope.compilation.shared
        declared = Collapser(settings.namespaces, None)
        numbering = shared.setdefault("ni", Collapser(settings.namespaces, settings.pipe_id))
        return Expr(lambda f, v: broadcast(declared if f.run is NO_RUN else numbering, values(f, v)))
    namespace = call.args[0]
    if namespace.constant and is_string(first(namespace.value)):
        head = f"~:{first(namespace.value)}:"

        def fixed(f: Frame, v: object) -> object:
            value = values(f, v)
            return head + value if type(value) is str and value[:1] != "~" else broadcast(in_namespace, value)

        def in_namespace(value: Any) -> object:
            return head + value if is_string(value) else INVALID

        return Expr(fixed)
    return Expr(lambda f, v: in_namespace_of(first(namespace.run(f, v)), values(f, v)))


def in_namespace_of(namespace: object, values: object) -> object:
    """Map-style: strings as NIs in a namespace; null if that is not a string."""
    if not is_string(namespace):
        return None
    return broadcast(lambda value: f"~:{namespace}:{value}" if is_string(value) else INVALID, values)


def declared_prefixes(declared: Mapping[str, str]) -> dict[str, str]:
    """URI prefix to namespace: what is built in and what a pipe declares."""
    return {uri: name for name, uri in {**BUILT_IN, **declared}.items()}


def longest_prefix(uri: str, prefixes: Mapping[str, str]) -> str | None:
    """Return the longest known prefix of a URI, or None."""
    return max((prefix for prefix in prefixes if uri.startswith(prefix)), key=len, default=None)


class Collapser:
    """Turns strings and URIs into NIs; numbers the prefixes of URIs that are not declared, after `stem`.

    Without a stem such URIs are dropped.
    """

    def __init__(self, declared: Mapping[str, str], stem: str | None) -> None:
        self._stem = stem
        self._prefixes = declared_prefixes(declared)
        self._generated = 0

    def __call__(self, value: Any) -> object:
        """Return the NI of a value, or INVALID."""
        if is_string(value):
            return f"~:{value}"
        name = kind(value)
        if name == URI:
            return self._collapse(value[2:])
        return value if name == NI else INVALID

    def _collapse(self, uri: str) -> object:
        prefix = longest_prefix(uri, self._prefixes)
        if prefix is None:
            if self._stem is None:
                return INVALID
            prefix = uri[: max(uri.rfind("/"), uri.rfind("#")) + 1]
            self._generated += 1
            self._prefixes[prefix] = f"{self._stem}-{self._generated}"
        return f"~:{self._prefixes[prefix]}:{uri[len(prefix) :]}"


def _parts(value: Any) -> tuple[str, str] | None:
    if is_string(value):
        return split_identifier(value)
    return split_identifier(value[2:]) if kind(value) == NI else None


@mapped("ni-id")
def ni_id(value: object) -> object:
    """Map-style over NIs and strings: the identifier, what stands after the first colon."""
    parts = _parts(value)
    return INVALID if parts is None else text(parts[1])


@mapped("ni-ns")
def ni_ns(value: object) -> object:
    """Map-style over NIs and strings: the namespace, what stands before the first colon.

    `""` without a colon.
    """
    parts = _parts(value)
    return INVALID if parts is None else text(parts[0])


@plain("is-ni", signature="VALUES")
def is_ni(values: object) -> bool:
    """Return True if the value, or the first of a list, is an NI."""
    return kind(first(values)) == NI
