"""What a mapping's story consists of, and how a property is found in a record."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]
Story = Generator[None, None, "list[Step]"]
"""Edits something, yields for the sync to run, looks, and goes on; in the end its steps."""

Found = Generator[None, None, tuple[Record, Record]]


@dataclass(frozen=True)
class Step:
    """Somebody did something in one system (`by`: `erp` or `chargebee`) and the sync ran.

    `erp` and `chargebee` are the properties that were set on one side and those expected on the other, by the
    names of the dataflow document; `found` holds both records as they were afterwards, in the same form.
    """

    by: str
    is_new: bool
    erp: Record
    chargebee: Record
    found: tuple[Record, Record]


class Missing(Exception):
    """The record has no such property."""


def at(record: Any, path: str) -> Any:
    """Return the value at a dotted path; through a list it is the list of its elements' values."""
    if isinstance(record, dict) and path in record:
        return record[path]
    step, _, rest = path.partition(".")
    if isinstance(record, list):
        return [at(each, path) for each in record]
    if not isinstance(record, dict) or step not in record:
        raise Missing(path)
    return at(record[step], rest) if rest else record[step]


def unix(day: str) -> int:
    """Midnight UTC of a day in Unix seconds."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def iso(day: str) -> str:
    """Midnight UTC of a day as the sandbox ERP writes it."""
    return f"{day}T00:00:00.000000Z"


def billing(address: Record) -> Record:
    """Return an ERP address with Chargebee's names."""
    return {("zip" if name == "postal_code" else name): value for name, value in address.items()}


STREET, MOVED, BACK, BORN = (
    {
        "line1": f"Kirkegata {n}", "line2": f"{n}. etasje", "line3": f"c/o Berg {n}", "city": f"Ærøskøbing {n}",
        "state": f"Fyn {n}", "postal_code": f"{area}{n}", "country": country,
    }
    for n, (country, area) in enumerate([("DK", "597"), ("NO", "597"), ("SE", "5971"), ("FI", "5971")])
)  # fmt: skip
