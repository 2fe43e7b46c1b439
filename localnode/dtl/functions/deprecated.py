"""Deprecated functions that older rules still use; new rules have no need for them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from localnode.dtl.define import mapped


@mapped("curie", signature="PREFIX:string VALUES", over="texts")
def curie(prefix: str) -> Callable[[str], str]:
    """Map-style: the URI `PREFIX:value`. Use `ni` instead."""
    return lambda value: f"~r{prefix}:{value}"


@mapped("reference", signature="DATASET:string VALUES", over="texts")
def reference(dataset: str) -> Callable[[str], str]:
    """Map-style: the URI `sesam:DATASET/value`, both parts URL-encoded. Use `ni` instead."""
    return lambda value: f"~rsesam:{quote(dataset, safe='')}/{quote(value, safe='')}"
