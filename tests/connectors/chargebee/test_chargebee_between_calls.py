"""A person who edits a record between two calls of one write is no spelling of Chargebee's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.chargebee.customers import Customers
from connectors.common.datatype import with_answer_of

Record = dict[str, Any]


class Site:
    """A site in which somebody moves the customer after the first call of a write."""

    def __init__(self) -> None:
        self.customer: Record = {"id": "c", "first_name": "A", "billing_address": {"city": "Oslo"}}

    @contextmanager
    def customer_lock(self, key: str) -> Iterator[None]:
        yield

    def update(self, path: str, kind: str, payload: Record, present: Record) -> Record:
        stored = {**self.customer, **payload}
        is_first = path.endswith("/update_billing_info")
        self.customer = {**stored, "billing_address": {"city": "Bodø"}} if is_first else stored
        return stored


def test_what_a_person_types_between_the_calls_is_not_taken_for_what_was_stored() -> None:
    site = Site()
    customers = Customers.__new__(Customers)
    customers.client = site  # type: ignore[assignment]
    customers.create_only = customers.never_empty = frozenset()
    customers._defaults = {}
    changes = {"first_name": "B", "billing_address": {"city": "Bergen"}}
    answer = customers.update("c", dict(site.customer), changes)
    assert site.customer["billing_address"]["city"] == "Bodø", "the person's edit stands"
    assert (answer["first_name"], answer["billing_address"]["city"]) == ("B", "Bergen")


def test_the_last_answer_counts_for_all_else() -> None:
    first, last = {"status": "queued"}, {"note": "typed", "status": "cancelled", "version": 2}
    assert with_answer_of(first, ["note"], last) == {"status": "cancelled", "version": 2}
    assert with_answer_of(first, [], last) == last
