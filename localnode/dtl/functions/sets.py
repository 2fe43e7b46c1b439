"""Sets: arguments are coerced to lists; values count as equal exactly when `eq` says so."""

from __future__ import annotations

from typing import Any

from localnode.dtl.budget import spend_items
from localnode.dtl.decorators import plain
from localnode.dtl.values import as_list, key_of


@plain("union", signature="A B")
def union(a: object, b: object) -> list[object]:
    """Return the values of A, then those of B, without duplicates."""
    items = [*as_list(a), *as_list(b)]
    spend_items(len(items))
    found: dict[str, Any] = {}
    for item in items:
        found.setdefault(key_of(item), item)
    return list(found.values())


@plain("intersection", signature="A B")
def intersection(a: object, b: object) -> list[object]:
    """Return the values of A that are in B, in order, duplicates in A kept."""
    items = as_list(a)
    spend_items(len(items))
    known = {key_of(item) for item in as_list(b)}
    return [item for item in items if key_of(item) in known]


@plain("difference", signature="A B")
def difference(a: object, b: object) -> list[object]:
    """Return the values of A that are not in B, in order, duplicates in A kept."""
    items = as_list(a)
    spend_items(len(items))
    known = {key_of(item) for item in as_list(b)}
    return [item for item in items if key_of(item) not in known]


@plain("intersects", signature="A B")
def intersects(a: object, b: object) -> bool:
    """Return True if A and B have a value in common."""
    known = {key_of(item) for item in as_list(b)}
    return any(key_of(item) in known for item in as_list(a))
