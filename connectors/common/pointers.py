"""Change members of records by JSON Pointers, as in `Rejected.field`. The given records are not changed."""

from __future__ import annotations

from connectors.common.datatype import Record


def dotted(pointer: str) -> str:
    """Return the dotted path (`core.dotted`) of a JSON Pointer: `billing_address.zip`."""
    return pointer.lstrip("/").replace("/", ".").replace("~1", "/").replace("~0", "~")


def without(record: Record, path: str) -> Record:
    """Return a copy without the member at a dotted path."""
    head, _, rest = path.partition(".")
    if not rest:
        return {name: value for name, value in record.items() if name != head}
    return {**record, head: without(record[head], rest)}


def cleared(record: Record, path: str) -> Record:
    """Return a copy with null at a dotted path."""
    head, _, rest = path.partition(".")
    held = record.get(head)
    inner = held if isinstance(held, dict) else {}
    return {**record, head: cleared(inner, rest) if rest else None}
