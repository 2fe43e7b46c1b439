"""Deprecated functions that older rules still use; new rules have no need for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from localnode.dtl.api import PREFIXES
from localnode.dtl.decorators import broadcast, mapped, special
from localnode.dtl.functions.ni import BUILT_IN, declared_prefixes, longest_prefix
from localnode.dtl.kinds import INVALID
from localnode.dtl.namespaces import split_identifier
from localnode.dtl.runtime import Frame
from localnode.dtl.scope import Call, Expr
from localnode.dtl.values import NI, URI, as_list, is_string, kind


@mapped("curie", signature="PREFIX:string VALUES", over="texts")
def curie(prefix: str) -> Callable[[str], str]:
    """Map-style: the URI `PREFIX:value`. Use `ni` instead."""
    return lambda value: f"~r{prefix}:{value}"


@mapped("reference", signature="DATASET:string VALUES", over="texts")
def reference(dataset: str) -> Callable[[str], str]:
    """Map-style: the URI `sesam:DATASET/value`, both parts URL-encoded. Use `ni` instead."""
    return lambda value: f"~rsesam:{quote(dataset, safe='')}/{quote(value, safe='')}"


@special("lookup", signature="[DATASETS] REFERENCES", pure=False)
def lookup(call: Call) -> Expr:
    """Map-style: the entities that `reference` URIs point to.

    Those in other datasets than DATASETS (if given) and those that do not exist are left out. Use `hops` or
    `lookup-entity` instead.

    Those in other datasets than DATASETS (if given) and those that do not exist are left out. Use `hops` or
    `lookup-entity` instead.
    """
    datasets, references = call.named("DATASETS"), call.named("REFERENCES").run

    def run(f: Frame, v: object) -> object:
        allowed = None if datasets is None else as_list(datasets.run(f, v))

        def one(value: Any) -> object:
            if kind(value) != URI or not value.startswith("~rsesam:"):
                return INVALID
            dataset, _, entity_id = value.removeprefix("~rsesam:").partition("/")
            if allowed is not None and unquote(dataset) not in allowed:
                return INVALID
            entity = f.run.context.lookup(unquote(dataset), unquote(entity_id))
            return INVALID if entity is None else entity

        return broadcast(one, references(f, v))

    return Expr(run)


@special("uri-expand", signature="VALUES", reads=[PREFIXES])
def uri_expand(call: Call) -> Expr:
    """Map-style over URIs: `prefix:rest` with the declared URI of the namespace `prefix` in its place.

    Other URIs stay as they are.
    """
    uris = {**BUILT_IN, **call.scope.settings.namespaces}

    def expand(value: Any) -> object:
        if kind(value) != URI:
            return INVALID
        prefix, rest = split_identifier(value[2:])
        return f"~r{uris[prefix]}{rest}" if prefix in uris else value

    return _over(call, expand)


@special("ni-collapse", signature="VALUES", reads=[PREFIXES])
def ni_collapse(call: Call) -> Expr:
    """Map-style over strings and URIs: the NI of a URL by the longest prefix that is declared.

    One without a declared prefix is dropped.
    """
    prefixes = declared_prefixes(call.scope.settings.namespaces)

    def collapse(value: Any) -> object:
        url = value if is_string(value) else value[2:] if kind(value) == URI else None
        prefix = longest_prefix(url or "", prefixes)
        return INVALID if not url or prefix is None else f"~:{prefixes[prefix]}:{url[len(prefix) :]}"

    return _over(call, collapse)


@special("ni-expand", signature="VALUES", reads=[PREFIXES])
def ni_expand(call: Call) -> Expr:
    """Map-style over NIs.

    The URL of an NI whose namespace is declared, otherwise `namespace:identifier`, as strings.
    """
    uris = {**BUILT_IN, **call.scope.settings.namespaces}

    def expand(value: Any) -> object:
        if kind(value) != NI:
            return INVALID
        namespace, identifier = split_identifier(value[2:])
        return f"{uris[namespace]}{identifier}" if namespace in uris else value[2:]

    return _over(call, expand)


def _over(call: Call, scalar: Callable[[object], object]) -> Expr:
    values = call.args[0].run
    return Expr(lambda f, v: broadcast(scalar, values(f, v)))
