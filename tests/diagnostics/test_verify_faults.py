"""`verify` finds each fault that is planted in a sound pair, and nothing in the sound pair itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from core.jsonio import Json
from localnode.diagnostics.verify_text import verify_text
from stack.processes import Stack
from tests.diagnostics.small import Pair, synced
from tests.diagnostics.tamper import change, copy, remove
from tests.support.commands import localnode

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A few records of every kind, synced."""
    with Stack(data="empty", folder=tmp_path_factory.mktemp("verify")) as stack:
        yield synced(stack, tmp_path_factory.mktemp("copies"))


@pytest.fixture
def pair(sound: Pair) -> Iterator[Pair]:
    """The same for one test, which may spoil it."""
    yield sound
    sound.tampering.restore()


Plant = Callable[[Pair], None]


def erp_change(kind: str, who: str, **fields: Any) -> Plant:
    """Fields of an ERP record changed behind its back."""
    return lambda pair: change(pair.tampering.erp, kind, pair.ids[who], lambda record: record.update(fields))


def chargebee_change(kind: str, key: str, **fields: Any) -> Plant:
    """Fields of a Chargebee record changed behind its back; `{ann}` in the key stands for an id."""
    return lambda pair: change(
        pair.tampering.chargebee, kind, key.format(**pair.ids), lambda record: record.update(fields)
    )


def _link_to_bob(pair: Pair) -> None:
    reference = {"chargebee": f"contact-{pair.ids['bob']}"}
    change(
        pair.tampering.erp, "contact", pair.ids["ann"], lambda record: record.update(external_refs=reference)
    )


def _mark_as_bobs(pair: Pair) -> None:
    def edit(record: Json) -> None:
        record["meta_data"]["customerp"]["contact_id"] = pair.ids["bob"]

    change(pair.tampering.chargebee, "customer", f"contact-{pair.ids['ann']}", edit)


def _swap_orders(pair: Pair) -> None:
    reference = {"chargebee": f"order-{pair.ids['other order']}"}
    change(
        pair.tampering.erp, "order", pair.ids["order"], lambda record: record.update(external_refs=reference)
    )


def _address(pair: Pair) -> None:
    def edit(record: Json) -> None:
        record["billing_address"]["city"] = "Oslo"

    change(pair.tampering.chargebee, "customer", f"contact-{pair.ids['bob']}", edit)


def _price(pair: Pair) -> None:
    def edit(record: Json) -> None:
        record["price"] += 1

    change(pair.tampering.chargebee, "item_price", f"product-{pair.ids['A-1']}-NOK", edit)


def _twin(pair: Pair) -> None:
    copy(pair.tampering.chargebee, "customer", f"contact-{pair.ids['ann']}", "twin-of-ann")


def _without_item(pair: Pair) -> None:
    remove(pair.tampering.chargebee, "item_price", f"product-{pair.ids['B-2']}-NOK")
    remove(pair.tampering.chargebee, "item", f"product-{pair.ids['B-2']}")


def erp_remove(kind: str, who: str) -> Plant:
    return lambda pair: remove(pair.tampering.erp, kind, pair.ids[who])


def chargebee_remove(kind: str, key: str) -> Plant:
    return lambda pair: remove(pair.tampering.chargebee, kind, key.format(**pair.ids))


PLANTS: list[tuple[str, Plant, str, str, str]] = [
    ("customer gone", chargebee_remove("customer", "contact-{bob}"), "missing", "chargebee", "customer"),
    ("contact gone", erp_remove("contact", "bob"), "missing", "customerp", "contact"),
    ("employee gone", erp_remove("employee", "eve"), "missing", "customerp", "employee"),
    ("item gone", _without_item, "missing", "chargebee", "item"),
    ("product gone", erp_remove("product", "B-2"), "missing", "customerp", "product"),
    ("order gone", chargebee_remove("order", "order-{order}"), "missing", "chargebee", "order"),
    ("a new customer", lambda pair: _made(pair.chargebee.post("customers", id="x", last_name="X")), "extra", "chargebee", "customer"),
    ("a new contact", lambda pair: _made(pair.erp.create("contacts", last_name="Y")), "extra", "customerp", "contact"),
    ("a new product", lambda pair: _made(pair.erp.create("products", sku="C-3", name="C")), "extra", "customerp", "product"),
    ("a copied customer", _twin, "undecided", "chargebee", "customer"),
    ("a phone edited", lambda pair: _made(pair.erp.patch("contacts", pair.ids["bob"], phone="2")), "differing", "chargebee", "customer"),
    ("a name changed unseen", chargebee_change("customer", "contact-{bob}", last_name="Lo"), "differing", "", ""),
    ("a city", _address, "differing", "", ""),
    ("a price", _price, "differing", "", ""),
    ("a product's price", erp_change("product", "A-1", unit_price="10.51"), "differing", "", ""),
    ("a tracking number", chargebee_change("order", "order-{order}", tracking_id="T"), "differing", "", ""),
    ("an order's status", erp_change("order", "order", status="shipped"), "differing", "", ""),
    ("a company's name", erp_change("customer", "company", name="Sør AS"), "differing", "", ""),
    ("a contact's link lost", erp_change("contact", "ann", external_refs={}), "unlinked", "customerp", "contact"),
    ("a customer's link lost", chargebee_change("customer", "contact-{ann}", meta_data={}), "unlinked", "chargebee", "customer"),
    ("a product's link lost", erp_change("product", "A-1", external_refs={}), "unlinked", "customerp", "product"),
    ("an order's link lost", erp_change("order", "order", external_refs={}), "unlinked", "", ""),
    ("a link to somebody else", _link_to_bob, "wrong-link", "customerp", "contact"),
    ("marked as somebody else's", _mark_as_bobs, "wrong-link", "", ""),
    ("orders crossed", _swap_orders, "twin", "customerp", "order"),
    ("a link to nowhere", erp_change("contact", "ann", external_refs={"chargebee": "nobody"}), "broken-link", "customerp", "contact"),
]  # fmt: skip


def _made(record: Json) -> None:
    assert record["id"]


def command(pair: Pair, *options: str) -> CompletedProcess[str]:
    """`python -m localnode verify`."""
    return localnode("verify", "--node", pair.stack.node.url, *options)


def test_a_sound_pair_has_no_faults(sound: Pair) -> None:
    done = command(sound, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["status"], found["faults"], found["failed_pipes"]) == ("agree", [], [])
    assert "both sides agree" in verify_text(found)
    assert "Chargebee business entity" in verify_text(found)
    linked = {f"{row['system']} {row['datatype']}": (row["live"], row["linked"]) for row in found["counts"]}
    assert linked["customerp contact"] == (3, 3)
    assert linked["chargebee customer"] == (4, 4)
    assert linked["chargebee order"] == (3, 2)
    assert [each["id"] for each in found["gone"]] == [f"order-{sound.ids['lost order']}"]


AT_ONCE = (
    ["customer gone", "a new customer", "a copied customer", "a price", "an order's status", "a contact's link lost"],
    ["contact gone", "a new product", "a tracking number", "a company's name", "a link to nowhere", "product gone"],
)  # fmt: skip
"""Which every run of the tests plants, several at a time; the slow suite plants each alone."""
CASES = {name: case for name, *case in PLANTS}


@pytest.mark.parametrize("names", AT_ONCE, ids=["some", "others"])
def test_faults_that_are_planted_together_are_found_each(
    pair: Pair, tmp_path: Path, names: list[str]
) -> None:
    report = tmp_path / "report.md"

    def verify() -> Json:
        done = command(pair, "--json", "--report", str(report))
        assert done.returncode == 2, done.stderr
        return dict(json.loads(done.stdout))

    cases = [CASES[name] for name in names]
    found = check(pair, cases, verify)
    written, said = report.read_text(encoding="utf-8"), verify_text(found)
    for fault in {fault for _, fault, *_ in cases}:
        assert f"| {fault} |" in written and fault in said
    for each in found["faults"]:
        assert each["id"] in written and each["id"] in said


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_planted_fault_is_found(pair: Pair, name: str) -> None:
    check(pair, [CASES[name]], pair.verify)


def check(pair: Pair, cases: list[Any], verify: Callable[[], Json]) -> Json:
    """Plant the faults: verify tells each by its kind and place, and writes nothing."""
    before = pair.erp.writes(), pair.chargebee.writes()
    for plant, *_ in cases:
        plant(pair)
    made = sum((pair.erp.writes(), pair.chargebee.writes())) - sum(before)
    found = verify()
    assert found["status"] == "differ", found
    for _, fault, system, datatype in cases:
        assert fault in found["fault_counts"], found["faults"]
        named = [(each["system"], each["datatype"]) for each in found["faults"] if each["fault"] == fault]
        assert not system or (system, datatype) in named, found["faults"]
    assert all(each["detail"] for each in found["faults"])
    assert sum((pair.erp.writes(), pair.chargebee.writes())) - sum(before) == made, "verify has written"
    return found
