"""On the demo data: what `plan` says is what the run then does, `verify` finds nothing, `explain` tells why."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from core.jsonio import Json
from stack.processes import Stack
from tests.diagnostics.planned import ask, done, foreseen, marks
from tests.diagnostics.test_diagnostics_docs import COMMANDS
from tests.support.systems import Chargebee, Erp

CONTACT = "CT-12"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Demo:
    """The demo stack, and what was planned before its first sync."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.erp, self.chargebee = Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url)
        self.writes_before = self.writes()
        self.plan = ask(stack)
        self.writes_after_plan = self.writes()
        self.datasets_after_plan = self.datasets()
        since = marks(stack)
        stack.sync()
        self.done = done(stack, since)

    def writes(self) -> tuple[int, int]:
        return self.erp.writes(), self.chargebee.writes()

    def datasets(self) -> list[Json]:
        found: list[Json] = requests.get(f"{self.stack.node.url}/datasets", timeout=60).json()
        return found

    def explain(self, path: str, **params: str) -> Json:
        answer = requests.get(f"{self.stack.node.url}/diagnostics/explain/{path}", params=params, timeout=60)
        assert answer.ok, answer.text
        return dict(answer.json())

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "localnode", *arguments, "--node", self.stack.node.url]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with Stack(data="demo", folder=tmp_path_factory.mktemp("plan")) as stack:
        yield Demo(stack)


def test_a_plan_writes_nothing_anywhere(demo: Demo) -> None:
    assert demo.writes_after_plan == demo.writes_before
    assert all(each["runtime"]["count-index-exists"] == 0 for each in demo.datasets_after_plan)


def test_the_first_run_does_what_was_planned(demo: Demo) -> None:
    assert demo.plan["status"] == "changes", demo.plan["failed_pipes"]
    assert demo.plan["counts"]["insert"] > 400
    assert sorted(foreseen(demo.plan) - demo.done) == []
    assert sorted(demo.done - foreseen(demo.plan)) == []


def test_afterwards_there_is_nothing_to_do_and_both_sides_agree(demo: Demo) -> None:
    plan = ask(demo.stack)
    assert (plan["status"], plan["writes"], plan["links"]) == ("nothing", [], [])
    assert not any(case["is_new"] for case in plan["open"])
    found = ask(demo.stack, "/diagnostics/verify")
    assert (found["status"], found["faults"]) == ("agree", [])
    assert len(found["open"]) == plan["counts"]["open"]
    assert demo.command("plan").returncode == 0


def test_the_curl_examples_of_the_how_to_work(demo: Demo) -> None:
    curls = [line for line in COMMANDS if line.startswith("curl ")]
    assert len(curls) >= 3
    for line in curls:
        words = shlex.split(line.replace("http://127.0.0.1:9042", demo.stack.settings.url("node")))
        done = subprocess.run(
            [*words, "--fail-with-body"], capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stdout
        assert json.loads(done.stdout)


def test_an_edit_is_planned_field_by_field_carried_out_and_explained(demo: Demo) -> None:
    demo.erp.patch("contacts", CONTACT, phone="+47 22 33 44 55")
    done = demo.command("plan", "--json")
    assert done.returncode == 2, done.stderr
    plan = json.loads(done.stdout)
    changed = {write["ni"]: write["fields"] for write in plan["writes"]}
    customer = f"~:chargebee-customer:contact-{CONTACT}"
    assert [each["field"] for each in changed[customer]] == ["phone"]
    assert changed[customer][0]["after"] == "+47 22 33 44 55"
    assert f"phone: {json.dumps(changed[customer][0]['before'])} → " in demo.command("plan").stdout
    demo.stack.sync()
    found = demo.explain(f"chargebee/customer/contact-{CONTACT}", property="phone")
    (phone,) = found["properties"]
    assert phone["value"] == phone["here"] == "+47 22 33 44 55"
    assert (phone["source"]["ni"], phone["source"]["field"]) == (f"~:customerp-contact:{CONTACT}", "phone")
    assert phone["clock"] == demo.erp.get("contacts", CONTACT)["modified_at"]
    assert (phone["written"]["operation"], phone["written"]["call"]) == ("update", "POST /customer/share")
    assert phone["written"]["before"] == changed[customer][0]["before"]


def test_the_version_that_is_named_holds_the_value(demo: Demo) -> None:
    found = demo.explain(f"chargebee/customer/contact-{CONTACT}", property="last_name")
    source = found["properties"][0]["source"]
    params = {"offset": source["version"]}
    version = requests.get(
        f"{demo.stack.node.url}/datasets/{source['dataset']}/entity", params=params, timeout=60
    )
    assert version.json()[source["field"]] == found["properties"][0]["value"]
    assert version.json()["_id"] == source["id"]


def test_the_loser_of_two_edits_is_named_with_its_clock(demo: Demo) -> None:
    demo.erp.patch("contacts", "CT-1", last_name="Earlier")
    demo.chargebee.post("customers/contact-CT-1", last_name="Later")
    demo.stack.sync()
    found = demo.explain("customerp/contact/CT-1", property="last_name")
    (name,) = found["properties"]
    assert name["value"] == name["here"] == "Later"
    assert name["source"]["ni"] == "~:chargebee-customer:contact-CT-1"
    assert [
        change for write in found["writes"] for change in write["changes"] if change["field"] == "last_name"
    ]
    assert "Later" in demo.command("explain", "customerp", "contact", "CT-1", "last_name").stdout


def test_what_is_mirrored_never_wins(demo: Demo) -> None:
    demo.chargebee.post("customers/contact-CT-2", company="Typed by hand")
    found = demo.explain("chargebee/customer/contact-CT-2", property="company")
    demo.stack.sync()
    assert demo.chargebee.get("customers", "contact-CT-2")["company"] == found["properties"][0]["value"]


def test_an_item_price_is_explained_though_it_is_merged_with_its_item(demo: Demo) -> None:
    price = next(each for each in demo.chargebee.all("item_prices") if each["id"].startswith("product-"))
    found = demo.explain(f"chargebee/item_price/{price['id']}", property="price")
    assert found["concept"] == "global-product"
    assert found["properties"][0]["here"] == price["price"]


def test_unknown_records_and_properties_are_not_found(demo: Demo) -> None:
    url = f"{demo.stack.node.url}/diagnostics/explain"
    assert requests.get(f"{url}/customerp/contact/CT-99999", timeout=60).status_code == 404
    params = {"property": "shoe_size"}
    assert requests.get(f"{url}/customerp/contact/{CONTACT}", params=params, timeout=60).status_code == 404
    assert demo.command("explain", "customerp", "contact", "CT-99999").returncode == 1


def test_a_plan_that_cannot_read_a_system_says_so(demo: Demo) -> None:
    demo.stack.stop("chargebee-service")
    try:
        plan = ask(demo.stack)
        assert plan["status"] == "failed"
        assert any("chargebee" in each["pipe"] for each in plan["failed_pipes"])
        assert demo.command("plan").returncode == 1
    finally:
        demo.stack.start("chargebee-service")
