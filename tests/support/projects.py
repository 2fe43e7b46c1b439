"""Sync products, projects and items in a stack of their own and print what is there, stage by stage, as JSON.

Run from a copy of the repository that has the datatype `project` (docs/howto/add-a-datatype.md):
`python -m tests.support.projects FOLDER`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from stack.processes import Stack
from stack.settings import for_tests
from tests.support.systems import Chargebee, Erp


def found(stack: Stack, erp: Erp, chargebee: Chargebee) -> dict[str, Any]:
    """What is in both systems by name, how often was written, and the rows of share pipes that are not ok."""
    rows = [row for pipe in stack.share_pipes() for row in stack.node.entities(pipe)]
    return {
        "projects": {
            each["name"]: [each["unit_price"], each["external_refs"].get("chargebee")]
            for each in erp.all("projects")
        },
        "products": {
            each["name"]: [each["unit_price"], each["external_refs"].get("chargebee")]
            for each in erp.all("products")
        },
        "items": {each["name"]: each["id"] for each in chargebee.all("items")},
        "prices": {each["item_id"]: each["price"] for each in chargebee.all("item_prices")},
        "writes": [erp.writes(), chargebee.writes()],
        "stuck": [row for row in rows if not row["_deleted"] and row["$status"] != "ok"],
    }


def run(stack: Stack) -> list[dict[str, Any]]:
    """Answers what is there after a first sync, an edit in the ERP, one in Chargebee, and one more sync."""
    erp, chargebee = Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url)
    bridge = erp.create("projects", name="Bridge", unit_price="900.00", currency="NOK")
    erp.create("projects", name="Tunnel", unit_price="1.00", currency="NOK")
    erp.create("products", name="Lamp", sku="LAMP", unit_price="10.00", currency="NOK")
    chargebee.post("item_families", id="works", name="works")
    for name in ("Tunnel", "Road"):
        chargebee.post("items", id=name.lower(), name=name, type="charge", item_family_id="works")
        price = {"currency_code": "NOK", "price": 100, "pricing_model": "per_unit"}
        chargebee.post("item_prices", id=f"{name}-NOK", name=f"{name}-NOK", item_id=name.lower(), **price)
    stages = []
    stack.sync()
    stages.append(found(stack, erp, chargebee))
    erp.patch("projects", bridge["id"], name="High bridge", unit_price="901.00")
    stack.sync()
    stages.append(found(stack, erp, chargebee))
    chargebee.post(f"items/project-{bridge['id']}", name="Low bridge")
    stack.sync()
    stages.append(found(stack, erp, chargebee))
    stack.sync()
    return [*stages, found(stack, erp, chargebee)]


if __name__ == "__main__":
    with Stack(settings=for_tests(Path(sys.argv[1]), "empty")) as running:
        print(json.dumps(run(running)))
