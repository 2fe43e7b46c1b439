"""The closing table: counts, and to which mapping a shared record belongs."""

from __future__ import annotations

from typing import Any, cast

import pytest

from core.jsonio import Json
from stack.node import NodeClient
from stack.report import make_report, mapping_of, table
from stack.services import Service


class FakeService:
    def __init__(self, records: dict[str, list[Json]], off: tuple[str, ...] = ()) -> None:
        self._records = records
        self._off = off

    def disabled(self) -> set[str]:
        return set(self._off)

    def records(self, datatype: str) -> list[Json]:
        return self._records.get(datatype, [])

    def ids(self, datatype: str) -> set[str]:
        return {record["_id"] for record in self.records(datatype)}


class FakeNode:
    def __init__(self, datasets: dict[str, list[Json]]) -> None:
        self._datasets = datasets

    def pipes(self) -> list[str]:
        return [*self._datasets, "global-person"]

    def entities(self, dataset: str) -> list[Json]:
        return self._datasets[dataset]

    def findings(self) -> Json:
        disabled = {
            "kind": "disabled",
            "severity": "warning",
            "pipe": "chargebee-item-share",
            "detail": "disabled: for now",
        }
        counted = {
            "kind": "pending",
            "severity": "warning",
            "pipe": "chargebee-business_entity-share",
            "detail": "1 × console",
        }
        return {"findings": [disabled, counted], "systems": {"customerp": "ERP", "chargebee": "Chargebee"}}


def test_counts_linked_pending_and_rejected() -> None:
    def contact(number: int, link: str | None) -> Json:
        return {"_id": f"CT-{number}", "external_refs": {"chargebee": link} if link else {}}

    erp = FakeService(
        {
            "contact": [contact(1, "cb-1"), contact(2, "gone"), contact(3, None)],
            "customer": [
                {"_id": "CU-1", "business_entity_id": "be-1"},
                {"_id": "CU-2", "business_entity_id": None},
            ],
        }
    )
    chargebee = FakeService(
        {"customer": [{"_id": "cb-1"}], "business_entity": [{"_id": "be-1"}, {"_id": "be-2"}]}
    )
    node = FakeNode(
        {
            "chargebee-customer-share": [
                {"_id": "1", "$status": "ok"},
                {
                    "_id": "2",
                    "$status": "rejected",
                    "$ids": ["~:customerp-employee:EM-1"],
                    "$error": {"detail": "too long", "field": "/email"},
                },
                {"_id": "3", "$status": "rejected", "_deleted": True},
            ],
            "chargebee-business_entity-share": [
                {"_id": "4", "$status": "pending", "$error": {"rule": "console", "detail": "create it"}}
            ],
        }
    )
    report = make_report(cast(Service, erp), cast(Service, chargebee), cast(NodeClient, node))
    rows: dict[str, Any] = {row.name: row for row in report.rows}
    person, staff, company = (
        rows["contact ↔ customer"],
        rows["employee ↔ customer"],
        rows["customer ↔ business_entity"],
    )
    assert (person.erp, person.chargebee, person.linked, person.rejected) == (3, 1, 1, 0)
    assert (staff.erp, staff.rejected) == (0, 1)
    assert (company.erp, company.chargebee, company.linked, company.pending) == (2, 2, 1, 1)
    text = table(report)
    assert "too long (/email)" in text
    assert "Other records need no counterpart" in text, "three people, one of them linked"
    assert "pending: 1 × Chargebee business entity (console), such as 4:\n  create it" in text
    assert "Chargebee customer for ERP employee EM-1: rejected: too long (/email)" in text
    assert text.splitlines()[-1] == "warning (disabled): chargebee-item-share: disabled: for now"


def test_a_mapping_that_is_off_says_so_and_counts_nothing_as_rejected() -> None:
    refused = {"_id": "1", "$status": "rejected", "$error": {"rule": "datatype-absent", "detail": "has none"}}
    node = FakeNode({"customerp-contact-share": [refused]})
    chargebee = FakeService({"customer": [{"_id": "cb-1"}]})
    report = make_report(
        cast(Service, FakeService({}, off=("contact", "quote"))),
        cast(Service, chargebee),
        cast(NodeClient, node),
    )
    assert not report.rejected
    lines = table(report).splitlines()
    assert [line.split(" ↔")[0] for line in lines if "off: the ERP's profile" in line] == ["contact", "quote"]


@pytest.mark.parametrize(
    ("pipe", "entity", "mapping"),
    [
        ("customerp-quote-share", {}, "quote"),
        ("chargebee-order-share", {"$origin": "~:customerp-quote:QU-1"}, "quote"),
        ("chargebee-order-share", {"$ids": ["~:chargebee-order:1", "~:customerp-order:OR-1"]}, "order"),
        ("chargebee-order-share", {"$ids": "~:chargebee-order:1"}, "order"),
        ("chargebee-item_price-share", {}, "product"),
    ],
)
def test_the_mapping_of_a_shared_record(pipe: str, entity: Json, mapping: str) -> None:
    assert mapping_of(pipe, entity) == mapping
