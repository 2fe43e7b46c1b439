"""Every view says what is true: a pump that is disabled, fails or waits, what cannot be read, and what is on its way."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import requests

from core.jsonio import Json
from core.names import Kind
from localnode.api.app import create_app
from localnode.cli.main import main
from localnode.config import NodeSettings
from localnode.diagnostics.findings import KINDS, OVERDUE_S, findings
from localnode.diagnostics.plan_text import plan_text
from localnode.diagnostics.verify_text import verify_markdown, verify_text
from localnode.node import Node
from localnode.store import DiskFull, Store, WriteOptions, disk
from stack.process_manager import StackError
from stack.processes import Stack
from stack.report import table
from stack.run import report_of
from tests.diagnostics.planned import ask
from tests.support.processes import ROOT, wait_until
from tests.support.systems import Erp

SHARE = "chargebee-customer-share"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(data="empty", folder=tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="module")
def contact(stack: Stack) -> str:
    key: str = Erp(stack.erp_sandbox_url).create(
        "contacts", first_name="Ann", last_name="Li", email="a@l.example"
    )["id"]
    stack.sync()
    return key


def pump(stack: Stack, pipe: str, **operation: str) -> None:
    assert requests.post(f"{stack.node.url}/pipes/{pipe}/pump", data=operation, timeout=30).ok


def run_all(stack: Stack) -> Json:
    """As any outside program does it."""
    params = {"request_mode": "sync", "reset_pipes_and_delete_sink_datasets": "False"}
    return dict(requests.post(f"{stack.node.url}/pipes/run-all-pipes", params=params, timeout=120).json())


def status(stack: Stack) -> tuple[int, str]:
    """What `localnode status` prints."""
    said = io.StringIO()
    with redirect_stdout(said):
        code = main(["status", "--node", stack.node.url])
    return code, said.getvalue()


def kinds(found: Json) -> set[tuple[str, str | None]]:
    return {(each["kind"], each["pipe"]) for each in found["findings"]}


def test_what_a_system_stores_otherwise_is_no_fault(stack: Stack, contact: str) -> None:
    """Chargebee drops what looks like a tag. The node has seen that, and nothing is to be mended."""
    fields = {"name": "Cable", "unit_price": "1.00", "currency": "NOK", "description": "3 m <sort> cable"}
    product = Erp(stack.erp_sandbox_url).create("products", sku="CABLE-1", **fields)["id"]
    stack.sync()
    rows = stack.entities("chargebee-item-share")
    kept = next(row["$kept"] for row in rows if f"~:customerp-product:{product}" in row["$ids"])
    assert kept and kept[0]["field"] == "/description"
    found = ask(stack, "/diagnostics/verify")
    assert (found["status"], found["faults"]) == ("agree", [])


def test_a_disabled_share_pump_is_said_by_every_view_and_planned_through(stack: Stack, contact: str) -> None:
    pump(stack, SHARE, operation="disable", comment="until Monday")
    Erp(stack.erp_sandbox_url).patch("contacts", contact, phone="+47 1")
    assert run_all(stack)["status"] == "success"
    plan = ask(stack)
    assert [(each["id"], each["fields"][0]["after"]) for each in plan["writes"]] == [
        (f"contact-{contact}", "+47 1")
    ]
    assert ("disabled", SHARE) in kinds(plan)
    said = plan_text(plan)
    assert (
        f"Chargebee customer contact-{contact}" in said
        and f"warning (disabled): {SHARE}: disabled: until Monday" in said
    )
    found = ask(stack, "/diagnostics/verify")
    assert found["status"] == "differ" and ("disabled", SHARE) in kinds(found)
    fault = found["faults"][0]
    assert (fault["on_its_way"], fault["held_by"], found["on_their_way"]) == (True, [SHARE], 1)
    assert f"(on its way, held up by {SHARE})" in verify_text(found)
    assert "until Monday" in verify_markdown(found)
    code, said = status(stack)
    row = next(line.split() for line in said.splitlines() if line.startswith(SHARE))
    assert code == 1 and row[1:3] == ["ok", "disabled"] and "until Monday" in said
    summary = requests.get(f"{stack.node.url}/status", timeout=30).json()
    assert (
        summary["state"] == "warning"
        and summary["counts"]["disabled"] == 1
        and summary["counts"]["behind"] >= 1
    )
    assert f"warning (disabled): {SHARE}: disabled: until Monday" in table(report_of(stack))
    pump(stack, SHARE, operation="enable")
    assert run_all(stack)["status"] == "success"
    plan, found = ask(stack), ask(stack, "/diagnostics/verify")
    assert (plan["status"], found["status"]) == ("nothing", "agree")
    assert kinds(plan) == kinds(found) == {("not-scheduled", None)}


def test_an_edit_that_nobody_has_read_yet_is_on_its_way(stack: Stack, contact: str) -> None:
    Erp(stack.erp_sandbox_url).patch("contacts", contact, phone="+47 2")
    found = ask(stack, "/diagnostics/verify")
    assert [(each["fault"], each["on_its_way"], each["held_by"]) for each in found["faults"]] == [
        ("differing", True, [])
    ]
    assert "1 faults, 1 of them edits that are on their way" in verify_text(found)
    stack.sync()


def test_a_datatype_that_cannot_be_read_is_no_success_in_any_view(stack: Stack, contact: str) -> None:
    stack.stop("erp-sandbox")
    try:
        result = run_all(stack)
        assert result["status"] == "failed"
        failed = {each["pipe"] for each in result["additional_info"]["failed_pipes"]}
        assert "customerp-contact-all" in failed
        with pytest.raises(StackError, match="customerp-contact-all"):
            stack.sync()
        summary = requests.get(f"{stack.node.url}/status", timeout=30).json()
        assert summary["state"] == "error" and summary["counts"]["unreadable"] >= 6
        for path in ("/diagnostics/plan", "/diagnostics/verify"):
            found = ask(stack, path)
            assert found["status"] == "failed" and ("unreadable", "customerp-contact-all") in kinds(found)
        code, said = status(stack)
        assert code == 1 and "error (unreadable): customerp-" in said
    finally:
        stack.start("erp-sandbox")
    assert run_all(stack)["status"] == "success"


def test_what_waits_is_counted_by_its_rule(stack: Stack, contact: str) -> None:
    Erp(stack.erp_sandbox_url).create("customers", name="Without entity AS")
    stack.sync()
    found = requests.get(f"{stack.node.url}/diagnostics/findings", timeout=30).json()
    waiting = next(each for each in found["findings"] if each["kind"] == "pending")
    assert (waiting["about"], waiting["detail"], waiting["count"]) == (
        "Chargebee business entity",
        "1 × to be done in the system's own console",
        1,
    )
    assert found["counts"]["pending"] == 1 and found["state"] == "warning"


def test_what_a_node_that_lost_everything_reports_is_open_until_it_is_edited(
    stack: Stack, contact: str
) -> None:
    stack.sync()
    Erp(stack.erp_sandbox_url).patch("contacts", contact, phone="+47 3")
    stack.wipe_node()
    stack.sync()
    key = f"contact-{contact}"

    def about_it(cases: list[Json]) -> list[Json]:
        return [each for each in cases if f"~:chargebee-customer:{key}" in each["records"]]

    found = ask(stack, "/diagnostics/verify")
    assert "differing" not in found["fault_counts"]
    reported = about_it(found["open"])
    assert [each["rule"] for each in reported] == ["settled-difference"]
    assert "phone" in reported[0]["detail"]
    Erp(stack.erp_sandbox_url).patch("contacts", contact, phone="+47 4")
    found = ask(stack, "/diagnostics/verify")
    faults = [each for each in found["faults"] if key in (each["id"], f"contact-{each['id']}")]
    assert [(each["fault"], each["on_its_way"]) for each in faults] == [("differing", True)]
    stack.sync()
    found = ask(stack, "/diagnostics/verify")
    assert about_it(found["open"]) == [] and "differing" not in found["fault_counts"]


def test_a_pump_that_should_have_run_is_stalled_unless_all_pipes_are_being_run(tmp_path: Path) -> None:
    hourly = {"pump": {"schedule_interval": 3600}, "source": {"type": "embedded", "entities": [{"_id": "1"}]}}
    node = Node(NodeSettings(data=tmp_path / "node"))
    try:
        node.replace_entities([{"_id": "crm-person-share", "type": "pipe", **hourly}], force=False)
        pipe = node.pipe("crm-person-share")
        wait_until(lambda: pipe.pump.last is not None)
        assert [each.kind for each in findings(node)] == []
        node.scheduler.hold()
        pipe.pump.next_run = time.time() - OVERDUE_S - 1
        assert [(each.kind, each.about) for each in findings(node)] == [("stalled", "crm person")]
        node.scheduler.release()
        wait_until(lambda: pipe.pump.next_run > time.time())
        assert findings(node) == []
    finally:
        node.close()


def no_room(store: Store, kind: Kind) -> None:
    raise DiskFull(store.path)


def test_a_full_disk_is_said_by_every_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything has failed by it."""
    node = Node(NodeSettings(data=tmp_path / "node", schedule=False))
    client = create_app(node, node.token).test_client()
    try:
        assert "disk-full" not in {each.kind for each in findings(node)}
        monkeypatch.setattr(disk, "LEAST_BYTES", 1 << 62)
        seen = [
            client.get(path).get_json()
            for path in (
                "/api/status",
                "/api/diagnostics/findings",
                "/studio/data/node",
                "/studio/data/overview?days=1",
            )
        ]
        assert [(each["state"], each["counts"]["disk-full"]) for each in seen] == [("error", 1)] * 4
        asked = [client.post(f"/api/diagnostics/{name}").get_json() for name in ("plan", "verify")]
        assert all("disk-full" in {found["kind"] for found in each["findings"]} for each in asked)
        told = findings(node)[0].detail
        assert str(tmp_path / "node") in told and "free some space" in told
        monkeypatch.undo()
        person = {"_id": "crm-person-share", "type": "pipe", "source": {"type": "embedded", "entities": []}}
        node.replace_entities([person], force=False)
        monkeypatch.setattr("localnode.diagnostics.findings.count_open", no_room)
        assert findings(node)[0].kind == "disk-full", "what cannot be counted hides nothing"
    finally:
        node.close()


def test_what_a_breaker_holds_back_is_said_in_words_for_people(tmp_path: Path) -> None:
    node = Node(NodeSettings(data=tmp_path / "node", schedule=False))
    people: Json = {"source": {"type": "embedded", "entities": [{"_id": "1"}]}}
    try:
        node.replace_entities([{"_id": "people", "type": "pipe", **people}], force=False)
        dataset = node.store.dataset("people", create=True)
        dataset.write([{"_id": "1", "_deleted": True}], WriteOptions(staged=True))
        dataset.trip("too many deletions")
        (found,) = [each for each in findings(node) if each.kind == "breaker"]
        assert found.detail.startswith("1 change waits: too many deletions. Look in Studio ")
        assert "let them through or drop them" in found.detail
        assert not re.search("commit|rollback|roll back", found.detail)
    finally:
        node.close()


def test_every_kind_is_explained(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "howto" / "plan-explain-verify.md").read_text(encoding="utf-8")
    assert [
        kind
        for kind, (severity, meaning) in KINDS.items()
        if f"| `{kind}` | {severity} | {meaning} |" not in page
    ] == []
