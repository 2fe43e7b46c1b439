"""Which line is which after some were taken out, put in or moved, asked of an enrich pipe by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.commands import localnode

WHEN = "2026-11-28T10:00:11.000000Z"


def line(key: str | None, sku: str) -> dict[str, Any]:
    """A line as Chargebee has it."""
    return {"id": key, "sku": sku, "status": "queued"}


A, B, C = line("1", "A"), line("2", "B"), line("3", "C")
HISTORIES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]] = {
    "unchanged": ([A, B, C], [A, B, C], ["A", "B", "C"]),
    "taken-out": ([A, B, C], [A, line("3", "C2")], ["A", "B", "C2"]),
    "all-taken-out": ([A, B], [], ["A", "B"]),
    "put-in": ([A, C], [A, B, C], ["A", "C", "B"]),
    "moved": ([A, B, C], [C, A, B], ["A", "B", "C"]),
    "all-anew": ([A, B], [line("8", "A"), line("9", "B")], ["A", "B"]),
    "without-keys": ([line(None, "A"), line(None, "B")], [line(None, "B")], ["B"]),
    "the-same-key-twice": ([A, B], [A, A, B], ["A", "A", "B"]),
}
"""Lines before, lines now, and the SKUs by place that the record says."""


def test_a_line_keeps_the_place_of_its_counterpart(tmp_path: Path) -> None:
    """Of a Chargebee order, whose lines the sync reads only."""
    earlier, orders = [], []
    for name, (before, now, _) in HISTORIES.items():
        of = f"~:chargebee-order:{name}"
        claims = {"line_sku": {"v": [each["sku"] for each in before], "t": WHEN}}
        member = {
            "of": of,
            "type": "chargebee-order",
            "deleted": False,
            "modified": WHEN,
            "claims": claims,
            "raw": {"order_line_items": before},
        }
        linked = ["~:customerp-order:1"]
        earlier.append({"_id": of[2:], "$ids": [of], "links": linked, "members": [member]})
        orders.append({"_id": name, "id": name, "order_line_items": now, "$last-modified": WHEN})
    (tmp_path / "earlier.json").write_text(json.dumps(earlier))
    words = ["transform", "chargebee-order-enrich", "--config", "."]
    words += ["--dataset", f"chargebee-order-enrich={tmp_path / 'earlier.json'}"]
    done = localnode(*words, stdin=json.dumps(orders))
    assert done.returncode == 0, done.stderr
    said = {each["_id"].partition(":")[2]: each["members"][0]["claims"] for each in json.loads(done.stdout)}
    assert {name: said[name]["line_sku"]["v"] for name in HISTORIES} == {
        name: skus for name, (_, _, skus) in HISTORIES.items()
    }
