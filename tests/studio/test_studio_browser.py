"""Studio in a browser, over a running stack: what people do with it, and what every page keeps to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from stack.processes import Stack
from tests.studio.browsing import SIZES, Visit, chromium
from tests.studio.conftest import NASTY, pipe
from tests.support.processes import wait_until
from tests.support.systems import Chargebee, Erp

RULES = [["if", ["eq", "_S.name", ""], ["fail!", "a person needs a name"]], ["copy", "*"]]
LETTERS = {
    "dead_letter_dataset": "check-dead-letters",
    "track_dead_letters": True,
    "max_write_errors_in_retry_dataset": 100,
    "max_retries_per_entity": 0,
    "max_consecutive_write_errors": 100,
    "schedule_interval": 1000000,
}
EXTRA = [
    pipe("people", [{"_id": "placeholder", "name": "Nobody"}], pump={"mode": "manual"}),
    pipe("check", "people", transform={"type": "dtl", "rules": {"default": RULES}}, pump=LETTERS),
]
LONG = {
    "pipe": "chargebee-customer-share", "seconds": 610.0, "read": 1200, "left": 8600, "per_minute": 118.0, "seconds_left": 4373.2,
}  # fmt: skip
"""A run under way, as `GET /api/progress` has it."""
PAGES = {
    "overview": "/",
    "flow": "/studio/flow",
    "flow-list": "/studio/flow?as=list",
    "flow-panel": "/studio/flow?pipe=global-person&hops=yes",
    "record-search": "/studio/record",
    "record": "/studio/record?system=customerp&datatype=contact&id={contact}",
    "pending": "/studio/pending",
    "plan": "/studio/plan",
    "verify": "/studio/verify",
    "dead-letters": "/studio/dead-letters",
    "runs": "/studio/runs",
    "pipe": "/studio/pipes/global-person",
    "datasets": "/studio/datasets",
    "dataset": "/studio/datasets/customerp-contact-collect",
    "entity": "/studio/datasets/customerp-contact-collect?entity={contact}",
    "log": "/studio/log",
    "log-trouble": "/studio/log?kind=trouble",
    "log-node": "/studio/log?kind=node",
    "log-run": "/studio/log?kind=run",
}


class World:
    """The stack, its two systems, and the records made at the start."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.erp, self.chargebee = Erp(stack.erp_sandbox_url), Chargebee(stack.chargebee_sandbox_url)
        self.root = stack.settings.url("node")
        self.api = f"{self.root}/api"
        company = self.erp.create("customers", name="Ærøskøbing Bryghus A/S", currency="NOK")
        self.contact = self.erp.create(
            "contacts",
            first_name="Ada",
            last_name="Lovelace",
            email="ada@example.com",
            customer_id=company["id"],
        )["id"]
        self.erp.create("contacts", first_name="Grace", last_name=NASTY[:60], email="grace@example.com")
        self.erp.create("products", sku="TEA-1", name="Green tea", unit_price="12.50", currency="NOK")

    def sync(self) -> None:
        """Sync, once the run that a page has started is over."""
        status = f"{self.api}/pipes/get-pipe-runner-status"
        wait_until(lambda: requests.get(status, timeout=60).json()["status"] != "running", what="no run")
        self.stack.sync()

    def put(self, *entities: dict) -> None:
        """Entities as the source of the pipe that checks people."""
        answer = requests.post(f"{self.api}/datasets/people/entities", json=list(entities), timeout=60)
        assert answer.ok, answer.text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Stack(data="empty", folder=tmp_path_factory.mktemp("studio")) as stack:
        answer = requests.post(f"{stack.node.url}/pipes", json=EXTRA, timeout=30)
        assert answer.ok, answer.text
        requests.post(f"{stack.node.url}/pipes/people/pump", data={"operation": "start"}, timeout=60)
        yield World(stack)


Open = Callable[..., Visit]
KEEP = "?reset_pipes_and_delete_sink_datasets=false"


@pytest.fixture
def visit(browser: Browser, world: World) -> Iterator[Open]:
    visits: list[Visit] = []

    def start(scheme: str = "light", viewport: dict[str, int] = SIZES["wide"]) -> Visit:
        visits.append(Visit(browser, world.root, scheme, viewport))
        return visits[-1]

    yield start
    for each in visits:
        each.close()


@pytest.fixture(scope="module")
def synced(world: World, browser: Browser) -> World:
    """Synced by the button on the page, as a person does it."""
    seen = Visit(browser, world.root)
    page = seen.go("/studio/flow")
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("button", name="Syncing")).to_be_visible()
    expect(page.get_by_text("Synced: ")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("link", name="customerp-contact-collect: ready. 2 entities")).to_be_visible()
    seen.show("synced")
    seen.close()
    assert world.chargebee.get("customers", f"contact-{world.contact}")["first_name"] == "Ada"
    return world


LOOKS = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS, ids="-".join)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_in_every_look(
    synced: World, visit: Open, name: str, look: tuple[str, str]
) -> None:
    check(visit, PAGES[name].format(contact=synced.contact), name, *look)


def check(visit: Open, path: str, name: str, size: str, scheme: str) -> None:
    """No serious finding of axe-core, nothing wider than the window or too small to read, a picture to look at."""
    seen = visit(scheme, SIZES[size])
    seen.go(path)
    seen.picture(f"{name}-{size}-{scheme}")
    assert seen.overflow() <= 0, "wider than the window"
    assert seen.small_texts() == []
    assert seen.findings() == []


def test_find_a_person_and_see_why_with_the_keyboard_alone(synced: World, visit: Open) -> None:
    seen = visit()
    page = seen.go("/")
    sections = page.get_by_role("navigation", name="Sections")
    seen.press(sections.get_by_role("link", name="Record", exact=True))
    seen.type_into(page.get_by_label("Find a record"), "lovelace")
    seen.press(page.get_by_role("link", name=synced.contact, exact=True))
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Ada Lovelace (ERP contact {synced.contact})")
    row = page.get_by_role("row", name="first_name")
    expect(row.get_by_role("cell").nth(0)).to_contain_text("Ada")
    expect(row.get_by_role("cell").nth(1)).to_contain_text("Ada")
    seen.press(row.get_by_text("all records say the same"))
    expect(row).to_contain_text(f"ERP contact {synced.contact}, field first_name")
    expect(row).to_contain_text("POST /customer/share")
    seen.show("why")
    seen.press(page.get_by_role("link", name=f"Chargebee customer contact-{synced.contact}").first)
    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"Ada Lovelace (Chargebee customer contact-{synced.contact})"
    )


@pytest.mark.slow
def test_the_page_of_a_pipe_has_the_mapping_rows_before_the_dtl(synced: World, visit: Open) -> None:
    seen = visit()
    page = seen.go("/studio/pipes/customerp-contact-enrich")
    table = page.get_by_role("table", name="Mapping")
    expect(table.get_by_role("columnheader")).to_have_text(
        ["property", "customerp-contact", "chargebee-customer", "how"]
    )
    row = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name="phone", exact=True))
    expect(row.get_by_role("cell")).to_have_text(["phone else mobile", "phone", "personal true"])
    config = page.get_by_text("Config as uploaded")
    assert table.bounding_box()["y"] < config.bounding_box()["y"], "the mapping first"  # type: ignore[index]
    assert seen.overflow() <= 0 and seen.findings() == []
    seen.show("pipe-mapping")


@pytest.mark.slow
def test_what_waits_for_a_person_says_what_to_do(synced: World, visit: Open) -> None:
    seen = visit()
    page = seen.go("/studio/pending")
    case = page.get_by_role("listitem").filter(has_text="Ærøskøbing Bryghus A/S").first
    expect(case).to_contain_text("Create a business entity with exactly the name")
    expect(page.locator('[data-count="pending"]')).to_have_text("1")
    case.get_by_role("button", name="Link Ærøskøbing Bryghus A/S to another record").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_contain_text("No record of another system holds")
    expect(dialog.get_by_role("button")).to_have_text(["Cancel"])  # Ada works there, and is no company.
    dialog.get_by_role("button", name="Cancel").click()
    synced.chargebee.business_entity("Ærøskøbing Bryghus A/S")
    synced.sync()
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()


def twins(world: World, name: str) -> str:
    """Two contacts with the e-mail address of one Chargebee customer: which of them it is, a person must say."""
    email = f"{name.lower()}@twins.example"
    world.chargebee.post("customers", id=name.lower(), first_name=name, last_name="Cust", email=email)
    ids = [
        world.erp.create("contacts", first_name=first, last_name=f"{name}son", email=email)["id"]
        for first in ("One", "Two")
    ]
    world.sync()
    return str(ids[0])


def test_a_waiting_case_is_settled_by_a_link_which_is_undone_with_the_keyboard_alone(
    synced: World, visit: Open
) -> None:
    one = twins(synced, "Bea")
    seen = visit()
    page = seen.go("/studio/pending")
    seen.type_into(page.get_by_label("Filter what waits"), "beason")
    case = page.get_by_role("listitem").filter(has_text="One Beason")
    expect(case).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Two Beason")).to_be_visible()
    seen.show("case")
    assert seen.findings() == []
    seen.press(case.get_by_role("button", name="Link One Beason to another record"))
    find = page.get_by_label("Find a record")
    expect(find).to_be_focused()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("bea@twins.example")
    seen.press(page.get_by_role("button", name="Chargebee customer bea"))
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("The sync would then change")).to_be_visible(timeout=30_000)
    seen.show("decide")
    assert seen.findings() == []
    seen.type_into(dialog.get_by_label("Note"), "she said so")
    seen.press(dialog.get_by_role("button", name="Link", exact=True))
    expect(case).to_have_count(0, timeout=30_000)
    assert synced.erp.get("contacts", one)["external_refs"]["chargebee"] == "bea"
    seen.press(page.get_by_role("button", name="Decided"))
    row = page.get_by_role("row").filter(has_text="she said so")
    expect(row).to_contain_text("link")
    seen.press(row.get_by_role("button", name="Undo"))
    back = dialog.get_by_role("button", name="Take it back")
    expect(back).to_be_enabled(timeout=30_000)
    seen.press(back)
    expect(page.get_by_role("row", name="unlink").filter(has_text="Chargebee customer bea")).to_be_visible()


@pytest.mark.slow
def test_a_link_is_undone_on_the_page_of_the_record_with_the_keyboard_alone(
    synced: World, visit: Open
) -> None:
    seen = visit()
    page = seen.go(f"/studio/record?system=customerp&datatype=contact&id={synced.contact}")
    seen.press(page.get_by_role("button", name="Unlink"))
    agree = page.get_by_role("dialog").get_by_role("button", name="Unlink")
    expect(agree).to_be_enabled(timeout=30_000)
    seen.press(agree)
    expect(page.get_by_text("No counterpart in another system")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("dialog").get_by_role("button", name="Take it back").click(timeout=30_000)
    expect(page.get_by_role("button", name="Unlink")).to_be_visible(timeout=30_000)


@pytest.mark.slow
def test_a_case_is_ignored_noted_and_exported(synced: World, visit: Open) -> None:
    twins(synced, "Cleo")
    seen = visit()
    page = seen.go("/studio/pending?q=cleoson")
    page.get_by_role("button", name="Note on One Cleoson").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("Ann asks them")
    page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    case = page.get_by_role("listitem").filter(has_text="One Cleoson")
    expect(case).to_contain_text("Ann asks them")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "One Cleoson" in text and "Ann asks them" in text and text.startswith("status,rule,name")
    case.get_by_role("button", name="Ignore One Cleoson").click()
    expect(case).to_have_count(0)
    page.get_by_role("group", name="Show").get_by_role("button", name="Ignored").click()
    case.get_by_role("button", name="Stop ignoring").click()
    expect(case).to_have_count(0)
    page.get_by_role("group", name="Show").get_by_role("button", name="Waiting").click()
    expect(case).to_be_visible()


@pytest.mark.slow
def test_deletions_are_refused_and_published_with_the_keyboard_alone(synced: World, visit: Open) -> None:
    """What is let through cannot be taken back: its number has to be typed."""
    made = [
        synced.erp.create(
            "contacts", first_name=f"N{number}", last_name="Gone", email=f"g{number}@gone.example"
        )
        for number in range(14)
    ]
    synced.sync()
    for each in made:
        synced.erp.delete("contacts", each["id"])
    wait_until(
        lambda: requests.post(f"{synced.api}/pipes/run-all-pipes{KEEP}", timeout=120).status_code != 409,
        what="read again",
    )
    seen = visit()
    page = seen.go("/studio/pending")
    held = page.get_by_role("region", name="14 ERP contacts are gone")
    expect(held).to_contain_text("is about to be archived")
    seen.press(held.get_by_text("Show 14 records"))
    expect(held.get_by_text("N3 Gone")).to_be_visible()
    seen.show("held-back")
    assert seen.findings() == []
    dialog = page.get_by_role("dialog")

    def decide(button: str, number: str) -> None:
        seen.press(held.get_by_role("button", name=button))
        expect(dialog).to_be_visible()
        if button != "Keep them":
            expect(dialog.get_by_text("The sync would then change 14 records")).to_be_visible(timeout=60_000)
            seen.show("publish")
            assert seen.findings() == []
        agree = dialog.get_by_role("button", name=button)
        seen.type_into(dialog.get_by_label("to go on"), "13")
        expect(agree).to_be_disabled()
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type(number)
        expect(agree).to_be_enabled()
        page.keyboard.press("Enter")

    decide("Keep them", "14")
    expect(page.get_by_text("customerp-contact-deletes: kept")).to_be_visible()
    assert synced.chargebee.get("customers", f"contact-{made[0]['id']}")["meta_data"]["customerp"]["active"]
    requests.post(
        f"{synced.api}/pipes/customerp-contact-all/pump", data={"operation": "start-rescan"}, timeout=60
    )
    expect(held).to_be_visible(timeout=30_000)
    decide("Archive 14", "14")
    expect(held).to_have_count(0, timeout=30_000)
    wait_until(
        lambda: (
            not synced.chargebee.get("customers", f"contact-{made[0]['id']}")["meta_data"]["customerp"][
                "active"
            ]
        ),
        what="archived",
    )


@pytest.mark.slow
def test_an_alert_is_read_on_the_first_page_with_the_keyboard_alone(synced: World, visit: Open) -> None:
    """Somebody has disabled a pump: the overview says so, what it holds up, and that people were told."""
    pump = f"{synced.api}/pipes/chargebee-customer-share/pump"
    requests.post(pump, data={"operation": "disable", "comment": "until Monday"}, timeout=60)
    seen = visit()
    page = seen.go("/")
    attention = page.get_by_role("region", name="What needs attention")
    row = attention.get_by_role("row").filter(has_text="disabled: until Monday")
    expect(row).to_contain_text("Chargebee customer")
    expect(page.locator("#node-state")).to_contain_text("disabled")
    alert = page.get_by_role("region", name="Alerts").get_by_role("listitem").filter(has_text="until Monday")
    expect(alert).to_be_visible(timeout=30_000)
    seen.tab_to(row.get_by_role("link", name="chargebee-customer-share"))
    seen.press(page.get_by_role("link", name="synced today"))
    expect(page.get_by_label("Day")).not_to_have_value("")
    expect(page.get_by_role("row").filter(has_text="created").first).to_be_visible()
    seen.type_into(page.get_by_label("Filter the list: Writes"), "lovelace")
    expect(page.get_by_role("row").filter(has_text="TEA-1")).to_have_count(0)
    with page.expect_download() as download:
        seen.press(page.get_by_role("button", name="Export Writes to the systems as CSV"))
    assert "Lovelace" in Path(download.value.path()).read_text(encoding="utf-8-sig")
    requests.post(pump, data={"operation": "enable"}, timeout=60)


@pytest.mark.slow
def test_a_page_that_cannot_be_shown_says_why(synced: World, visit: Open) -> None:
    seen = visit()
    page = seen.page
    page.route(
        "**/studio/data/flow", lambda route: route.fulfill(status=503, json={"detail": "out of order"})
    )
    page.goto(f"{synced.root}/studio/flow")
    expect(page.get_by_role("alert")).to_contain_text("out of order")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.unroute_all()
    expect(page.get_by_role("alert")).to_have_count(0, timeout=30_000)
    expect(page.locator(".node").first).to_be_visible()
    page.goto(f"{synced.root}/studio/nowhere")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    seen.trouble.clear()


@pytest.mark.slow
def test_plan_then_run(synced: World, visit: Open) -> None:
    synced.sync()
    synced.erp.patch("contacts", synced.contact, phone="+47 22 33 44 55")
    synced.chargebee.post(f"customers/contact-{synced.contact}", last_name="King")
    before = synced.chargebee.writes(), synced.erp.writes()
    seen = visit()
    runs = [{**LONG, "dry_run": True}]
    seen.page.route("**/api/progress", lambda route: route.fulfill(json=runs))
    page = seen.go("/studio/plan")
    page.get_by_role("button", name="Make a plan").click()
    progress = page.get_by_role("list", name="Progress")
    expect(progress).to_contain_text("1,200 of 9,800, 118 a minute, 1.2 h left")
    expect(page.get_by_text("Planned in")).to_be_visible(timeout=60_000)
    expect(progress).to_have_count(0)
    sides = page.locator(".sides section")
    expect(sides.filter(has_text="chargebee").first).to_contain_text("+47 22 33 44 55")
    expect(sides.filter(has_text="customerp").first).to_contain_text("King")
    assert (synced.chargebee.writes(), synced.erp.writes()) == before, "a plan writes nothing"
    assert seen.findings() == []
    seen.show("plan-made")
    page.get_by_role("button", name="Run it").click()
    expect(page.get_by_text("Synced: ")).to_be_visible(timeout=60_000)
    assert synced.chargebee.get("customers", f"contact-{synced.contact}")["phone"] == "+47 22 33 44 55"
    assert synced.erp.get("contacts", synced.contact)["last_name"] == "King"
    page.get_by_role("button", name="Plan again").click()
    expect(page.get_by_text("There is nothing to do")).to_be_visible(timeout=60_000)
    page = seen.go("/studio/log")
    expect(page.get_by_role("row").filter(has_text="+47 22 33 44 55")).to_be_visible()


@pytest.mark.slow
def test_the_first_page_says_how_far_a_long_load_is(synced: World, visit: Open) -> None:
    runs = [LONG, {**LONG, "pipe": "quick", "seconds": 1.2}]
    seen = visit(viewport=SIZES["narrow"])
    seen.page.route("**/api/progress", lambda route: route.fulfill(json=runs))
    page = seen.go("/")
    card = page.get_by_role("region", name="Running now")
    expect(card.get_by_role("listitem")).to_have_count(1)
    expect(card).to_contain_text("chargebee-customer-share 1,200 of 9,800, 118 a minute, 1.2 h left")
    expect(card.get_by_role("progressbar")).to_have_attribute("value", "1200")
    assert (seen.overflow(), seen.findings(), seen.small_texts()) == (0, [], [])
    seen.show("long-load")
    runs.clear()
    expect(card).to_have_count(0)


@pytest.mark.slow
def test_verify_says_what_differs(synced: World, visit: Open) -> None:
    synced.sync()
    seen = visit()
    page = seen.go("/studio/verify")
    page.get_by_role("button", name="Compare both sides").click()
    expect(page.get_by_text("Both sides agree")).to_be_visible(timeout=60_000)
    synced.chargebee.post(f"customers/contact-{synced.contact}", first_name="Augusta")
    page.get_by_role("button", name="Compare both sides").click()
    expect(page.get_by_text("The two sides differ")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("article").first).to_contain_text("Augusta")
    assert seen.findings() == []
    seen.show("verify-differs")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the report").click()
    assert json.loads(download.value.path().read_text())["status"] == "differ"
    synced.sync()


def test_fix_a_dead_letter(synced: World, visit: Open) -> None:
    synced.put({"_id": "p1", "name": "Ada"}, {"_id": "p2", "name": ""}, {"_id": NASTY, "name": ""})
    seen = visit()
    page = seen.go("/studio/pipes/check")
    page.get_by_role("button", name="Start").click()
    link = page.get_by_role("link", name="2 dead letters")
    expect(link).to_be_visible(timeout=20_000)
    link.click()
    row = page.get_by_role("row").filter(has_text="p2")
    expect(row).to_contain_text("a person needs a name")
    assert seen.findings() == []
    seen.show("dead-letter")
    before = synced.stack.entity("check-dead-letters", "p2")["_updated"]
    row.get_by_role("button", name="Retry p2").click()
    wait_until(lambda: dead_again(synced, before), what="tried in vain")
    expect(page.get_by_role("row").filter(has_text="p2")).to_be_visible()
    synced.put({"_id": "p2", "name": "Barbara"})
    page.get_by_role("row").filter(has_text="p2").get_by_role("button", name="Retry p2").click()
    expect(page.get_by_role("row").filter(has_text="p2")).to_have_count(0)
    wait_until(
        lambda: (synced.stack.entity("check", "p2") or {}).get("name") == "Barbara", what="gone through"
    )
    all_dead_letters_are_tried_again_and_dropped(synced, page)


def all_dead_letters_are_tried_again_and_dropped(world: World, page: Page) -> None:
    """Each asks for their number; the one that is still wrong comes back, and is dropped then."""
    world.put({"_id": "p3", "name": ""})
    requests.post(f"{world.api}/pipes/check/pump", data={"operation": "start"}, timeout=60)
    row = page.get_by_role("row").filter(has_text="p3")
    expect(row).to_be_visible(timeout=30_000)
    world.put({"_id": "p3", "name": "Cid"})
    page.get_by_role("button", name="Retry all").click()
    dialog = page.get_by_role("dialog", name="Try again 2 dead letters")
    expect(dialog.get_by_role("listitem")).to_have_text("check: 2 dead letters")
    expect(dialog.get_by_role("button", name="Retry 2")).to_be_disabled()
    dialog.get_by_label("to go on").fill("2")
    dialog.get_by_role("button", name="Retry 2").click()
    expect(row).to_have_count(0, timeout=30_000)
    wait_until(lambda: (world.stack.entity("check", "p3") or {}).get("name") == "Cid", what="gone through")
    expect(page.get_by_role("row").filter(has_text="a person needs a name")).to_have_count(1, timeout=30_000)
    page.get_by_role("button", name="Drop all").click()
    dialog = page.get_by_role("dialog", name="Drop 1 dead letter")
    dialog.get_by_role("button", name="Cancel").click()
    assert world.stack.node.entities("check-dead-letters"), "nothing is dropped unless a person agrees"
    page.get_by_role("button", name="Drop all").click()
    dialog.get_by_label("to go on").fill("1")
    dialog.get_by_role("button", name="Drop 1").click()
    expect(page.get_by_text("No dead letters")).to_be_visible(timeout=30_000)
    assert not [each for each in world.stack.node.entities("check-dead-letters") if not each["_deleted"]]


def dead_again(world: World, before: int) -> bool:
    """Whether the letter was taken away to be tried, and is there again."""
    letter = world.stack.entity("check-dead-letters", "p2") or {}
    return letter.get("_updated", 0) > before and not letter.get("_deleted")


@pytest.mark.slow
def test_pumps_are_started_stopped_and_disabled(synced: World, visit: Open) -> None:
    seen = visit()
    page = seen.go("/studio/flow?pipe=customerp-contact-collect")
    panel = page.get_by_role("complementary", name="Chosen pipe")
    panel.get_by_role("button", name="Disable").click()
    expect(panel.get_by_text("disabled", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="customerp-contact-collect: disabled")).to_be_visible()
    panel.get_by_role("button", name="Enable").click()
    panel.get_by_role("button", name="Rescan").click()
    expect(page.get_by_text("customerp-contact-collect: rescan started")).to_be_visible()
    expect(page.get_by_role("link", name="customerp-contact-collect: ready")).to_be_visible()


@pytest.mark.slow
def test_the_flow_with_the_keyboard_alone(synced: World, visit: Open) -> None:
    seen = visit()
    page = seen.go("/studio/flow")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="global-person: ready").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".node:focus")).to_have_attribute("href", re.compile("-transform$"))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Chosen pipe")).to_contain_text("global-person")
    page.keyboard.press("+")
    page.keyboard.press("0")


@pytest.mark.slow
def test_search_shows_what_an_entity_was(synced: World, visit: Open) -> None:
    seen = visit()
    page = seen.go("/studio/datasets")
    page.get_by_label("Filter datasets").fill("contact-collect")
    page.get_by_role("link", name="customerp-contact-collect").first.click()
    page.get_by_label("Search entities").fill("ada@EXAMPLE")
    expect(page.get_by_text("1 found in all")).to_be_visible()
    page.get_by_role("link", name=synced.contact).click()
    expect(page.locator(".version").first).to_be_visible()
    expect(page.locator(".version").filter(has_text="external_refs")).not_to_have_count(0)


@pytest.mark.slow
def test_what_entities_hold_is_never_markup(synced: World, visit: Open) -> None:
    extra = {
        "_id": "odd",
        "type": "pipe",
        "comment": NASTY,
        "source": {"type": "embedded", "entities": [{"_id": NASTY, NASTY: NASTY}]},
    }
    requests.post(f"{synced.api}/pipes", json=extra, timeout=30).raise_for_status()
    requests.post(f"{synced.api}/pipes/odd/pump", data={"operation": "start"}, timeout=60)
    wait_until(
        lambda: requests.get(f"{synced.api}/pipes/odd", timeout=60).json()["runtime"]["success"],
        what="odd ran",
    )
    seen = visit()
    page = seen.go("/studio/datasets?q=odd")
    page.get_by_role("link", name="odd", exact=True).first.click()
    page.get_by_role("link", name=NASTY).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(NASTY)
    assert page.locator("img[src=x]").count() == 0
    seen.go("/studio/flow?pipe=odd")
    expect(page.get_by_role("complementary", name="Chosen pipe")).to_contain_text(NASTY)
    requests.delete(f"{synced.api}/pipes/odd", timeout=60).raise_for_status()


@pytest.mark.slow
def test_the_scheme_is_chosen_and_kept(synced: World, visit: Open) -> None:
    seen = visit()
    page = seen.go("/")
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.get_by_role("button", name="Dark").click()
    page = seen.go("/studio/runs")
    expect(page.get_by_role("button", name="Light")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != light


@pytest.mark.slow
def test_a_node_that_asks_for_its_token(synced: World, browser: Browser, tmp_path: Path) -> None:
    from tests.support.processes import free_port, process

    port = free_port()
    root = f"http://127.0.0.1:{port}"
    command = ["python", "-m", "localnode", "serve", "--port", str(port), "--data", str(tmp_path / "data")]
    with process(command, f"{root}/api/ping", env={"NODE_OPEN_LOOPBACK": "false"}):
        token = next(
            json.loads(line.partition("=")[2])
            for line in (tmp_path / "data" / ".syncconfig").read_text().splitlines()
            if line.startswith("JWT=")
        )
        seen = Visit(browser, root)
        seen.page.goto(f"{root}/studio/flow")
        for given in ("wrong", token):
            field = seen.page.get_by_label("Token", exact=True)
            field.fill(given)
            seen.page.get_by_role("button", name="Go on").click()
        expect(seen.page.get_by_text("This node has no pipes yet")).to_be_visible()
        seen.trouble = [each for each in seen.trouble if "401" not in each]
        seen.close()
