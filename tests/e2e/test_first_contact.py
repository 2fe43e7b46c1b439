"""The demo data: two systems that grew apart meet, a third of the records match, and then nothing moves any more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import World

Papers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def papers(demo: World) -> Papers:
    """The ERP's orders and quotes by number, as they were before anything was synced."""
    found = {order["order_number"]: order for order in demo.erp.all("orders")}
    return found | {quote["quote_number"]: quote for quote in demo.erp.all("quotes")}


def test_matches_are_linked_not_duplicated_and_a_second_run_writes_nothing(
    demo: World, papers: Papers
) -> None:
    persons = [
        (c["email"] or "").strip().lower() for kind in ("contacts", "employees") for c in demo.erp.all(kind)
    ]
    matching = {
        c["id"] for c in demo.chargebee.all("customers")
        if c.get("email") and persons.count(c["email"].strip().lower()) == 1
    }  # fmt: skip
    skus = {p["sku"] for p in demo.erp.all("products")}
    items = {
        p["item_id"]
        for p in demo.chargebee.all("item_prices")
        if p.get("accounting_detail", {}).get("sku") in skus
    }
    numbers = {o["order_number"] for o in demo.erp.all("orders")} | {
        q["quote_number"] for q in demo.erp.all("quotes")
    }
    orders = {o["id"] for o in demo.chargebee.all("orders") if o.get("reference_id") in numbers}
    assert len(matching) >= 10
    assert len(items) >= 5
    assert len(orders) >= 8

    demo.sync()
    for kind, keys in (("contacts", matching), ("products", items), ("orders", orders)):
        records = demo.erp.all(kind) + (
            demo.erp.all("employees")
            if kind == "contacts"
            else demo.erp.all("quotes")
            if kind == "orders"
            else []
        )
        linked = {r["external_refs"].get("chargebee") for r in records}
        assert keys <= linked, f"{kind} not linked: {keys - linked}"
    emails = [c["email"].strip().lower() for c in demo.chargebee.all("customers") if c.get("email")]
    assert [e for e in emails if persons.count(e) == 1 and emails.count(e) > 1] == []
    rejected = [
        r
        for pipe in demo.stack.share_pipes()
        for r in demo.rows(pipe)
        if r.get("$status") not in ("ok", "pending")
    ]
    assert rejected == []

    settled = demo.writes()
    demo.sync()
    assert demo.writes() == settled, "a second full run writes nothing"

    needed = {paper["contact_id"] for paper in papers.values()}
    needed |= {line["product_id"] for paper in papers.values() for line in paper["lines"]}
    shared = {each["external_refs"].get("chargebee") for each in demo.erp.all("employees")} | {None}
    person = next(
        one
        for one in demo.erp.all("contacts")
        if one["active"] and one["id"] not in needed and one["external_refs"].get("chargebee") not in shared
    )
    sold = next(p for p in demo.erp.all("products") if p["status"] == "active" and p["id"] not in needed)
    gone = {"chargebee-customer": person, "chargebee-item": sold}
    demo.erp.delete("contacts", person["id"])
    demo.erp.delete("products", sold["id"])
    demo.stack.wipe_node()
    settled = demo.writes()
    demo.sync()
    assert demo.writes() == settled, "a node that lost every dataset finds all links again"
    for pipe, record in gone.items():
        row = demo.shared(pipe, record["external_refs"]["chargebee"]) or {}
        told = row["$status"], (row["$error"] or {}).get("rule")
        assert told == ("pending", "deleted-elsewhere"), "a deletion of what it never knew is reported only"


def test_nothing_that_nobody_owes_is_collected_and_nobody_is_mailed(demo: World, papers: Papers) -> None:
    def is_owed(paper: dict[str, Any]) -> bool:
        if "order_number" in paper:
            return paper["status"] not in ("draft", "cancelled") and paper["payment_status"] != "paid"
        return paper["status"] in ("accepted", "ordered")

    demo.sync()
    collection = demo.chargebee.collection()
    assert collection["mailed"] == []
    imported = {f"inv-{order['id']}": order for order in demo.chargebee.all("orders")}
    charged = [imported[row["invoice"]] for row in collection["charged"] if row["invoice"] in imported]
    assert charged, "what is owed and due is collected"
    assert [order["reference_id"] for order in charged if not is_owed(papers[order["reference_id"]])] == []
    paid = {
        paper["id"]
        for paper in papers.values()
        if paper.get("payment_status") == "paid" and not paper["external_refs"].get("chargebee")
    }
    assert len(paid) > 10
    found = {order["id"]: order["payment_status"] for order in demo.erp.all("orders")}
    assert {key for key in paid if found[key] != "paid"} == set(), "what the ERP knows of payments stays"
