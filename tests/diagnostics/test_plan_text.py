"""A plan as text: what is new in full, what waited before in short."""

from __future__ import annotations

from typing import Any

from localnode.diagnostics.plan_text import plan_text

COUNTS = {"insert": 0, "update": 0, "delete": 0, "link": 0, "open": 6}


def case(number: int, is_new: bool) -> dict[str, Any]:
    records = [f"~:erp-customer:{number}"]
    return {
        "_id": "x", "status": "pending", "rule": "console-only", "detail": "Do it.", "records": records, "is_new": is_new,
    }  # fmt: skip


def test_of_what_waited_before_only_a_few_are_told() -> None:
    waiting = [case(number, is_new=number in (2, 5)) for number in range(7)]
    plan = {
        "status": "nothing",
        "writes": [],
        "links": [],
        "open": waiting,
        "failed_pipes": [],
        "findings": [],
        "systems": {"erp": "ERP"},
        "counts": COUNTS,
    }
    assert plan_text(plan).splitlines() == [
        *(f"pending (console-only): ERP customer {number}: Do it." for number in (2, 5)),
        *(f"pending (console-only, as before): ERP customer {number}: Do it." for number in (0, 1, 3)),
        "pending (console-only, as before): 2 more, all of them with --json",
        "nothing: 0 to create, 0 to change, 0 to delete, 0 to link; 6 wait for a person",
    ]
