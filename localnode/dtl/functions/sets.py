"""Sets: arguments are coerced to lists; values count as equal exactly when `eq` says so."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from localnode.dtl.budget import spend_items
from localnode.dtl.decorators import plain
from localnode.dtl.values import as_list, hashed


@plain("union", signature="A B")
def union(a: object, b: object) -> list[object]:
    """Return the values of A, then those of B, without duplicates."""
    items = [*as_list(a), *as_list(b)]
    spend_items(len(items))
    found: dict[Hashable, Any] = {}
    for item in items:
        found.setdefault(hashed(item), item)
    return list(found.values())


@plain("intersection", signature="A B")
def intersection(a: object, b: object) -> list[object]:
    """Return the values of A that are in B, in order, duplicates in A kept."""
    items = as_list(a)
    spend_items(len(items))
    known = {hashed(item) for item in as_list(b)}
    return [item for item in items if hashed(item) in known]


@plain("difference", signature="A B")
def difference(a: object, b: object) -> list[object]:
    """Return the values of A that are not in B, in order, duplicates in A kept."""
    items = as_list(a)
    spend_items(len(items))
    known = {hashed(item) for item in as_list(b)}
    return [item for item in items if hashed(item) not in known]


@plain("intersects", signature="A B")
def intersects(a: object, b: object) -> bool:
    """Return True if A and B have a value in common."""
    known = {hashed(item) for item in as_list(b)}
    return any(hashed(item) in known for item in as_list(a))
