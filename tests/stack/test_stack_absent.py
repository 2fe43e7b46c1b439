"""Companies whose ERP lacks some of the six datatypes: everything else is synced, and nothing waits for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.erp.absent import RULE
from connectors.erp.schema import DATATYPES
from stack.processes import Stack
from stack.report import table
from stack.run import report_of
from stack.settings import for_tests
from tests.support.processes import ROOT, free_port, process
from tests.support.systems import Chargebee, Erp

USUAL = ("contact", "customer", "order", "product")
"""What most small companies have: no quotes in the ERP, and the employees elsewhere."""

RARE = [
    USUAL,
    ("product",),
    ("customer",),
    ("contact",),
    ("employee", "product"),
    ("customer", "order"),
    ("contact", "quote"),
    ("contact", "customer", "employee", "quote", "product"),
    ("contact", "employee", "quote", "order", "product"),
    ("customer", "employee", "quote", "order", "product"),
]


@contextmanager
def running(folder: Path, there: tuple[str, ...], data: str) -> Iterator[tuple[Stack, Erp]]:
    """A stack before a sandbox ERP, of which the profile shows these datatypes."""
    document: Any = json.loads((ROOT / "connectors/erp/profiles/sandbox.json").read_bytes())
    document["entities"] = {name: spec for name, spec in document["entities"].items() if name in there}
    profile = folder / "mine.json"
    profile.write_text(json.dumps(document))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["python", "-m", "sandbox.erp", "--port", str(port), "--state", str(folder / "erp.sqlite")]
    with process([*command, "--data", data], f"{url}/_sandbox/stats"):
        plain = for_tests(folder / "stack", data)
        erp = {"ERP_BASE_URL": f"{url}/api/v1", "ERP_TOKEN": "sandbox", "ERP_PROFILE": str(profile)}
        settings = replace(plain, real_erp=True, environment={**plain.environment, **erp})
        with Stack(settings=settings) as stack:
            yield stack, Erp(url)


def refusals(stack: Stack) -> list[dict[str, Any]]:
    """What the share pipes could not carry out."""
    rows = [row for pipe in stack.share_pipes() for row in stack.entities(f"{pipe}-share")]
    return [row for row in rows if row.get("$status") in ("rejected", "conflict", "gone", "quarantined")]


def hold(stack: Stack, erp: Erp, there: tuple[str, ...]) -> None:
    """One sync reaches everything, refuses only what has no place, and the next one writes nothing."""
    chargebee = Chargebee(stack.chargebee_sandbox_url)
    stack.sync()
    report = report_of(stack)
    rows = {row.name.split(" ↔")[0]: row for row in report.rows}
    assert {name for name, row in rows.items() if not row.off} == set(there)
    assert not report.rejected, [row["$error"] for _, row in report.rejected][:3]
    for row in refusals(stack):
        assert row["$error"]["rule"] == RULE
    for name in there:
        assert rows[name].erp and rows[name].linked + rows[name].pending > 0, table(report)
    for name in set(DATATYPES) - set(there):
        assert f"{name} ↔" in table(report) and stack.entities(f"customerp-{name}-collect") == []
    before = erp.writes(), chargebee.writes()
    stack.sync()
    assert (erp.writes(), chargebee.writes()) == before


def test_an_erp_without_quotes_and_employees_is_synced(tmp_path: Path) -> None:
    with running(tmp_path, USUAL, "empty") as (stack, erp):
        Chargebee(stack.chargebee_sandbox_url).post(
            "customers", id="born", last_name="B", email="b@x.example"
        )
        company = erp.create("customers", name="Acme AS")
        contact = erp.create("contacts", last_name="A", email="a@x.example", customer_id=company["id"])
        erp.create("employees", last_name="Nobody", email="n@x.example")
        erp.create("products", sku="S", name="S", type="goods", unit_price="5.00", currency="NOK")
        line = {"description": "S", "sku": "S", "quantity": "2", "unit_price": "5.00"}
        facts = {"contact_id": contact["id"], "currency": "NOK", "lines": [line]}
        erp.create("orders", status="confirmed", order_date="2026-04-01", **facts)
        erp.create("quotes", status="sent", quote_date="2026-04-01", **facts)
        hold(stack, erp, USUAL)
        assert len(erp.all("contacts")) == 2, "and who was born in Chargebee has come over"
        chargebee = Chargebee(stack.chargebee_sandbox_url)
        assert [order["status"] for order in chargebee.all("orders")] == ["queued"]
        assert sorted(person["email"] for person in chargebee.all("customers")) == [
            "a@x.example",
            "b@x.example",
        ]


@pytest.mark.slow
@pytest.mark.parametrize("there", RARE, ids=lambda there: "+".join(there))
def test_any_part_of_an_erp_is_synced(tmp_path: Path, there: tuple[str, ...]) -> None:
    with running(tmp_path, there, "demo") as (stack, erp):
        hold(stack, erp, there)
